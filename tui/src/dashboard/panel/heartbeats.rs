//! The paths to the peer and to the witness: do they answer, how fast, and how much silence is left before it counts.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;
use safetui_net::api::shape::{Network, Witness};

use super::{Scene, boxed, paint};
use crate::dashboard::badge;
use crate::dashboard::text::{micros, millis, spark, width};
use crate::dashboard::theme::Tone;

pub(crate) fn draw(frame: &mut Frame, area: Rect, scene: &Scene) {
    let timeout = scene.state.modules.iter().map(|module| module.timeout_ms).min();
    let remark = timeout.map_or(String::new(), |ms| format!("timeout {}", millis(ms)));
    let inner = boxed(frame, area, scene.theme, (Tone::Strong, "Heartbeats"), (Tone::Dim, &remark));
    let columns = usize::from(inner.width);
    let longest = scene.state.networks.iter().map(|network| width(&network.name)).max().unwrap_or(0);
    let name = longest.clamp(7, 14);
    // What the words leave belongs to the bars.
    let bars = columns.saturating_sub(name + 1 + 7 + 8 + 6 + 2 + 8).min(60);
    let bars = if bars < 8 { 0 } else { bars };
    let mut lines = vec![titles(scene, name, bars)];
    lines.extend(scene.state.networks.iter().map(|network| path(scene, network, timeout, name, bars)));
    match &scene.state.witness {
        Some(asked) => lines.extend(witness(scene, asked, name, columns)),
        None => lines.push(scene.row().put(Tone::Dim, "no witness configured").line()),
    }
    paint(frame, inner, lines);
}

/// Lines of this panel with its edges.
pub(crate) fn height(scene: &Scene) -> u16 {
    scene.state.networks.len() as u16 + if scene.state.witness.is_some() { 5 } else { 4 }
}

fn titles(scene: &Scene, name: usize, bars: usize) -> Line<'static> {
    let row =
        scene.row().put(Tone::Dim, format!("{:name$} {:6} {:>8}{:>6}", "PATH", "STATE", "TRIP", "LOSS"));
    if bars == 0 {
        row.line()
    } else {
        row.put(Tone::Dim, format!("  {:bars$}{:>8}", "LAST MINUTE", "MARGIN")).line()
    }
}

fn path(scene: &Scene, network: &Network, timeout: Option<u64>, name: usize, bars: usize) -> Line<'static> {
    let trip = network.rtt_us.map_or("-".to_owned(), micros);
    let loss = network.loss_percent.map_or("?".to_owned(), |percent| format!("{percent:.0}%"));
    let lossy = network.loss_percent.is_some_and(|percent| percent >= 1.0);
    let row = scene
        .row()
        .cell(name, &[(Tone::Plain, network.name.clone())])
        .cell(6, &[scene.fact(badge::answers(Some(network.up)))])
        .put(Tone::Plain, format!("{trip:>8}"))
        .put(if lossy { Tone::Moving } else { Tone::Dim }, format!("{loss:>6}"));
    if bars == 0 {
        return row.line();
    }
    let (tone, margin) = margin(network, timeout);
    // The tallest bar is the slowest round trip of the last minute.
    let tallest = network.history_us.iter().copied().max().unwrap_or(1);
    row.put(Tone::Accent, format!("  {:<bars$}", spark(&network.history_us, bars, tallest)))
        .put(tone, format!("{margin:>8}"))
        .line()
}

/// How much of the timeout is left of the newest heartbeat.
fn margin(network: &Network, timeout: Option<u64>) -> (Tone, String) {
    let (Some(heard), Some(timeout)) = (network.last_heard_ms, timeout) else {
        return (Tone::Unknown, "?".to_owned());
    };
    let left = 100 - badge::percent(heard, timeout);
    let tone = match left {
        0 => Tone::Bad,
        1..50 => Tone::Moving,
        _ => Tone::Good,
    };
    (tone, format!("{left}%"))
}

fn witness(scene: &Scene, asked: &Witness, name: usize, columns: usize) -> [Line<'static>; 2] {
    let trip = asked.rtt_us.map_or("-".to_owned(), micros);
    let kind = match asked.reflects {
        _ if asked.kind == "arbiter" => "arbiter",
        Some(true) => "relay works",
        Some(false) => "no relay",
        None => "relay untried",
    };
    let line = |label: &str, answers, text: String| {
        scene
            .row()
            .cell(name, &[(Tone::Plain, label.to_owned())])
            .cell(6, &[scene.fact(badge::answers(answers))])
            .put(Tone::Plain, text)
    };
    let mine = line("witness", asked.reachable, format!("{trip:>8}"));
    let peers = line("by peer", asked.reachable_from_peer, format!("  {kind}"));
    let address = if name + 17 + width(&asked.address) <= columns { asked.address.as_str() } else { "" };
    [mine.put(Tone::Dim, format!("  {address}")).line(), peers.line()]
}
