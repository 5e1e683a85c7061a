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
    let mut left = usize::from(area.width).saturating_sub(6);
    for demo in model.options.demo.iter().flatten() {
        let label = format!(" {}", demo.label);
        if left < width(&label) + 4 {
            break;
        }
        left -= width(&label) + 4;
        row = row.put(Tone::Plain, "   ").put(Tone::Accent, demo.key.to_string()).put(Tone::Plain, label);
    }
    paint(frame, area, vec![row.line()]);
}

/// What the client of a demo sees, and what is broken.
pub(crate) fn load(frame: &mut Frame, area: Rect, model: &Model, load: &Load) {
    let gap = match load.gap_ms {
        Some(ms) => (Tone::Bad, format!("{} waiting {}", glyph::FAILED, millis(ms))),
        None => (Tone::Good, format!("{} answered", glyph::READY)),
    };
    let last = load.last_gap_ms.map_or("none yet".to_owned(), |ms| format!("{ms} ms"));
    let broken = match &load.broken[..] {
        [] => (Tone::Dim, "nothing is broken".to_owned()),
        broken => (Tone::Moving, broken.join(", ")),
    };
    let row = Row::new(model.options.theme)
        .put(Tone::Plain, " ")
        .put(Tone::Moving, "CLIENT  ")
        .cell(19, &[(Tone::Plain, format!("{} acknowledged", load.acked))])
        .cell(17, &[gap])
        .put(Tone::Dim, "last gap ")
        .cell(10, &[(Tone::Plain, last)]);
    let room = usize::from(area.width).saturating_sub(66);
    paint(frame, area, vec![row.put(broken.0, cut(&broken.1, room)).line()]);
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
