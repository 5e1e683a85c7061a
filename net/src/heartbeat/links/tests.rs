use std::sync::{Arc, Mutex};

use super::*;
use crate::heartbeat::hosts::{Host, Switch, eventually, privileged};

const PORT: u16 = 4900;

/// A host and its heartbeat sockets, which open and reopen there.
struct Node {
    host: Host,
    links: Arc<Mutex<Links>>,
}

impl Node {
    fn start(host: Host, lans: Vec<Lan>) -> Self {
        let links = Arc::new(Mutex::new(host.run(move || Links::new(lans, PORT))));
        Self { host, links }
    }

    fn on<T: Send + 'static>(&self, job: impl FnOnce(&mut Links) -> T + Send + 'static) -> T {
        let links = self.links.clone();
        self.host.run(move || job(&mut links.lock().unwrap()))
    }

    fn send_all(&self, peer: u8, text: &'static str) {
        self.on(move |links| links.send_all(peer, text.as_bytes()));
    }

    /// Network, sender and content of what has arrived.
    fn arrived(&self) -> Vec<(usize, IpAddr, String)> {
        self.on(|links| {
            let mut all = Vec::new();
            links.drain(|got| {
                all.push((got.network, got.from.ip(), String::from_utf8_lossy(got.bytes).into_owned()));
            });
            all
        })
    }

    fn trouble(&self, network: usize) -> String {
        self.on(move |links| links.trouble(network)).unwrap_or_default()
    }
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn lan(name: &str, local: &str, peer: (u8, &str)) -> Lan {
    Lan { name: name.into(), local: ip(local), peers: vec![(peer.0, ip(peer.1))] }
}

/// Nodes 0 and 1 on two networks: IPv4 and IPv6 on the first cable, IPv4 on the second.
fn pair() -> (Switch, Node, Node) {
    let switch = Switch::new();
    let (a, b) = (Host::new(), Host::new());
    switch.plug(&a, "a0", &["10.1.0.1/24", "fd01::1/64"]);
    switch.plug(&b, "b0", &["10.1.0.2/24", "fd01::2/64"]);
    switch.plug(&a, "a1", &["10.2.0.1/24"]);
    switch.plug(&b, "b1", &["10.2.0.2/24"]);
    let lans = |me: u8| {
        let other = 3 - me;
        [("default", "10.1.0."), ("six", "fd01::"), ("private", "10.2.0.")]
            .map(|(name, net)| lan(name, &format!("{net}{me}"), (other - 1, &format!("{net}{other}"))))
            .to_vec()
    };
    (switch, Node::start(a, lans(1)), Node::start(b, lans(2)))
}

/// Heartbeats of `from` arrive at `to` over the network.
fn resumes(from: &Node, to: &Node, peer: u8, network: usize) {
    eventually(&format!("a heartbeat over network {network}"), || {
        from.on(move |links| links.send(network, peer, b"beat"));
        to.arrived().iter().any(|got| got.0 == network)
    });
}

#[test]
fn a_heartbeat_travels_over_every_network_between_the_configured_addresses() {
    privileged(|| {
        let (_switch, a, b) = pair();
        let mut missing = vec![(0, ip("10.1.0.1")), (1, ip("fd01::1")), (2, ip("10.2.0.1"))];
        eventually("all three networks", || {
            a.send_all(1, "beat");
            for (network, from, text) in b.arrived() {
                assert_eq!(text, "beat");
                assert_eq!([ip("10.1.0.1"), ip("fd01::1"), ip("10.2.0.1")][network], from);
                missing.retain(|path| *path != (network, from));
            }
            missing.is_empty()
        });
        assert_eq!(a.on(|links| links.fds().count()), 3);
        assert_eq!([a.trouble(0), a.trouble(1), a.trouble(2)], ["", "", ""]);
    });
}

#[test]
fn sending_over_one_network_uses_that_network_only() {
    privileged(|| {
        let (_switch, a, b) = pair();
        resumes(&a, &b, 1, 0);
        a.on(|links| links.send(2, 1, b"only here"));
        a.on(|links| links.send(0, 1, b"end"));
        eventually("the last one", || {
            b.arrived().into_iter().any(|(network, _, text)| {
                assert!(text != "only here" || network == 2);
                text == "end"
            })
        });
        a.on(|links| links.send(9, 1, b"no such network"));
        a.on(|links| links.send(0, 9, b"no such node"));
    });
}

