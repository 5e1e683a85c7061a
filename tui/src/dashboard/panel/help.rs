//! All keys, from the table that dispatches them, and what the marks mean.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::{boxed, clear, floating, paint};
use crate::dashboard::glyph;
use crate::dashboard::keys::{self, Place};
use crate::dashboard::model::Model;
use crate::dashboard::text::Row;
use crate::dashboard::theme::{Theme, Tone};

pub(crate) fn draw(frame: &mut Frame, area: Rect, model: &Model) {
    let theme = model.options.theme;
    let mut lines = marks(theme);
    let sections = [
        (Place::Overview, "OVERVIEW"),
        (Place::Mirror, "MODULE"),
        (Place::Why, "WHY"),
        (Place::Events, "EVENTS"),
        (Place::Menu, "ACTIONS"),
        (Place::Confirm, "CONFIRMATION"),
    ];
    for (place, heading) in sections {
        lines.extend([Line::default(), Row::new(theme).put(Tone::Dim, heading).line()]);
        let keys: Vec<_> = keys::of(place).collect();
        for pair in keys.chunks(2) {
            let cell = |row: Row, key: &keys::Key| {
                row.cell(8, &[(Tone::Accent, key.label.to_owned())])
                    .cell(24, &[(Tone::Plain, key.text.to_owned())])
            };
            lines.push(pair.iter().fold(Row::new(theme), |row, key| cell(row, key)).line());
        }
    }
    let area = floating(area, 74, lines.len() as u16 + 2);
    clear(frame, area);
    let last = (lines.len() + 2).saturating_sub(area.height.into());
    let first = model.scroll.min(last);
    let remark = if last > 0 { "j k scroll, Esc closes" } else { "Esc closes" };
    let inner = boxed(frame, area, theme, (Tone::Strong, "Help"), (Tone::Dim, remark));
    paint(frame, inner, lines.into_iter().skip(first).collect());
}

fn marks(theme: Theme) -> Vec<Line<'static>> {
    let mark = |row: Row, (tone, mark, text): (Tone, char, &str)| {
        row.put(tone, format!("{mark} ")).cell(14, &[(Tone::Plain, text.to_owned())])
    };
    let upper = [
        (Tone::Good, glyph::READY, "Ready"),
        (Tone::Moving, glyph::MOVING, "Transient"),
        (Tone::Bad, glyph::ALERT, "NotReady"),
        (Tone::Dim, glyph::STOPPED, "stopped"),
    ];
    let lower =
        [(Tone::Unknown, glyph::UNKNOWN, "not heard; after a value: old, so maybe not true any more")];
    let heading = Row::new(theme).put(Tone::Dim, "MARKS").line();
    let upper = upper.into_iter().fold(Row::new(theme), mark).line();
    let wide = lower.into_iter().fold(Row::new(theme), |row, (tone, glyph, text)| {
        row.put(tone, format!("{glyph} ")).put(Tone::Plain, text)
    });
    let timeline = "timeline: P PRIM  A ALONE  S SECOND  W WAIT  - stopped, lower case transient";
    vec![heading, upper, wide.line(), Row::new(theme).put(Tone::Dim, timeline).line()]
}
