//! A snapshot in the shapes of the control API. Nothing is decided here: the core is asked.

use std::{collections::BTreeMap, time::SystemTime};

use safetui_core::{Beat, Command, Generation, Mark, Role, Tick, mirror::Severity};

use super::{board::Snapshot, foresee, publish::Memory};
use crate::{
    api::shape::{
        Health, Instance, Module, Network, Node as NodeShape, Offer, Progress, Replication, STATE_SCHEMA,
        State, Vip, Witness,
    },
    driver::{Shot, wording},
    heartbeat::PathView,
    node::Node,
    witness::Relay,
};

/// A path that was silent for this many milliseconds is down.
const DOWN: u64 = 3000;

/// The state without its number, its events and what only a memory knows.
pub(super) fn state(node: &Node, snapshot: &Snapshot, memory: &Memory) -> State {
    let mut modules: Vec<Module> = snapshot.modules.iter().map(|shot| module(node, snapshot, shot)).collect();
    modules.sort_by(|one, other| one.name.cmp(&other.name));
    let mut state = State {
        schema: STATE_SCHEMA.into(),
        seq: 0,
        time: time(SystemTime::now()),
        cluster: node.cluster.name.clone(),
        node: node.name().into(),
        health: modules.iter().map(health).max().unwrap_or(Health::Ok),
        nodes: nodes(node, snapshot),
        witness: witness(snapshot),
        networks: snapshot.paths.iter().map(|path| network(node, snapshot, path)).collect(),
        modules,
        events: Vec::new(),
        warnings: warnings(snapshot),
    };
    remember(&mut state, memory);
    state
}

/// Adds what only a memory knows.
pub(super) fn remember(state: &mut State, memory: &Memory) {
    for module in &mut state.modules {
        for instance in &mut module.instances {
            let key = (module.name.clone(), instance.node.clone());
            instance.since = memory.since.get(&key).map(|(_, at)| time(*at));
        }
        if let Some(lines) = memory.timelines.get(&module.name) {
            module.timeline = lines.iter().map(|line| line.iter().collect()).collect();
        }
    }
}

/// What a plan may rely on: everything but figures and the passing of time.
pub(super) fn stable(state: &State) -> String {
    let mut words: Vec<String> = state.warnings.clone();
    words.extend(state.nodes.iter().map(|node| format!("{} {}", node.name, node.reachable)));
    words.extend(state.witness.iter().map(|witness| format!("{:?}", witness.reachable)));
    for module in &state.modules {
        let instance = |i: &Instance| {
            format!("{} {} {} {} {:?} {:?}", module.name, i.node, i.role, i.readiness, i.mark, i.term)
        };
        words.extend(module.instances.iter().map(instance));
        words.extend(module.actions.iter().map(|offer| format!("{} {:?}", offer.verb, offer.refused)));
    }
    words.join("\n")
}

/// The letter of an instance in a timeline.
pub(super) fn letter(instance: &Instance) -> char {
    let letter = match instance.role.as_str() {
        "PRIM" => 'P',
        "ALONE" => 'A',
        "SECOND" => 'S',
        "WAIT" => 'W',
        "STOP" => return '-',
        _ => return '?',
    };
    if instance.readiness == "Transient" { letter.to_ascii_lowercase() } else { letter }
}

fn time(at: SystemTime) -> String {
    humantime::format_rfc3339_millis(at).to_string()
}

fn module(node: &Node, snapshot: &Snapshot, shot: &Shot) -> Module {
    let timing = &shot.plan.core.timing;
    let instances = vec![mine(node, snapshot, shot), theirs(snapshot, shot)];
    Module {
        name: shot.plan.module.name.clone(),
        kind: "MIRROR".into(),
        timeout_ms: timing.timeout,
        guard_ms: timing.guard,
        vips: vips(node, snapshot, shot, &instances),
        replication: replication(node, snapshot, shot),
        why: foresee::why(shot, snapshot.at),
        if_node_lost: foresee::if_lost(node.name(), snapshot.at, shot),
        actions: offers(node, snapshot, shot),
        timeline: Vec::new(),
        instances,
    }
}

fn mine(node: &Node, snapshot: &Snapshot, shot: &Shot) -> Instance {
    let record = shot.core.record();
    let mut resources = BTreeMap::new();
    if shot.plan.module.rfs.is_some() {
        let up = shot.trouble.replication.is_none();
        resources.insert("rfs.uptodate".into(), updown(up && usable(record.mark)));
    }
    Instance {
        node: node.name().into(),
        role: shot.core.role().word().into(),
        readiness: shot.core.status().word().into(),
        since: None,
        age_ms: 0,
        rule: foresee::rule(shot, snapshot.at),
        resources,
        mark: Some(format!("{:?}", record.mark)),
        term: Some(record.term),
        generation: Some(hex(record.generation)),
    }
}

