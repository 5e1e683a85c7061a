//! A refused or failed command: what, why, the state now, how to fix it.

use ratatui::Frame;
use ratatui::layout::Rect;
use safetui_net::api::shape::Problem;

use super::{boxed, clear, floating, paint};
use crate::dashboard::text::{Row, wrap};
use crate::dashboard::theme::{Theme, Tone};

pub(crate) fn draw(frame: &mut Frame, area: Rect, theme: Theme, problem: &Problem) {
    let columns = area.width.min(76);
    let room = usize::from(columns).saturating_sub(11);
    let mut lines = Vec::new();
    let mut say = |label: &str, tone: Tone, text: &str| {
        for (index, part) in wrap(text, room).into_iter().enumerate() {
            let label = if index == 0 { label } else { "" };
            lines.push(Row::new(theme).put(Tone::Dim, format!("{label:<7}")).put(tone, part).line());
        }
    };
    say("what", Tone::Strong, &problem.what);
    say("why", Tone::Plain, &problem.why);
    say("now", Tone::Plain, &problem.now);
    for (index, fix) in problem.fix.iter().enumerate() {
        say(if index == 0 { "fix" } else { "" }, Tone::Accent, fix);
    }
    let page = area;
    let area = floating(page, columns, lines.len() as u16 + 2);
    clear(frame, page, area, theme);
    let inner = boxed(frame, area, theme, (Tone::Bad, &problem.summary), (Tone::Dim, &problem.code));
    paint(frame, inner, lines);
}
