//! What must be right before an agent is started, and how to say that it is not.

use std::{
    fmt::Display,
    fs::{self, File, OpenOptions},
    io,
    net::UdpSocket,
    path::Path,
    time::{Duration, Instant},
};

use nix::{
    fcntl::{Flock, FlockArg},
    unistd::geteuid,
};

use super::{exit, wait};
use crate::{
    api::{exit::Exit, shape::Problem},
    node::{Node, NodeError},
    paths::Paths,
    store::StoreError,
};

/// The file that a living agent has locked.
const ALIVE: &str = "agent.alive";
/// How long a killed agent may take to be gone.
const DEATH: Duration = Duration::from_secs(10);

/// Makes the folders and takes the lock of the one agent of this node; held as long as the value.
pub(super) fn prepare(paths: &Paths) -> Result<Flock<File>, Box<Problem>> {
    if !geteuid().is_root() {
        let why = "virtual addresses, mounts and packet filters belong to root";
        return Err(problem("E0515", Exit::Denied, "the agent needs root", why, &["sudo safetui agent"]));
    }
    for folder in [&paths.var, &paths.run, &paths.log] {
        fs::create_dir_all(folder)
            .map_err(|error| broken(&format!("creating {}", folder.display()), &error))?;
    }
    let place = paths.lock();
    Flock::lock(open(&place)?, FlockArg::LockExclusiveNonblock).map_err(|_| {
        let why = format!("another agent of this node runs already: it holds {}", place.display());
        let fix = ["systemctl status safetui", "for a second node on one machine: a SAFETUI_RUN of its own"];
        problem("E0510", Exit::Failed, "a second agent on this node", &why, &fix)
    })
}

/// Held by the agent itself as long as it lives: its guard may have been killed, and a new one started, before the
/// kernel has nothing left of it.
pub(super) fn alive(paths: &Paths) -> Result<Flock<File>, Box<Problem>> {
    let file = open(&paths.run.join(ALIVE))?;
    Flock::lock(file, FlockArg::LockExclusiveNonblock).map_err(|_| predecessor())
}

/// Waits until the agent of an earlier guard is gone.
pub(super) fn predecessor_is_gone(paths: &Paths) -> Result<(), Box<Problem>> {
    let until = Instant::now() + DEATH;
    while let Err(problem) = alive(paths) {
        if Instant::now() > until {
            return Err(problem);
        }
        wait(Duration::from_millis(20));
    }
    Ok(())
}

fn predecessor() -> Box<Problem> {
    let why = "the agent of an earlier guard is still there and cannot be killed: it waits for a device";
    problem("E0510", Exit::Failed, "a second agent on this node", why, &["look for it with ps, then reboot"])
}

fn open(place: &Path) -> Result<File, Box<Problem>> {
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(place);
    file.map_err(|error| broken(&format!("opening {}", place.display()), &error))
}

pub(super) fn node(paths: &Paths) -> Result<Node, Box<Problem>> {
    Node::load(paths).map_err(|error| node_problem(&error))
}

pub(super) fn node_problem(error: &NodeError) -> Box<Problem> {
    let why = error.to_string();
    let (code, summary, fix) = match error {
        NodeError::NoCluster(_) => {
            ("E0511", "the cluster is not configured", "safetui cluster config CLUSTER.XML")
        }
        NodeError::BadCluster(_) => (
            "E0511",
            "the cluster's configuration is not valid",
            "correct the file, then: safetui cluster config FILE",
        ),
        NodeError::Key(_) => ("E0512", "there is no usable cluster key", "safetui cluster genkey"),
        NodeError::Stranger(_) => {
            ("E0513", "this machine is not a node of the cluster", "set its address, or correct cluster.xml")
        }
        NodeError::Addresses(_) | NodeError::Read { .. } => {
            ("E0516", "the agent cannot start", "look at the cause above")
        }
    };
    problem(code, Exit::Failed, summary, &why, &[fix])
}

/// The heartbeats need their port; an address that is missing now may come later.
pub(super) fn port_is_free(node: &Node) -> Result<(), Box<Problem>> {
    let port = node.cluster.port;
    for lan in node.lans() {
        match UdpSocket::bind((lan.local, port)) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                let why = format!("another program uses UDP port {port} of {}", lan.local);
                let fix =
                    [format!("ss -lunp sport = :{port}"), "or set another port in <lans port>".to_owned()];
                let fix = fix.each_ref().map(String::as_str);
                return Err(problem("E0514", Exit::Failed, "the heartbeats' port is in use", &why, &fix));
            }
            _ => {}
        }
    }
    Ok(())
}

pub(super) fn store(error: &StoreError) -> Box<Problem> {
    let fix = ["correct the cause above, then start the agent again"];
    problem("E0516", Exit::Failed, "the agent cannot count its lives", &error.to_string(), &fix)
}

pub(super) fn never_beat() -> Box<Problem> {
    let why = "it ended before its first heartbeat; its own message stands above";
    problem("E0516", Exit::Failed, "the agent cannot start", why, &["look at agent.log in SAFETUI_LOG"])
}

pub(super) fn broken(what: &str, error: &dyn Display) -> Box<Problem> {
    let why = format!("{what}: {error}");
    problem(
        "E0516",
        Exit::Failed,
        "the agent cannot start",
        &why,
        &["correct the cause, then start it again"],
    )
}

fn problem(code: &str, how: Exit, summary: &str, why: &str, fix: &[&str]) -> Box<Problem> {
    Box::new(Problem {
        code: code.into(),
        exit: exit(how),
        summary: summary.into(),
        what: "starting the agent of this node".into(),
        why: why.trim_end().into(),
        now: "the agent does not run; nothing was changed".into(),
        fix: fix.iter().map(|line| (*line).to_owned()).collect(),
    })
}
