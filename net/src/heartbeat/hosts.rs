//! Test bench: hosts in network namespaces of their own, joined by a switch. A host is a thread that entered
//! a fresh namespace, so nothing has a name on this machine and nothing outlives the test, however it ends.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    path::PathBuf,
    process::Command,
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use nix::{
    sched::{CloneFlags, unshare},
    unistd::{Uid, getpid, gettid},
};

/// A noisy machine can be slow, but not for that long.
const DEADLINE: Duration = Duration::from_secs(20);

type Job = Box<dyn FnOnce() + Send>;

/// A machine: everything that runs on it sees its network only.
pub(crate) struct Host {
    jobs: mpsc::Sender<Job>,
    namespace: PathBuf,
}

impl Host {
    pub(crate) fn new() -> Self {
        let (jobs, inbox) = mpsc::channel::<Job>();
        let (tell, told) = mpsc::channel();
        thread::spawn(move || {
            unshare(CloneFlags::CLONE_NEWNET).expect("a new network namespace");
            tell.send(format!("/proc/{}/task/{}/ns/net", getpid(), gettid())).unwrap();
            for job in inbox {
                job();
            }
        });
        let host = Self { jobs, namespace: told.recv().expect("the host is up").into() };
        host.ip("link set lo up");
        host
    }

    /// Runs `job` on the host; sockets that it opens stay on this host wherever they are used.
    pub(crate) fn run<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> T {
        let (tell, told) = mpsc::channel::<Result<T, Box<dyn Any + Send>>>();
        let job = move || drop(tell.send(catch_unwind(AssertUnwindSafe(job))));
        self.jobs.send(Box::new(job)).expect("the host lives as long as the test");
        told.recv().expect("the host answers").unwrap_or_else(|panic| resume_unwind(panic))
    }

    /// A command line on the host, without quoting; it must succeed.
    pub(crate) fn command(&self, program: &'static str, args: &str) {
        let args: Vec<String> = args.split_whitespace().map(Into::into).collect();
        self.run(move || {
            let output = Command::new(program).args(&args).output().expect(program);
            assert!(
                output.status.success(),
                "{program} {args:?}: {}",
                String::from_utf8_lossy(&output.stderr)
            );
        });
    }

    pub(crate) fn ip(&self, args: &str) {
        self.command("ip", args);
    }
}

/// Joins hosts: a bridge with a port for each.
pub(crate) struct Switch(Host);

impl Switch {
    pub(crate) fn new() -> Self {
        let switch = Host::new();
        switch.ip("link add br0 type bridge mcast_snooping 0");
        switch.ip("link set br0 up");
        Self(switch)
    }

    /// Gives `host` an interface with these addresses, plugged into the switch's port of the same name: names
    /// must differ.
    pub(crate) fn plug(&self, host: &Host, interface: &str, addresses: &[&str]) {
        let namespace = host.namespace.display();
        self.0.ip(&format!("link add {interface} type veth peer name {interface} netns {namespace}"));
        self.0.ip(&format!("link set {interface} master br0 up"));
        host.ip(&format!("link set {interface} up"));
        for address in addresses {
            let nodad = if address.contains(':') { "nodad" } else { "" };
            host.ip(&format!("address add {address} dev {interface} {nodad}"));
        }
    }

    /// Isolated ports reach all others, but not each other.
    pub(crate) fn isolate(&self, interface: &str, state: &str) {
        self.0.command("bridge", &format!("link set dev {interface} isolated {state}"));
    }

    pub(crate) fn cable(&self, interface: &str, state: &str) {
        self.0.ip(&format!("link set {interface} {state}"));
    }
}

/// Tries until it works, or fails the test saying what did not happen.
pub(crate) fn eventually(what: &str, mut attempt: impl FnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !attempt() {
        assert!(Instant::now() < deadline, "never happened: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// Namespaces need privileges, which an ordinary user has inside a user namespace only: then the test runs
/// again in there, as the only one of its process.
pub(crate) fn privileged(test: impl FnOnce()) {
    if Uid::effective().is_root() {
        return test();
    }
    let name = thread::current().name().expect("tests run in threads named after them").to_owned();
    let me = std::env::current_exe().expect("this test's program");
    let again = Command::new("unshare").args(["-Urn", "--"]).arg(me).args([&name, "--exact"]).output();
    let again = again.expect("unshare");
    assert!(again.status.success(), "in a user namespace: {}", String::from_utf8_lossy(&again.stdout));
}
