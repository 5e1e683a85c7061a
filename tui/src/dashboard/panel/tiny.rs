//! The cluster in a few lines: one per module, and when even that does not fit, one word.

use ratatui::Frame;
use ratatui::layout::Rect;
use safetui_net::api::shape::{Instance, Module};

use super::{Scene, paint, what_if};
use crate::dashboard::badge;
use crate::dashboard::glyph;
use crate::dashboard::text::cut;
use crate::dashboard::theme::Tone;

pub(crate) fn draw(frame: &mut Frame, area: Rect, scene: &Scene) {
    let columns = usize::from(area.width);
    let (tone, health) = scene.fact(badge::health(scene.state.health));
    let (link_tone, link, _) = badge::link(scene.model);
    if frame.area().width < 40 || frame.area().height < 10 {
        let word = scene.row().put(tone, health).line();
        return paint(frame, area, vec![word, scene.row().put(link_tone, link).line()]);
    }
    let head = scene.row().put(tone, health).put(Tone::Strong, format!("  {}", scene.state.cluster));
    let mut lines = vec![head.right(columns, &[(link_tone, link)]).line()];
    let room = usize::from(area.height).saturating_sub(3).max(1);
    let first = (scene.model.row + 1).saturating_sub(room);
    for (index, module) in scene.state.modules.iter().enumerate().skip(first).take(room) {
        let cursor = if index == scene.model.row { glyph::CURSOR } else { ' ' };
        let cell = (columns.saturating_sub(15) / scene.state.nodes.len().max(1)).min(20);
        let mut row = scene
            .row()
            .put(Tone::Accent, format!("{cursor} "))
            .cell(12, &[(Tone::Plain, module.name.clone())]);
        for node in &scene.state.nodes {
            let instance = Scene::instance(module, &node.name);
            let parts = instance.map(|instance| word(scene, module, instance, cell));
            row = row.cell(cell.saturating_sub(1), &parts.unwrap_or_default());
        }
        lines.push(row.line());
    }
    if let Some(module) = scene.model.module() {
        match &module.why {
            Some(why) => lines.push(scene.row().put(Tone::Plain, cut(&why.headline, columns)).line()),
            None => lines.extend(what_if::rows(scene, module, columns)),
        }
    }
    paint(frame, area, lines);
}

/// The role alone where role and readiness do not fit: the mark says how ready it is.
fn word(scene: &Scene, module: &Module, instance: &Instance, room: usize) -> Vec<(Tone, String)> {
    if room >= 20 {
        return badge::role(instance, scene.model.aged(instance, module));
    }
    let (mark, tone) = badge::mark(instance);
    vec![(tone, format!("{mark} {}", instance.role))]
}
