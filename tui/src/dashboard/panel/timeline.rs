//! Roles over time, one letter per second, the newest at the right edge.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;
use safetui_net::api::shape::{Instance, Module, Node};

use super::{Scene, boxed, paint};
use crate::dashboard::text::{age, width};
use crate::dashboard::theme::Tone;

pub(crate) fn one(frame: &mut Frame, area: Rect, scene: &Scene, module: &Module) {
    draw(frame, area, scene, std::slice::from_ref(module), false);
}

pub(crate) fn all(frame: &mut Frame, area: Rect, scene: &Scene) {
    draw(frame, area, scene, &scene.state.modules, true);
}

fn draw(frame: &mut Frame, area: Rect, scene: &Scene, modules: &[Module], named: bool) {
    if area.height < 3 {
        return;
    }
    let inner = area.width.saturating_sub(4);
    let longest =
        modules.iter().flat_map(|module| &module.instances).map(|instance| width(&instance.node)).max();
    let node = longest.unwrap_or(0).min(12);
    let name =
        if named { modules.iter().map(|module| width(&module.name)).max().unwrap_or(0).min(16) } else { 0 };
    let letters = usize::from(inner).saturating_sub(node + 1 + if named { name + 1 } else { 0 });
    let shown = modules
        .iter()
        .flat_map(|module| &module.timeline)
        .map(|line| line.chars().count())
        .max()
        .unwrap_or(0);
    let remark = format!("last {}", age(shown.min(letters) as u64 * 1000));
    let inner = boxed(frame, area, scene.theme, (Tone::Strong, "Timeline"), (Tone::Dim, &remark));
    let mut lines = Vec::new();
    for module in modules {
        for (instance, history) in by_node(scene, module) {
            let mut row = scene.row();
            if named {
                row = row.cell(name, &[(Tone::Plain, module.name.clone())]);
            }
            let row = row.cell(node, &[(Tone::Dim, instance.node.clone())]);
            lines.push(history_line(row, history, letters));
        }
    }
    paint(frame, inner, lines);
}

/// The lines of a module in the order of the nodes, as everywhere else.
fn by_node<'a>(scene: &'a Scene, module: &'a Module) -> impl Iterator<Item = (&'a Instance, &'a String)> {
    let lines = |node: &'a Node| {
        module.instances.iter().zip(&module.timeline).find(|(instance, _)| instance.node == node.name)
    };
    scene.state.nodes.iter().filter_map(lines)
}

/// Runs of equal letters become one span each.
fn history_line(mut row: crate::dashboard::text::Row, history: &str, letters: usize) -> Line<'static> {
    let all: Vec<char> = history.chars().collect();
    let newest = &all[all.len().saturating_sub(letters)..];
    row = row.put(Tone::Plain, " ".repeat(letters - newest.len()));
    for run in newest.chunk_by(|a, b| a == b) {
        row = row.put(tone(run[0]), run.iter().collect::<String>());
    }
    row.line()
}

fn tone(letter: char) -> Tone {
    match letter {
        'P' | 'A' | 'S' | 'U' => Tone::Good,
        'W' => Tone::Bad,
        '-' => Tone::Dim,
        letter if letter.is_lowercase() => Tone::Moving,
        _ => Tone::Unknown,
    }
}
