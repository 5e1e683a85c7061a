//! Against the kernel's own router: two nodes on isolated ports of a switch, which reach the router but not
//! each other.

use std::{
    fs,
    net::{IpAddr, Ipv4Addr},
    sync::{Arc, Mutex},
};

use super::*;
use crate::{
    heartbeat::{
        Lan, Links, Paths, Stamps, boottime,
        hosts::{Host, Switch, eventually, privileged},
    },
    wire::{ClusterKey, Opener, Reject, Sealer},
};

const ROUTER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 254);
const ROUTER_V6: &str = "fd00::fe";
const A: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const B: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);

struct Site {
    switch: Switch,
    router: Host,
    a: Host,
    b: Host,
}

fn site() -> Site {
    let site = Site { switch: Switch::new(), router: Host::new(), a: Host::new(), b: Host::new() };
    site.switch.plug(&site.router, "r0", &["10.0.0.254/24", "10.0.0.253/24", "fd00::fe/64"]);
    site.router.ip("link set r0 address 02:00:00:00:00:fe");
    site.switch.plug(&site.a, "a0", &["10.0.0.1/24", "fd00::1/64"]);
    site.switch.plug(&site.b, "b0", &["10.0.0.2/24", "fd00::2/64"]);
    site.switch.isolate("a0", "on");
    site.switch.isolate("b0", "on");
    site
}

impl Site {
    /// Does the router answer echo requests?
    fn answers(&self, yes: bool) {
        let ignore = if yes { "0" } else { "1" };
        self.router.run(move || fs::write("/proc/sys/net/ipv4/icmp_echo_ignore_all", ignore).unwrap());
    }

    /// How many echo requests have reached the router.
    fn asked(&self) -> u64 {
        let table = self.router.run(|| fs::read_to_string("/proc/thread-self/net/snmp").unwrap());
        let mut lines = table.lines().filter(|line| line.starts_with("Icmp:"));
        let column = lines.next().unwrap().split_whitespace().position(|name| name == "InEchos").unwrap();
        lines.next().unwrap().split_whitespace().nth(column).unwrap().parse().unwrap()
    }
}

fn ping_from(host: &Host, router: IpAddr) -> Ping {
    host.run(move || Ping::open(router).unwrap())
}

fn answers(ping: &mut Ping) -> Vec<u64> {
    let mut all = Vec::new();
    ping.drain(|answer| {
        assert!(answer.rtt_us < 60_000_000, "a round trip of {} us", answer.rtt_us);
        all.push(answer.asked_ms);
    });
    all
}

/// Asks at `asked`, then waits for that answer; all answers on the way.
fn ask_until_answered(ping: &mut Ping, asked: u64) -> Vec<u64> {
    let mut all = Vec::new();
    ping.send(asked).unwrap();
    eventually(&format!("the answer to the ping asked at {asked}"), || {
        all.extend(answers(ping));
        all.contains(&asked)
    });
    all
}

#[test]
fn answers_say_when_they_were_asked_for_on_both_kinds_of_socket() {
    privileged(|| {
        let site = site();
        // In a new namespace nobody may use ping sockets; then whoever has group 0 may.
        for ping_sockets in [false, true] {
            if ping_sockets {
                site.a.run(|| fs::write("/proc/sys/net/ipv4/ping_group_range", "0 0").unwrap());
            }
            for router in [ROUTER.into(), ROUTER_V6.parse().unwrap()] {
                let mut ping = ping_from(&site.a, router);
                for asked in [1_000, 1_100, u64::MAX] {
                    assert_eq!(ask_until_answered(&mut ping, asked), [asked]);
                }
            }
        }
    });
}

#[test]
fn answers_to_others_and_to_earlier_runs_are_not_taken() {
    privileged(|| {
        let site = site();
        for router in [ROUTER.into(), ROUTER_V6.parse().unwrap()] {
            let mut earlier = ping_from(&site.a, router);
            let mut ping = ping_from(&site.a, router);
            for round in 0..5 {
                earlier.send(100 + round).unwrap();
                assert_eq!(ask_until_answered(&mut ping, 200 + round), [200 + round]);
                eventually("its own answer", || answers(&mut earlier).contains(&(100 + round)));
            }
        }
    });
}

#[test]
fn a_silent_router_gives_no_answer_until_it_is_asked_again() {
    privileged(|| {
        let site = site();
        let mut ping = ping_from(&site.a, ROUTER.into());
        ask_until_answered(&mut ping, 1);
        site.answers(false);
        let before = site.asked();
        ping.send(2).unwrap();
        eventually("the ping reaches the router", || site.asked() > before);
        site.answers(true);
        assert_eq!(ask_until_answered(&mut ping, 3), [3]);
    });
}

