//! Processes that are killed.

use std::time::Duration;

use safetui_lab::{Cluster, Fault, Options};

use crate::{LONG, pair, until, until_acked};

#[test]
fn the_last_word_of_the_guard_is_much_faster_than_the_window() {
    // Without it, the peer would wait for ten seconds and the guard interval after them.
    let cluster = Cluster::start(Options { timeout: Duration::from_secs(10), ..Options::default() }).unwrap();
    let client = cluster.client("w").unwrap();
    let arp = cluster.arp_probe().unwrap();
    until_acked(&client, 50);
    let before = cluster.n2.log().len();
    let fault = Fault::Killed(cluster.n1.agent_pid().unwrap()).inject(&cluster.n1).unwrap();
    cluster.wait("n2", "PRIM").unwrap();
    cluster.wait("n1", "SECOND").unwrap();
    until_acked(&client, 50);
    let seen = arp.finish();
    let takeover = seen.takeover(fault).unwrap();
    assert!(takeover < Duration::from_secs(5), "{takeover:?}");
    assert_eq!(seen.dual_serving(seen.period * 10), Duration::ZERO);
    let proof = client.finish(&cluster.client, LONG).unwrap();
    assert!(proof.lost.is_empty(), "{proof:?}");
    // The next agent would have begun with WAIT.
    let log = cluster.n2.log();
    let after: Vec<&str> = log[before..].lines().filter(|line| line.contains("Remote state")).collect();
    assert!(after[0].contains("Remote state STOP"), "{after:?}");
    assert!(log.contains("Action alone called by heart: remote stop"), "{log}");
}

#[test]
fn a_killed_agent_of_the_secondary_comes_back() {
    let cluster = pair();
    let serving = cluster.n1.service_pid();
    let killed = cluster.n2.agent_pid().unwrap();
    Fault::Killed(killed).inject(&cluster.n2).unwrap();
    until("another agent", || cluster.n2.agent_pid().is_ok_and(|pid| pid != killed));
    cluster.wait("n2", "SECOND").unwrap();
    cluster.wait("n1", "PRIM").unwrap();
    assert_eq!(cluster.n1.service_pid(), serving);
}

#[test]
fn a_killed_guard_takes_its_agent_along_and_the_window_decides() {
    let cluster = pair();
    let client = cluster.client("w").unwrap();
    let arp = cluster.arp_probe().unwrap();
    until_acked(&client, 50);
    let (guard, agent) = (cluster.n1.guard_pid().unwrap(), cluster.n1.agent_pid().unwrap());
    Fault::Killed(guard).inject(&cluster.n1).unwrap();
    until("the end of the agent", || {
        cluster.n1.processes().unwrap().iter().all(|process| process.pid != agent)
    });
    cluster.wait("n2", "ALONE").unwrap();
    until_acked(&client, 50);
    cluster.n1.start_agent().unwrap();
    cluster.wait("n1", "SECOND").unwrap();
    cluster.wait("n2", "PRIM").unwrap();
    // What the first life left of the application is gone.
    assert_eq!(cluster.n1.service_pid(), None);
    let seen = arp.finish();
    assert_eq!(seen.nodes, ["n1", "n2"]);
    assert_eq!(seen.dual_serving(seen.period * 10), Duration::ZERO);
    let proof = client.finish(&cluster.client, LONG).unwrap();
    assert!(proof.lost.is_empty(), "{proof:?}");
}

#[test]
fn an_agent_that_is_killed_again_and_again_loses_nothing() {
    let cluster = pair();
    let client = cluster.client("w").unwrap();
    until_acked(&client, 50);
    for _ in 0..3 {
        let (primary, _) = cluster.primary().unwrap();
        Fault::Killed(primary.agent_pid().unwrap()).inject(primary).unwrap();
        cluster.revive(LONG).unwrap();
        until_acked(&client, 50);
    }
    let proof = client.finish(&cluster.client, LONG).unwrap();
    assert!(proof.lost.is_empty(), "{proof:?}");
}