const fn usable(mark: Mark) -> bool {
    matches!(mark, Mark::Exclusive | Mark::Shared)
}

fn updown(up: bool) -> String {
    if up { "UP" } else { "DOWN" }.into()
}

fn theirs(snapshot: &Snapshot, shot: &Shot) -> Instance {
    let peer = shot.plan.peer_name.clone();
    let heard = peer_beat(snapshot, shot);
    let age_ms = shot.heard.map_or(0, |(_, at)| snapshot.at.since(at));
    let word = |known: fn(&Beat) -> &'static str, unknown: &str| {
        heard.as_ref().map_or_else(|| unknown.to_owned(), |beat| known(beat).to_owned())
    };
    Instance {
        node: peer,
        role: word(|beat| beat.role.word(), "UNKNOWN"),
        readiness: word(|beat| beat.status.word(), "Unknown"),
        since: None,
        age_ms,
        rule: None,
        resources: BTreeMap::new(),
        mark: heard.map(|beat| format!("{:?}", beat.mark)),
        term: heard.map(|beat| beat.term),
        generation: heard.map(|beat| hex(beat.generation)),
    }
}

/// The peer's newest heartbeat, unless it is older than the window.
fn peer_beat(snapshot: &Snapshot, shot: &Shot) -> Option<Beat> {
    let fresh = |(_, at): &(Beat, Tick)| snapshot.at.since(*at) <= shot.plan.core.timing.timeout;
    shot.heard.filter(fresh).map(|(beat, _)| beat)
}

fn hex(generation: Generation) -> String {
    format!("{:016x}", generation.0)
}

fn vips(node: &Node, snapshot: &Snapshot, shot: &Shot, instances: &[Instance]) -> Vec<Vip> {
    let lease_ms = shot.lease.map(|until| until.since(snapshot.at)).filter(|left| *left > 0);
    let serves = |instance: &&Instance| matches!(instance.role.as_str(), "ALONE" | "PRIM");
    let holder = match lease_ms {
        Some(_) => Some(node.name().to_owned()),
        None => instances.iter().skip(1).find(serves).map(|instance| instance.node.clone()),
    };
    let vip = |vip: &crate::config::Vip| Vip {
        address: vip.addr.to_string(),
        interface: vip.interface.clone(),
        holder: holder.clone(),
        lease_ms,
    };
    shot.plan.module.vips.iter().map(vip).collect()
}

fn replication(node: &Node, snapshot: &Snapshot, shot: &Shot) -> Option<Replication> {
    let configured = shot.plan.module.rfs.as_ref()?;
    let stats = shot.rfs.as_ref()?.stats();
    let (me, peer) = (node.name().to_owned(), shot.plan.peer_name.clone());
    let followed = peer_beat(snapshot, shot).is_some_and(|beat| beat.role == Role::Second);
    let (phase, from, to) = match (shot.core.role(), followed) {
        (Role::Prim, true) => ("mirroring", Some(me), Some(peer)),
        (Role::Prim, false) => ("contested", Some(me), Some(peer)),
        (Role::Alone, true) => ("reintegrating", Some(me), Some(peer)),
        (Role::Alone, false) => ("alone", None, None),
        (Role::Second, _) if shot.core.record().mark == Mark::Shared => ("mirroring", Some(peer), Some(me)),
        (Role::Second, _) => ("reintegrating", Some(peer), Some(me)),
        (Role::Stop | Role::Wait, _) => ("idle", None, None),
    };
    Some(Replication {
        phase: phase.into(),
        from,
        to,
        directories: configured.dirs.iter().map(|dir| dir.dir.display().to_string()).collect(),
        bytes_per_second: stats.bytes_per_second,
        waiting: stats.waiting as u64,
        ack_us: (stats.ack_us > 0).then_some(stats.ack_us),
        progress: stats.copy.filter(|_| phase == "reintegrating").map(|copy| Progress {
            done_bytes: copy.done,
            total_bytes: copy.total,
            files: copy.files,
            copied_files: copy.copied,
            eta_ms: None,
        }),
    })
}

fn offers(node: &Node, snapshot: &Snapshot, shot: &Shot) -> Vec<Offer> {
    let offer = |command: &Command| {
        let refused = shot.core.judge(&shot.plan.core, snapshot.at, *command).map(wording::refusal);
        let severity = shot.core.severity(*command);
        let typed = severity >= Severity::Moderate;
        Offer {
            verb: command.verb().into(),
            node: node.name().into(),
            severity: severity.word().into(),
            refused: refused.map(str::to_owned),
            steps: if refused.is_none() {
                foresee::steps(node.name(), shot, snapshot.at, *command)
            } else {
                Vec::new()
            },
            confirm: typed.then(|| shot.plan.module.name.clone()),
        }
    };
    Command::ALL.iter().map(offer).collect()
}

