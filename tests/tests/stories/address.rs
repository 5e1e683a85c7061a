//! The virtual address, seen from a neighbour.

use std::time::Duration;

use safetui_lab::{Cluster, cluster::config};

use crate::{pair, until};

const RECENT: Duration = Duration::from_millis(500);

/// The hardware address to which the neighbour sends what is for the virtual address.
fn neighbour(cluster: &Cluster) -> String {
    cluster.local.run("ip", ["neighbour", "show", &config::VIP.to_string()]).unwrap()
}

fn hardware(cluster: &Cluster, node: &str) -> String {
    let port = cluster.node(node).unwrap().port("eth0").unwrap();
    port.hardware().map(|byte| format!("{byte:02x}")).join(":")
}

fn holds(cluster: &Cluster, node: &str) -> bool {
    let shown = cluster.node(node).unwrap().run("ip", ["-o", "-4", "address", "show", "dev", "eth0"]);
    shown.unwrap().contains(&format!(" {}/", config::VIP))
}

#[test]
fn a_neighbour_learns_the_hardware_address_of_the_new_primary() {
    let cluster = pair();
    let (udp, arp) = (cluster.probe(&cluster.local).unwrap(), cluster.arp_probe().unwrap());
    let by = |node: &str| {
        until(&format!("answers of {node} alone"), || {
            [&udp, &arp].iter().all(|probe| probe.answering(RECENT).as_deref() == Some(node))
        });
    };
    by("n1");
    assert!(neighbour(&cluster).contains(&hardware(&cluster, "n1")), "{}", neighbour(&cluster));
    cluster.n1.order("stopstart").unwrap();
    cluster.wait("n2", "PRIM").unwrap();
    by("n2");
    until("the new hardware address", || neighbour(&cluster).contains(&hardware(&cluster, "n2")));
    for seen in [udp.finish(), arp.finish()] {
        assert_eq!(seen.nodes, ["n1", "n2"]);
        assert_eq!(seen.dual_serving(seen.period * 10), Duration::ZERO);
    }
}

#[test]
fn a_neighbour_that_never_asks_is_told() {
    let cluster = pair();
    // It is sure of what it knows for ten minutes: only an announcement can teach it better.
    let sure = format!(
        "echo 600000 >/proc/sys/net/ipv4/neigh/eth0/base_reachable_time_ms && \
         ip neighbour replace {} lladdr {} nud reachable dev eth0",
        config::VIP,
        hardware(&cluster, "n1")
    );
    cluster.local.run("sh", ["-c", &sure]).unwrap();
    cluster.n1.order("swap").unwrap();
    cluster.wait("n2", "PRIM").unwrap();
    until("the new hardware address", || neighbour(&cluster).contains(&hardware(&cluster, "n2")));
}

#[test]
fn the_address_is_where_the_primary_is_and_nowhere_else() {
    let cluster = pair();
    let holds = |node: &str| holds(&cluster, node);
    assert_eq!(["n1", "n2"].map(holds), [true, false]);
    cluster.n1.order("swap").unwrap();
    cluster.wait("n2", "PRIM").unwrap();
    assert_eq!(["n1", "n2"].map(holds), [false, true]);
    cluster.n2.order("stop").unwrap();
    cluster.wait("n1", "ALONE").unwrap();
    cluster.n1.order("stop").unwrap();
    assert_eq!(["n1", "n2"].map(holds), [false, false]);
}

#[test]
fn an_address_that_somebody_takes_away_is_set_again() {
    let cluster = pair();
    let arp = cluster.arp_probe().unwrap();
    let address = format!("{}/32", config::VIP);
    until("answers", || arp.answering(RECENT).is_some());
    cluster.n1.run("ip", ["address", "delete", &address, "dev", "eth0"]).unwrap();
    crate::logged(&cluster.n1, "somebody removed the virtual IP");
    until("the address", || holds(&cluster, "n1"));
    until("answers", || arp.answering(RECENT).is_some());
    cluster.wait("n1", "PRIM").unwrap();
}
