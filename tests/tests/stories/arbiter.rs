//! Nodes that lose each other where an arbiter, and no router, says who goes on.

use std::time::Duration;

use safetui_lab::{Cluster, Drill, Fault, Options, Switch, cluster::Witness, drill};

use crate::{LONG, logged, until, until_acked};

/// n1 PRIM, n2 SECOND, and an arbiter that both can ask.
fn pair() -> Cluster {
    Cluster::start(Options { witness: Witness::Arbiter, ..Options::default() }).unwrap()
}

/// Does the node say that its witness answers?
fn witnessed(cluster: &Cluster, node: &str, answers: bool) {
    until(&format!("the witness of {node} answers: {answers}"), || {
        cluster.node(node).unwrap().state().is_ok_and(|state| state["witness"]["reachable"] == answers)
    });
}

#[test]
fn nodes_that_reach_the_same_machines_but_not_each_other_do_not_both_go_on() {
    let cluster = pair();
    let client = cluster.client("w").unwrap();
    let arp = cluster.arp_probe().unwrap();
    until_acked(&client, 50);
    for node in ["n1", "n2"] {
        witnessed(&cluster, node, true);
        assert_eq!(cluster.node(node).unwrap().state().unwrap()["witness"]["kind"], "arbiter");
    }
    cluster.part().unwrap();
    // The primary asks first; a busy machine may turn that round.
    until("one to go on, the other to wait", || {
        let mut roles = cluster.roles();
        roles.sort();
        roles == ["ALONE", "WAIT"]
    });
    let (winner, loser) = cluster.primary().unwrap();
    cluster.nodes().iter().for_each(|node| logged(node, "the arbiter is asked"));
    until_acked(&client, 50);
    let said = cluster.arbiter().unwrap().said();
    assert_eq!((said.matches("granted to").count(), said.matches("denied to").count()), (1, 1), "{said}");
    cluster.join().unwrap();
    cluster.wait(winner.name(), "PRIM").unwrap();
    cluster.wait(loser.name(), "SECOND").unwrap();
    until_acked(&client, 50);
    let seen = arp.finish();
    assert_eq!(seen.dual_serving(seen.period * 10), Duration::ZERO);
    let proof = client.finish(&cluster.client, LONG).unwrap();
    assert!(proof.lost.is_empty(), "{proof:?}");
}

/// Why an arbiter is worth a machine.
#[test]
fn a_router_that_reflects_nothing_lets_both_go_on() {
    let cluster = Cluster::start(Options { relay: false, replay: false, ..Options::default() }).unwrap();
    cluster.part().unwrap();
    cluster.wait("n1", "ALONE").unwrap();
    cluster.wait("n2", "ALONE").unwrap();
    cluster.join().unwrap();
    cluster.wait("n2", "WAIT NotReady").unwrap();
    assert_eq!(cluster.n2.instance().unwrap()["rule"], "fork");
    let both = cluster.replay().unwrap_err().to_string();
    assert!(both.contains("both nodes acknowledge writes"), "{both}");
}

#[test]
fn an_arbiter_that_is_killed_after_it_granted_still_denies_the_other() {
    let cluster = pair();
    let arbiter = cluster.arbiter().unwrap();
    let [n2, third] = ["n2", "arbiter"].map(Switch::port_of);
    cluster.service.cut(&n2, &third).unwrap();
    cluster.part().unwrap();
    cluster.wait("n1", "ALONE").unwrap();
    cluster.wait("n2", "SECOND Transient").unwrap();
    arbiter.kill().unwrap();
    witnessed(&cluster, "n1", false);
    cluster.service.mend(&n2, &third).unwrap();
    arbiter.start().unwrap();
    cluster.wait("n2", "WAIT NotReady").unwrap();
    until("the arbiter to say so", || arbiter.said().contains("denied to node 1, node 0 has it"));
    assert_eq!(arbiter.said().matches("granted to").count(), 1, "{}", arbiter.said());
    cluster.wait("n1", "ALONE").unwrap();
    cluster.join().unwrap();
    cluster.wait("n1", "PRIM").unwrap();
    cluster.wait("n2", "SECOND").unwrap();
}

