//! Hand-made states: what an operator meets.

use std::collections::BTreeMap;

use safetui_net::api::shape::{
    Guard, Happened, Health, Instance, Module, Network, Node, Offer, Progress, Replication, STATE_SCHEMA,
    State, Vip, WayOut, WhatIf, Why, Witness,
};

const NOW: &str = "2026-09-30T12:08:14.200Z";

/// Both nodes well, one module mirrored.
pub(super) fn healthy() -> State {
    State {
        schema: STATE_SCHEMA.to_owned(),
        seq: 48_812,
        time: NOW.to_owned(),
        cluster: "prod-a".to_owned(),
        node: "node1".to_owned(),
        health: Health::Ok,
        nodes: vec![node("node1", true), node("node2", false)],
        witness: Some(Witness {
            kind: "ping".to_owned(),
            address: "10.0.0.1".to_owned(),
            reachable: Some(true),
            reachable_from_peer: Some(true),
            rtt_us: Some(870),
            reflects: Some(true),
        }),
        networks: vec![network("eth0", 410), network("eth1", 520)],
        modules: vec![mirrored("db")],
        events: vec![
            event("12:04:40.200", "node2", Some("db"), "U", "stop by alice@10.0.0.9/tui"),
            event("12:04:40.733", "node1", Some("db"), "E", "PRIM to ALONE: peer stopped"),
            event("12:05:01.020", "node2", Some("db"), "U", "start by alice@10.0.0.9/tui"),
            event("12:05:01.402", "node1", Some("db"), "E", "ALONE to PRIM: peer joined"),
            event("12:06:10.004", "node1", None, "I", "witness 10.0.0.1 reflects heartbeats"),
            event("12:07:02.901", "node1", Some("db"), "S", "start_prim ended with 0 after 3.2 s"),
        ],
        warnings: Vec::new(),
    }
}

/// A cut went over everything and each side was alone once: node1 serves, node2 waits for the operator.
pub(super) fn fork() -> State {
    let mut state = healthy();
    state.health = Health::Degraded;
    state.node = "node2".to_owned();
    state.nodes[0].me = false;
    state.nodes[1].me = true;
    state.nodes[0].last_seen_ms = Some(80);
    let mut files = mirrored("files");
    files.instances = vec![
        instance("node2", "WAIT", "NotReady", "Exclusive", "b7d0335e11aa9001"),
        instance("node1", "ALONE", "Ready", "Exclusive", "a1b2c3d4e5f60718"),
    ];
    files.instances[0].rule = Some("latch".to_owned());
    files.vips[0].holder = Some("node1".to_owned());
    files.vips[0].lease_ms = None;
    files.replication = Some(Replication {
        phase: "idle".to_owned(),
        from: None,
        to: None,
        bytes_per_second: 0,
        ..flowing()
    });
    files.why = Some(fork_why());
    files.if_node_lost = vec![
        what_if("node1", "OUTAGE", "node2 may not start: its data and that of node1 went separate ways"),
        what_if("node2", "NO_CHANGE", "node1 serves alone already"),
    ];
    files.actions = vec![
        refuse(offer("start", "node2", "mild", &[], None), "data forked: choose a side with prim or second"),
        offer(
            "second",
            "node2",
            "severe",
            &[
                "copies 3 changed files aside to /var/lib/safetui/aside",
                "copies all data of node1 over node2",
            ],
            Some("files/node2"),
        ),
        offer(
            "stop",
            "node1",
            "severe",
            &["drops 10.0.0.50", "runs stop_prim", "nobody serves files"],
            Some("files/node1"),
        ),
    ];
    files.timeline = vec![
        "SSSSSSSSSSSSSSSSSSSSSSSSSSSSSSaaAAAAAA??WWWWWWWWWW".to_owned(),
        "PPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPAAAAAAAAAAAAAAAAAA".to_owned(),
    ];
    state.modules.push(files);
    state.warnings = vec![
        "files: data of node1 and node2 went separate ways".to_owned(),
        "the clocks differ by 3 s".to_owned(),
    ];
    state
}

fn fork_why() -> Why {
    Why {
        headline: "node2 and node1 both changed the data while they could not see each other".to_owned(),
        causes: vec![
            "12:02:11 every path between the nodes was cut; both reached the router".to_owned(),
            "12:02:12 node1 went ALONE and changed 214 files".to_owned(),
            "12:02:13 node2 was forced to PRIM by root and changed 3 files; then both met again".to_owned(),
        ],
        guards: vec![
            guard("peer heard", Some(true), "eth0 80 ms ago"),
            guard("one newest version", Some(false), "a1b2c3d4 and b7d0335e, parent 90aa12f0"),
            guard("witness", None, "not asked: no window is contested"),
        ],
        ways_out: vec![
            WayOut {
                text: "take the data of node1; the 3 changed files of node2 are kept aside".to_owned(),
                command: Some("safetui second -m files -H node2 --confirm files/node2".to_owned()),
            },
            WayOut {
                text: "take the data of node2; the 214 changed files of node1 are kept aside".to_owned(),
                command: Some("safetui prim fullsync -m files -H node2 --confirm files/node2".to_owned()),
            },
        ],
    }
}