#[test]
fn heartbeats_resume_after_a_link_was_down_at_either_end() {
    privileged(|| {
        let (switch, a, b) = pair();
        resumes(&a, &b, 1, 0);
        switch.cable("a0", "down");
        a.send_all(1, "into the dark");
        switch.cable("a0", "up");
        resumes(&a, &b, 1, 0);
        a.host.ip("link set a0 down");
        eventually("the loss of the route", || {
            a.send_all(1, "into the dark");
            a.trouble(0).contains("network default")
        });
        resumes(&a, &b, 1, 2);
        a.host.ip("link set a0 up");
        resumes(&a, &b, 1, 0);
        assert_eq!(a.trouble(0), "");
    });
}

#[test]
fn heartbeats_resume_after_the_address_was_away() {
    privileged(|| {
        let (_switch, a, b) = pair();
        resumes(&a, &b, 1, 0);
        a.host.ip("address del 10.1.0.1/24 dev a0");
        a.host.ip("address del fd01::1/64 dev a0");
        a.send_all(1, "from nowhere");
        assert!(a.trouble(0).contains("does not have the address 10.1.0.1"), "{}", a.trouble(0));
        assert!(a.trouble(1).contains("does not have the address fd01::1"), "{}", a.trouble(1));
        resumes(&a, &b, 1, 2);
        a.host.ip("address add 10.1.0.1/24 dev a0");
        a.host.ip("address add fd01::1/64 dev a0 nodad");
        for network in [0, 1] {
            resumes(&a, &b, 1, network);
            resumes(&b, &a, 0, network);
            assert_eq!(a.trouble(network), "");
        }
    });
}

#[test]
fn heartbeats_resume_after_the_interface_was_replaced() {
    privileged(|| {
        let (switch, a, b) = pair();
        resumes(&a, &b, 1, 1);
        a.host.ip("link del a0");
        a.send_all(1, "from nowhere");
        resumes(&a, &b, 1, 2);
        switch.plug(&a.host, "a0", &["10.1.0.1/24", "fd01::1/64"]);
        for network in [0, 1] {
            resumes(&a, &b, 1, network);
            resumes(&b, &a, 0, network);
        }
    });
}

#[test]
fn a_network_that_appears_after_the_start_is_used() {
    privileged(|| {
        let late = Node::start(Host::new(), vec![lan("late", "10.3.0.1", (1, "10.3.0.1"))]);
        assert!(late.trouble(0).contains("does not have the address 10.3.0.1"), "{}", late.trouble(0));
        assert_eq!(late.on(|links| links.fds().count()), 0);
        late.host.ip("address add 10.3.0.1/32 dev lo");
        resumes(&late, &late, 1, 0);
    });
}

#[test]
fn a_taken_port_is_named() {
    privileged(|| {
        let host = Host::new();
        let taken = host.run(|| UdpSocket::bind(("127.0.0.1", PORT)).unwrap());
        let node = Node::start(host, vec![lan("default", "127.0.0.1", (1, "127.0.0.1"))]);
        assert!(node.trouble(0).contains("another program uses UDP port 4900"), "{}", node.trouble(0));
        drop(taken);
        resumes(&node, &node, 1, 0);
    });
}

#[test]
fn a_peer_whose_agent_is_down_is_no_trouble() {
    privileged(|| {
        let host = Host::new();
        host.ip("address add 10.3.0.1/32 dev lo");
        let node = Node::start(host, vec![lan("default", "127.0.0.1", (1, "10.3.0.1"))]);
        for _ in 0..5 {
            node.send_all(1, "anyone?");
            assert_eq!(node.trouble(0), "");
        }
        let other = node.host.run(|| UdpSocket::bind(("10.3.0.1", PORT)).unwrap());
        node.send_all(1, "now");
        let mut buffer = [0; 16];
        other.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        assert_eq!(other.recv(&mut buffer).unwrap(), 3);
    });
}
