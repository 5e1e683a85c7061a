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
        (None, "EVERYWHERE"),
        (Some(Place::Overview), "OVERVIEW"),
        (Some(Place::Mirror), "MODULE"),
        (Some(Place::Why), "WHY"),
        (Some(Place::Events), "EVENTS"),
        (Some(Place::Menu), "ACTIONS"),
        (Some(Place::Confirm), "CONFIRMATION"),
    ];
    for (place, heading) in sections {
        lines.extend([Line::default(), Row::new(theme).put(Tone::Dim, heading).line()]);
        let here = |key: &&keys::Key| match place {
            None => key.everywhere(),
            Some(place) => !key.everywhere() && key.places.contains(&place),
        };
        let keys: Vec<_> = keys::KEYS.iter().filter(here).collect();
        for pair in keys.chunks(2) {
            let cell = |row: Row, key: &&keys::Key| {
                row.cell(8, &[(Tone::Accent, key.label.to_owned())])
                    .cell(24, &[(Tone::Plain, key.text.to_owned())])
            };
            lines.push(pair.iter().fold(Row::new(theme), cell).line());
        }
    }
    let page = area;
    let area = floating(page, 74, lines.len() as u16 + 2);
    clear(frame, page, area, theme);
    let last = (lines.len() + 2).saturating_sub(area.height.into());
    let first = model.scroll.min(last);
    let remark = if last > 0 { "j k scroll, Esc closes" } else { "Esc closes" };
    let inner = boxed(frame, area, theme, (Tone::Strong, "Help"), (Tone::Dim, remark));
    paint(frame, inner, lines.into_iter().skip(first).collect());
}

fn marks(theme: Theme) -> Vec<Line<'static>> {
    let mark = |row: Row, (tone, mark, text): (Tone, char, &str)| {
        row.put(tone, format!("{mark} ")).cell(11, &[(Tone::Plain, text.to_owned())])
    };
    let upper = [
        (Tone::Good, glyph::READY, "Ready"),
        (Tone::Moving, glyph::MOVING, "Transient"),
        (Tone::Bad, glyph::ALERT, "NotReady"),
        (Tone::Dim, glyph::STOPPED, "stopped"),
    ];
    let lower = [(Tone::Unknown, glyph::UNKNOWN, "not heard; after a value: old")];
    let heading = Row::new(theme).put(Tone::Dim, "MARKS").line();
    let upper = upper.into_iter().fold(Row::new(theme), mark).line();
    let wide = lower.into_iter().fold(Row::new(theme), |row, (tone, glyph, text)| {
        row.put(tone, format!("{glyph} ")).put(Tone::Plain, text)
    });
    let timeline = "timeline: P PRIM, A ALONE, S SECOND, W WAIT, - stopped";
    let small = "          in lower case while transient, ? not heard";
    let dim = |text: &str| Row::new(theme).put(Tone::Dim, text).line();
    vec![heading, upper, wide.line(), dim(timeline), dim(small)]
}
