//! Nodes that run and do not hear each other.

use std::{fs, path::Path, thread, time::Duration};

use safetui_lab::{
    Cluster, Fault, Options,
    cluster::{Node, Witness},
    ledger::Client,
};

use crate::{LONG, logged, on_disk, pair, until, until_acked, write};

/// Is there a file with this content anywhere below `folder`?
fn kept(folder: &Path, text: &str) -> bool {
    fs::read_dir(folder).into_iter().flatten().flatten().any(|entry| {
        let path = entry.path();
        if path.is_dir() {
            kept(&path, text)
        } else {
            fs::read_to_string(&path).is_ok_and(|found| found == text)
        }
    })
}

#[test]
fn without_a_witness_both_go_on_and_nothing_is_overwritten_before_an_operator_chose() {
    let cluster = Cluster::start(Options { witness: Witness::None, ..Options::default() }).unwrap();
    cluster.part().unwrap();
    cluster.wait("n1", "ALONE").unwrap();
    cluster.wait("n2", "ALONE").unwrap();
    write(&cluster.n1, "from-n1", "one");
    write(&cluster.n2, "from-n2", "two");
    let serving = cluster.n1.service_pid();

    cluster.join().unwrap();
    cluster.wait("n2", "WAIT NotReady").unwrap();
    cluster.wait("n1", "ALONE").unwrap();
    assert_eq!((cluster.n1.service_pid(), cluster.n2.service_pid()), (serving, None));
    assert_eq!(cluster.n2.instance().unwrap()["rule"], "fork");
    let why = cluster.n2.safetui(["why"]).unwrap();
    assert!(why.contains("safetui second -m demo") && why.contains("safetui prim -m demo"), "{why}");
    assert_eq!(on_disk(&cluster.n2, "from-n2").as_deref(), Some("two"));

    // It is more than mild: without the operator's word nothing happens.
    let asked = cluster.n2.ask(["second", "-m", "demo", "--no-input"]).unwrap();
    assert_eq!(asked.code, Some(2), "{asked:?}");
    cluster.n2.order("second").unwrap();
    cluster.wait("n1", "PRIM").unwrap();
    cluster.wait("n2", "SECOND").unwrap();
    assert_eq!(on_disk(&cluster.n2, "from-n1").as_deref(), Some("one"));
    assert_eq!(on_disk(&cluster.n2, "from-n2"), None);
    let aside = cluster.n2.on_disk("/var/lib/safetui/modules/demo/aside");
    assert!(kept(&aside, "two"), "nothing in {}", aside.display());
    assert_eq!(cluster.n1.service_pid(), serving);
}

#[test]
fn the_operator_may_choose_the_other_side_of_a_fork() {
    let cluster = Cluster::start(Options { witness: Witness::None, ..Options::default() }).unwrap();
    cluster.part().unwrap();
    cluster.wait("n1", "ALONE").unwrap();
    cluster.wait("n2", "ALONE").unwrap();
    write(&cluster.n1, "from-n1", "one");
    write(&cluster.n2, "from-n2", "two");
    cluster.join().unwrap();
    cluster.wait("n2", "WAIT NotReady").unwrap();
    cluster.n1.order("stop").unwrap();
    cluster.n2.order("prim").unwrap();
    cluster.wait("n2", "ALONE").unwrap();
    cluster.n1.safetui(["start", "-m", "demo", "--no-wait"]).unwrap();
    cluster.wait("n1", "WAIT NotReady").unwrap();
    cluster.n1.order("second").unwrap();
    cluster.wait("n2", "PRIM").unwrap();
    cluster.wait("n1", "SECOND").unwrap();
    assert_eq!(on_disk(&cluster.n1, "from-n2").as_deref(), Some("two"));
    assert!(kept(&cluster.n1.on_disk("/var/lib/safetui/modules/demo/aside"), "one"));
}

/// With a router as witness: the node that falls silent waits, the other serves; then the pair is whole again.
fn silent(lost: fn(&Cluster) -> &Node, other: fn(&Cluster) -> &Node) {
    let cluster = pair();
    let client = cluster.client("w").unwrap();
    let arp = cluster.arp_probe().unwrap();
    let (lost, other) = (lost(&cluster), other(&cluster));
    // It needs no network to be promised something by the node that falls silent.
    let inside = Client::start(lost, cluster.target(), "inside").unwrap();
    until_acked(&client, 50);
    until_acked(&inside, 50);
    Fault::Silence.inject(lost).unwrap();
    cluster.wait(other.name(), "ALONE").unwrap();
    cluster.wait(lost.name(), "WAIT NotReady").unwrap();
    assert_eq!(lost.instance().unwrap()["rule"], "splitbrain_failure");
    // The other serves, which cannot be known there.
    until("that the peer is no longer heard", || {
        lost.state().is_ok_and(|state| state["health"] == "UNKNOWN")
    });
    assert_eq!(lost.ask(["state", "--exit-code"]).unwrap().code, Some(8));
    until("the end of the application", || lost.service_pid().is_none());
    until_acked(&client, 50);
    Fault::Silence.repair(lost).unwrap();
    cluster.wait(other.name(), "PRIM").unwrap();
    cluster.wait(lost.name(), "SECOND").unwrap();
    let seen = arp.finish();
    assert_eq!(seen.dual_serving(seen.period * 10), Duration::ZERO);
    for client in [client, inside] {
        let proof = client.finish(&cluster.client, LONG).unwrap();
        assert!(proof.lost.is_empty(), "{:?}", proof.lost);
    }
}