#[test]
fn a_router_out_of_reach_is_an_error_or_silence_and_then_answers_again() {
    privileged(|| {
        let site = site();
        let mut ping = ping_from(&site.a, ROUTER.into());
        ask_until_answered(&mut ping, 1);
        site.a.ip("link set a0 down");
        ping.send(2).expect_err("there is no route");
        site.a.ip("link set a0 up");
        let mut asked = 2;
        eventually("an answer after the link is back", || {
            asked += 1;
            let _ = ping.send(asked);
            answers(&mut ping).iter().any(|&answered| answered > 2)
        });
    });
}

#[test]
fn a_majority_of_routers_answers_without_the_missing_one_but_half_does_not() {
    privileged(|| {
        let site = site();
        let open = |list: &'static [&'static str]| {
            let list: Vec<IpAddr> = list.iter().map(|ip| ip.parse().unwrap()).collect();
            site.a.run(move || Witnesses::open(&list).unwrap())
        };
        let mut two_of_three = open(&["10.0.0.254", "10.0.0.77", "fd00::fe"]);
        let mut one_of_two = open(&["10.0.0.77", "10.0.0.254"]);
        assert_eq!(two_of_three.fds().count(), 3);
        for asked in [10, 20, 30] {
            one_of_two.send(asked);
            two_of_three.send(asked);
            let mut complete = Vec::new();
            eventually("two of three", || {
                two_of_three.drain(|answered| complete.push(answered.asked_ms));
                complete.contains(&asked)
            });
            assert_eq!(complete, [asked]);
            one_of_two.drain(|answered| panic!("half is no majority: {answered:?}"));
        }
    });
}

#[test]
fn the_hardware_address_of_the_router_is_known_and_its_change_is_seen() {
    privileged(|| {
        let site = site();
        let mac = || site.a.run(|| router_mac(ROUTER).unwrap()).map(|mac| mac.to_string());
        assert_eq!(mac(), None);
        let mut ping = ping_from(&site.a, ROUTER.into());
        ask_until_answered(&mut ping, 1);
        assert_eq!(mac().as_deref(), Some("02:00:00:00:00:fe"));
        // It announces itself, as another machine that takes the address over would.
        site.router.run(|| fs::write("/proc/sys/net/ipv4/conf/r0/arp_notify", "1").unwrap());
        eventually("the other hardware address", || {
            site.router.ip("link set r0 address 02:00:00:00:00:aa");
            site.router.ip("link set r0 address 02:00:00:00:00:bb");
            mac().as_deref() == Some("02:00:00:00:00:bb")
        });
    });
}

#[test]
fn raw_sockets_wake_for_echo_replies_only() {
    privileged(|| {
        let host = Host::new();
        for (ipv6, to) in [(false, "127.0.0.1:0"), (true, "[::1]:0")] {
            let socket = host.run(move || icmp::raw_socket(ipv6).unwrap());
            // On loopback the request comes by before its reply.
            socket.send_to(&icmp::echo_request(ipv6, 1, 1, b"x"), to).unwrap();
            let mut buffer = [0; 128];
            let mut len = 0;
            eventually("the reply", || {
                len = socket.recv(&mut buffer).unwrap_or(0);
                len > 0
            });
            let packet = if ipv6 { &buffer[..len] } else { icmp::strip_ipv4(&buffer[..len]).unwrap().1 };
            assert_eq!(icmp::echo_reply(ipv6, packet), Some(&b"x"[..]));
        }
    });
}

/// What the relay of a node has received.
fn reflected(relay: &mut Relay) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    relay.drain(|got| {
        assert_eq!((got.network, got.from.ip()), (7, IpAddr::from(ROUTER)));
        all.push(got.bytes.to_vec());
    });
    all
}

fn relays(site: &Site) -> (Relay, Relay) {
    let a = site.a.run(|| Relay::new(ROUTER, A, B, 7).unwrap());
    let b = site.b.run(|| Relay::new(ROUTER, B, A, 7).unwrap());
    (a, b)
}

/// A sealer of node 0 and the opener of node 1.
fn sealed() -> (Sealer, Opener) {
    let key = ClusterKey::generate();
    (Sealer::new(&key, "lab", 0, 1), Opener::new(&key, "lab", 1))
}

