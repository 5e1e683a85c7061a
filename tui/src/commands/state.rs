//! `state`: one line per module and node.

use std::{fmt::Write, time::Duration};

use safetui_net::api::{
    exit::Exit,
    shape::{Health, Instance, Module, Replication, State},
};

use super::Outcome;
use crate::{
    cli::StateArgs,
    context::{Context, instance},
    output::{self, Tone, align, clean},
};

pub(super) async fn run(cx: &Context, args: &StateArgs) -> Outcome {
    let mut state = cx.client.state().await?;
    let mine = |state: &State, instance: &Instance| instance.node == state.node;
    let code = exit_code(cx, args, &state)?;
    if args.quiet {
        return Ok(code);
    }
    if cx.options.module.is_some() {
        let name = cx.module(&state)?.name.clone();
        state.modules.retain(|module| module.name == name);
    }
    if cx.output.json() {
        cx.output.document(&state)?;
        return Ok(code);
    }
    let mut rows: Vec<Vec<String>> = Vec::new();
    for module in &state.modules {
        let shown = module.instances.iter().filter(|instance| !args.local || mine(&state, instance));
        rows.extend(shown.map(|instance| row(cx, &state, module, instance)));
    }
    if cx.output.plain() {
        output::lines(&output::plain(&rows))?;
        return Ok(code);
    }
    let mut lines = vec![head(cx, &state)];
    if rows.is_empty() {
        lines.push("no module is installed; safetui module install -m NAME DIRECTORY".into());
    } else {
        let titles = ["MODULE", "NODE", "STATE", "READINESS", "DATA", "VIP", "SINCE"];
        rows.insert(0, titles.map(String::from).to_vec());
        lines.extend(align(&rows));
    }
    lines.extend(state.warnings.iter().map(|warning| format!("warning: {}", clean(warning))));
    if args.verbose {
        lines.extend(details(&state));
    }
    output::lines(&lines)?;
    Ok(code)
}

/// 0, or what the state is when the caller asked for it as a number.
fn exit_code(cx: &Context, args: &StateArgs, state: &State) -> Outcome {
    if args.local && args.quiet {
        return Ok(match instance(cx.module(state)?, &state.node)?.role.as_str() {
            "STOP" => 0,
            "ALONE" | "UP" => 2,
            "PRIM" => 3,
            "SECOND" => 4,
            _ => 1,
        });
    }
    Ok(match state.health {
        Health::Degraded if args.exit_code => Exit::Degraded,
        Health::Unknown if args.exit_code => Exit::Unknown,
        Health::Outage if args.exit_code => Exit::Outage,
        _ => Exit::Ok,
    }
    .code())
}

fn head(cx: &Context, state: &State) -> String {
    let (tone, health) = match state.health {
        Health::Ok => (Tone::Good, "OK"),
        Health::Transient => (Tone::Moving, "TRANSIENT"),
        Health::Degraded => (Tone::Moving, "DEGRADED"),
        Health::Unknown => (Tone::Lost, "UNKNOWN"),
        Health::Outage => (Tone::Bad, "OUTAGE"),
    };
    let (cluster, node) = (clean(&state.cluster), clean(&state.node));
    let cluster = if cluster.is_empty() { "cluster".into() } else { format!("cluster {cluster}") };
    format!("{cluster}, seen from {node}: {}", cx.output.paint(tone, health))
}

/// Columns of `plain`: module, node, role, readiness, mark, addresses, since (RFC 3339), age in ms, rule.
fn row(cx: &Context, state: &State, module: &Module, instance: &Instance) -> Vec<String> {
    let held = module.vips.iter().filter(|vip| vip.holder.as_ref() == Some(&instance.node));
    let vips = held.map(|vip| clean(&vip.address)).collect::<Vec<_>>().join(" ");
    let dash = |text: Option<&str>| text.filter(|text| !text.is_empty()).map_or_else(|| "-".into(), clean);
    let (mark, vips) = (dash(instance.mark.as_deref()), dash(Some(&vips)));
    let (name, node, role) = (clean(&module.name), clean(&instance.node), clean(&instance.role));
    let readiness = clean(&instance.readiness);
    if cx.output.plain() {
        let (since, rule) = (dash(instance.since.as_deref()), dash(instance.rule.as_deref()));
        return vec![name, node, role, readiness, mark, vips, since, instance.age_ms.to_string(), rule];
    }
    // What is older than its node's silence may last is not shown as if it were fresh.
    let stale = if instance.age_ms > module.timeout_ms { " ?" } else { "" };
    let rule = instance.rule.as_ref().map(|rule| format!(" ({})", clean(rule))).unwrap_or_default();
    let since = instance.since.as_deref().and_then(|since| elapsed(since, &state.time));
    vec![
        name,
        node,
        format!("{} {role}", cx.output.mark(instance)),
        format!("{readiness}{rule}{stale}"),
        mark,
        vips,
        since.unwrap_or_else(|| "-".into()),
    ]
}

/// The time between two RFC 3339 times, to the second; nothing when either is none.
fn elapsed(since: &str, now: &str) -> Option<String> {
    let parse = |time| humantime::parse_rfc3339(time).ok();
    // Clocks of two nodes may differ: what begins in the future begins now.
    let passed = parse(now)?.duration_since(parse(since)?).unwrap_or_default();
    Some(humantime::format_duration(Duration::from_secs(passed.as_secs())).to_string())
}

/// What `-v` adds.
fn details(state: &State) -> Vec<String> {
    let mut lines = Vec::new();
    for module in &state.modules {
        lines.push(format!("module {} ({})", module.name, module.kind));
        for instance in &module.instances {
            for (resource, value) in &instance.resources {
                lines.push(format!("  {}  {resource}  {value}", instance.node));
            }
        }
        for vip in &module.vips {
            lines.push(format!(
                "  address {} held by {}",
                vip.address,
                vip.holder.as_deref().unwrap_or("nobody")
            ));
        }
        lines.extend(module.replication.iter().map(replication));
        for lost in &module.if_node_lost {
            lines.push(format!("  if {} is lost now: {} ({})", lost.node, lost.outcome, lost.text));
        }
    }
    for network in &state.networks {
        let up = if network.up { "up" } else { "down" };
        let rtt = network.rtt_us.map(|rtt| format!(", round trip {rtt} us")).unwrap_or_default();
        lines.push(format!("network {} to {}: {up}{rtt}", network.name, network.peer));
    }
    if let Some(witness) = &state.witness {
        let reachable = match witness.reachable {
            Some(true) => "reachable",
            Some(false) => "not reachable",
            None => "not known",
        };
        lines.push(format!("witness {} {}: {reachable}", witness.kind, witness.address));
    }
    lines.iter().map(|line| clean(line)).collect()
}

fn replication(flow: &Replication) -> String {
    let mut line = format!("  replication {}", flow.phase);
    if let (Some(from), Some(to)) = (&flow.from, &flow.to) {
        _ = write!(line, " from {from} to {to}");
    }
    _ = write!(line, ", {} B/s, {} waiting", flow.bytes_per_second, flow.waiting);
    if let Some(progress) = &flow.progress {
        _ = write!(line, ", {} of {} B copied", progress.done_bytes, progress.total_bytes);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_begins_in_the_future_begins_now() {
        let elapsed = |since, now| elapsed(since, now).unwrap();
        assert_eq!(elapsed("2026-01-01T00:00:00.900Z", "2026-01-01T00:03:12.950Z"), "3m 12s");
        assert_eq!(elapsed("2026-01-01T00:00:05.000Z", "2026-01-01T00:00:00.000Z"), "0s");
    }
}
