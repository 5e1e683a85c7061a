//! What a command would do, in the core's words, and the operator's word that it may.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::why::indented;
use super::{Scene, boxed, clear, floating, paint};
use crate::dashboard::badge;
use crate::dashboard::glyph;
use crate::dashboard::model::Confirm;
use crate::dashboard::text::cut;
use crate::dashboard::theme::Tone;

pub(crate) fn draw(frame: &mut Frame, area: Rect, scene: &Scene, confirm: &Confirm) {
    let columns = area.width.min(78);
    let room = usize::from(columns).saturating_sub(4);
    let head = head(scene, confirm, room);
    let foot = foot(scene, confirm, room);
    let page = area;
    let area = floating(page, columns, (head.len() + foot.len() + 2) as u16);
    clear(frame, page, area, scene.theme);
    let offer = &confirm.offer;
    let (tone, severity) = badge::severity(&offer.severity);
    let title = format!("Confirm: {} {} on {}", offer.verb, confirm.module, offer.node);
    let inner =
        boxed(frame, area, scene.theme, (Tone::Strong, &title), (tone, &format!("severity: {severity}")));
    // The question stays in sight; what does not fit above it is counted.
    let above = usize::from(inner.height).saturating_sub(foot.len());
    let mut lines = head;
    if lines.len() > above {
        let hidden = lines.len() + 1 - above.max(1);
        lines.truncate(above.saturating_sub(1));
        let text = format!("{} {hidden} more lines: enlarge the terminal", glyph::CUT);
        lines.push(scene.row().put(Tone::Bad, cut(&text, room)).line());
    }
    lines.extend(foot);
    paint(frame, inner, lines);
}

fn head(scene: &Scene, confirm: &Confirm, columns: usize) -> Vec<Line<'static>> {
    let mut now = scene.row().cell(5, &[(Tone::Dim, "now".to_owned())]);
    let module = scene.state.modules.iter().find(|module| module.name == confirm.module);
    for instance in module.iter().flat_map(|module| &module.instances) {
        now = now.put(Tone::Plain, format!("{} ", instance.node));
        for (tone, text) in badge::role(instance, false) {
            now = now.put(tone, text);
        }
        now = now.put(Tone::Plain, "    ");
    }
    let heading = format!("WHAT WILL HAPPEN, as the core says (state {})", confirm.seq);
    let mut lines = vec![now.line(), Line::default(), scene.row().put(Tone::Dim, heading).line()];
    if confirm.offer.steps.is_empty() {
        lines.push(scene.row().put(Tone::Dim, " nothing").line());
    }
    for (index, step) in confirm.offer.steps.iter().enumerate() {
        lines.extend(indented(scene, &format!(" {}  ", index + 1), Tone::Plain, step, columns));
    }
    lines
}

fn foot(scene: &Scene, confirm: &Confirm, columns: usize) -> Vec<Line<'static>> {
    let mut lines = vec![Line::default()];
    if let Some(reason) = scene.model.refusal(&confirm.offer) {
        lines.extend(indented(
            scene,
            &format!("{} ", glyph::FAILED),
            Tone::Bad,
            &format!("refused: {reason}"),
            columns,
        ));
        return lines;
    }
    if confirm.moved {
        let text = "the state changed, so the plan above is new: read it again";
        lines.extend(indented(scene, &format!("{} ", glyph::ALERT), Tone::Moving, text, columns));
    }
    let expected = confirm.expected();
    let done = confirm.typed == expected;
    let mark = if done { glyph::HOLDS } else { ' ' };
    let typed = format!("{}_", confirm.typed);
    lines.push(
        scene
            .row()
            .put(Tone::Plain, "Type ")
            .put(Tone::Strong, cut(expected, columns / 3))
            .put(Tone::Plain, " to confirm: [")
            .put(Tone::Strong, cut(&typed, columns / 3))
            .put(Tone::Plain, "] ")
            .put(Tone::Good, mark.to_string())
            .line(),
    );
    lines.push(scene.row().put(Tone::Dim, cut(&command_line(confirm), columns)).line());
    lines
}

/// The screen teaches the script.
fn command_line(confirm: &Confirm) -> String {
    let quoted = confirm.offer.confirm.as_ref().map_or(String::new(), |text| format!(" --confirm {text}"));
    format!("runs: safetui {} -m {} --if-state {}{quoted}", confirm.offer.verb, confirm.module, confirm.seq)
}
