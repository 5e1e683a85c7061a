//! Bottom lines: the last answer, the demo keys, and the keys that work here.

use ratatui::Frame;
use ratatui::layout::Rect;

use super::paint;
use crate::dashboard::Load;
use crate::dashboard::glyph;
use crate::dashboard::keys;
use crate::dashboard::model::Model;
use crate::dashboard::text::{Row, cut, millis, width};
use crate::dashboard::theme::Tone;

/// The last answer; when there is none, the first warning of the state.
pub(crate) fn notice(frame: &mut Frame, area: Rect, model: &Model) {
    let columns = usize::from(area.width).saturating_sub(2);
    let warnings = model.state.as_ref().map_or(&[][..], |state| &state.warnings);
    let (tone, text) = match (&model.notice, warnings) {
        (Some(notice), _) => (notice.tone, notice.text.clone()),
        (None, [only]) => (Tone::Moving, format!("{} {only}", glyph::ALERT)),
        (None, [first, more @ ..]) => {
            (Tone::Moving, format!("{} {first} (and {} more)", glyph::ALERT, more.len()))
        }
        (None, []) => return,
    };
    let row = Row::new(model.options.theme).put(Tone::Plain, " ").put(tone, cut(&text, columns));
    paint(frame, area, vec![row.line()]);
}

pub(crate) fn demo(frame: &mut Frame, area: Rect, model: &Model) {
    let mut row = Row::new(model.options.theme).put(Tone::Plain, " ").put(Tone::Moving, "DEMO");
    let mut left = usize::from(area.width).saturating_sub(5);
    let between = if area.width >= 100 { "   " } else { "  " };
    for demo in model.options.demo.iter().flatten() {
        let label = format!(" {}", demo.label);
        let wide = between.len() + 1 + width(&label);
        if left < wide {
            break;
        }
        left -= wide;
        row = row.put(Tone::Plain, between).put(Tone::Accent, demo.key.to_string()).put(Tone::Plain, label);
    }
    paint(frame, area, vec![row.line()]);
}

/// What the client of a demo sees, and what is broken.
pub(crate) fn load(frame: &mut Frame, area: Rect, model: &Model, load: &Load) {
    let now = match load.gap_ms {
        Some(ms) => (Tone::Bad, format!("{} waiting {}", glyph::FAILED, millis(ms))),
        None => (Tone::Good, format!("{} answered", glyph::READY)),
    };
    let gap = |ms: Option<u64>| (Tone::Plain, ms.map_or("none".to_owned(), |ms| format!("{ms} ms")));
    let mut row = Row::new(model.options.theme)
        .put(Tone::Plain, " ")
        .put(Tone::Moving, "CLIENT ")
        .cell(13, &[(Tone::Plain, format!("{} acked", load.acked))])
        .cell(17, &[now])
        .put(Tone::Dim, "last gap ")
        .cell(10, &[gap(load.last_gap_ms)]);
    let mut room = usize::from(area.width).saturating_sub(61);
    if area.width >= 100 {
        row = row.put(Tone::Dim, "longest ").cell(12, &[gap(load.longest_gap_ms)]);
        room -= 21;
    }
    let (tone, broken) = match &load.broken[..] {
        [] => (Tone::Dim, "nothing is broken".to_owned()),
        broken => (Tone::Moving, broken.join(", ")),
    };
    paint(frame, area, vec![row.put(tone, cut(&broken, room)).line()]);
}

pub(crate) fn keys(frame: &mut Frame, area: Rect, model: &Model) {
    let mut row = Row::new(model.options.theme);
    let mut left = usize::from(area.width);
    for key in keys::of(model.place()).filter(|key| key.footer) {
        let wide = width(key.label) + width(key.text) + 4;
        if left < wide {
            break;
        }
        left -= wide;
        row =
            row.put(Tone::Plain, " ").put(Tone::Accent, key.label).put(Tone::Dim, format!(" {}  ", key.text));
    }
    paint(frame, area, vec![row.line()]);
}
