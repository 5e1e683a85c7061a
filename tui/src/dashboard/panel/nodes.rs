//! One box per node: reachable or not, which version, which addresses.

use ratatui::Frame;
use ratatui::layout::Rect;

use super::{Scene, boxed, left, paint};
use crate::dashboard::badge;
use crate::dashboard::text::millis;
use crate::dashboard::theme::Tone;

pub(crate) fn draw(frame: &mut Frame, mut area: Rect, scene: &Scene) {
    let nodes = &scene.state.nodes;
    for (index, node) in nodes.iter().enumerate() {
        let share = area.width / (nodes.len() - index) as u16;
        let part = left(&mut area, share);
        let version =
            node.version.as_ref().map_or("version ?".to_owned(), |version| format!("safetui {version}"));
        let title = Scene::node_title(node);
        let inner = boxed(frame, part, scene.theme, (Tone::Strong, &title), (Tone::Dim, &version));
        let seen = match (node.me, node.last_seen_ms) {
            (true, _) => "this node reports".to_owned(),
            (false, Some(ms)) => format!("heard {} ago", millis(ms)),
            (false, None) => "never heard".to_owned(),
        };
        let state = scene.row().cell(7, &[badge::answers(Some(node.reachable))]).put(Tone::Dim, seen);
        let addresses = scene.row().put(Tone::Plain, node.addresses.join("  "));
        let running = scene.state.modules.iter().filter_map(|module| {
            let instance = Scene::instance(module, &node.name)?;
            matches!(instance.role.as_str(), "PRIM" | "ALONE" | "UP").then_some(module.name.as_str())
        });
        let serves: Vec<_> = running.collect();
        let serves = match &serves[..] {
            [] if unheard(scene, &node.name) => (Tone::Unknown, "? not known here".to_owned()),
            [] => (Tone::Plain, "nothing".to_owned()),
            serves => (Tone::Plain, serves.join(", ")),
        };
        let serves = scene.row().put(Tone::Dim, "serves ").put(serves.0, serves.1);
        paint(frame, inner, vec![state.line(), addresses.line(), serves.line()]);
    }
}

/// A node that is not heard may serve without our knowledge.
fn unheard(scene: &Scene, node: &str) -> bool {
    let mut instances = scene.state.modules.iter().filter_map(|module| Scene::instance(module, node));
    instances.any(|instance| instance.role == "UNKNOWN")
}
