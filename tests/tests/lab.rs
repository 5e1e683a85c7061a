//! The lab itself: that its hosts are apart, that its faults do what they say, that its measures are right.
//!
//! Needs root, or a user namespace: `unshare -Urnm cargo test -p safetui-lab`.

use std::{
    fs, io,
    net::{Ipv4Addr, SocketAddrV4, UdpSocket},
    os::unix::fs::FileExt,
    sync::Arc,
    thread,
    time::Duration,
};

use safetui_lab::{
    Disks, Fault, Host, Moment, Switch,
    ledger::{self, Client},
    probe::Probe,
    router, wait,
};

const LONG: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(10);

/// Two hosts `a` and `b` on one switch, with disks.
struct Bench {
    a: Host,
    b: Host,
    switch: Arc<Switch>,
    disks: Disks,
}

fn bench() -> Bench {
    let disks = Disks::new().unwrap();
    let switch = Arc::new(Switch::new("switch", &disks).unwrap());
    let host = |name: &str, address: &str| {
        let host = Host::new(name, &disks).unwrap();
        host.plug("eth0", address, None, &switch).unwrap();
        host
    };
    let (a, b) = (host("a", "10.0.0.1/24"), host("b", "10.0.0.2/24"));
    Bench { a, b, switch, disks }
}

/// The ledger on `host` at `address`, on a thread of this process; it ends with the test.
fn serve(host: &Host, address: [u8; 4]) -> SocketAddrV4 {
    let target = SocketAddrV4::new(Ipv4Addr::from(address), 9000);
    let (file, name) = (host.on_disk("/srv/ledger/book"), host.name().to_owned());
    host.enter(|| thread::spawn(move || ledger::serve(target, &file, &name).unwrap())).unwrap();
    target
}

/// Does an answer of `target` reach `from` now? Waits until it is as expected.
fn answers(from: &Host, target: SocketAddrV4, expected: bool) {
    let probe = Probe::udp(from, target).unwrap();
    let state = || probe.answering(Duration::from_millis(300)).is_some();
    wait::until(format!("answers to be {expected}"), LONG, SHORT, || {
        if !expected {
            thread::sleep(Duration::from_millis(300));
        }
        let state = state();
        if state == expected { Ok(()) } else { Err(format!("answers: {state}")) }
    })
    .unwrap();
}

#[test]
fn hosts_have_files_of_their_own_at_the_same_paths() {
    let Bench { a, b, .. } = bench();
    for host in [&a, &b] {
        for folder in ["/etc/safetui", "/var/lib/safetui", "/var/log/safetui", "/srv/ledger", "/run/safetui"]
        {
            host.run("sh", ["-c", &format!("echo {} >{folder}/mine", host.name())]).unwrap();
        }
    }
    assert_eq!(a.run("cat", ["/etc/safetui/mine"]).unwrap(), "a\n");
    assert_eq!(b.run("cat", ["/run/safetui/mine"]).unwrap(), "b\n");
    assert_eq!(fs::read_to_string(b.on_disk("/srv/ledger/mine")).unwrap(), "b\n");
    // The rest of the machine is there, and unchanged.
    assert!(a.run("cat", ["/etc/passwd"]).unwrap().contains("root"));
    assert!(!std::path::Path::new("/etc/safetui/mine").exists());
    assert_eq!(a.run("hostname", [""; 0]).unwrap(), "a\n");
}

