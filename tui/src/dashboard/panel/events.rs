//! What happened, newest first: a glance on other pages, all of it on its own.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;
use safetui_net::api::shape::Happened;

use super::{Scene, boxed, paint};
use crate::dashboard::keys::Place;
use crate::dashboard::model::Model;
use crate::dashboard::text::{clock, cut, width};
use crate::dashboard::theme::Tone;

/// How many events the page lists, as far as the operator filters it.
pub(crate) fn listed(model: &Model) -> usize {
    chosen(model, model.filtered).count()
}

/// Newest first.
fn chosen(model: &Model, filtered: bool) -> impl Iterator<Item = &Happened> {
    let module = model.module().map(|module| module.name.as_str()).filter(|_| filtered);
    let events = model.state.iter().flat_map(|state| state.events.iter().rev());
    events
        .filter(move |event| module.is_none() || event.module.is_none() || event.module.as_deref() == module)
}

/// `page`: all of it with scrolling; otherwise as many of the newest as fit, of this module on a module's page.
pub(crate) fn draw(frame: &mut Frame, area: Rect, scene: &Scene, page: bool) {
    let model = scene.model;
    let filtered = if page { model.filtered } else { model.page() == Place::Mirror };
    let count = chosen(model, filtered).count();
    let rows = usize::from(area.height.saturating_sub(2));
    let first = if page { model.scroll.min(count.saturating_sub(rows)) } else { 0 };
    let title = match model.module().filter(|_| filtered) {
        Some(module) => format!("Events of {}", module.name),
        None => "Events".to_owned(),
    };
    let remark = match (page, first) {
        (false, _) => "e all".to_owned(),
        (true, 0) => format!("newest of {count}"),
        (true, _) => format!("{}-{} of {count}   g newest", first + 1, (first + rows).min(count)),
    };
    let inner = boxed(frame, area, scene.theme, (Tone::Strong, &title), (Tone::Dim, &remark));
    let wide = inner.width >= 70;
    let shown: Vec<_> = chosen(model, filtered).skip(first).take(inner.height.into()).collect();
    let longest =
        |text: fn(&Happened) -> &str| shown.iter().map(|event| width(text(event))).max().unwrap_or(0);
    let node = longest(|event| &event.node).min(12);
    let module = longest(|event| event.module.as_deref().unwrap_or("")).min(if wide { 16 } else { 8 });
    let lines = shown.iter().map(|event| line(scene, event, (node, module), wide, inner.width.into()));
    let lines = lines.collect();
    paint(frame, inner, lines);
}

fn line(
    scene: &Scene,
    event: &Happened,
    (node, module): (usize, usize),
    wide: bool,
    columns: usize,
) -> Line<'static> {
    let time = clock(&event.time, wide);
    let (tone, level) = match event.level.as_str() {
        "C" => (Tone::Bad, "C"),
        "U" => (Tone::Accent, "U"),
        "S" => (Tone::Dim, "S"),
        "I" => (Tone::Dim, "I"),
        _ => (Tone::Plain, "E"),
    };
    let used = width(&time) + node + module + 5;
    scene
        .row()
        .put(Tone::Dim, format!("{time} "))
        .cell(node, &[(Tone::Plain, event.node.clone())])
        .cell(module, &[(Tone::Plain, event.module.clone().unwrap_or_default())])
        .put(tone, format!("{level} {}", cut(&event.text, columns.saturating_sub(used))))
        .line()
}
