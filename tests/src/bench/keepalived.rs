//! The peer: keepalived on the same hosts and switches, VRRP version 3, an address and no scripts.

use std::{
    fs,
    net::SocketAddrV4,
    path::PathBuf,
    process::Child,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use super::pair::{Pair, Responders, runs};
use crate::{
    Cluster, Error, Options, Result,
    cluster::{Node, config},
    wait,
};

/// The priority that keepalived gives an instance without one. A backup waits for three advertisements and for
/// (256 - priority) / 256 of one.
const PRIORITY: u32 = 100;
const CONFIGURATION: &str = "/etc/safetui/keepalived.conf";
const LOOK: Duration = Duration::from_millis(20);
const LIMIT: Duration = Duration::from_secs(60);

pub(super) struct Keepalived {
    cluster: Cluster,
    /// Between two advertisements.
    advert: Duration,
    daemons: [Mutex<Option<Child>>; 2],
    responders: Responders,
}

/// How long, on average, a silent crash stays unnoticed with `advert` between two advertisements.
pub(super) fn floor(advert: Duration) -> Duration {
    advert * 5 / 2 + skew(advert)
}

/// How long a backup waits when the master says good-bye.
pub(super) fn skew(advert: Duration) -> Duration {
    advert * (256 - PRIORITY) / 256
}

impl Keepalived {
    pub(super) fn start(advert: Duration) -> Result<Self> {
        // The same hosts and networks; our own product is not started on them.
        let cluster = Cluster::build(Options::default())?;
        for node in cluster.nodes() {
            let path = node.on_disk(CONFIGURATION);
            fs::write(&path, configuration(node.name(), advert))
                .map_err(Error::os(format!("write {}", path.display())))?;
        }
        Ok(Self { cluster, advert, daemons: Default::default(), responders: Responders::default() })
    }

    fn start_daemons(&self) -> Result<()> {
        for (slot, node) in self.daemons.iter().zip(self.cluster.nodes()) {
            let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
            if !runs(&mut slot) {
                // What it said before its end says nothing of the new one.
                let _ = fs::remove_file(log(node));
                let mut command = node.command("keepalived")?;
                command.args(["-n", "-l", "-D", "-P", "-f", CONFIGURATION]);
                for (option, file) in [("-p", "keepalived"), ("-r", "vrrp"), ("-c", "checkers")] {
                    command.args([option, &format!("/run/{file}.pid")]);
                }
                *slot = Some(node.daemon(&mut command, &log(node))?);
            }
        }
        Ok(())
    }
}

impl Pair for Keepalived {
    fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// The process that speaks VRRP; its parent starts it again.
    fn daemon(&self, node: &Node) -> Result<Pid> {
        Ok(family(node)?.1)
    }

    fn hand_over(&self, node: &Node) -> Result<()> {
        let (parent, _) = family(node)?;
        kill(parent, Signal::SIGTERM).map_err(Error::os("end keepalived"))
    }

    fn application(&self) -> Option<SocketAddrV4> {
        None
    }

    fn revive(&self) -> Result<()> {
        self.cluster.nodes().into_iter().try_for_each(|node| node.power_on())?;
        self.start_daemons()?;
        self.responders.revive(&self.cluster)?;
        wait::until("one MASTER and one BACKUP", LIMIT, LOOK, || {
            let mut states = self.cluster.nodes().map(state);
            states.sort();
            if states == ["BACKUP", "MASTER"] { Ok(()) } else { Err(states.join(", ")) }
        })?;
        // A backup that has just begun counts from its own beginning until it has heard an advertisement.
        std::thread::sleep(self.advert * 2);
        Ok(())
    }
}

/// Equal on both nodes, and whoever has the address keeps it: each round begins as the last one ended.
fn configuration(node: &str, advert: Duration) -> String {
    format!(
        "global_defs {{\n  router_id {node}\n  vrrp_version 3\n}}\n\
         vrrp_instance demo {{\n  state BACKUP\n  nopreempt\n  interface eth0\n  virtual_router_id 51\n  \
         priority {PRIORITY}\n  advert_int {}\n  virtual_ipaddress {{\n    {}/32 dev eth0\n  }}\n}}\n",
        advert.as_secs_f64(),
        config::VIP
    )
}

fn log(node: &Node) -> PathBuf {
    node.on_disk("/var/log/safetui/keepalived.log")
}

/// The state that it entered last, as it says in its log.
fn state(node: &Node) -> String {
    let log = fs::read_to_string(log(node)).unwrap_or_default();
    let entered = |line: &str| {
        let (_, rest) = line.split_once("Entering ")?;
        rest.split_once(" STATE").map(|(state, _)| state.to_owned())
    };
    log.lines().rev().find_map(entered).unwrap_or_else(|| "none".into())
}

/// The parent, and the child that speaks VRRP.
fn family(node: &Node) -> Result<(Pid, Pid)> {
    let all = node.processes()?;
    let ours: Vec<_> = all.iter().filter(|process| process.command.starts_with("keepalived")).collect();
    let child = ours.iter().find(|process| ours.iter().any(|parent| parent.pid == process.parent));
    child.map(|child| (child.parent, child.pid)).ok_or_else(|| {
        Error::setup(format!("keepalived does not run on {}: {all:?}", node.name()), "revive it first")
    })
}