#[test]
fn a_power_cut_kills_everything_and_keeps_the_disk() {
    let Bench { a, b, .. } = bench();
    a.run("sh", ["-c", "echo kept >/srv/ledger/file; echo lost >/run/safetui/file"]).unwrap();
    // One that ignores signals, one that left its parents.
    let mut child =
        a.command("sh").unwrap().args(["-c", "trap '' TERM; (sleep 1000 &) ; sleep 1000"]).spawn().unwrap();
    let sleeping = || a.processes().unwrap().iter().filter(|process| process.command == "sleep 1000").count();
    let two = || if sleeping() == 2 { Ok(()) } else { Err(sleeping()) };
    wait::until("two sleeping processes", LONG, SHORT, two).unwrap();
    assert_eq!(b.processes().unwrap(), []);
    let pids: Vec<_> = a.processes().unwrap().iter().map(|process| process.pid).collect();

    a.power_cut().unwrap();
    for pid in pids {
        assert!(!fs::exists(format!("/proc/{pid}")).unwrap(), "{pid} lives");
    }
    assert!(!child.wait().unwrap().success());
    assert!(!a.is_on());
    assert!(a.run("true", [""; 0]).unwrap_err().to_string().contains("no power"));

    a.power_on().unwrap();
    assert_eq!(a.run("cat", ["/srv/ledger/file"]).unwrap(), "kept\n");
    assert!(a.run("cat", ["/run/safetui/file"]).is_err());
    assert_eq!(a.processes().unwrap(), []);
}

#[test]
fn a_command_behaves_like_one_of_this_machine() {
    let Bench { a, .. } = bench();
    let status = |script: &str| a.command("sh").unwrap().args(["-c", script]).status().unwrap();
    assert_eq!(status("exit 7").code(), Some(7));
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status("kill -KILL $$")), Some(9));
    // It sees its own numbers, and its own processes.
    assert!(
        a.run("sh", ["-c", "test -e /proc/$$/stat && ls /proc | grep -c '^[0-9]'"]).unwrap().trim().len()
            == 1
    );
    assert_eq!(a.command("/no/such/program").unwrap().spawn().unwrap_err().kind(), io::ErrorKind::NotFound);
}

#[test]
fn killing_a_command_kills_the_program() {
    let Bench { a, .. } = bench();
    let count = |number: usize| {
        let now = || a.processes().unwrap().len();
        wait::until("processes", LONG, SHORT, || if now() == number { Ok(()) } else { Err(now()) }).unwrap();
    };
    let mut child = a.command("sleep").unwrap().arg("1000").spawn().unwrap();
    count(1);
    child.kill().unwrap();
    child.wait().unwrap();
    count(0);

    // A polite signal reaches the program itself, which may take its time.
    let script = "trap 'exit 5' TERM; echo up; while :; do sleep 0.01; done";
    let mut child =
        a.command("sh").unwrap().args(["-c", script]).stdout(std::process::Stdio::piped()).spawn().unwrap();
    io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut [0; 3]).unwrap();
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(child.id() as i32), nix::sys::signal::SIGTERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(5));
}

#[test]
fn the_power_comes_back_with_the_network() {
    let Bench { a, b, .. } = bench();
    let target = serve(&b, [10, 0, 0, 2]);
    answers(&a, target, true);
    let hardware = |host: &Host| host.run("ip", ["-o", "link", "show", "eth0"]).unwrap();
    let before = hardware(&a);
    a.power_cut().unwrap();
    a.power_on().unwrap();
    answers(&a, target, true);
    let mac = |text: &str| text.split("link/ether ").nth(1).unwrap()[..17].to_owned();
    assert_eq!(mac(&before), mac(&hardware(&a)));
}

#[test]
fn silence_is_total_and_nobody_is_told() {
    let Bench { a, b, .. } = bench();
    let target = serve(&b, [10, 0, 0, 2]);
    answers(&a, target, true);
    Fault::Silence.inject(&b).unwrap();
    answers(&a, target, false);
    assert!(b.run("ip", ["-o", "link", "show", "eth0"]).unwrap().contains("LOWER_UP"));
    Fault::Silence.repair(&b).unwrap();
    answers(&a, target, true);
}

#[test]
fn an_unplugged_interface_loses_its_carrier() {
    let Bench { a, b, .. } = bench();
    let target = serve(&b, [10, 0, 0, 2]);
    let fault = Fault::Unplugged { interface: "eth0".into() };
    fault.inject(&b).unwrap();
    answers(&a, target, false);
    assert!(b.run("ip", ["-o", "link", "show", "eth0"]).unwrap().contains("NO-CARRIER"));
    fault.repair(&b).unwrap();
    answers(&a, target, true);
}

