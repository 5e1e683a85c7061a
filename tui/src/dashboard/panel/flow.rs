//! The pair: one box per node, and between them what flows, in which direction, and what each path says.

use ratatui::Frame;
use ratatui::layout::{Alignment, Rect};
use ratatui::text::Line;
use ratatui::widgets::Paragraph;
use safetui_net::api::shape::{Module, Network, Node, Progress, Replication};

use super::{Scene, bottom, boxed, left, paint};
use crate::dashboard::badge;
use crate::dashboard::glyph;
use crate::dashboard::model::Freshness;
use crate::dashboard::text::{age, bytes, cut, micros, millis, width};
use crate::dashboard::theme::Tone;

/// An arrow head every so many columns while data moves.
const STRIDE: usize = 8;

pub(crate) fn draw(frame: &mut Frame, mut area: Rect, scene: &Scene, module: &Module) {
    if let Some(replication) = &module.replication {
        let below = bottom(&mut area, 1);
        progress(frame, below, scene, replication);
    }
    let columns = (area.width * 35 / 100).clamp(22, 60);
    let mut nodes = scene.state.nodes.iter();
    if let Some(node) = nodes.next() {
        this(frame, left(&mut area, columns), scene, module, node);
    }
    let gap = area.width.saturating_sub(columns);
    let between = left(&mut area, gap);
    if let Some(node) = nodes.next() {
        this(frame, area, scene, module, node);
    }
    middle(frame, between, scene, module);
}

fn this(frame: &mut Frame, area: Rect, scene: &Scene, module: &Module, node: &Node) {
    let chosen = scene.model.node() == Some(&node.name);
    let title = if chosen {
        format!("{} {}", glyph::CURSOR, Scene::node_title(node))
    } else {
        Scene::node_title(node)
    };
    let address = if area.width >= 34 { node.addresses.first().map_or("", String::as_str) } else { "" };
    let inner = boxed(frame, area, scene.theme, (Tone::Strong, &title), (Tone::Dim, address));
    let Some(instance) = Scene::instance(module, &node.name) else { return };
    let mut role = scene.row();
    for (tone, text) in badge::role(instance, scene.model.aged(instance, module)) {
        role = role.put(tone, text);
    }
    let mut since =
        badge::since(instance, scene.state).map_or(String::new(), |since| format!("since {since}"));
    if let Some(rule) = &instance.rule {
        since = format!("{since} by {rule}");
    }
    if !node.reachable && !node.me {
        since = node.last_seen_ms.map_or("never heard".to_owned(), |ms| format!("not heard for {}", age(ms)));
    }
    let held = instance.mark.clone().unwrap_or_else(|| glyph::UNKNOWN.to_string());
    let generation: String = instance.generation.iter().flat_map(|id| id.chars()).take(8).collect();
    let data = scene.row().put(Tone::Dim, "data  ").put(Tone::Plain, held.clone());
    let data =
        data.put(Tone::Dim, remark(&generation, usize::from(inner.width).saturating_sub(width(&held) + 6)));
    paint(
        frame,
        inner,
        vec![
            role.line(),
            scene.row().put(Tone::Dim, since).line(),
            data.line(),
            vip(scene, module, node, inner.width.into()),
        ],
    );
}

/// A remark, if there is room for all of it.
fn remark(text: &str, room: usize) -> String {
    if !text.is_empty() && width(text) < room { format!(" {text}") } else { String::new() }
}

fn vip(scene: &Scene, module: &Module, node: &Node, columns: usize) -> Line<'static> {
    let held: Vec<_> = module.vips.iter().filter(|vip| vip.holder.as_ref() == Some(&node.name)).collect();
    let row = scene.row().put(Tone::Dim, "vip   ");
    let Some(vip) = held.first() else {
        return row.put(Tone::Dim, "not here").line();
    };
    let more = if held.len() > 1 { format!(" +{}", held.len() - 1) } else { String::new() };
    let address = format!("{}{more}", vip.address);
    let lease = vip.lease_ms.map_or(String::new(), |ms| format!("lease {}", millis(ms)));
    let lease = remark(&lease, columns.saturating_sub(width(&address) + 6));
    row.put(Tone::Plain, address).put(Tone::Dim, lease).line()
}

