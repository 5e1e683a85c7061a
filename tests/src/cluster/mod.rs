//! The demo cluster: two nodes with two networks, a router, a client behind it, and the ledger as application.
//!
//! ```text
//!   client ── clients ── router ── service ──┬── n1 ──┬── heartbeat
//!                                  local ────┴── n2 ──┘
//! ```
//!
//! With an arbiter, a third machine is in the service network too.

mod arbiter;
pub mod config;
pub mod node;
mod programs;
mod replay;

use std::{
    fs,
    net::SocketAddrV4,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

pub use self::{
    arbiter::Arbiter,
    config::{Options, Witness},
    node::{Node, Said, Seen},
    programs::Programs,
};
use crate::{Disks, Error, Host, Result, Switch, ledger::Client, probe::Probe, router, wait};

/// How often states are looked at while waiting.
const LOOK: Duration = Duration::from_millis(100);
/// How long the nodes may take to do what is waited for. The machine that runs a lab may be busy.
const LIMIT: Duration = Duration::from_secs(60);

pub struct Cluster {
    pub n1: Node,
    pub n2: Node,
    /// Behind the router.
    pub client: Host,
    /// In the same network as the nodes.
    pub local: Host,
    pub router: Host,
    /// There is one if it is the witness.
    arbiter: Option<Arbiter>,
    pub service: Arc<Switch>,
    pub heartbeat: Arc<Switch>,
    options: Options,
    programs: Arc<Programs>,
}

impl Cluster {
    /// Builds everything, starts the agents, and brings the pair up: n1 PRIM, n2 SECOND.
    pub fn start(options: Options) -> Result<Self> {
        let cluster = Self::build(options)?;
        cluster.start_agents()?;
        cluster.first_start()?;
        Ok(cluster)
    }

    /// Hosts, networks and configuration; nothing of the product runs yet.
    pub fn build(options: Options) -> Result<Self> {
        let programs = Arc::new(Programs::find(&options)?);
        let disks = Disks::new()?;
        let switch = |name: &str| Ok(Arc::new(Switch::new(name, &disks)?));
        let (service, heartbeat, clients) = (switch("service")?, switch("heartbeat")?, switch("clients")?);

        let router = Host::plain("router", &disks)?;
        router.plug("eth0", "10.77.0.1/24", None, &service)?;
        router.plug("eth1", "10.79.0.1/24", None, &clients)?;
        router::forward(&router)?;
        let client = Host::plain("client", &disks)?;
        client.plug("eth0", "10.79.0.50/24", Some("10.79.0.1"), &clients)?;
        let local = Host::plain("local", &disks)?;
        local.plug("eth0", "10.77.0.50/24", Some("10.77.0.1"), &service)?;

        let node = |name: &str, number: u8| -> Result<Node> {
            let host = Host::new(name, &disks)?;
            host.plug("eth0", &format!("10.77.0.{number}/24"), Some("10.77.0.1"), &service)?;
            host.plug("eth1", &format!("10.78.0.{number}/24"), None, &heartbeat)?;
            Ok(Node::new(host, Arc::clone(&programs), disks.path()))
        };
        let (n1, n2) = (node("n1", 11)?, node("n2", 12)?);
        let arbiter = if options.witness == Witness::Arbiter {
            let host = Host::new("arbiter", &disks)?;
            host.plug("eth0", &format!("{}/24", config::ARBITER.ip()), Some("10.77.0.1"), &service)?;
            Some(Arbiter::new(host, Arc::clone(&programs), disks.path()))
        } else {
            None
        };
        let cluster = Self { n1, n2, client, local, router, arbiter, service, heartbeat, options, programs };
        cluster.configure()?;
        Ok(cluster)
    }

    /// Starts the agents, and the arbiter if there is one.
    pub fn start_agents(&self) -> Result<()> {
        self.arbiter.as_ref().map_or(Ok(()), Arbiter::start)?;
        self.nodes().into_iter().try_for_each(Node::start_agent)?;
        self.nodes().into_iter().try_for_each(|node| node.wait_for_agent(LIMIT))?;
        self.nodes().into_iter().try_for_each(|node| node.safetui(["config", "-m", config::MODULE]).map(drop))
    }

    /// What an operator does once in the life of a cluster: says that the data of n1 are the right ones.
    pub fn first_start(&self) -> Result<()> {
        self.n1.safetui(["prim", "-m", config::MODULE, "--confirm", config::MODULE])?;
        self.n2.safetui(["start", "-m", config::MODULE])?;
        self.wait("n1", "PRIM")?;
        self.wait("n2", "SECOND")
    }

    pub fn options(&self) -> &Options {
        &self.options
    }

    /// The arbiter of a cluster that has one as its witness.
    pub fn arbiter(&self) -> Result<&Arbiter> {
        self.arbiter.as_ref().ok_or_else(|| {
            Error::setup(
                "the cluster has no arbiter",
                "build it with Options { witness: Witness::Arbiter, .. }",
            )
        })
    }

    pub fn nodes(&self) -> [&Node; 2] {
        [&self.n1, &self.n2]
    }

    pub fn node(&self, name: &str) -> Result<&Node> {
        self.nodes().into_iter().find(|node| node.name() == name).ok_or_else(|| {
            Error::setup(format!("there is no node {name}"), "the nodes of the lab are n1 and n2")
        })
    }

    /// Waits until `node` itself reports `state`: a role (`PRIM`, ready), or a role and a readiness
    /// (`WAIT NotReady`).
    pub fn wait(&self, node: &str, state: &str) -> Result<()> {
        self.wait_for(node, state, LIMIT)
    }

    pub fn wait_for(&self, node: &str, state: &str, limit: Duration) -> Result<()> {
        let node = self.node(node)?;
        wait::until(format!("{} to be {state}", node.name()), limit, LOOK, || match node.seen() {
            Ok(seen) if seen.is(state) => Ok(()),
            Ok(seen) => Err(format!("{seen}; its agent's last words: {}", node.last_words())),
            Err(error) => Err(format!("{error}; its agent's last words: {}", node.last_words())),
        })
    }

    /// The node that reports PRIM or ALONE, ready, and the other one.
    pub fn primary(&self) -> Result<(&Node, &Node)> {
        for (node, other) in [(&self.n1, &self.n2), (&self.n2, &self.n1)] {
            if node.seen().is_ok_and(|seen| seen.is("PRIM") || seen.is("ALONE")) {
                return Ok((node, other));
            }
        }
        Err(Error::setup("no node is PRIM or ALONE", "wait for it first"))
    }

    /// Switches on what is off, starts agents that ended and modules that are stopped, as an operator would
    /// after repairing what was broken; then waits until one node is PRIM and the other SECOND, both ready.
    pub fn revive(&self, limit: Duration) -> Result<()> {
        wait::until("PRIM and SECOND, both ready", limit, LOOK, || {
            let mut roles = Vec::new();
            for node in self.nodes() {
                node.boot().map_err(|error| error.to_string())?;
                match node.seen() {
                    Ok(seen) if seen.role == "STOP" => {
                        // Refused when it has just started by itself; the next look tells.
                        let _ = node.safetui(["start", "-m", config::MODULE, "--no-wait"]);
                        roles.push(seen.to_string());
                    }
                    Ok(seen) => roles.push(seen.to_string()),
                    Err(error) => roles.push(error.to_string()),
                }
            }
            let mut sorted = roles.clone();
            sorted.sort();
            if sorted == ["PRIM Ready", "SECOND Ready"] { Ok(()) } else { Err(roles.join(", ")) }
        })
    }

    /// Roles of n1 and n2, as they report them; `UNKNOWN` when one does not.
    pub fn roles(&self) -> [String; 2] {
        self.nodes().map(|node| node.seen().map_or_else(|_| "UNKNOWN".into(), |seen| seen.role))
    }

    /// Where the service is.
    pub fn target(&self) -> SocketAddrV4 {
        SocketAddrV4::new(config::VIP, config::PORT)
    }

    /// Starts a client of the ledger behind the router.
    pub fn client(&self, writer: &str) -> Result<Client> {
        Client::start(&self.client, self.target(), writer)
    }

    /// Asks the service every millisecond from `host`.
    pub fn probe(&self, host: &Host) -> Result<Probe> {
        Probe::udp(host, self.target())
    }

    /// Asks every ten milliseconds, in the nodes' network, who has the virtual address.
    pub fn arp_probe(&self) -> Result<Probe> {
        let hardware = |node: &Node| Ok((node.port("eth0")?.hardware(), node.name().to_owned()));
        let nodes = self.nodes().into_iter().map(hardware).collect::<Result<_>>()?;
        Probe::arp(&self.local, "eth0", config::VIP, nodes)
    }

    /// Cuts everything that passes directly between the nodes, in both networks and both directions. Both
    /// still reach all others.
    pub fn part(&self) -> Result<()> {
        for switch in [&self.service, &self.heartbeat] {
            for node in self.nodes() {
                switch.isolate(&Switch::port_of(node.name()))?;
            }
        }
        Ok(())
    }

    /// Undoes [`Self::part`].
    pub fn join(&self) -> Result<()> {
        for switch in [&self.service, &self.heartbeat] {
            for node in self.nodes() {
                switch.join(&Switch::port_of(node.name()))?;
            }
        }
        Ok(())
    }

    fn configure(&self) -> Result<()> {
        let key = config::key()?;
        if let Some(arbiter) = &self.arbiter {
            put(&arbiter.on_disk("/etc/safetui/cluster.key"), &key, 0o600)?;
        }
        for node in self.nodes() {
            let module = PathBuf::from("/var/lib/safetui/modules").join(config::MODULE);
            let put = |path: PathBuf, text: &str, mode: u32| put(&node.on_disk(path), text, mode);
            put("/etc/safetui/cluster.xml".into(), config::CLUSTER, 0o644)?;
            put("/etc/safetui/cluster.key".into(), &key, 0o600)?;
            put("/etc/safetui/node".into(), &format!("{}\n", node.name()), 0o644)?;
            put(module.join("conf/userconfig.xml"), &config::userconfig(&self.options), 0o644)?;
            put(
                module.join("bin/start_prim"),
                &config::start_prim(&self.programs.ledger, node.name()),
                0o755,
            )?;
            put(module.join("bin/stop_prim"), config::STOP_PRIM, 0o755)?;
            put(module.join("bin/prestart"), config::STOP_PRIM, 0o755)?;
        }
        Ok(())
    }
}

fn put(path: &Path, text: &str, mode: u32) -> Result<()> {
    let write = || {
        fs::create_dir_all(path.parent().unwrap_or(path))?;
        fs::write(path, text)?;
        fs::set_permissions(path, fs::Permissions::from_mode(mode))
    };
    write().map_err(Error::os(format!("write {}", path.display())))
}
