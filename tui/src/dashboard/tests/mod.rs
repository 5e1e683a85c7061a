//! The dashboard from outside: messages in, pictures and orders out.

mod flow;
mod fuzz;
mod scenes;
mod screens;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use safetui_net::api::shape::State;

use super::model::Model;
use super::msg::{Cmd, Msg};
use super::update::update;
use super::{Feed, Options, view};

/// A dashboard that has heard one state.
fn heard(state: &State, options: Options) -> Model {
    let mut model = Model::new(options);
    update(&mut model, Msg::Tick(1000));
    hear(&mut model, state);
    model
}

fn hear(model: &mut Model, state: &State) {
    update(model, Msg::Feed(Feed::State(Box::new(state.clone()))));
}

/// Presses keys one after the other, with the screen painted in between; returns all orders.
fn press(model: &mut Model, keys: &str) -> Vec<Cmd> {
    keys.chars().flat_map(|key| code(model, KeyCode::Char(key))).collect()
}

fn code(model: &mut Model, code: KeyCode) -> Vec<Cmd> {
    let orders = update(model, Msg::Key(KeyEvent::new(code, KeyModifiers::NONE)));
    update(model, Msg::Painted);
    orders
}

fn buffer(columns: u16, rows: u16, model: &Model) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
    terminal.draw(|frame| view::draw(frame, model)).unwrap();
    terminal.backend().buffer().clone()
}

/// The picture without styles, blanks at the ends of lines cut.
fn picture(buffer: &Buffer) -> String {
    let mut text = String::new();
    for line in buffer.content.chunks(buffer.area.width.into()) {
        let mut skip = 0;
        let mut row = String::new();
        for cell in line {
            if skip == 0 {
                row.push_str(cell.symbol());
                skip = super::text::width(cell.symbol());
            }
            skip = skip.saturating_sub(1);
        }
        text.push_str(row.trim_end());
        text.push('\n');
    }
    text
}
