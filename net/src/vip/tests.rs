use std::{net::UdpSocket, os::fd::AsFd, time::Duration};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::{
    Address, Announcer, Conflict, ConflictWatch, LinkEvent, LinkMonitor, Route, VipError,
    probe::{Care, probe},
    testbed::{Host, eventually, ip, pair},
};

const V4: &str = "10.9.0.100";
const V6: &str = "fd09::100";
/// Generous: an answer that exists comes in microseconds, this machine may be busy.
const PATIENT: Duration = Duration::from_millis(500);

fn add(host: &Host, address: &'static str) -> Address {
    let address = Address::host(ip(address), host.interface("eth0").index);
    host.run(move || Route::open().unwrap().add(&address).unwrap());
    address
}

fn delete(host: &Host, address: Address) -> bool {
    host.run(move || Route::open().unwrap().delete(&address).unwrap())
}

fn addresses(host: &Host) -> Vec<Address> {
    host.run(|| Route::open().unwrap().addresses().unwrap())
}

/// The hardware address that a host remembers for an address.
fn neighbour(host: &Host, address: &'static str) -> Option<String> {
    let text = host.ip(&format!("neighbour show {address} dev eth0"));
    let mut words = text.split_whitespace().skip_while(|word| *word != "lladdr");
    words.nth(1).map(Into::into)
}

#[test]
fn an_address_is_added_once_and_deleted_once() {
    let (host, _peer) = pair();
    for address in [V4, V6] {
        let address = add(&host, address);
        assert!(addresses(&host).contains(&address));
        host.run(move || Route::open().unwrap().add(&address).expect("what is there stays"));
        assert_eq!(addresses(&host).iter().filter(|found| **found == address).count(), 1);
        assert!(delete(&host, address));
        assert!(!addresses(&host).contains(&address));
        assert!(!delete(&host, address));
    }
}

#[test]
fn an_address_with_a_prefix_joins_its_network() {
    let (host, _peer) = pair();
    let address = Address { prefix: 24, ..Address::host(ip("10.9.7.100"), host.interface("eth0").index) };
    host.run(move || Route::open().unwrap().add(&address).unwrap());
    assert!(addresses(&host).contains(&address));
    let towards = host.run(|| Route::open().unwrap().interface_towards(ip("10.9.7.1")).unwrap());
    assert_eq!(towards.name, "eth0");
}

#[test]
fn a_virtual_ipv6_address_is_usable_at_once_and_is_no_source_of_other_connections() {
    let (host, _peer) = pair();
    add(&host, V6);
    let listing = host.ip(&format!("-6 address show dev eth0 to {V6}"));
    assert!(listing.contains(V6) && !listing.contains("tentative"), "{listing}");
    let source = host.run(|| {
        let socket = UdpSocket::bind("[::]:0").unwrap();
        socket.connect("[fd09::2]:9").unwrap();
        socket.local_addr().unwrap().ip()
    });
    assert_eq!(source, ip("fd09::1"));
}

#[test]
fn an_interface_is_found_by_name_or_by_the_network_of_an_address() {
    let (host, _peer) = pair();
    let (by_name, by_v4, by_v6) = host.run(|| {
        let mut route = Route::open().unwrap();
        let by_name = route.interface_named("eth0").unwrap();
        (by_name, route.interface_towards(ip(V4)).unwrap(), route.interface_towards(ip(V6)).unwrap())
    });
    assert_eq!((&by_name, &by_name), (&by_v4, &by_v6));
    assert!(host.ip("link show eth0").contains(&by_name.mac.to_string()));
    // The virtual address itself must not make its interface the answer.
    add(&host, "192.168.7.7");
    let error = host.run(|| Route::open().unwrap().interface_towards(ip("192.168.7.7")).unwrap_err());
    assert!(matches!(error, VipError::NoNetwork(_)), "{error}");
    let error = host.run(|| Route::open().unwrap().interface_named("eth7").unwrap_err());
    assert!(error.to_string().contains("no network interface `eth7`"), "{error}");
}

#[test]
fn a_probe_finds_the_owner_and_finds_none() {
    let (asking, owner) = pair();
    let interface = asking.interface("eth0");
    for address in [V4, V6] {
        let ask = |count, wait| {
            let interface = interface.clone();
            asking.run(move || probe(ip(address), &interface, Care { count, wait }).unwrap())
        };
        assert_eq!(ask(2, Duration::from_millis(20)), None);
        let held = add(&owner, address);
        assert_eq!(ask(10, PATIENT), Some(owner.interface("eth0").mac));
        assert!(delete(&owner, held));
        assert_eq!(ask(2, Duration::from_millis(20)), None);
        // What this node holds itself is nobody else's.
        add(&asking, address);
        assert_eq!(ask(2, Duration::from_millis(20)), None);
    }
}

#[test]
fn a_probe_leaves_no_trace_in_the_owners_memory() {
    let (asking, owner) = pair();
    let interface = asking.interface("eth0");
    add(&owner, V4);
    owner.ip("neighbour flush all");
    asking
        .run(move || probe(ip(V4), &interface, Care { count: 2, wait: PATIENT }).unwrap())
        .expect("the owner answers");
    assert_eq!(neighbour(&owner, "10.9.0.1"), None);
    assert_eq!(neighbour(&owner, V4), None);
}

#[test]
fn an_announcement_moves_the_address_in_a_neighbours_memory() {
    let (host, client) = pair();
    let mac = host.interface("eth0").mac.to_string();
    for address in [V4, V6] {
        add(&host, address);
        client.ip(&format!("neighbour replace {address} lladdr 02:00:00:00:00:77 dev eth0 nud reachable"));
        let interface = host.interface("eth0");
        host.run(move || Announcer::open(ip(address), &interface).unwrap().announce().unwrap());
        eventually(&format!("the client has learnt {address}"), || {
            neighbour(&client, address) == Some(mac.clone())
        });
    }
}

