//! Hosts for tests: one thread each, in a network namespace of its own that vanishes with the thread.

use std::{
    net::IpAddr,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    process::Command,
    sync::mpsc::{Sender, channel},
    thread,
    time::{Duration, Instant},
};

use nix::{
    sched::{CloneFlags, unshare},
    unistd::{Pid, gettid},
};

use super::{Interface, Route};

type Job = Box<dyn FnOnce() + Send>;

/// A machine with an empty network.
pub(super) struct Host {
    jobs: Sender<Job>,
    thread: Pid,
}

impl Host {
    pub(super) fn new() -> Self {
        let (jobs, todo) = channel::<Job>();
        let (born, birth) = channel();
        thread::spawn(move || {
            unshare(CloneFlags::CLONE_NEWNET).expect("tests of the virtual IP run as root");
            born.send(gettid()).unwrap();
            for job in todo {
                job();
            }
        });
        let host = Self { jobs, thread: birth.recv().expect("the host's thread has its namespace") };
        host.ip("link set lo up");
        host
    }

    /// Runs something on this host and waits for it; a panic there is a panic here.
    pub(super) fn run<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> T {
        let (done, result) = channel();
        let job = move || {
            let _ = done.send(catch_unwind(AssertUnwindSafe(job)));
        };
        self.jobs.send(Box::new(job)).unwrap();
        result.recv().unwrap().unwrap_or_else(|panic| resume_unwind(panic))
    }

    /// Runs `ip` on this host; what it prints.
    pub(super) fn ip(&self, arguments: &str) -> String {
        let arguments: Vec<String> = arguments.split_whitespace().map(Into::into).collect();
        let output = self.run(move || Command::new("ip").args(&arguments).output().unwrap());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Lays a cable from a new interface here to a new one there.
    pub(super) fn plug(&self, here: &str, other: &Self, there: &str) {
        self.ip(&format!("link add {here} type veth peer name {there} netns {}", other.thread));
    }

    pub(super) fn interface(&self, name: &'static str) -> Interface {
        self.run(move || Route::open().unwrap().interface_named(name).unwrap())
    }
}

/// Two hosts on one cable, `eth0` on both: 10.9.0.1 and .2, fd09::1 and ::2.
pub(super) fn pair() -> (Host, Host) {
    let (left, right) = (Host::new(), Host::new());
    left.plug("eth0", &right, "eth0");
    for (host, number) in [(&left, 1), (&right, 2)] {
        host.ip(&format!("address add 10.9.0.{number}/24 dev eth0"));
        host.ip(&format!("address add fd09::{number}/64 dev eth0 nodad"));
        host.ip("link set eth0 up");
    }
    for host in [&left, &right] {
        // With a carrier but not yet in this state, the kernel silently drops what is sent.
        eventually("the cable is up", || host.ip("link show eth0").contains("state UP"));
    }
    (left, right)
}

pub(super) fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// Waits until something is the case.
#[track_caller]
pub(super) fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < deadline, "not in time: {what}");
        thread::sleep(Duration::from_millis(2));
    }
}