#[test]
fn a_deaf_host_is_still_heard() {
    let Bench { a, b, .. } = bench();
    know_each_other(&a, &b);
    arrives(&a, &b, true);
    let fault = Fault::Deaf { from: "a".into() };
    fault.inject(&b).unwrap();
    arrives(&a, &b, false);
    arrives(&b, &a, true);
    fault.repair(&b).unwrap();
    arrives(&a, &b, true);
}

#[test]
fn a_blocked_service_is_cut_alone() {
    let Bench { a, b, .. } = bench();
    let target = serve(&b, [10, 0, 0, 2]);
    arrives(&a, &b, true);
    let fault = Fault::Blocked { udp_port: HEARTBEATS };
    fault.inject(&a).unwrap();
    arrives(&a, &b, false);
    answers(&a, target, true);
    fault.repair(&a).unwrap();
    arrives(&a, &b, true);
}

#[test]
fn isolated_ports_reach_others_only() {
    let Bench { a, b, switch, disks } = bench();
    let c = Host::new("c", &disks).unwrap();
    c.plug("eth0", "10.0.0.3/24", None, &switch).unwrap();
    for host in [&a, &b] {
        switch.isolate(&Switch::port_of(host.name())).unwrap();
    }
    arrives(&a, &b, false);
    arrives(&a, &c, true);
    arrives(&c, &b, true);
    switch.join(&Switch::port_of("a")).unwrap();
    arrives(&a, &b, true);
}

#[test]
fn signals_stop_and_kill_processes() {
    let Bench { a, .. } = bench();
    let mut child = a.command("sleep").unwrap().arg("1000").spawn().unwrap();
    let found =
        || a.processes().unwrap().into_iter().find(|process| process.command == "sleep 1000").ok_or("none");
    let pid = wait::until("the process", LONG, SHORT, found).unwrap().pid;
    let state = |wanted: &str| {
        let text = || fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        let is = || if text().contains(&format!(") {wanted} ")) { Ok(()) } else { Err(text()) };
        wait::until(wanted, LONG, SHORT, is).unwrap();
    };
    state("S");
    Fault::Paused(pid).inject(&a).unwrap();
    state("T");
    Fault::Paused(pid).repair(&a).unwrap();
    state("S");
    Fault::Killed(pid).inject(&a).unwrap();
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&child.wait().unwrap()), Some(9));
    // Who continues what was killed meanwhile does nothing wrong.
    Fault::Paused(pid).repair(&a).unwrap();
}

#[test]
fn a_router_connects_two_networks_until_it_falls_silent() {
    let disks = Disks::new().unwrap();
    let switch = |name: &str| Arc::new(Switch::new(name, &disks).unwrap());
    let (near, far) = (switch("near"), switch("far"));
    let middle = Host::plain("middle", &disks).unwrap();
    middle.plug("eth0", "10.0.0.1/24", None, &near).unwrap();
    middle.plug("eth1", "10.0.1.1/24", None, &far).unwrap();
    let a = Host::new("a", &disks).unwrap();
    a.plug("eth0", "10.0.0.2/24", Some("10.0.0.1"), &near).unwrap();
    let b = Host::new("b", &disks).unwrap();
    b.plug("eth0", "10.0.1.2/24", Some("10.0.1.1"), &far).unwrap();
    let target = serve(&b, [10, 0, 1, 2]);
    answers(&a, target, false);
    router::forward(&middle).unwrap();
    answers(&a, target, true);
    Fault::Silence.inject(&middle).unwrap();
    answers(&a, target, false);
    Fault::Silence.repair(&middle).unwrap();
    answers(&a, target, true);
}

#[test]
fn labs_do_not_see_each_other() {
    let (one, two) = (bench(), bench());
    let target = serve(&one.b, [10, 0, 0, 2]);
    answers(&one.a, target, true);
    answers(&two.a, target, false);
    drop(one);
    serve(&two.b, [10, 0, 0, 2]);
    answers(&two.a, target, true);
}