#[test]
fn an_announcer_sends_when_its_schedule_says_so() {
    let (host, client) = pair();
    let (interface, watched) = (host.interface("eth0"), client.interface("eth0"));
    let watch = client.run(move || ConflictWatch::open(ip(V4), &watched).unwrap());
    let mut announcer = host.run(move || Announcer::open(ip(V4), &interface).unwrap());
    assert!(!announcer.announce_due(Duration::from_secs(5)).unwrap(), "not started");
    announcer.schedule.start(Duration::from_secs(5));
    let sent = [5000, 5050, 5100].map(|ms| announcer.announce_due(Duration::from_millis(ms)).unwrap());
    assert_eq!(sent, [true, false, true]);
    let mut seen = 0;
    eventually("a request and a reply, twice", || {
        seen += watch.drain().unwrap().len();
        seen == 4
    });
}

#[test]
fn another_claim_of_our_address_is_seen_and_other_traffic_is_not() {
    let (host, rival) = pair();
    for address in [V4, V6] {
        let (own, theirs) = (host.interface("eth0"), rival.interface("eth0"));
        let rival_mac = theirs.mac;
        let (watched, announced) = (own.clone(), own.clone());
        let watch = host.run(move || ConflictWatch::open(ip(address), &watched).unwrap());
        // Our own announcement, and claims of other addresses, are no conflict.
        host.run(move || Announcer::open(ip(address), &announced).unwrap().announce().unwrap());
        let other = theirs.clone();
        rival.run(move || {
            for near in ["10.9.0.101", "fd09::101", "fd09::1:100", "fd0a::100"] {
                Announcer::open(ip(near), &other).unwrap().announce().unwrap();
            }
            Announcer::open(ip(address), &theirs).unwrap().announce().unwrap();
        });
        let mut fds = [PollFd::new(watch.as_fd(), PollFlags::POLLIN)];
        assert_eq!(poll(&mut fds, PollTimeout::from(20_000u16)).unwrap(), 1);
        let expected = Conflict { ip: ip(address), mac: rival_mac };
        let mut seen = Vec::new();
        let frames = if address == V4 { 2 } else { 1 };
        eventually("the rival's claims", || {
            seen.extend(watch.drain().unwrap());
            seen.len() >= frames
        });
        assert_eq!(seen, vec![expected; frames]);
    }
}

#[test]
fn carrier_changes_and_vanished_addresses_are_events() {
    let (host, peer) = pair();
    let held = add(&host, V4);
    add(&host, V6);
    let mut monitor = host.run(|| LinkMonitor::open(&[ip(V4), ip(V6)]).unwrap());
    assert_eq!(monitor.is_up("eth0"), Some(true));
    assert_eq!(monitor.is_up("eth7"), None);
    let mut seen = Vec::new();
    let mut expect = |what: &str, event: LinkEvent| {
        eventually(what, || {
            seen.extend(monitor.drain().unwrap());
            seen.contains(&event)
        });
        seen.clear();
    };
    let carrier = |up| LinkEvent::Carrier { interface: "eth0".into(), up };
    peer.ip("link set eth0 down");
    expect("no carrier", carrier(false));
    peer.ip("link set eth0 up");
    expect("carrier", carrier(true));
    delete(&host, held);
    expect("the address is gone", LinkEvent::AddressGone(ip(V4)));
    add(&host, V4);
    host.ip("address flush dev eth0");
    expect("it is gone again", LinkEvent::AddressGone(ip(V4)));
    peer.ip("link delete eth0");
    expect("the interface is gone", carrier(false));
}

#[test]
fn an_unwatched_address_or_one_that_is_still_elsewhere_is_not_gone() {
    let (host, _peer) = pair();
    host.ip(&format!("address add {V4}/32 dev lo"));
    let (other, held) = (add(&host, "10.9.0.101"), add(&host, V4));
    let mut monitor = host.run(|| LinkMonitor::open(&[ip(V4)]).unwrap());
    delete(&host, other);
    delete(&host, held);
    host.ip(&format!("address delete {V4}/32 dev lo"));
    let mut seen = Vec::new();
    eventually("it is gone everywhere", || {
        seen.extend(monitor.drain().unwrap());
        !seen.is_empty()
    });
    assert_eq!(seen, [LinkEvent::AddressGone(ip(V4))]);
}

#[test]
fn after_an_overrun_of_the_socket_the_changes_are_found_by_comparison() {
    let (host, peer) = pair();
    let held = add(&host, V4);
    let mut monitor = host.run(|| LinkMonitor::open(&[ip(V4)]).unwrap());
    peer.ip("link set eth0 down");
    eventually("no carrier", || !host.interface("eth0").up);
    delete(&host, held);
    // Far more than the socket's buffer holds, in one process.
    let noise = Address::host(ip("10.9.0.103"), held.interface);
    host.run(move || {
        let mut route = Route::open().unwrap();
        for _ in 0..3000 {
            route.add(&noise).unwrap();
            route.delete(&noise).unwrap();
        }
    });
    peer.ip("link set eth0 up");
    eventually("carrier", || host.interface("eth0").up);
    let mut seen = monitor.drain().unwrap();
    seen.extend(monitor.drain().unwrap());
    assert!(monitor.overruns > 0, "the noise was too small for this kernel");
    // The loss of the carrier is still in the socket: it must not come after the truth.
    assert_eq!(monitor.is_up("eth0"), Some(true));
    assert!(seen.contains(&LinkEvent::AddressGone(ip(V4))), "{seen:?}");
}