/// The primary loses its power while the arbiter is away.
fn left_alone() -> Cluster {
    let cluster = pair();
    cluster.arbiter().unwrap().kill().unwrap();
    witnessed(&cluster, "n2", false);
    Fault::PowerCut.inject(&cluster.n1).unwrap();
    logged(&cluster.n2, "the arbiter is asked");
    cluster.wait("n2", "SECOND Transient").unwrap();
    let why = cluster.n2.safetui(["why"]).unwrap();
    assert!(why.contains("the arbiter is asked") && why.contains("witness answers: no"), "{why}");
    assert_eq!(cluster.n2.service_pid(), None);
    cluster
}

#[test]
fn a_secondary_waits_for_an_arbiter_that_is_away_and_goes_on_when_it_is_back() {
    let cluster = left_alone();
    cluster.arbiter().unwrap().start().unwrap();
    cluster.wait("n2", "ALONE").unwrap();
    cluster.n1.boot().unwrap();
    cluster.wait("n1", "SECOND").unwrap();
    cluster.wait("n2", "PRIM").unwrap();
}

#[test]
fn an_operator_may_speak_for_an_arbiter_that_is_away() {
    let cluster = left_alone();
    cluster.n2.order("failover").unwrap();
    cluster.wait("n2", "ALONE").unwrap();
    assert!(cluster.n2.service_pid().is_some());
}

#[test]
fn an_arbiter_that_lost_its_memory_in_between_is_not_believed() {
    let cluster = pair();
    let arbiter = cluster.arbiter().unwrap();
    let [n2, third] = ["n2", "arbiter"].map(Switch::port_of);
    witnessed(&cluster, "n2", true);
    cluster.service.cut(&n2, &third).unwrap();
    cluster.part().unwrap();
    cluster.wait("n1", "ALONE").unwrap();
    cluster.wait("n2", "SECOND Transient").unwrap();
    arbiter.kill().unwrap();
    std::fs::remove_dir_all(arbiter.on_disk("/var/lib/safetui/witness")).unwrap();
    arbiter.start().unwrap();
    cluster.service.mend(&n2, &third).unwrap();
    until("the arbiter to be asked", || arbiter.said().contains("asks for the word of another ledger"));
    until("a warning", || cluster.n2.state().unwrap()["warnings"].to_string().contains("has forgotten"));
    cluster.wait("n2", "SECOND Transient").unwrap();
    cluster.join().unwrap();
    cluster.wait("n1", "PRIM").unwrap();
    cluster.wait("n2", "SECOND").unwrap();
}

#[test]
fn a_node_with_another_key_than_the_arbiter_is_told_by_the_arbiter_alone() {
    let cluster = Cluster::build(Options { witness: Witness::Arbiter, ..Options::default() }).unwrap();
    let arbiter = cluster.arbiter().unwrap();
    std::fs::write(arbiter.on_disk("/etc/safetui/cluster.key"), "a5".repeat(32)).unwrap();
    cluster.start_agents().unwrap();
    cluster.first_start().unwrap();
    until("the arbiter to complain", || {
        arbiter.said().contains("10.77.0.11 asks with a cluster key that this server does not have")
    });
    witnessed(&cluster, "n1", false);
}

#[test]
fn the_primary_loses_power_and_the_arbiter_lets_the_secondary_go_on() {
    let cluster = pair();
    let outcome = drill::run(&cluster, Drill::Crash, &|event| println!("{event:?}")).unwrap();
    assert_eq!((outcome.lost, outcome.dual_serving_ms), (0, 0.0), "{outcome:?}");
    assert_eq!(outcome.final_states, ["PRIM", "SECOND"], "{outcome:?}");
    // The window, a question, and the time that a busy machine takes to start the application.
    let least = cluster.options().timeout.as_secs_f64() * 1500.0;
    let took = outcome.takeover_ms.unwrap();
    assert!((least - 300.0..least + 4000.0).contains(&took), "{outcome:?}");
}
