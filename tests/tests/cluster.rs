//! The demo cluster without the product: networks, configuration, scripts, application, measures.
//! What the product does is done by hand here, once well and once badly.

use std::{fs, net::UdpSocket, time::Duration};

use safetui_lab::{
    Cluster, Fault, Options,
    cluster::{Node, Witness, config},
    wait,
};

const LONG: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(10);
const VIP: &str = "10.77.0.100/32";

fn cluster() -> Cluster {
    let product = Some("/bin/true".into());
    Cluster::build(Options { safetui: product, ..Options::default() }).unwrap()
}

/// What entering PRIM comes to, seen from outside.
fn serve(cluster: &Cluster, node: &Node) {
    node.run("ip", ["address", "add", VIP, "dev", "eth0"]).unwrap();
    for host in [&cluster.router, &cluster.local] {
        host.run("ip", ["neighbour", "flush", "to", &config::VIP.to_string()]).unwrap();
    }
    node.run("/var/lib/safetui/modules/demo/bin/start_prim", ["WAIT", "ALONE", "start"]).unwrap();
}

fn leave(node: &Node, force: &[&str]) {
    node.run("/var/lib/safetui/modules/demo/bin/stop_prim", force).unwrap();
    node.run("ip", ["address", "delete", VIP, "dev", "eth0"]).unwrap();
}

fn until(what: &str, condition: impl Fn() -> bool) {
    wait::until(what, LONG, SHORT, || if condition() { Ok(()) } else { Err("not yet") }).unwrap();
}

#[test]
fn the_application_moves_between_the_nodes_and_the_client_sees_what_was_not_replicated() {
    let cluster = cluster();
    let [far, near] = [&cluster.client, &cluster.local].map(|host| cluster.probe(host).unwrap());
    let arp = cluster.arp_probe().unwrap();
    let recent = Duration::from_millis(300);
    let by = |node: &str| {
        for probe in [&far, &near, &arp] {
            until(&format!("answers of {node}"), || probe.answering(recent).as_deref() == Some(node));
        }
    };
    serve(&cluster, &cluster.n1);
    by("n1");
    let client = cluster.client("w").unwrap();
    until("20 acknowledged entries", || client.acked() >= 20);

    let fault = Fault::PowerCut.inject(&cluster.n1).unwrap();
    let before = client.acked();
    serve(&cluster, &cluster.n2);
    by("n2");
    until("20 more", || client.acked() >= before + 20);
    leave(&cluster.n2, &[]);
    until("silence", || far.answering(recent).is_none() && arp.answering(recent).is_none());

    // Back on its old disk, n1 has the first entries and none of the later ones.
    cluster.n1.power_on().unwrap();
    serve(&cluster, &cluster.n1);
    by("n1");
    let proof = client.finish(&cluster.client, LONG).unwrap();
    assert!(proof.lost.len() >= 20, "{proof:?}");
    assert!(!proof.lost.contains(&1), "{proof:?}");
    for seen in [far, near, arp].map(safetui_lab::probe::Probe::finish) {
        assert_eq!(seen.nodes, ["n1", "n2"]);
        assert!(seen.takeover(fault).is_some());
        assert_eq!(seen.dual_serving(seen.period * 10), Duration::ZERO);
    }
    leave(&cluster.n1, &["force"]);
    assert_eq!(cluster.n1.processes().unwrap(), []);
}

#[test]
fn a_silent_host_still_believes_that_it_serves() {
    let cluster = cluster();
    serve(&cluster, &cluster.n1);
    let probe = cluster.arp_probe().unwrap();
    let recent = Duration::from_millis(300);
    until("answers of n1", || probe.answering(recent).as_deref() == Some("n1"));
    Fault::Silence.inject(&cluster.n1).unwrap();
    serve(&cluster, &cluster.n2);
    until("answers of n2", || probe.answering(recent).as_deref() == Some("n2"));
    // This is what the product must never let happen: both hold the address, and both are heard.
    Fault::Silence.repair(&cluster.n1).unwrap();
    until("both answer", || probe.so_far().dual_serving(recent) > Duration::from_millis(100));
}

#[test]
fn both_nodes_have_the_same_configuration_but_for_their_name() {
    let cluster = cluster();
    let read = |node: &Node, path: &str| fs::read_to_string(node.on_disk(path)).unwrap();
    for path in [
        "/etc/safetui/cluster.xml",
        "/etc/safetui/cluster.key",
        "/var/lib/safetui/modules/demo/conf/userconfig.xml",
    ] {
        assert_eq!(read(&cluster.n1, path), read(&cluster.n2, path), "{path}");
    }
    assert_eq!(read(&cluster.n1, "/etc/safetui/cluster.key").len(), 64);
    assert_eq!(read(&cluster.n2, "/etc/safetui/node"), "n2\n");
}

#[test]
fn options_reach_the_configuration() {
    let product = Some("/bin/true".into());
    let options = Options {
        safetui: product,
        witness: Witness::None,
        timeout: Duration::from_millis(700),
        ..Options::default()
    };
    let plain = Cluster::build(options.clone()).unwrap();
    let conf = "/var/lib/safetui/modules/demo/conf/userconfig.xml";
    let text = fs::read_to_string(plain.n1.on_disk(conf)).unwrap();
    assert!(text.contains("timeout=\"700ms\"") && !text.contains("splitbrain"), "{text}");
    let options = Options { witness: Witness::Router, relay: false, ..options };
    let watched = Cluster::build(options).unwrap();
    let text = fs::read_to_string(watched.n1.on_disk(conf)).unwrap();
    assert!(text.contains("arg=\"10.77.0.1\" relay=\"off\""), "{text}");
}

#[test]
fn the_heartbeat_network_is_apart() {
    let cluster = cluster();
    let reaches = |address: &str, expected: bool| {
        let target = format!("{address}:{}", config::HEART_PORT);
        let inbox = cluster.n2.enter(|| UdpSocket::bind(&target).unwrap()).unwrap();
        let outbox = cluster.n1.enter(|| UdpSocket::bind("0.0.0.0:0").unwrap()).unwrap();
        inbox.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
        until(&format!("{target} reached: {expected}"), || {
            let _ = outbox.send_to(b"beat", &target);
            inbox.recv(&mut [0; 8]).is_ok() == expected
        });
    };
    reaches("10.77.0.12", true);
    reaches("10.78.0.12", true);
    Fault::Unplugged { interface: "eth0".into() }.inject(&cluster.n2).unwrap();
    reaches("10.77.0.12", false);
    reaches("10.78.0.12", true);
}
