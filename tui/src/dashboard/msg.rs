//! Everything that can happen to the dashboard, and everything that it can order.

use ratatui::crossterm::event::KeyEvent;
use safetui_net::api::shape::Command;

use super::Feed;

#[derive(Debug)]
pub(crate) enum Msg {
    /// A key was pressed.
    Key(KeyEvent),
    /// The terminal changed its size, or its content is not ours any more.
    Damaged,
    Feed(Feed),
    /// Milliseconds since the start of the dashboard.
    Tick(u64),
    /// What the model holds is on the screen now.
    Painted,
    /// A signal asks us to stand aside, as Ctrl-Z does.
    Suspend,
    /// The terminal is gone, or a signal ends us.
    End,
}

#[derive(Debug, PartialEq)]
pub(crate) enum Cmd {
    Quit,
    Suspend,
    /// Forget what the terminal shows and draw everything.
    Repaint,
    Send {
        node: String,
        command: Command,
    },
    /// A demo key, by its place.
    Demo(usize),
}
