//! A module read without its cluster, where only the module is looked at.

use std::{net::Ipv4Addr, path::Path};

use super::{
    Cluster, Diagnostics, Lan, LanAddr, Loaded,
    language::Purpose,
    macros,
    module::{self, Origin},
    report::{self, Report},
    value, xml,
};

/// The nodes that stand for those of the cluster.
const NODES: [&str; 2] = ["node1", "node2"];

/// Reads and validates a file as [`module::load_to_verify`] does, as if its heartbeats' networks joined two nodes.
pub fn load_apart(
    path: &Path,
    name: &str,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<(Cluster, Loaded), Diagnostics> {
    let text = report::read(path)?;
    let file = &path.display().to_string();
    let origin = Origin { file, name, purpose: Purpose::Verify, env, resolve: &value::system_resolve };
    let cluster = stand_in(&networks(&text, &origin));
    module::read(&text, &origin, &cluster).map(|loaded| (cluster, loaded))
}

/// The networks that the file names. What is wrong with it is reported when it is read.
fn networks(text: &str, origin: &Origin<'_>) -> Vec<String> {
    let mut ignored = Report::new(origin.file, text);
    let Some(mut root) = xml::parse(text, &mut ignored) else { return Vec::new() };
    macros::expand(&mut root, origin.env, &mut ignored);
    let heart = root.first("service").and_then(|service| service.first("heart"));
    let beats = heart.into_iter().flat_map(|heart| heart.all("heartbeat"));
    beats.filter_map(|beat| Some(beat.attribute("name")?.value.trim().to_owned())).collect()
}

/// Addresses that no machine can have, so that none of the file's is one of them.
fn stand_in(networks: &[String]) -> Cluster {
    let addr = |lan: usize, node: usize| Ipv4Addr::new(240, 0, lan as u8, node as u8 + 1).into();
    let at = |lan: usize| {
        let place = |(node, name): (usize, &&str)| LanAddr {
            node: (*name).to_owned(),
            addr: addr(lan, node),
            laddr: None,
        };
        NODES.iter().enumerate().map(place).collect()
    };
    let lans = networks.iter().enumerate().map(|(lan, name)| Lan { name: name.clone(), addrs: at(lan) });
    Cluster {
        name: String::new(),
        lans: lans.collect(),
        nodes: NODES.map(str::to_owned).to_vec(),
        port: 0,
        signature: String::new(),
    }
}
