//! Processes that do not run for a while, and then go on as if nothing had been.

use std::{thread, time::Duration};

use nix::unistd::Pid;
use safetui_lab::{Cluster, Fault, ledger::Client};

use crate::{LONG, pair, until_acked};

const PAUSE: Duration = Duration::from_secs(10);

/// Stops processes of n1, the primary, and continues them; clients behind the router and on both nodes watch.
fn stopped(chosen: impl Fn(&Cluster) -> Vec<Pid>) {
    let cluster = pair();
    let clients = [("far", &cluster.client), ("on-n1", &*cluster.n1), ("on-n2", &*cluster.n2)]
        .map(|(writer, host)| Client::start(host, cluster.target(), writer).unwrap());
    let probes = [cluster.arp_probe().unwrap(), cluster.probe(&cluster.local).unwrap()];
    until_acked(&clients[0], 50);
    let pids = chosen(&cluster);
    for pid in &pids {
        Fault::Paused(*pid).inject(&cluster.n1).unwrap();
    }
    cluster.wait("n2", "ALONE").unwrap();
    until_acked(&clients[0], 50);
    thread::sleep(PAUSE);
    for pid in &pids {
        Fault::Paused(*pid).repair(&cluster.n1).unwrap();
    }
    cluster.revive(LONG).unwrap();
    cluster.wait("n2", "PRIM").unwrap();
    until_acked(&clients[0], 50);
    for probe in probes {
        let seen = probe.finish();
        assert_eq!(seen.nodes, ["n1", "n2"]);
        assert_eq!(seen.dual_serving(seen.period * 10), Duration::ZERO);
    }
    // What was acknowledged to anybody, also beside the network, is where the service is now.
    for client in clients {
        let proof = client.finish(&cluster.client, LONG).unwrap();
        assert!(proof.lost.is_empty(), "{:?}", proof.lost);
        assert!(!proof.account.acked.is_empty());
    }
}

#[test]
fn a_primary_whose_agent_is_stopped_neither_answers_nor_acknowledges_beside_its_peer() {
    stopped(|cluster| vec![cluster.n1.agent_pid().unwrap()]);
}

#[test]
fn when_its_guard_is_stopped_too_the_lease_in_the_kernel_ends_its_service() {
    stopped(|cluster| vec![cluster.n1.guard_pid().unwrap(), cluster.n1.agent_pid().unwrap()]);
}

#[test]
fn a_stopped_agent_of_the_secondary_does_not_stop_the_service() {
    let cluster = pair();
    let client = cluster.client("w").unwrap();
    until_acked(&client, 50);
    let pids = [cluster.n2.guard_pid().unwrap(), cluster.n2.agent_pid().unwrap()];
    for pid in pids {
        Fault::Paused(pid).inject(&cluster.n2).unwrap();
    }
    cluster.wait("n1", "ALONE").unwrap();
    until_acked(&client, 50);
    for pid in pids {
        Fault::Paused(pid).repair(&cluster.n2).unwrap();
    }
    cluster.wait("n1", "PRIM").unwrap();
    cluster.wait("n2", "SECOND").unwrap();
    let proof = client.finish(&cluster.client, LONG).unwrap();
    assert!(proof.lost.is_empty(), "{proof:?}");
}
