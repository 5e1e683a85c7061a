//! This node: which cluster it belongs to, which node of it it is, and which modules it has.

use std::{fs, io, net::IpAddr};

use crate::{
    config::{Cluster, Diagnostics, WhoAmI, cluster, module},
    driver::Plan,
    heartbeat,
    paths::Paths,
    vip::{Route, VipError},
    wire::{ClusterKey, KeyError},
};

/// What the agent and its guard know of this node before anything runs.
#[derive(Clone, Debug)]
pub struct Node {
    pub paths: Paths,
    pub cluster: Cluster,
    pub key: ClusterKey,
    /// Names of all nodes, sorted; a node's place is its index in packets.
    pub names: Vec<String>,
    /// Index of this node.
    pub me: u8,
}

/// Why this machine cannot be a node.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    #[error("there is no cluster configuration at {0}")]
    NoCluster(String),
    #[error("{0}")]
    BadCluster(Diagnostics),
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error(transparent)]
    Stranger(#[from] WhoAmI),
    #[error(transparent)]
    Addresses(#[from] VipError),
    #[error("cannot read {place}: {source}")]
    Read { place: String, source: io::Error },
}

impl Node {
    /// Reads the cluster's files and finds out which node this is.
    pub fn load(paths: &Paths) -> Result<Self, NodeError> {
        let xml = paths.cluster_xml();
        if !xml.exists() {
            return Err(NodeError::NoCluster(xml.display().to_string()));
        }
        let cluster = cluster::load(&xml).map_err(NodeError::BadCluster)?;
        let key = ClusterKey::load(&paths.cluster_key())?;
        let named = read_if_there(paths)?;
        let local: Vec<IpAddr> = Route::open()?.addresses()?.iter().map(|address| address.ip).collect();
        let name = cluster.whoami(named.as_deref(), &local)?;
        let mut names = cluster.nodes.clone();
        names.sort();
        let me = names.iter().position(|known| *known == name).expect("whoami names a node of the cluster");
        Ok(Self { paths: paths.clone(), cluster, key, names, me: me as u8 })
    }

    /// The name of this node.
    pub fn name(&self) -> &str {
        &self.names[usize::from(self.me)]
    }

    /// The index of a node in packets.
    pub fn index(&self, name: &str) -> Option<u8> {
        self.names.iter().position(|known| known == name).map(|at| at as u8)
    }

    /// The networks that this node is on, as the heartbeats need them.
    pub fn lans(&self) -> Vec<heartbeat::Lan> {
        let mine = |lan: &cluster::Lan| {
            let own = lan.addrs.iter().find(|addr| addr.node == self.name())?;
            let others = lan.addrs.iter().filter(|addr| addr.node != self.name());
            let peers = others.filter_map(|addr| Some((self.index(&addr.node)?, addr.addr))).collect();
            Some(heartbeat::Lan { name: lan.name.clone(), local: own.laddr.unwrap_or(own.addr), peers })
        };
        self.cluster.lans.iter().filter_map(mine).collect()
    }

    /// All addresses of a node.
    pub fn addresses(&self, name: &str) -> Vec<IpAddr> {
        let all = self.cluster.lans.iter().flat_map(|lan| &lan.addrs);
        all.filter(|addr| addr.node == name).map(|addr| addr.addr).collect()
    }

    /// Names of the modules that have a configuration in force, sorted.
    pub fn modules(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.paths.var.join("modules")) else { return Vec::new() };
        let named = |entry: io::Result<fs::DirEntry>| entry.ok()?.file_name().into_string().ok();
        let mut names: Vec<_> = entries
            .filter_map(named)
            .filter(|name| {
                !name.starts_with('.') && self.paths.active(name).join("conf/userconfig.xml").is_file()
            })
            .collect();
        names.sort();
        names
    }

    /// What a module's configuration in force asks for, or a sentence that says why it cannot be run.
    pub fn plan(&self, name: &str) -> Result<Plan, String> {
        let file = self.paths.active(name).join("conf/userconfig.xml");
        let environment = |name: &str| std::env::var(name).ok();
        let loaded = module::load(&file, name, &self.cluster, &environment);
        Plan::new(self, loaded.map_err(|found| found.to_string())?.module)
    }
}

fn read_if_there(paths: &Paths) -> Result<Option<String>, NodeError> {
    let path = paths.node_name();
    match fs::read_to_string(&path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(NodeError::Read { place: path.display().to_string(), source }),
    }
}
