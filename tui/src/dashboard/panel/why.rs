//! Why an instance does not move on: facts, guards, ways out. All of it is the core's answer.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;
use safetui_net::api::shape::{Guard, Module, Why};

use super::{Scene, boxed, paint, what_if};
use crate::dashboard::badge;
use crate::dashboard::glyph;
use crate::dashboard::text::{width, wrap};
use crate::dashboard::theme::Tone;

pub(crate) fn draw(frame: &mut Frame, area: Rect, scene: &Scene) {
    let Some(module) = scene.model.module() else { return };
    let instance = Scene::instance(module, &scene.state.node);
    let role = instance.map_or("?", |instance| instance.role.as_str());
    let title = format!("Why is {}@{} in {role}?", module.name, scene.state.node);
    let since = instance.and_then(|instance| badge::since(instance, scene.state));
    let remark = since.map_or(String::new(), |since| format!("since {since}"));
    let inner = boxed(frame, area, scene.theme, (Tone::Strong, &title), (Tone::Dim, &remark));
    let columns = usize::from(inner.width);
    let lines = module.why.as_ref().map(|why| answer(scene, why, columns));
    let lines = lines.unwrap_or_else(|| calm(scene, module, columns));
    let last = lines.len().saturating_sub(inner.height.into());
    paint(frame, inner, lines.into_iter().skip(scene.model.scroll.min(last)).collect());
}

fn calm(scene: &Scene, module: &Module, columns: usize) -> Vec<Line<'static>> {
    let text = format!("Nothing holds {} back on {}.", module.name, scene.state.node);
    let head = scene.row().put(Tone::Good, format!("{} ", glyph::READY)).put(Tone::Strong, text).line();
    [vec![head, Line::default()], what_if::rows(scene, module, columns)].concat()
}

fn answer(scene: &Scene, why: &Why, columns: usize) -> Vec<Line<'static>> {
    let heading = |text: &str| scene.row().put(Tone::Dim, text).line();
    let mut lines = indented(scene, &format!("{} ", glyph::ALERT), Tone::Strong, &why.headline, columns);
    if !why.causes.is_empty() {
        lines.extend([Line::default(), heading("WHAT LED HERE")]);
        for (index, cause) in why.causes.iter().enumerate() {
            lines.extend(indented(scene, &format!(" {}  ", index + 1), Tone::Plain, cause, columns));
        }
    }
    if !why.guards.is_empty() {
        lines.extend([Line::default(), heading("WHAT HAS TO HOLD")]);
        let longest = why.guards.iter().map(|guard| width(&guard.name)).max().unwrap_or(0).min(24);
        lines.extend(why.guards.iter().map(|guard| guard_line(scene, guard, longest, columns)));
    }
    lines.extend([Line::default(), heading("WAYS OUT, SAFEST FIRST")]);
    for (index, way) in why.ways_out.iter().enumerate() {
        lines.extend(indented(scene, &format!(" {}  ", index + 1), Tone::Plain, &way.text, columns));
        if let Some(command) = &way.command {
            lines.extend(indented(scene, "    $ ", Tone::Accent, command, columns));
        }
    }
    if why.ways_out.is_empty() {
        lines.push(scene.row().put(Tone::Bad, format!(" {} it never ends by itself", glyph::FAILED)).line());
    }
    lines
}

fn guard_line(scene: &Scene, guard: &Guard, longest: usize, columns: usize) -> Line<'static> {
    let (tone, word) = match guard.holds {
        Some(true) => (Tone::Good, format!("{} holds", glyph::HOLDS)),
        Some(false) => (Tone::Bad, format!("{} BLOCKS", glyph::FAILED)),
        None => (Tone::Unknown, format!("{} unknown", glyph::UNKNOWN)),
    };
    let evidence = crate::dashboard::text::cut(&guard.evidence, columns.saturating_sub(longest + 14));
    scene
        .row()
        .put(Tone::Plain, " ")
        .cell(10, &[(tone, word)])
        .cell(longest, &[(Tone::Plain, guard.name.clone())])
        .put(Tone::Dim, format!(" {evidence}"))
        .line()
}

/// A label, then the text, wrapped under itself.
pub(crate) fn indented(
    scene: &Scene,
    label: &str,
    tone: Tone,
    text: &str,
    columns: usize,
) -> Vec<Line<'static>> {
    let indent = width(label);
    let parts = wrap(text, columns.saturating_sub(indent)).into_iter().enumerate();
    let line = |(index, part): (usize, String)| {
        let label = if index == 0 { label.to_owned() } else { " ".repeat(indent) };
        scene.row().put(Tone::Accent, label).put(tone, part).line()
    };
    parts.map(line).collect()
}