fn middle(frame: &mut Frame, area: Rect, scene: &Scene, module: &Module) {
    let columns = usize::from(area.width).saturating_sub(2);
    let mut lines = vec![Line::default()];
    if let Some(replication) = &module.replication {
        let (tone, text) = scene.fact(badge::data(module));
        let rate = format!("  {}/s", bytes(replication.bytes_per_second));
        let fits = replication.to.is_some() && width(&text) + width(&rate) <= columns;
        lines.push(
            scene.row().put(tone, text).put(Tone::Plain, if fits { rate } else { String::new() }).line(),
        );
        lines.push(arrow(scene, replication, columns));
        let ack = replication.ack_us.map_or(String::new(), |us| format!("ack {}", micros(us)));
        let waiting = if replication.waiting > 0 && columns >= 22 {
            format!("  {} waiting", replication.waiting)
        } else {
            String::new()
        };
        lines.push(scene.row().put(Tone::Dim, ack).put(Tone::Moving, waiting).line());
    }
    let networks = &scene.state.networks;
    let room = usize::from(area.height).saturating_sub(lines.len());
    lines.extend(networks.iter().take(room).map(|network| path(scene, network, columns)));
    frame.render_widget(Paragraph::new(lines).alignment(Alignment::Center), area);
}

fn path(scene: &Scene, network: &Network, columns: usize) -> Line<'static> {
    let (tone, word) = scene.fact(badge::answers(Some(network.up)));
    let name = format!("{}  ", cut(&network.name, columns.saturating_sub(8)));
    let trip = network.rtt_us.map_or(String::new(), |us| format!("  {}", micros(us)));
    let fits = width(&name) + width(&word) + width(&trip) <= columns;
    let row = scene.row().put(Tone::Dim, name).put(tone, word);
    if fits { row.put(Tone::Dim, trip).line() } else { row.line() }
}

/// A pipe while the nodes are joined, arrow heads travelling in it while data moves, dots when nothing joins them.
fn arrow(scene: &Scene, replication: &Replication, columns: usize) -> Line<'static> {
    let (Some(_), Some(to)) = (&replication.from, &replication.to) else {
        return scene.row().put(Tone::Dim, cut(&"· ".repeat(columns / 2), columns)).line();
    };
    let rightward = scene.state.nodes.first().is_none_or(|node| node.name != *to);
    let moves = replication.bytes_per_second > 0 && scene.model.freshness() == Freshness::Live;
    let step = (scene.model.now / 1000) as usize % STRIDE;
    let last = columns.saturating_sub(1);
    let head = |at: usize| at == last || (moves && at % STRIDE == step);
    let picture = (0..columns).map(|at| if head(at) { glyph::RIGHT } else { glyph::PIPE });
    let picture: String = if rightward {
        picture.collect()
    } else {
        picture.rev().map(|c| if c == glyph::RIGHT { glyph::LEFT } else { c }).collect()
    };
    let tone = if replication.progress.is_some() { Tone::Moving } else { Tone::Good };
    scene.row().put(tone, picture).line()
}

/// The gauge of a reintegration; without one, the directories that are kept equal.
fn progress(frame: &mut Frame, area: Rect, scene: &Scene, replication: &Replication) {
    let columns = usize::from(area.width).saturating_sub(4);
    let row = scene.row().put(Tone::Plain, "  ");
    let Some(progress) = &replication.progress else {
        let text = cut(&replication.directories.join("  "), columns.saturating_sub(12));
        return paint(frame, area, vec![row.put(Tone::Dim, "directories ").put(Tone::Plain, text).line()]);
    };
    let words = gauge_words(progress);
    let bar = columns.saturating_sub(width(&words) + 16);
    let percent = badge::percent(progress.done_bytes, progress.total_bytes);
    let full = bar * percent as usize / 100;
    let line = row
        .put(Tone::Plain, "reintegration ")
        .put(Tone::Moving, glyph::FULL.to_string().repeat(full))
        .put(Tone::Dim, glyph::EMPTY.to_string().repeat(bar - full))
        .put(Tone::Strong, words)
        .line();
    paint(frame, area, vec![line]);
}

fn gauge_words(progress: &Progress) -> String {
    let eta = progress.eta_ms.map_or(String::new(), |ms| format!("  {} left", age(ms)));
    let percent = badge::percent(progress.done_bytes, progress.total_bytes);
    format!("  {percent}%  {} of {}{eta}", bytes(progress.done_bytes), bytes(progress.total_bytes))
}
