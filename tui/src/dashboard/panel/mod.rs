//! One file per panel. A panel takes plain data and an area of any size, and draws no further.

pub(crate) mod confirm;
pub(crate) mod events;
pub(crate) mod explain;
pub(crate) mod flow;
pub(crate) mod footer;
pub(crate) mod header;
pub(crate) mod heartbeats;
pub(crate) mod help;
pub(crate) mod menu;
pub(crate) mod modules;
pub(crate) mod nodes;
pub(crate) mod problem;
pub(crate) mod resources;
pub(crate) mod timeline;
pub(crate) mod tiny;
pub(crate) mod waiting;
pub(crate) mod what_if;
pub(crate) mod why;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::Line;
use ratatui::widgets::{Block, BorderType, Clear, Padding, Paragraph};
use safetui_net::api::shape::{Instance, Module, State};

use super::model::{Freshness, Model};
use super::text::{Row, width};
use super::theme::{Theme, Tone};

/// What the panels of a page share.
pub(crate) struct Scene<'a> {
    pub(crate) model: &'a Model,
    pub(crate) state: &'a State,
    pub(crate) theme: Theme,
}

impl<'a> Scene<'a> {
    /// Nothing to show before the first state.
    pub(crate) fn new(model: &'a Model) -> Option<Self> {
        let state = model.state.as_ref()?;
        Some(Self { model, state, theme: model.options.theme })
    }

    pub(crate) fn row(&self) -> Row {
        Row::new(self.theme)
    }

    /// A value as it stands; marked as old while nothing fresh arrives.
    pub(crate) fn fact(&self, (tone, text): (Tone, String)) -> (Tone, String) {
        match self.model.freshness() {
            Freshness::Live => (tone, text),
            _ => (Tone::Unknown, format!("{text}?")),
        }
    }

    /// The instance of a module on a node; a mirror has one on each.
    pub(crate) fn instance<'m>(module: &'m Module, node: &str) -> Option<&'m Instance> {
        module.instances.iter().find(|instance| instance.node == node)
    }

    /// `node1 (this)` for the node that reports.
    pub(crate) fn node_title(node: &safetui_net::api::shape::Node) -> String {
        if node.me { format!("{} (this)", node.name) } else { node.name.clone() }
    }
}

/// A box with a title and a remark on its upper edge; returns the room inside.
pub(crate) fn boxed(
    frame: &mut Frame,
    area: Rect,
    theme: Theme,
    title: (Tone, &str),
    remark: (Tone, &str),
) -> Rect {
    // The edge is dim, and a title on it inherits that unless told otherwise.
    let inherited = |tone| if tone == Tone::Dim { Modifier::empty() } else { Modifier::DIM };
    let edge = |(tone, text): (Tone, &str)| {
        Line::styled(format!(" {text} "), theme.style(tone).remove_modifier(inherited(tone)))
    };
    let room = usize::from(area.width).saturating_sub(8);
    let head = super::text::cut(title.1, room.max(1));
    let mut block = Block::bordered()
        .border_type(BorderType::Rounded)
        .border_style(theme.style(Tone::Dim))
        .padding(Padding::horizontal(1))
        .title_top(edge((title.0, &head)));
    if !remark.1.is_empty() && width(&head) + width(remark.1) <= room {
        block = block.title_top(edge(remark).right_aligned());
    }
    let inner = block.inner(area);
    frame.render_widget(block, area);
    inner
}

/// A box over the page, as small as its content allows.
pub(crate) fn floating(area: Rect, columns: u16, rows: u16) -> Rect {
    let (columns, rows) = (columns.min(area.width), rows.min(area.height));
    Rect::new(area.x + (area.width - columns) / 2, area.y + (area.height - rows) / 2, columns, rows)
}

/// Makes room for a box over the page: the page steps back, and a blank column keeps their edges apart.
pub(crate) fn clear(frame: &mut Frame, page: Rect, area: Rect, theme: Theme) {
    frame.buffer_mut().set_style(page, Style::reset().patch(theme.style(Tone::Dim)));
    let gutter = Rect { x: area.x.saturating_sub(1), width: area.width + 2, ..area };
    frame.render_widget(Clear, gutter.intersection(page));
}

pub(crate) fn paint(frame: &mut Frame, area: Rect, lines: Vec<Line<'static>>) {
    frame.render_widget(Paragraph::new(lines), area);
}

/// Takes the first rows of an area.
pub(crate) fn top(area: &mut Rect, rows: u16) -> Rect {
    let rows = rows.min(area.height);
    let taken = Rect { height: rows, ..*area };
    *area = Rect { y: area.y + rows, height: area.height - rows, ..*area };
    taken
}

/// Takes the last rows of an area.
pub(crate) fn bottom(area: &mut Rect, rows: u16) -> Rect {
    let rows = rows.min(area.height);
    area.height -= rows;
    Rect { y: area.y + area.height, height: rows, ..*area }
}

/// Takes the first columns of an area.
pub(crate) fn left(area: &mut Rect, columns: u16) -> Rect {
    let columns = columns.min(area.width);
    let taken = Rect { width: columns, ..*area };
    *area = Rect { x: area.x + columns, width: area.width - columns, ..*area };
    taken
}
