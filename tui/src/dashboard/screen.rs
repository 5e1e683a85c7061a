//! The terminal, borrowed: whatever happens, it is given back as it was.

use std::io::{self, Write, stdout};
use std::panic;
use std::sync::Once;

use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::event::{
    DisableBracketedPaste, DisableFocusChange, DisableMouseCapture, EnableBracketedPaste,
};
use ratatui::crossterm::terminal::{
    BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen,
    disable_raw_mode, enable_raw_mode,
};
use ratatui::crossterm::{cursor::Show, execute, queue, style::force_color_output};
use ratatui::layout::{Position, Rect};

use super::model::Model;
use super::theme::Theme;
use super::view;

pub(crate) struct Screen {
    terminal: Terminal<CrosstermBackend<io::Stdout>>,
}

impl Screen {
    /// Takes the terminal. A panic anywhere gives it back before it is printed.
    pub(crate) fn enter(theme: Theme) -> io::Result<Self> {
        static HOOK: Once = Once::new();
        HOOK.call_once(|| {
            let print = panic::take_hook();
            panic::set_hook(Box::new(move |panic| {
                give_back();
                print(panic);
            }));
        });
        if theme == Theme::Mono {
            // Under NO_COLOR crossterm 0.29 writes a full reset for every colour, which also ends bold and
            // reverse. The mono theme names no colour, so there is nothing that it would have to suppress.
            force_color_output(true);
        }
        take()?;
        let terminal = Terminal::new(CrosstermBackend::new(stdout()));
        Ok(Self { terminal: terminal.inspect_err(|_| give_back())? })
    }

    /// Draws the model as one update, so that no half of it is ever seen.
    pub(crate) fn draw(&mut self, model: &Model) -> io::Result<()> {
        queue!(stdout(), BeginSynchronizedUpdate)?;
        self.terminal.draw(|frame| view::draw(frame, model))?;
        execute!(stdout(), EndSynchronizedUpdate)
    }

    /// Forgets what the terminal shows; the next drawing is complete. Not `Terminal::clear`: that asks the terminal
    /// for the cursor, and the thread that reads keys would take the answer.
    pub(crate) fn forget(&mut self) -> io::Result<()> {
        let size = self.terminal.size()?;
        self.terminal.resize(Rect::from((Position::ORIGIN, size)))
    }

    /// Gives the terminal back while `pause` runs.
    pub(crate) fn away(&mut self, pause: impl FnOnce()) -> io::Result<()> {
        give_back();
        pause();
        take()?;
        self.forget()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

/// Bracketed paste is on so that a pasted text is one event, which nobody reads: a paste cannot confirm anything.
fn take() -> io::Result<()> {
    enable_raw_mode()?;
    execute!(stdout(), EnterAlternateScreen, EnableBracketedPaste).inspect_err(|_| give_back())
}

/// Everything that could have been switched on goes off, once too often rather than once too seldom. What fails here
/// fails because the terminal is gone, and then nothing is left to restore.
fn give_back() {
    let _ = execute!(
        stdout(),
        EndSynchronizedUpdate,
        DisableMouseCapture,
        DisableBracketedPaste,
        DisableFocusChange,
        LeaveAlternateScreen,
        Show
    );
    let _ = disable_raw_mode();
    let _ = stdout().flush();
}
