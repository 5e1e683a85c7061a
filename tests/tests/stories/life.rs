//! The verbs in the life of a pair.

use std::{fs, os::unix::fs::PermissionsExt, time::Duration};

use safetui_lab::{Cluster, Options};

use crate::{LONG, count, logged, new_nodes, pair, until, until_acked, write};

fn entries(cluster: &Cluster) -> [usize; 2] {
    cluster.nodes().map(|node| count(node, "Local state"))
}

#[test]
fn a_stopped_primary_hands_over_and_comes_back_as_secondary() {
    let cluster = pair();
    let client = cluster.client("w").unwrap();
    until_acked(&client, 20);
    cluster.n1.order("stop").unwrap();
    cluster.wait("n1", "STOP").unwrap();
    cluster.wait("n2", "ALONE").unwrap();
    logged(&cluster.n1, "Script stop_prim > ");
    logged(&cluster.n2, "Action alone called by heart: remote stop");
    logged(&cluster.n2, "Script start_prim");
    assert_eq!(cluster.n1.service_pid(), None);
    until_acked(&client, 20);

    let serving = cluster.n2.service_pid();
    assert!(serving.is_some());
    cluster.n1.order("start").unwrap();
    cluster.wait("n1", "SECOND").unwrap();
    cluster.wait("n2", "PRIM").unwrap();
    assert_eq!(cluster.n2.service_pid(), serving, "the application was interrupted");
    until_acked(&client, 20);
    let proof = client.finish(&cluster.client, LONG).unwrap();
    assert!(proof.lost.is_empty(), "{proof:?}");
}

#[test]
fn a_stopped_secondary_is_not_noticed_by_the_application() {
    let cluster = pair();
    let serving = cluster.n1.service_pid();
    cluster.n2.order("stop").unwrap();
    cluster.wait("n1", "ALONE").unwrap();
    cluster.n2.order("start").unwrap();
    cluster.wait("n1", "PRIM").unwrap();
    assert_eq!(cluster.n1.service_pid(), serving);
}

#[test]
fn a_restart_keeps_the_roles() {
    let cluster = pair();
    let (serving, before) = (cluster.n1.service_pid().unwrap(), entries(&cluster));
    cluster.n1.order("restart").unwrap();
    cluster.wait("n1", "PRIM").unwrap();
    let mut now = None;
    until("the application", || {
        now = cluster.n1.service_pid();
        now.is_some()
    });
    assert_ne!(now, Some(serving));
    logged(&cluster.n1, "Local state PRIM Transient");
    until("two changes of readiness on n1", || entries(&cluster)[0] == before[0] + 2);
    assert_eq!(entries(&cluster)[1], before[1], "the secondary changed: {}", cluster.n2.log());
    assert_eq!(count(&cluster.n1, "Local state ALONE Transient"), 1, "{}", cluster.n1.log());
}

#[test]
fn a_swap_can_be_asked_of_either_node() {
    let cluster = pair();
    let client = cluster.client("w").unwrap();
    let arp = cluster.arp_probe().unwrap();
    until_acked(&client, 20);
    for (asked, primary, secondary) in [("n1", "n2", "n1"), ("n1", "n1", "n2"), ("n1", "n2", "n1")] {
        cluster.node(asked).unwrap().order("swap").unwrap();
        cluster.wait(primary, "PRIM").unwrap();
        cluster.wait(secondary, "SECOND").unwrap();
        until_acked(&client, 20);
    }
    let seen = arp.finish();
    assert_eq!(seen.dual_serving(seen.period * 10), Duration::ZERO);
    let proof = client.finish(&cluster.client, LONG).unwrap();
    assert!(proof.lost.is_empty(), "{proof:?}");
}

#[test]
fn a_stopstart_of_the_primary_exchanges_the_roles() {
    let cluster = pair();
    cluster.n1.order("stopstart").unwrap();
    cluster.wait("n2", "PRIM").unwrap();
    cluster.wait("n1", "SECOND").unwrap();
    logged(&cluster.n1, "Local state STOP");
}

#[test]
fn a_forced_stop_ends_what_a_stop_cannot() {
    let cluster = Cluster::build(Options::default()).unwrap();
    let script = cluster.n1.on_disk("/var/lib/safetui/modules/demo/bin/stop_prim");
    fs::write(&script, "#!/bin/sh\ntrap '' TERM\nsleep 1000\n").unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let config = cluster.n1.on_disk("/var/lib/safetui/modules/demo/conf/userconfig.xml");
    let patient = fs::read_to_string(&config).unwrap().replace("stoptimeout=\"5s\"", "stoptimeout=\"10m\"");
    for node in cluster.nodes() {
        fs::write(node.on_disk("/var/lib/safetui/modules/demo/conf/userconfig.xml"), &patient).unwrap();
    }
    cluster.start_agents().unwrap();
    cluster.first_start().unwrap();
    cluster.n1.safetui(["stop", "-m", "demo", "--confirm", "demo", "--no-wait"]).unwrap();
    cluster.wait("n1", "WAIT Transient").unwrap();
    until("the hanging script", || {
        cluster.n1.processes().unwrap().iter().any(|process| process.command == "sleep 1000")
    });
    // As long as the application may write, the peer waits.
    cluster.wait("n2", "SECOND").unwrap();
    cluster.n1.order("forcestop").unwrap();
    cluster.wait("n1", "STOP").unwrap();
    assert_eq!(cluster.n1.service_pid(), None);
    cluster.wait("n2", "ALONE").unwrap();
}

#[test]
fn a_stopped_node_can_be_told_to_follow() {
    let cluster = pair();
    cluster.n2.order("stop").unwrap();
    cluster.wait("n1", "ALONE").unwrap();
    write(&cluster.n1, "new", "text");
    cluster.n2.order("second").unwrap();
    cluster.wait("n2", "SECOND").unwrap();
    cluster.wait("n1", "PRIM").unwrap();
    assert_eq!(crate::on_disk(&cluster.n2, "new").as_deref(), Some("text"));
}

#[test]
fn a_failover_is_refused_while_the_pair_is_healthy() {
    let cluster = pair();
    let said = cluster.n2.ask(["failover", "-m", "demo", "--confirm", "demo"]).unwrap();
    assert_eq!(said.code, Some(3), "{said:?}");
    assert!(said.err.contains("swap"), "{said:?}");
    cluster.wait("n1", "PRIM").unwrap();
}

#[test]
fn a_module_that_was_stopped_stays_stopped_over_a_reboot() {
    let cluster = new_nodes(Options::default());
    cluster.first_start().unwrap();
    cluster.n2.order("stop").unwrap();
    cluster.n2.power_cut().unwrap();
    cluster.n2.boot().unwrap();
    cluster.wait("n2", "STOP").unwrap();
    logged(&cluster.n2, "Local state STOP");
    cluster.wait("n1", "ALONE").unwrap();
}
