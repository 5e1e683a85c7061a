//! Bottom lines: the last answer, the demo keys, and the keys that work here.

use ratatui::Frame;
use ratatui::layout::Rect;

use super::paint;
use crate::dashboard::glyph;
use crate::dashboard::keys;
use crate::dashboard::model::Model;
use crate::dashboard::text::{Row, cut, width};
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
