use std::{
    env,
    net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use nix::{
    sys::{
        prctl::set_pdeathsig,
        signal::{Signal, kill},
        socket::{
            AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, SockaddrIn, recv, sendto, setsockopt,
            socket, sockopt,
        },
        time::{TimeVal, TimeValLike},
    },
    unistd::Pid,
};

use super::{
    Address, Announcer, Lease, Route,
    probe::{Care, probe},
    testbed::{Host, eventually, ip, pair},
};

const VIPS: [&str; 2] = ["10.9.0.100", "fd09::100"];
const PORT: u16 = 7;
/// An answer that exists comes in microseconds; this machine may be busy.
const PATIENT: Duration = Duration::from_secs(5);
/// How long to listen for an answer that must not come.
const SILENCE: Duration = Duration::from_millis(300);

fn vips() -> Vec<IpAddr> {
    VIPS.map(ip).into()
}

/// A host that has the addresses and answers on them, the rules being installed; and a client.
fn serving() -> (Host, Host, Lease) {
    let (owner, client) = pair();
    let interface = owner.interface("eth0").index;
    let lease = owner.run(move || {
        let lease = Lease::install("shop-1", &vips()).unwrap();
        for vip in vips() {
            Route::open().unwrap().add(&Address::host(vip, interface)).unwrap();
            echo(UdpSocket::bind((vip, PORT)).unwrap());
            let listener = TcpListener::bind((vip, PORT)).unwrap();
            thread::spawn(move || listener.incoming().for_each(drop));
        }
        lease
    });
    (owner, client, lease)
}

fn echo(socket: UdpSocket) {
    thread::spawn(move || {
        let mut buffer = [0; 64];
        loop {
            // An answer may be refused by the very rules that are tried here.
            if let Ok((length, from)) = socket.recv_from(&mut buffer) {
                let _ = socket.send_to(&buffer[..length], from);
            }
        }
    });
}

/// A client's socket for [`answers`].
fn caller(client: &Host, vip: IpAddr) -> UdpSocket {
    client.run(move || {
        let socket = UdpSocket::bind((if vip.is_ipv4() { ip("0.0.0.0") } else { ip("::") }, 0)).unwrap();
        socket.connect((vip, PORT)).unwrap();
        socket
    })
}

/// Sends a number and waits for it to come back.
fn answers(socket: &UdpSocket, number: u32, within: Duration) -> bool {
    socket.set_read_timeout(Some(within)).unwrap();
    if socket.send(&number.to_ne_bytes()).is_err() {
        return false;
    }
    let mut buffer = [0; 64];
    while let Ok(length) = socket.recv(&mut buffer) {
        if buffer[..length] == number.to_ne_bytes() {
            return true;
        }
    }
    false
}

fn connects(client: &Host, vip: IpAddr, within: Duration) -> bool {
    client.run(move || TcpStream::connect_timeout(&SocketAddr::new(vip, PORT), within).is_ok())
}

fn resolves(client: &Host, vip: IpAddr, within: Duration) -> bool {
    let interface = client.interface("eth0");
    client.run(move || probe(vip, &interface, Care { count: 1, wait: within }).unwrap().is_some())
}

/// ICMP echo over IPv4.
fn pings(client: &Host, within: Duration) -> bool {
    const REQUEST: [u8; 8] = [8, 0, 0xf7, 0xff, 0, 0, 0, 0];
    client.run(move || {
        let fd =
            socket(AddressFamily::Inet, SockType::Raw, SockFlag::SOCK_CLOEXEC, SockProtocol::Icmp).unwrap();
        let timeout = TimeVal::milliseconds(within.as_millis() as i64);
        setsockopt(&fd, sockopt::ReceiveTimeout, &timeout).unwrap();
        let fd = std::os::fd::AsRawFd::as_raw_fd(&fd);
        if sendto(fd, &REQUEST, &SockaddrIn::new(10, 9, 0, 100, 0), MsgFlags::empty()).is_err() {
            return false;
        }
        let mut packet = [0; 64];
        // The IPv4 header comes first; type 0 is an answer.
        recv(fd, &mut packet, MsgFlags::empty()).is_ok_and(|length| length >= 28 && packet[20] == 0)
    })
}

#[track_caller]
fn assert_serves(client: &Host) {
    for vip in vips() {
        assert!(resolves(client, vip, PATIENT), "nobody says where {vip} is");
        assert!(answers(&caller(client, vip), 1, PATIENT), "no answer from {vip}");
        assert!(connects(client, vip, PATIENT), "no connection to {vip}");
    }
    assert!(pings(client, PATIENT));
}

#[track_caller]
fn assert_mute(client: &Host) {
    for vip in vips() {
        assert!(!resolves(client, vip, SILENCE), "somebody says where {vip} is");
        assert!(!answers(&caller(client, vip), 1, SILENCE), "{vip} answers");
        assert!(!connects(client, vip, SILENCE), "{vip} accepts a connection");
    }
    assert!(!pings(client, SILENCE));
    // Neither to a client that has not asked before.
    client.ip("neighbour flush all");
    assert!(!connects(client, ip(VIPS[0]), SILENCE) && !connects(client, ip(VIPS[1]), SILENCE));
    client.ip("neighbour flush all");
}

#[test]
fn without_a_lease_an_address_is_mute_and_with_one_it_serves() {
    let (owner, client, mut lease) = serving();
    assert_mute(&client);
    lease.renew(60_000).unwrap();
    assert_serves(&client);
    lease.drop_now().unwrap();
    assert_mute(&client);
    lease.renew(60_000).unwrap();
    assert_serves(&client);
    // Too short for the kernel's clock, where nothing would mean for ever.
    lease.renew(0).unwrap();
    assert_mute(&client);
    lease.renew(60_000).unwrap();
    // A new life of the module does not inherit the lease of the one before.
    drop(owner.run(|| Lease::install("shop-1", &vips()).unwrap()));
    assert_mute(&client);
    lease.remove().unwrap();
    assert_serves(&client);
    let again = owner.run(|| Lease::attach("shop-1", &vips()).unwrap());
    again.remove().expect("rules that are gone are removed");
}

#[test]
fn a_mute_address_does_not_speak_first_either() {
    let (owner, client, mut lease) = serving();
    for vip in vips() {
        let ear = client.run(move || {
            UdpSocket::bind((if vip.is_ipv4() { ip("10.9.0.2") } else { ip("fd09::2") }, 0)).unwrap()
        });
        let to = ear.local_addr().unwrap();
        let mouth = owner.run(move || UdpSocket::bind((vip, 0)).unwrap());
        // Both must know where the other is: what is tried here is the datagram, not the question before it.
        lease.renew(60_000).unwrap();
        ear.set_read_timeout(Some(PATIENT)).unwrap();
        mouth.send_to(b"with", to).unwrap();
        assert_eq!(ear.recv(&mut [0; 8]).unwrap(), 4);
        lease.drop_now().unwrap();
        ear.set_read_timeout(Some(SILENCE)).unwrap();
        let _ = mouth.send_to(b"without", to);
        assert!(ear.recv(&mut [0; 8]).is_err(), "{vip} speaks");
    }
}

#[test]
fn a_node_without_the_lease_still_routes_for_others_to_the_one_that_has_it() {
    let (owner, secondary, mut lease) = serving();
    lease.renew(60_000).unwrap();
    let container = Host::new();
    secondary.plug("lan0", &container, "eth0");
    secondary.ip("address add 10.8.0.1/24 dev lan0");
    secondary.ip("link set lan0 up");
    secondary.run(|| std::fs::write("/proc/sys/net/ipv4/ip_forward", "1").unwrap());
    container.ip("address add 10.8.0.2/24 dev eth0");
    container.ip("link set eth0 up");
    container.ip("route add default via 10.8.0.1");
    owner.ip("route add 10.8.0.0/24 via 10.9.0.2");
    let caller = caller(&container, ip(VIPS[0]));
    eventually("the way is open", || answers(&caller, 1, SILENCE));
    drop(secondary.run(|| Lease::install("shop-1", &vips()).unwrap()));
    assert!(answers(&caller, 2, PATIENT));
}

#[test]
fn other_addresses_of_the_host_are_not_touched() {
    let (owner, client, _mute) = serving();
    for own in ["10.9.0.1", "fd09::1"].map(ip) {
        owner.run(move || echo(UdpSocket::bind((own, PORT)).unwrap()));
        assert!(answers(&caller(&client, own), 1, PATIENT));
        assert!(resolves(&client, own, PATIENT));
    }
}

#[test]
fn nothing_is_lost_while_the_lease_is_renewed() {
    let (_owner, client, mut lease) = serving();
    lease.renew(60_000).unwrap();
    let enough = Arc::new(AtomicBool::new(false));
    let asked_enough = enough.clone();
    let renewals = thread::spawn(move || {
        let mut renewed = 0;
        while renewed < 200 || !asked_enough.load(Ordering::Relaxed) {
            lease.renew(60_000).unwrap();
            renewed += 1;
            thread::sleep(Duration::from_millis(5));
        }
        lease
    });
    let callers: Vec<_> = vips().into_iter().map(|vip| caller(&client, vip)).collect();
    let mut sent = 0;
    while sent < 300 || !renewals.is_finished() {
        sent += 1;
        for caller in &callers {
            assert!(answers(caller, sent, PATIENT), "lost number {sent}");
        }
        enough.store(sent >= 300, Ordering::Relaxed);
        thread::sleep(Duration::from_micros(300));
    }
    drop(renewals.join().unwrap());
}

/// Calls until there is no answer; the moment at which the last answered call was sent.
fn last_answer(socket: &UdpSocket) -> Instant {
    let mut last = Instant::now();
    for number in 0.. {
        let sent = Instant::now();
        if !answers(socket, number, SILENCE) {
            break;
        }
        last = sent;
    }
    last
}

#[test]
fn a_lease_ends_by_itself_when_its_time_is_over() {
    let (_owner, client, mut lease) = serving();
    for vip in vips() {
        lease.renew(60_000).unwrap();
        let caller = caller(&client, vip);
        assert!(answers(&caller, 0, PATIENT));
        lease.renew(400).unwrap();
        let renewed = Instant::now();
        let last = last_answer(&caller);
        // The kernel counts in ticks of up to 10 ms. What was sent later cannot have been answered.
        assert!(
            last < renewed + Duration::from_millis(412),
            "answered {:?} after the renewal",
            last - renewed
        );
        assert_mute(&client);
    }
}

/// A process of its own that holds the lease; dies with the test.
struct Holder(Child);

impl Holder {
    const LEASE_MS: u32 = 500;

    fn new(owner: &Host) -> Self {
        owner.run(|| {
            let mut command = Command::new(env::current_exe().unwrap());
            command.args(["--exact", "vip::lease_tests::holder", "--ignored"]).env("HOLD_A_LEASE", "yes");
            Self(command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap())
        })
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.0.id().cast_signed()), signal).unwrap();
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
#[ignore = "is not a test: the process that holds a lease for the tests here"]
fn holder() {
    if env::var_os("HOLD_A_LEASE").is_none() {
        return;
    }
    set_pdeathsig(Signal::SIGKILL).unwrap();
    let mut lease = Lease::attach("shop-1", &vips()).unwrap();
    loop {
        lease.renew(Holder::LEASE_MS).unwrap();
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_holder_that_is_stopped_or_killed_stops_serving() {
    let (owner, client, _rules) = serving();
    for end in [Signal::SIGSTOP, Signal::SIGKILL] {
        let holder = Holder::new(&owner);
        let caller = caller(&client, ip(VIPS[0]));
        eventually("the holder serves", || answers(&caller, 0, SILENCE));
        holder.signal(end);
        let ended = Instant::now();
        let last = last_answer(&caller);
        let bound = Duration::from_millis(u64::from(Holder::LEASE_MS) + 250);
        assert!(last < ended + bound, "answered {:?} after {end}", last - ended);
        assert_mute(&client);
    }
}

#[test]
fn a_node_without_the_lease_still_reaches_the_one_that_has_it() {
    let (owner, secondary, mut lease) = serving();
    let mute = secondary.run(|| Lease::install("shop-1", &vips()).unwrap());
    lease.renew(60_000).unwrap();
    assert_serves(&secondary);
    // And it learns where the address is now.
    let mac = owner.interface("eth0").mac.to_string();
    for vip in VIPS {
        secondary.ip(&format!("neighbour replace {vip} lladdr 02:00:00:00:00:77 dev eth0 nud reachable"));
        let interface = owner.interface("eth0");
        owner.run(move || Announcer::open(ip(vip), &interface).unwrap().announce().unwrap());
        eventually("the secondary has learnt", || {
            secondary.ip(&format!("neighbour show {vip}")).contains(&mac)
        });
    }
    drop(mute);
}

#[test]
fn modules_do_not_share_rules_and_any_name_is_readable_for_nft() {
    let (owner, client, mut lease) = serving();
    lease.renew(60_000).unwrap();
    for name in ["shop.1", "shop_1", "été", "1", ""] {
        let mut other = owner.run(move || Lease::install(name, &[ip("10.9.0.101")]).unwrap());
        other.renew(60_000).unwrap();
        other.remove().unwrap();
    }
    assert_serves(&client);
}

#[test]
fn a_lease_whose_rules_are_gone_says_so() {
    let (owner, _client, mut lease) = serving();
    owner.run(|| Lease::attach("shop-1", &vips()).unwrap().remove().unwrap());
    let error = lease.renew(1000).unwrap_err().to_string();
    assert!(error.starts_with("cannot renew the address lease of shop-1: No such file"), "{error}");
}
