//! The benches' own tools: that what they measure with does what they say.

use std::{net::SocketAddrV4, sync::Arc, time::Duration};

use safetui_lab::{Disks, Host, Switch, probe::Probe, wait};

const LONG: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(10);
const RECENT: Duration = Duration::from_millis(300);

#[test]
fn the_responder_answers_while_its_node_has_the_address_and_only_then() {
    let disks = Disks::new().unwrap();
    let switch = Arc::new(Switch::new("switch", &disks).unwrap());
    let [node, client] = [("node", "10.0.0.1/24"), ("client", "10.0.0.2/24")].map(|(name, address)| {
        let host = Host::new(name, &disks).unwrap();
        host.plug("eth0", address, None, &switch).unwrap();
        host
    });
    let target: SocketAddrV4 = "10.0.0.100:9001".parse().unwrap();
    let mut responder = node.command(env!("CARGO_BIN_EXE_bench")).unwrap();
    responder.args(["respond", &target.to_string(), "node"]);
    let mut responder = node.daemon(&mut responder, &node.on_disk("/var/log/safetui/log")).unwrap();

    let probe = Probe::udp(&client, target).unwrap();
    let until = |expected: Option<&str>| {
        wait::until(format!("{expected:?} to answer"), LONG, SHORT, || match probe.answering(RECENT) {
            seen if seen.as_deref() == expected => Ok(()),
            seen => Err(format!("{seen:?}")),
        })
        .unwrap();
    };
    for _ in 0..2 {
        node.run("ip", ["address", "add", "10.0.0.100/32", "dev", "eth0"]).unwrap();
        until(Some("node"));
        node.run("ip", ["address", "delete", "10.0.0.100/32", "dev", "eth0"]).unwrap();
        until(None);
    }
    responder.kill().unwrap();
    responder.wait().unwrap();
}
