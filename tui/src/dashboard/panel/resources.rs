//! The resources of a module, one row each, one column per node.

use std::collections::BTreeSet;

use ratatui::Frame;
use ratatui::layout::Rect;
use safetui_net::api::shape::Module;

use super::{Scene, boxed, paint};
use crate::dashboard::badge;
use crate::dashboard::glyph;
use crate::dashboard::theme::Tone;

/// Wide enough for a mark and `UNKNOWN`.
const VALUE: usize = 10;

pub(crate) fn draw(frame: &mut Frame, area: Rect, scene: &Scene, module: &Module) {
    let inner = boxed(frame, area, scene.theme, (Tone::Strong, "Resources"), (Tone::Dim, ""));
    let nodes = &scene.state.nodes;
    let name = usize::from(inner.width).saturating_sub((VALUE + 1) * nodes.len() + 1).min(40);
    let mut titles = scene.row().cell(name, &[]);
    for node in nodes {
        titles = titles.cell(VALUE, &[(Tone::Dim, node.name.clone())]);
    }
    let mut lines = vec![titles.line()];
    let resources: BTreeSet<_> =
        module.instances.iter().flat_map(|instance| instance.resources.keys()).collect();
    let room = usize::from(inner.height).saturating_sub(1);
    let hidden = if resources.len() > room { resources.len() + 1 - room.max(1) } else { 0 };
    for resource in resources.iter().take(resources.len() - hidden) {
        let mut row = scene.row().cell(name, &[(Tone::Plain, (*resource).clone())]);
        for node in nodes {
            let instance = Scene::instance(module, &node.name);
            let value = instance.and_then(|instance| instance.resources.get(*resource));
            row =
                row.cell(VALUE, &[value.map_or((Tone::Dim, "·".to_owned()), |value| badge::resource(value))]);
        }
        lines.push(row.line());
    }
    if hidden > 0 {
        lines.push(scene.row().put(Tone::Dim, format!("{} {hidden} more", glyph::CUT)).line());
    }
    paint(frame, inner, lines);
}