#[test]
fn a_silent_primary_waits_while_its_peer_serves() {
    silent(|cluster| &cluster.n1, |cluster| &cluster.n2);
}

#[test]
fn a_silent_secondary_waits_while_its_peer_serves() {
    silent(|cluster| &cluster.n2, |cluster| &cluster.n1);
}

#[test]
fn when_nobody_hears_anybody_nobody_serves_and_the_pair_returns_by_itself() {
    let cluster = pair();
    let client = cluster.client("w").unwrap();
    until_acked(&client, 50);
    for node in cluster.nodes() {
        Fault::Silence.inject(node).unwrap();
    }
    cluster.wait("n1", "WAIT NotReady").unwrap();
    cluster.wait("n2", "WAIT NotReady").unwrap();
    for node in cluster.nodes() {
        assert_eq!(node.service_pid(), None);
        Fault::Silence.repair(node).unwrap();
    }
    cluster.wait("n1", "PRIM").unwrap();
    cluster.wait("n2", "SECOND").unwrap();
    until_acked(&client, 50);
    let proof = client.finish(&cluster.client, LONG).unwrap();
    assert!(proof.lost.is_empty(), "{proof:?}");
}

#[test]
fn one_lost_network_of_two_changes_nothing() {
    let cluster = pair();
    for node in cluster.nodes() {
        cluster.heartbeat.isolate(&safetui_lab::Switch::port_of(node.name())).unwrap();
    }
    let private_is = |node: &Node, up: bool| {
        node.state().is_ok_and(|state| {
            let networks = state["networks"].as_array().unwrap().clone();
            networks.iter().any(|network| network["name"] == "private" && network["up"] == up)
        })
    };
    for node in cluster.nodes() {
        until("the loss of one network", || private_is(node, false));
    }
    write(&cluster.n1, "file", "text");
    assert_eq!(on_disk(&cluster.n2, "file").as_deref(), Some("text"));
    cluster.wait("n1", "PRIM").unwrap();
    cluster.wait("n2", "SECOND").unwrap();
    for node in cluster.nodes() {
        assert_eq!(crate::count(node, "Action alone"), 0, "{}", node.log());
    }
}

#[test]
fn nodes_on_isolated_ports_hear_each_other_by_the_router_and_never_both_serve() {
    let cluster = pair();
    let client = cluster.client("w").unwrap();
    let arp = cluster.arp_probe().unwrap();
    until_acked(&client, 50);
    cluster.part().unwrap();
    for node in cluster.nodes() {
        until("heartbeats by the router alone", || {
            node.state().is_ok_and(|state| {
                let networks = state["networks"].as_array().unwrap().clone();
                networks.iter().all(|network| network["up"] == (network["name"] == "relay"))
            })
        });
        assert_eq!(node.state().unwrap()["witness"]["reflects"], true);
    }
    // Much longer than every window.
    thread::sleep(Duration::from_secs(4));
    // Without a way for data there is no pair; the secondary knows that the primary lives.
    cluster.wait("n1", "ALONE").unwrap();
    until_acked(&client, 50);
    assert!(!cluster.n2.log().contains("Local state ALONE"), "{}", cluster.n2.log());
    assert_eq!(cluster.n2.module().unwrap()["instances"][1]["role"], "ALONE");
    cluster.join().unwrap();
    cluster.wait("n1", "PRIM").unwrap();
    cluster.wait("n2", "SECOND").unwrap();
    assert!(!cluster.n2.log().contains("Local state ALONE"), "{}", cluster.n2.log());
    let seen = arp.finish();
    assert_eq!((seen.nodes.len(), seen.dual_serving(seen.period * 10)), (1, Duration::ZERO));
    let proof = client.finish(&cluster.client, LONG).unwrap();
    assert!(proof.lost.is_empty(), "{proof:?}");
}

#[test]
fn a_node_that_only_one_hears_does_not_serve_twice() {
    for deaf in ["n1", "n2"] {
        let cluster = pair();
        let client = cluster.client("w").unwrap();
        let arp = cluster.arp_probe().unwrap();
        until_acked(&client, 50);
        let other = if deaf == "n1" { "n2" } else { "n1" };
        let fault = Fault::Deaf { from: other.into() };
        let node = cluster.node(deaf).unwrap();
        // The router may still carry heartbeats; what matters is that whatever follows is safe.
        fault.during(node, Duration::from_secs(4)).unwrap();
        cluster.revive(LONG).unwrap();
        logged(&cluster.n1, "Local state PRIM");
        until_acked(&client, 50);
        let seen = arp.finish();
        assert_eq!(seen.dual_serving(seen.period * 10), Duration::ZERO);
        let proof = client.finish(&cluster.client, LONG).unwrap();
        assert!(proof.lost.is_empty(), "{proof:?}");
    }
}