fn health(module: &Module) -> Health {
    let role = |role: &str, ready: bool| {
        module.instances.iter().any(|i| i.role == role && (!ready || i.readiness == "Ready"))
    };
    let stopped = module.instances.iter().all(|i| i.role == "STOP");
    let redundant = module.if_node_lost.iter().all(|lost| lost.outcome != "OUTAGE");
    if stopped || (role("PRIM", true) && role("SECOND", true) && redundant) {
        Health::Ok
    } else if role("ALONE", true) || role("PRIM", true) {
        Health::Degraded
    } else if role("UNKNOWN", false) {
        Health::Unknown
    } else if module.instances.iter().any(|i| i.readiness == "Transient") {
        Health::Transient
    } else {
        Health::Outage
    }
}

fn nodes(node: &Node, snapshot: &Snapshot) -> Vec<NodeShape> {
    let shape = |(index, name): (usize, &String)| {
        let me = index == usize::from(node.me);
        let heard = snapshot.paths.iter().filter(|path| usize::from(path.peer) == index);
        let last = heard.filter_map(|path| age(snapshot, path)).min();
        NodeShape {
            name: name.clone(),
            me,
            addresses: node.addresses(name).iter().map(ToString::to_string).collect(),
            reachable: me || last.is_some_and(|age| age < DOWN),
            last_seen_ms: if me { Some(0) } else { last },
            version: if me {
                Some(env!("CARGO_PKG_VERSION").into())
            } else {
                snapshot.versions.get(&(index as u8)).cloned()
            },
        }
    };
    node.names.iter().enumerate().map(shape).collect()
}

fn age(snapshot: &Snapshot, path: &PathView) -> Option<u64> {
    Some(snapshot.at.since(Tick(path.heard?.as_millis() as u64)))
}

fn network(node: &Node, snapshot: &Snapshot, path: &PathView) -> Network {
    let last_heard_ms = age(snapshot, path);
    Network {
        name: path.network.clone(),
        peer: node.names.get(usize::from(path.peer)).cloned().unwrap_or_default(),
        up: last_heard_ms.is_some_and(|age| age < DOWN),
        last_heard_ms,
        rtt_us: path.rtt_us,
        loss_percent: path.loss_percent,
        history_us: path.history_us.clone(),
    }
}

/// The witness of the first module that has one.
fn witness(snapshot: &Snapshot) -> Option<Witness> {
    let view = snapshot.witnesses.first()?;
    let shot = snapshot.modules.iter().find(|shot| view.modules.contains(&shot.plan.id))?;
    Some(Witness {
        kind: view.witness.kind().into(),
        address: view.witness.to_string(),
        reachable: Some(view.answers),
        reachable_from_peer: peer_beat(snapshot, shot).map(|beat| beat.witness),
        rtt_us: view.rtt_us,
        reflects: reflects(snapshot),
    })
}

/// Known once heartbeats have come that way, or have not while they came another.
fn reflects(snapshot: &Snapshot) -> Option<bool> {
    let heard = |relay: bool| {
        let some = snapshot.paths.iter().filter(move |path| (path.network == Relay::NAME) == relay);
        some.filter_map(|path| age(snapshot, path)).min()
    };
    snapshot.paths.iter().find(|path| path.network == Relay::NAME)?;
    match (heard(true), heard(false)) {
        (Some(age), _) if age < DOWN => Some(true),
        (_, Some(age)) if age < DOWN => Some(false),
        _ => None,
    }
}

fn warnings(snapshot: &Snapshot) -> Vec<String> {
    let mut warnings = snapshot.warnings.clone();
    for (name, why) in &snapshot.broken {
        warnings.push(format!("module {name} cannot run: {}", why.trim_end()));
    }
    for shot in &snapshot.modules {
        let name = &shot.plan.module.name;
        let trouble = &shot.trouble;
        let differs = trouble.differs.then(|| {
            format!(
                "configuration differs: {} runs another configuration of {name}; install the same one on both nodes",
                shot.plan.peer_name
            )
        });
        let record = trouble.record.as_ref().map(|why| format!("nothing is decided until this works: {why}"));
        let found = [differs, record, trouble.lease.clone(), trouble.replication.clone()];
        warnings.extend(found.into_iter().flatten().map(|text| format!("{name}: {text}")));
    }
    warnings
}