/// node2 came back and is being filled.
pub(super) fn reintegrating() -> State {
    let mut state = healthy();
    state.health = Health::Transient;
    let db = &mut state.modules[0];
    db.instances[1] = instance("node2", "SECOND", "Transient", "Copying", "a1b2c3d4e5f60718");
    db.instances[0].mark = Some("Exclusive".to_owned());
    db.instances[1].resources.insert("rfs.uptodate".to_owned(), "INIT".to_owned());
    db.replication = Some(Replication {
        phase: "reintegrating".to_owned(),
        waiting: 3,
        progress: Some(Progress {
            done_bytes: 7_600_000_000,
            total_bytes: 18_200_000_000,
            files: 61_204,
            copied_files: 1_118,
            eta_ms: Some(190_000),
        }),
        ..flowing()
    });
    db.if_node_lost[0] = what_if("node1", "OUTAGE", "node2 has 41% of the data and may not start");
    db.timeline[1] = "SSSSSSSSSSSSSSSSSSSS-------wwwsssssssssssssssssss".to_owned();
    state
}

/// Nobody serves: node1 stopped by an operator, node2 out of reach.
pub(super) fn outage() -> State {
    let mut state = healthy();
    state.health = Health::Outage;
    state.nodes[1].reachable = false;
    state.nodes[1].last_seen_ms = Some(41_000);
    state.witness = state.witness.map(|witness| Witness {
        reachable: Some(false),
        reachable_from_peer: None,
        rtt_us: None,
        ..witness
    });
    for network in &mut state.networks {
        network.up = false;
        network.last_heard_ms = Some(41_000);
        network.rtt_us = None;
        network.loss_percent = Some(100.0);
    }
    let db = &mut state.modules[0];
    db.instances = vec![
        instance("node1", "WAIT", "NotReady", "Shared", "a1b2c3d4e5f60718"),
        instance("node2", "UNKNOWN", "Unknown", "Shared", "a1b2c3d4e5f60718"),
    ];
    db.instances[1].age_ms = 41_000;
    db.vips[0].holder = None;
    db.vips[0].lease_ms = None;
    db.replication = Some(Replication {
        phase: "contested".to_owned(),
        from: None,
        to: None,
        bytes_per_second: 0,
        ..flowing()
    });
    db.why = Some(Why {
        headline: "node1 lost node2 and the router at the same time, so node2 may serve".to_owned(),
        causes: vec!["12:07:33 nothing was heard any more on eth0, eth1 and from 10.0.0.1".to_owned()],
        guards: vec![guard("witness continuity", Some(false), "10.0.0.1 has not answered for 41 s")],
        ways_out: Vec::new(),
    });
    db.if_node_lost = vec![what_if("node1", "NO_CHANGE", "nobody serves already")];
    db.timeline =
        vec![format!("{}{}", "P".repeat(9), "W".repeat(41)), format!("{}{}", "S".repeat(9), "?".repeat(41))];
    state
}

/// Many modules, long and wide names, a node that says nothing special.
pub(super) fn many() -> State {
    let mut state = reintegrating();
    let names = [
        "映画館データベース",
        "a-module-with-a-very-long-name-indeed",
        "café",
        "web",
        "mail",
        "ledger",
        "queue",
        "archive",
    ];
    for (index, name) in names.iter().enumerate() {
        let mut module = mirrored(name);
        if index % 3 == 2 {
            module.instances[0] = instance("node1", "STOP", "NotReady", "Stale", "77");
            module.instances[1] = instance("node2", "ALONE", "Ready", "Exclusive", "78");
            module.vips.clear();
        }
        state.modules.push(module);
    }
    state
}

fn node(name: &str, me: bool) -> Node {
    let last = if name == "node1" { "107" } else { "108" };
    Node {
        name: name.to_owned(),
        me,
        addresses: vec![format!("10.0.0.{last}"), format!("10.1.0.{last}")],
        reachable: true,
        last_seen_ms: Some(if me { 0 } else { 80 }),
        version: Some("0.1.0".to_owned()),
    }
}

