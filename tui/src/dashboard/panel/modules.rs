//! Modules times nodes: what runs where.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use ratatui::text::Line;
use safetui_net::api::shape::{Module, Node};

use super::{Scene, boxed, paint};
use crate::dashboard::badge;
use crate::dashboard::glyph;
use crate::dashboard::text::{age, width};
use crate::dashboard::theme::Tone;

/// Widths of the columns; a column of none is not shown.
struct Columns {
    name: usize,
    kind: usize,
    cell: usize,
    data: usize,
    vip: usize,
}

impl Columns {
    fn new(room: usize, nodes: usize) -> Self {
        let (kind, pair, data, vip) = match room {
            0..72 => (0, 38, 0, 0),
            72..106 => (0, 38, 12, 10),
            106..150 => (7, 52, 14, 17),
            _ => (7, 96, 24, 28),
        };
        let cell = if nodes <= 2 { pair / 2 } else { pair / nodes };
        let shown = [kind, data, vip].iter().filter(|columns| **columns > 0).count();
        let used = 2 + kind + cell * nodes + data + vip + shown + nodes;
        Self { name: room.saturating_sub(used).min(28), kind, cell, data, vip }
    }
}

pub(crate) fn draw(frame: &mut Frame, area: Rect, scene: &Scene) {
    let modules = &scene.state.modules;
    let title = format!("Modules ({})", modules.len());
    let inner = boxed(frame, area, scene.theme, (Tone::Strong, &title), (Tone::Dim, ""));
    let columns = Columns::new(inner.width.into(), scene.state.nodes.len());
    let rows = usize::from(inner.height).saturating_sub(1);
    // The selected row is always among those shown.
    let first = (scene.model.row + 1).saturating_sub(rows);
    let mut lines = vec![titles(scene, &columns)];
    for (index, module) in modules.iter().enumerate().skip(first).take(rows) {
        lines.push(line(scene, &columns, module, index == scene.model.row));
    }
    if modules.is_empty() {
        lines.push(scene.row().put(Tone::Dim, "no module is installed on this node").line());
    }
    paint(frame, inner, lines);
}

fn titles(scene: &Scene, columns: &Columns) -> Line<'static> {
    let dim = |text: &str| [(Tone::Dim, text.to_owned())];
    let mut row = scene.row().put(Tone::Plain, "  ").cell(columns.name, &dim("MODULE"));
    if columns.kind > 0 {
        row = row.cell(columns.kind, &dim("KIND"));
    }
    for node in &scene.state.nodes {
        row = row.cell(columns.cell, &node_title(node, columns.cell));
    }
    if columns.data > 0 {
        row = row
            .cell(columns.data, &dim("DATA"))
            .cell(columns.vip, &dim(if columns.vip < 12 { "VIP" } else { "VIRTUAL IP" }));
    }
    row.line()
}

fn node_title(node: &Node, room: usize) -> Vec<(Tone, String)> {
    let title = Scene::node_title(node);
    if !node.reachable && !node.me {
        let seen = node.last_seen_ms.map_or("never heard".to_owned(), |ms| format!("lost {}", age(ms)));
        return vec![
            (Tone::Strong, node.name.clone()),
            (Tone::Unknown, format!(" {} {seen}", glyph::UNKNOWN)),
        ];
    }
    let address = node.addresses.first().filter(|address| width(&title) + width(address) + 2 <= room);
    let address = address.map_or(String::new(), |address| format!("  {address}"));
    vec![(Tone::Strong, title), (Tone::Dim, address)]
}

fn line(scene: &Scene, columns: &Columns, module: &Module, selected: bool) -> Line<'static> {
    let cursor = if selected { format!("{} ", glyph::CURSOR) } else { "  ".to_owned() };
    let name = (if selected { Tone::Strong } else { Tone::Plain }, module.name.clone());
    let mut row = scene.row().put(Tone::Accent, cursor).cell(columns.name, &[name]);
    if columns.kind > 0 {
        row = row.cell(columns.kind, &[(Tone::Dim, module.kind.to_lowercase())]);
    }
    for (index, node) in scene.state.nodes.iter().enumerate() {
        let chosen = selected && index == scene.model.column;
        let modifier = if chosen { Modifier::REVERSED } else { Modifier::empty() };
        row = row
            .chip(columns.cell, &cell(scene, module, &node.name, columns.cell), modifier)
            .put(Tone::Plain, " ");
    }
    if columns.data > 0 {
        row = row.cell(columns.data, &[scene.fact(badge::data(module))]);
        row = row.cell(columns.vip, &[vip(scene, module, columns.vip)]);
    }
    row.line()
}

/// Role and readiness; then, as far as there is room, how long, and by which rule.
fn cell(scene: &Scene, module: &Module, node: &str, room: usize) -> Vec<(Tone, String)> {
    let Some(instance) = Scene::instance(module, node) else {
        return vec![(Tone::Dim, "·".to_owned())];
    };
    let mut parts = badge::role(instance, scene.model.aged(instance, module));
    let used: usize = parts.iter().map(|(_, text)| width(text)).sum();
    if room >= 26
        && let Some(since) = badge::since(instance, scene.state)
    {
        let gap = " ".repeat(19_usize.saturating_sub(used).max(1));
        parts.push((Tone::Dim, format!("{gap}{since}")));
    }
    let used: usize = parts.iter().map(|(_, text)| width(text)).sum();
    if let Some(rule) = instance.rule.as_ref().filter(|rule| used + 2 + width(rule) <= room) {
        parts.push((Tone::Moving, format!("  {rule}")));
    }
    parts
}

/// Address and holder; on narrow screens the last part of the address tells it apart well enough.
fn vip(scene: &Scene, module: &Module, room: usize) -> (Tone, String) {
    let Some(vip) = module.vips.first() else {
        return (Tone::Dim, "none".to_owned());
    };
    let Some(holder) = &vip.holder else {
        // A node that is not heard may have it.
        let unheard = module.instances.iter().any(|instance| instance.role == "UNKNOWN");
        let word = if unheard { "not here" } else { "nobody" };
        return scene.fact((Tone::Plain, word.to_owned()));
    };
    let more = if module.vips.len() > 1 { format!(" +{}", module.vips.len() - 1) } else { String::new() };
    let whole = format!("{}@{holder}{more}", vip.address);
    let tail = vip.address.rsplit_once('.').map_or(vip.address.as_str(), |(_, last)| last);
    scene.fact((Tone::Plain, if width(&whole) < room { whole } else { format!(".{tail}@{holder}{more}") }))
}
