//! Before the first state: whom we wait for, and what went wrong so far.

use ratatui::Frame;
use ratatui::layout::{Alignment, Rect};
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

use super::floating;
use crate::dashboard::badge;
use crate::dashboard::model::Model;
use crate::dashboard::text::{Row, wrap};
use crate::dashboard::theme::Tone;

pub(crate) fn draw(frame: &mut Frame, area: Rect, model: &Model) {
    let theme = model.options.theme;
    let (tone, link, _) = badge::link(model);
    let mut lines = vec![Row::new(theme).put(tone, link).line(), Line::default()];
    let text = match &model.lost {
        Some((why, _)) => format!("{why}. This screen comes alive by itself."),
        None => "Waiting for the first state of the agent.".to_owned(),
    };
    let columns = area.width.min(60);
    lines.extend(
        wrap(&text, columns.into()).into_iter().map(|part| Row::new(theme).put(Tone::Plain, part).line()),
    );
    let area = floating(area, columns, lines.len() as u16);
    frame.render_widget(Paragraph::new(lines).alignment(Alignment::Center), area);
}