fn network(name: &str, rtt_us: u64) -> Network {
    Network {
        name: name.to_owned(),
        peer: "node2".to_owned(),
        up: true,
        last_heard_ms: Some(80),
        rtt_us: Some(rtt_us),
        loss_percent: Some(0.0),
        history_us: (0..60)
            .map(|second| rtt_us + second * 37 % 23 * 20 + if second == 40 { 1500 } else { 0 })
            .collect(),
    }
}

fn flowing() -> Replication {
    Replication {
        phase: "mirroring".to_owned(),
        from: Some("node1".to_owned()),
        to: Some("node2".to_owned()),
        directories: vec!["/var/lib/postgresql".to_owned(), "/srv/files".to_owned()],
        bytes_per_second: 38_400_000,
        waiting: 0,
        ack_us: Some(800),
        progress: None,
    }
}

fn mirrored(name: &str) -> Module {
    Module {
        name: name.to_owned(),
        kind: "MIRROR".to_owned(),
        timeout_ms: 1000,
        guard_ms: 500,
        instances: vec![
            instance("node1", "PRIM", "Ready", "Shared", "a1b2c3d4e5f60718"),
            instance("node2", "SECOND", "Ready", "Shared", "a1b2c3d4e5f60718"),
        ],
        vips: vec![Vip {
            address: "10.0.0.50".to_owned(),
            interface: Some("eth0".to_owned()),
            holder: Some("node1".to_owned()),
            lease_ms: Some(820),
        }],
        replication: Some(flowing()),
        why: None,
        if_node_lost: vec![
            what_if("node1", "SERVICE_UP", "node2 takes over in about 1.5 s, nothing acknowledged is lost"),
            what_if("node2", "SERVICE_UP", "node1 serves on alone, without redundancy"),
        ],
        actions: vec![
            offer(
                "swap",
                "node1",
                "moderate",
                &[
                    "stops new writes on node1 and flushes",
                    "node1 drops 10.0.0.50",
                    "node2 takes 10.0.0.50 and runs start_prim",
                    "node1 follows as SECOND; clients wait about 2 s",
                ],
                Some(name),
            ),
            offer("stop", "node1", "moderate", &["node1 runs stop_prim", "node2 serves alone"], Some(name)),
            refuse(offer("start", "node1", "mild", &[], None), "it is started already"),
            offer(
                "stop",
                "node2",
                "mild",
                &["node2 stops following", "node1 serves on, without redundancy"],
                None,
            ),
        ],
        timeline: vec!["P".repeat(50), "S".repeat(50)],
    }
}

fn instance(node: &str, role: &str, readiness: &str, mark: &str, generation: &str) -> Instance {
    let up = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let serves = if matches!(role, "PRIM" | "ALONE") { "UP" } else { "DOWN" };
    Instance {
        node: node.to_owned(),
        role: role.to_owned(),
        readiness: readiness.to_owned(),
        since: Some("2026-09-30T12:04:02.000Z".to_owned()),
        age_ms: if node == "node1" { 0 } else { 90 },
        rule: None,
        resources: BTreeMap::from([
            up("rfs.uptodate", "UP"),
            up("rfs.degraded", "DOWN"),
            up("proc.postgres", serves),
            up("tcp.sql", serves),
            up("intf.eth0", "UP"),
            up("ping.gateway", "UP"),
        ]),
        mark: Some(mark.to_owned()),
        term: Some(7),
        generation: Some(generation.to_owned()),
    }
}

fn offer(verb: &str, node: &str, severity: &str, steps: &[&str], confirm: Option<&str>) -> Offer {
    Offer {
        verb: verb.to_owned(),
        node: node.to_owned(),
        severity: severity.to_owned(),
        refused: None,
        steps: steps.iter().map(|step| (*step).to_owned()).collect(),
        confirm: confirm.map(str::to_owned),
    }
}

fn refuse(offer: Offer, why: &str) -> Offer {
    Offer { refused: Some(why.to_owned()), ..offer }
}

fn what_if(node: &str, outcome: &str, text: &str) -> WhatIf {
    WhatIf { node: node.to_owned(), outcome: outcome.to_owned(), text: text.to_owned() }
}

fn guard(name: &str, holds: Option<bool>, evidence: &str) -> Guard {
    Guard { name: name.to_owned(), holds, evidence: evidence.to_owned() }
}

fn event(time: &str, node: &str, module: Option<&str>, level: &str, text: &str) -> Happened {
    Happened {
        seq: 1,
        time: format!("2026-09-30T{time}Z"),
        node: node.to_owned(),
        module: module.map(str::to_owned),
        level: level.to_owned(),
        text: text.to_owned(),
    }
}
