//! The paths to the peer and to the witness: do they answer, how fast, and how much silence is left before it counts.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;
use safetui_net::api::shape::{Network, Witness};

use super::{Scene, boxed, paint};
use crate::dashboard::badge;
use crate::dashboard::text::{fit, micros, millis, spark, width};
use crate::dashboard::theme::Tone;

pub(crate) fn draw(frame: &mut Frame, area: Rect, scene: &Scene) {
    let timeout = scene.state.modules.iter().map(|module| module.timeout_ms).min();
    let remark = timeout.map_or(String::new(), |ms| format!("timeout {}", millis(ms)));
    let inner = boxed(frame, area, scene.theme, (Tone::Strong, "Heartbeats"), (Tone::Dim, &remark));
    let columns = usize::from(inner.width);
    let longest = scene.state.networks.iter().map(|network| width(&network.name)).max().unwrap_or(0);
    let name = longest.clamp(7, 14);
    let mut lines: Vec<_> =
        scene.state.networks.iter().map(|network| path(scene, network, timeout, name, columns)).collect();
    match &scene.state.witness {
        Some(router) => lines.extend(witness(scene, router, name)),
        None => lines.push(scene.row().put(Tone::Dim, "no witness configured").line()),
    }
    paint(frame, inner, lines);
}

fn path(
    scene: &Scene,
    network: &Network,
    timeout: Option<u64>,
    name: usize,
    columns: usize,
) -> Line<'static> {
    let rtt = network.rtt_us.map_or("-".to_owned(), micros);
    let loss = network.loss_percent.map_or(String::new(), |percent| format!("{percent:.0}% loss"));
    let lossy = network.loss_percent.is_some_and(|percent| percent >= 1.0);
    let row = scene
        .row()
        .cell(name, &[(Tone::Plain, network.name.clone())])
        .cell(6, &[badge::answers(Some(network.up))])
        .put(Tone::Plain, format!("{rtt:>7}  "))
        .put(if lossy { Tone::Moving } else { Tone::Dim }, fit(&loss, 9));
    let (tone, margin) = margin(network, timeout);
    let left = columns.saturating_sub(name + 1 + 7 + 9 + 9);
    if left < 12 {
        return row.line();
    }
    // The bars fill what the words leave; the tallest bar is the slowest round trip of the last minute.
    let bars = left.saturating_sub(15).min(60);
    let tallest = network.history_us.iter().copied().max().unwrap_or(1);
    row.put(Tone::Accent, format!("{:>bars$}", spark(&network.history_us, bars, tallest)))
        .put(tone, format!("  {margin}"))
        .line()
}

/// How much of the timeout is left of the newest heartbeat.
fn margin(network: &Network, timeout: Option<u64>) -> (Tone, String) {
    let (Some(heard), Some(timeout)) = (network.last_heard_ms, timeout) else {
        return (Tone::Unknown, "margin ?".to_owned());
    };
    let left = 100 - badge::percent(heard, timeout);
    let tone = match left {
        0 => Tone::Bad,
        1..50 => Tone::Moving,
        _ => Tone::Good,
    };
    (tone, format!("margin {left:>3}%"))
}

fn witness(scene: &Scene, router: &Witness, name: usize) -> Vec<Line<'static>> {
    let rtt = router.rtt_us.map_or("-".to_owned(), micros);
    let (tone, word) = badge::answers(router.reachable_from_peer);
    let first = scene
        .row()
        .cell(name, &[(Tone::Plain, "witness".to_owned())])
        .cell(6, &[badge::answers(router.reachable)])
        .put(Tone::Plain, format!("{rtt:>7}  "))
        .put(Tone::Dim, "peer ")
        .put(tone, word);
    let relay = match router.reflects {
        Some(true) => "relays heartbeats",
        Some(false) => "does not relay heartbeats",
        None => "relay not tried yet",
    };
    let second = scene
        .row()
        .cell(name, &[(Tone::Dim, router.kind.clone())])
        .put(Tone::Dim, format!("{}  {relay}", router.address));
    vec![first.line(), second.line()]
}
