//! What a driver is told of its module once: the configuration, and what the core makes of it.

use std::path::PathBuf;

use safetui_core::{Config, Rules, Witness, rule::Book};

use super::timing::timing;
use crate::{
    config::{self, Module, Splitbrain},
    node::Node,
};

/// One module on this node, as it is configured.
#[derive(Clone, Debug)]
pub struct Plan {
    pub module: Module,
    /// Names the module in packets; the same on both nodes.
    pub id: u64,
    /// Equal on two nodes exactly when their configurations are.
    pub signature: u64,
    /// Name of the other node, and its index in the cluster.
    pub peer_name: String,
    pub peer: u8,
    pub core: Config,
    /// Folder of the scripts in force.
    pub bin: PathBuf,
}

impl Plan {
    /// Refuses, with a sentence for the operator, what this node cannot run.
    pub fn new(node: &Node, module: Module) -> Result<Self, String> {
        let peer_name = peer_of(node, &module)?;
        let peer = node.index(&peer_name).ok_or_else(|| format!("node {peer_name} is not in cluster.xml"))?;
        let core = Config {
            timing: timing(&module.heart, module.splitbrain.as_ref())?,
            witness: witness(module.splitbrain.as_ref()),
            failover: module.failover,
            first: node.me < peer,
            rules: Rules::ALL,
            book: Book::EMPTY,
        };
        let signature = u64::from_str_radix(&module.signature, 16)
            .map_err(|_| format!("the signature {} is not a number", module.signature))?;
        let bin = node.paths.active(&module.name).join("bin");
        Ok(Self { id: id_of(&module.name), signature, peer_name, peer, core, bin, module })
    }
}

/// What the core is told of the witness.
pub fn witness(splitbrain: Option<&Splitbrain>) -> Witness {
    match splitbrain.map(|splitbrain| &splitbrain.witness) {
        None => Witness::None,
        Some(config::Witness::Routers(_)) => Witness::Router,
        Some(config::Witness::Arbiter(_)) => Witness::Arbiter,
    }
}

/// The name of a module in packets.
pub fn id_of(module: &str) -> u64 {
    let hash = blake3::hash(module.as_bytes());
    u64::from_le_bytes(*hash.as_bytes().first_chunk().expect("a hash has 32 bytes"))
}

/// A mirror has two nodes, those of its networks; the configuration has checked that they agree.
fn peer_of(node: &Node, module: &Module) -> Result<String, String> {
    let network = module.heart.networks.first().and_then(|name| node.cluster.lan(name));
    let nodes: Vec<&str> =
        network.map(|lan| lan.addrs.iter().map(|addr| addr.node.as_str()).collect()).unwrap_or_default();
    let me = node.name();
    match nodes.iter().find(|name| **name != me) {
        Some(peer) if nodes.contains(&me) => Ok((*peer).into()),
        _ => Err(format!(
            "this node ({me}) is not on the networks of its heartbeats: name a network in <heartbeat> that joins \
             {me} with one other node"
        )),
    }
}
