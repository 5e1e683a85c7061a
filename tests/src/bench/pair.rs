//! Two nodes that keep a virtual address alive, whoever makes them do it.

use std::{
    net::SocketAddrV4,
    process::Child,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use nix::unistd::Pid;

use crate::{
    Cluster, Error, Options, Result,
    cluster::{Node, config},
};

/// Where the responder of each node listens: at the virtual address, beside the application.
pub(super) const RESPONDER: SocketAddrV4 = SocketAddrV4::new(config::VIP, config::PORT + 1);

/// How long a pair may take to be whole again.
const WHOLE_AGAIN: Duration = Duration::from_secs(120);

pub(super) trait Pair {
    fn cluster(&self) -> &Cluster;
    /// The process on `node` that decides: the one to kill. Its supervisor, if it has one, is another.
    fn daemon(&self, node: &Node) -> Result<Pid>;
    /// Makes `node`, which serves, hand over in good order.
    fn hand_over(&self, node: &Node) -> Result<()>;
    /// Where an application answers that is started only where the address is, if there is one.
    fn application(&self) -> Option<SocketAddrV4>;
    /// Starts again what does not run, and waits until the next fault would be survived.
    fn revive(&self) -> Result<()>;
}

/// Our own pair: the product with its module, a replicated directory and the ledger as its application.
pub(super) struct Ours {
    cluster: Cluster,
    responders: Responders,
}

impl Ours {
    pub(super) fn start(options: Options) -> Result<Self> {
        Ok(Self { cluster: Cluster::start(options)?, responders: Responders::default() })
    }
}

impl Pair for Ours {
    fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    fn daemon(&self, node: &Node) -> Result<Pid> {
        node.agent_pid()
    }

    fn hand_over(&self, node: &Node) -> Result<()> {
        node.safetui(["swap", "-m", config::MODULE, "--confirm", config::MODULE]).map(drop)
    }

    fn application(&self) -> Option<SocketAddrV4> {
        Some(self.cluster.target())
    }

    fn revive(&self) -> Result<()> {
        self.cluster.revive(WHOLE_AGAIN)?;
        self.responders.revive(&self.cluster)
    }
}

/// The responders of both nodes; those of a node without power have died with it.
#[derive(Default)]
pub(super) struct Responders([Mutex<Option<Child>>; 2]);

impl Responders {
    /// Starts those that do not run, on nodes with power.
    pub(super) fn revive(&self, cluster: &Cluster) -> Result<()> {
        let this = std::env::current_exe().map_err(Error::os("find this program"))?;
        for (slot, node) in self.0.iter().zip(cluster.nodes()) {
            let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
            if !runs(&mut slot) {
                let mut command = node.command(&this)?;
                command.args(["respond", &RESPONDER.to_string(), node.name()]);
                *slot = Some(node.daemon(&mut command, &node.on_disk("/var/log/safetui/responder.log"))?);
            }
        }
        Ok(())
    }
}

/// Does the process still run? One that has ended is reaped.
pub(super) fn runs(slot: &mut Option<Child>) -> bool {
    slot.as_mut().is_some_and(|child| matches!(child.try_wait(), Ok(None)))
}
