//! Top line: where we are, how the cluster is, and whether the screen can be believed.

use ratatui::Frame;
use ratatui::layout::Rect;

use super::{Scene, paint};
use crate::dashboard::badge;
use crate::dashboard::keys::Place;
use crate::dashboard::text::{clock, clock_after, cut, micros, width};
use crate::dashboard::theme::Tone;

pub(crate) fn draw(frame: &mut Frame, area: Rect, scene: &Scene) {
    let columns = usize::from(area.width).saturating_sub(1);
    let state = scene.state;
    let (tone, health) = scene.fact(badge::health(state.health));
    let mut row =
        scene.row().put(Tone::Dim, " safetui  ").put(Tone::Strong, cut(&state.cluster, columns / 4));
    for step in path(scene) {
        row = row.put(Tone::Dim, " > ").put(Tone::Strong, cut(&step, columns / 3));
    }
    row = row.put(Tone::Plain, "   ").put(tone, health);
    if area.width >= 100 {
        row = witness(scene, row);
    }
    let (tone, link, remark) = badge::link(scene.model);
    let time = clock_after(&state.time, scene.model.silence()).unwrap_or_else(|| clock(&state.time, false));
    let zone = if area.width >= 100 { " UTC" } else { "" };
    let mut right = vec![(tone, link)];
    if remark.is_empty() {
        right.push((Tone::Plain, format!("  {time}{zone}")));
    } else {
        let room = (columns / 2).saturating_sub(width(&right[0].1));
        right.push((Tone::Dim, cut(&remark, room)));
    }
    let line = row.right(columns, &right).line();
    paint(frame, area, vec![line]);
}

fn path(scene: &Scene) -> Vec<String> {
    let module = scene.model.module().map(|module| module.name.clone());
    match scene.model.page() {
        Place::Mirror => module.into_iter().collect(),
        Place::Why => module.into_iter().chain(["why".to_owned()]).collect(),
        Place::Events => vec!["events".to_owned()],
        _ => Vec::new(),
    }
}

fn witness(scene: &Scene, row: crate::dashboard::text::Row) -> crate::dashboard::text::Row {
    let Some(witness) = &scene.state.witness else {
        return row.put(Tone::Dim, "   no witness");
    };
    let (tone, word) = scene.fact(badge::answers(witness.reachable));
    let rtt = witness.rtt_us.map_or(String::new(), |us| format!(" {}", micros(us)));
    row.put(Tone::Dim, "   witness ").put(tone, word).put(Tone::Dim, rtt)
}