#[test]
fn a_lab_leaves_nothing_behind_even_after_a_panic() {
    let (send, receive) = std::sync::mpsc::channel();
    let panicked = thread::spawn(move || {
        let Bench { a, b: _b, switch: _switch, disks } = bench();
        let program = a.command("sleep").unwrap().arg("1000").spawn().unwrap();
        // Nobody will wait for it any more.
        std::mem::forget(program);
        let gone = || a.processes().unwrap().first().map(|process| process.pid).ok_or("none");
        let pid = wait::until("the process", LONG, SHORT, gone).unwrap();
        send.send((pid, disks.path().to_owned())).unwrap();
        panic!("on purpose");
    });
    assert!(panicked.join().is_err());
    let (pid, path) = receive.recv().unwrap();
    // The stand-in is nobody's to wait for; the program itself is gone at once.
    let inside = fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    assert_eq!(inside, "");
    assert!(!path.exists());
}

#[test]
fn a_probe_measures_a_gap() {
    let Bench { a, b, .. } = bench();
    let target = serve(&b, [10, 0, 0, 2]);
    answers(&a, target, true);
    let (udp, arp) = (Probe::udp(&a, target).unwrap(), arp(&a, &[&b]));
    let until_answered = |probe: &Probe| {
        let last = || probe.answering(Duration::from_millis(300)).ok_or("nobody");
        assert_eq!(wait::until("answers", LONG, SHORT, last).unwrap(), "b");
    };
    [&udp, &arp].into_iter().for_each(until_answered);
    let fault = Fault::Silence.inject(&b).unwrap();
    let cut = Moment::now();
    thread::sleep(Duration::from_millis(400));
    let restored = Moment::now();
    Fault::Silence.repair(&b).unwrap();
    let at_least = restored - cut;
    [&udp, &arp].into_iter().for_each(until_answered);
    for recording in [udp.finish(), arp.finish()] {
        let outage = recording.outage(fault, Moment::now());
        assert!(outage >= at_least, "{outage:?} < {at_least:?}");
        assert!(outage < Duration::from_secs(10), "{outage:?}");
        assert_eq!(recording.takeover(fault), None);
        assert_eq!(recording.dual_serving(Duration::from_millis(50)), Duration::ZERO);
    }
}

#[test]
fn two_holders_of_an_address_are_seen() {
    let Bench { a, b, switch, disks } = bench();
    let c = Host::new("c", &disks).unwrap();
    c.plug("eth0", "10.0.0.3/24", None, &switch).unwrap();
    let vip = ["address", "add", "10.0.0.2/32", "dev", "eth0"];
    let probe = arp(&a, &[&b, &c]);
    let name = || probe.answering(Duration::from_millis(300)).ok_or("nobody");
    assert_eq!(wait::until("answers", LONG, SHORT, name).unwrap(), "b");
    assert_eq!(probe.so_far().nodes, ["b"]);
    c.run("ip", vip).unwrap();
    let enough = || {
        let dual = probe.so_far().dual_serving(Duration::from_millis(200));
        if dual >= Duration::from_millis(100) { Ok(()) } else { Err(format!("{dual:?}")) }
    };
    wait::until("dual serving", LONG, SHORT, enough).unwrap();
    assert_eq!(probe.finish().nodes, ["b", "c"]);
}

#[test]
fn a_takeover_is_seen() {
    let Bench { a, b, switch, disks } = bench();
    let c = Host::new("c", &disks).unwrap();
    c.plug("eth0", "10.0.0.3/24", None, &switch).unwrap();
    let target = serve(&b, [10, 0, 0, 2]);
    let probe = Probe::udp(&a, target).unwrap();
    let by = |node: &str| {
        let last = || match probe.answering(Duration::from_millis(300)) {
            Some(name) if name == node => Ok(()),
            other => Err(format!("{other:?}")),
        };
        wait::until(format!("answers of {node}"), LONG, SHORT, last).unwrap();
    };
    by("b");
    let fault = Fault::PowerCut.inject(&b).unwrap();
    let claimed = Moment::now();
    c.run("ip", ["address", "add", "10.0.0.2/32", "dev", "eth0"]).unwrap();
    serve(&c, [10, 0, 0, 2]);
    forget(&a, "10.0.0.2");
    by("c");
    let seen = probe.finish();
    let takeover = seen.takeover(fault).unwrap();
    assert!(takeover >= claimed - fault, "{takeover:?}");
    assert!(seen.outage(fault, Moment::now()) > Duration::ZERO);
    assert_eq!(seen.dual_serving(SHORT), Duration::ZERO);
}