#[test]
fn heartbeats_arrive_by_reflection_where_no_direct_path_exists() {
    privileged(|| {
        let site = site();
        let (mut relay_a, mut relay_b) = relays(&site);
        let lan = |local: Ipv4Addr, node, peer: Ipv4Addr| Lan {
            name: "default".into(),
            local: local.into(),
            peers: vec![(node, peer.into())],
        };
        let (lan_a, lan_b) = (lan(A, 1, B), lan(B, 0, A));
        let links_a = Arc::new(Mutex::new(site.a.run(|| Links::new(vec![lan_a], 4900))));
        let mut links_b = site.b.run(|| Links::new(vec![lan_b], 4900));
        let direct = |frame: &[u8]| {
            let (links, frame) = (links_a.clone(), frame.to_vec());
            site.a.run(move || links.lock().unwrap().send_all(1, &frame));
        };
        let (sealer, mut opener) = sealed();
        for round in 0..10u8 {
            let frame = sealer.seal(1, 1, &[round]);
            direct(&frame);
            relay_a.send(&frame).unwrap();
            eventually("the reflected heartbeat", || {
                let opened: Vec<_> = reflected(&mut relay_b).iter().map(|bytes| opener.open(bytes)).collect();
                opened.iter().any(|packet| packet.as_ref().is_ok_and(|packet| packet.payload == [round]))
            });
            relay_b.send(&frame).unwrap();
            eventually("and the other way", || reflected(&mut relay_a).contains(&frame));
            links_b.drain(|got| panic!("there is a direct path: {got:?}"));
        }
        // The same sockets hear each other as soon as there is one.
        site.switch.isolate("a0", "off");
        eventually("a direct heartbeat", || {
            direct(&sealer.seal(1, 1, b"direct"));
            let mut heard = false;
            links_b.drain(|_| heard = true);
            heard
        });
    });
}

#[test]
fn a_copy_by_way_of_the_router_is_a_duplicate_that_shows_the_relay_alive() {
    privileged(|| {
        let site = site();
        let (mut relay_a, mut relay_b) = relays(&site);
        let (sealer, mut opener) = sealed();
        let (mut paths_a, mut paths_b) =
            (Paths::new(&["default", Relay::NAME], &[1]), Paths::new(&["default", Relay::NAME], &[0]));
        let frame = sealer.seal(1, 1, &paths_a.stamps(1, boottime()).encode(b"beat"));
        opener.open(&frame).unwrap();
        relay_a.send(&frame).unwrap();
        eventually("the copy", || {
            let mut heard = false;
            relay_b.drain(|got| {
                let Err(Reject::Duplicate(packet)) = opener.open(got.bytes) else { panic!("no duplicate") };
                let (stamps, beat) = Stamps::decode(&packet.payload).unwrap();
                assert_eq!(beat, b"beat");
                paths_b.heard(1, packet.header.from, got.at, &stamps);
                heard = true;
            });
            heard
        });
        let view = paths_b.view(boottime());
        assert_eq!((view[0].heard.is_some(), view[1].heard.is_some()), (false, true));
    });
}

#[test]
fn only_frames_from_this_router_to_this_address_are_handed_on() {
    privileged(|| {
        let site = site();
        let (mut relay_a, mut relay_b) = relays(&site);
        let mut other_router = site.a.run(|| Relay::new(Ipv4Addr::new(10, 0, 0, 253), A, B, 7).unwrap());
        let (sealer, _) = sealed();
        let other_address = Ipv4Addr::new(10, 0, 0, 22);
        site.b.ip("address add 10.0.0.22/24 dev b0");
        let mut to_other_address = site.a.run(move || Relay::new(ROUTER, A, other_address, 7).unwrap());
        to_other_address.send(&sealed().0.seal(1, 1, b"to another address")).unwrap();
        relay_a.send(b"not a frame at all").unwrap();
        other_router.send(&sealer.seal(1, 1, b"by another router")).unwrap();
        let mut ping = ping_from(&site.b, ROUTER.into());
        ask_until_answered(&mut ping, 1);
        let frame = sealer.seal(1, 1, b"last");
        relay_a.send(&frame).unwrap();
        let mut all = Vec::new();
        eventually("the frame", || {
            all.extend(reflected(&mut relay_b));
            !all.is_empty()
        });
        assert_eq!(all, [frame]);
    });
}

#[test]
fn nothing_is_reflected_by_a_router_that_does_not_answer() {
    privileged(|| {
        let site = site();
        let (mut relay_a, mut relay_b) = relays(&site);
        let (sealer, _) = sealed();
        site.answers(false);
        let before = site.asked();
        relay_a.send(&sealer.seal(1, 1, b"lost")).unwrap();
        eventually("it reaches the router", || site.asked() > before);
        site.answers(true);
        let frame = sealer.seal(1, 1, b"reflected");
        relay_a.send(&frame).unwrap();
        let mut all = Vec::new();
        eventually("the next one", || {
            all.extend(reflected(&mut relay_b));
            !all.is_empty()
        });
        assert_eq!(all, [frame]);
    });
}

#[test]
fn the_largest_heartbeat_is_reflected_whole() {
    privileged(|| {
        let site = site();
        let (mut relay_a, mut relay_b) = relays(&site);
        let (sealer, _) = sealed();
        let frame = sealer.seal(1, 1, &[0xa5; 1152]);
        relay_a.send(&frame).unwrap();
        eventually("it", || reflected(&mut relay_b).contains(&frame));
    });
}