#[test]
fn the_client_finds_an_entry_that_was_removed() {
    let Bench { a, b, .. } = bench();
    let target = serve(&b, [10, 0, 0, 2]);
    let proof = |writer: &str, spoil: &dyn Fn()| {
        let client = Client::start(&a, target, writer).unwrap();
        let acked = || if client.acked() >= 20 { Ok(()) } else { Err(client.acked()) };
        wait::until("20 acknowledged entries", LONG, SHORT, acked).unwrap();
        spoil();
        client.finish(&a, LONG).unwrap()
    };
    let honest = proof("honest", &|| {});
    assert!(honest.account.acked.len() >= 20 && honest.lost.is_empty(), "{honest:?}");
    let spoilt = proof("spoilt", &|| {
        // One byte in place: the client goes on appending.
        let book = fs::File::options().read(true).write(true).open(b.on_disk("/srv/ledger/book")).unwrap();
        let text = io::read_to_string(&book).unwrap();
        let at = text.find("spoilt 7\n").unwrap() + "spoilt ".len();
        book.write_all_at(b"x", at as u64).unwrap();
    });
    assert_eq!(spoilt.lost.into_iter().collect::<Vec<_>>(), [7]);
}

#[test]
fn the_client_goes_on_after_an_outage() {
    let Bench { a, b, .. } = bench();
    let target = serve(&b, [10, 0, 0, 2]);
    let client = Client::start(&a, target, "w").unwrap();
    let grow = |from: usize| {
        let more = || if client.acked() > from + 10 { Ok(()) } else { Err(client.acked()) };
        wait::until("more acknowledged entries", LONG, SHORT, more).unwrap();
    };
    grow(0);
    Fault::Silence.during(&b, Duration::from_millis(500)).unwrap();
    grow(client.acked());
    let proof = client.finish(&a, LONG).unwrap();
    assert!(proof.lost.is_empty(), "{proof:?}");
    // Only the entry that was under way at the end can be open.
    assert!(proof.account.unknown.len() <= 1, "{proof:?}");
}

const HEARTBEATS: u16 = 4800;

/// Frames in one direction need no answer in the other when the hardware addresses are known.
fn know_each_other(a: &Host, b: &Host) {
    for (host, other) in [(a, b), (b, a)] {
        let port = other.port("eth0").unwrap();
        let hardware = port.hardware().map(|byte| format!("{byte:02x}")).join(":");
        let args =
            ["neighbour", "replace", port.address(), "lladdr", &hardware, "nud", "permanent", "dev", "eth0"];
        host.run("ip", args).unwrap();
    }
}

/// A holder that took an address over tells everybody; here nobody does, so `host` is made to ask again.
fn forget(host: &Host, address: &str) {
    host.run("ip", ["neighbour", "flush", "to", address]).unwrap();
}

/// Does a heartbeat-like datagram get from one host to another? Tries until it is as expected.
fn arrives(from: &Host, to: &Host, expected: bool) {
    let target = format!("{}:{HEARTBEATS}", to.port("eth0").unwrap().address());
    let inbox = to.enter(|| UdpSocket::bind(&target).unwrap()).unwrap();
    let outbox = from.enter(|| UdpSocket::bind("0.0.0.0:0").unwrap()).unwrap();
    inbox.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    wait::until(format!("a datagram to {target} to arrive: {expected}"), LONG, SHORT, || {
        let _ = outbox.send_to(b"beat", &target);
        let arrived = inbox.recv(&mut [0; 8]).is_ok();
        if arrived == expected { Ok(()) } else { Err(format!("arrived: {arrived}")) }
    })
    .unwrap();
}

/// Who has 10.0.0.2?
fn arp(from: &Host, nodes: &[&Host]) -> Probe {
    let known = nodes.iter().map(|host| (host.port("eth0").unwrap().hardware(), host.name().to_owned()));
    Probe::arp(from, "eth0", Ipv4Addr::new(10, 0, 0, 2), known.collect()).unwrap()
}
