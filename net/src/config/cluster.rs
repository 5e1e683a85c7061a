//! `cluster.xml`: the nodes and the networks that join them.

use std::{collections::BTreeMap, net::IpAddr, path::Path};

use super::{
    Diagnostics, code,
    language::{self, Purpose},
    report::{self, Report},
    value::{self, Resolve},
    vocabulary,
    xml::{self, Element},
};

/// Where nodes hear each other when `<lans>` names no port.
const PORT: u16 = 4800;

/// The nodes and networks, valid as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    /// Empty when the file names none.
    pub name: String,
    /// In the order of the file, but the network that carries distributed commands (`command="on"`) first.
    pub lans: Vec<Lan>,
    /// In order of first appearance.
    pub nodes: Vec<String>,
    /// UDP port of the heartbeats.
    pub port: u16,
    /// Equal on two nodes exactly when their files say the same: 16 hexadecimal digits.
    pub signature: String,
}

/// One network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lan {
    pub name: String,
    /// One per node, one family.
    pub addrs: Vec<LanAddr>,
}

/// A node's address on one network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LanAddr {
    pub node: String,
    /// As the other nodes see it.
    pub addr: IpAddr,
    /// As the node itself sees it, when address translation stands between.
    pub laddr: Option<IpAddr>,
}

/// Why a machine cannot tell which node it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WhoAmI {
    #[error("this node is named \"{name}\", which cluster.xml does not know; its nodes are: {nodes}")]
    UnknownName { name: String, nodes: String },
    #[error(
        "no address of this machine is in cluster.xml; correct cluster.xml, or write the name of this node \
         into the file \"node\" beside it"
    )]
    NoAddress,
    #[error(
        "this machine has addresses of several nodes of cluster.xml: {nodes}; write the name of this node \
         into the file \"node\" beside it"
    )]
    Ambiguous { nodes: String },
}

impl Cluster {
    /// Which node this machine is: the one that is named in the name file, else the one whose addresses the
    /// machine has.
    pub fn whoami(&self, name_file: Option<&str>, local: &[IpAddr]) -> Result<String, WhoAmI> {
        if let Some(name) = name_file.map(str::trim).filter(|name| !name.is_empty()) {
            return match self.nodes.iter().find(|node| *node == name) {
                Some(node) => Ok(node.clone()),
                None => Err(WhoAmI::UnknownName { name: name.to_owned(), nodes: self.nodes.join(", ") }),
            };
        }
        let here = |a: &LanAddr| local.contains(&a.laddr.unwrap_or(a.addr));
        let owns =
            |node: &&String| self.lans.iter().flat_map(|l| &l.addrs).any(|a| a.node == **node && here(a));
        let found: Vec<&String> = self.nodes.iter().filter(owns).collect();
        match found[..] {
            [] => Err(WhoAmI::NoAddress),
            [node] => Ok(node.clone()),
            _ => Err(WhoAmI::Ambiguous {
                nodes: self.nodes.iter().filter(owns).cloned().collect::<Vec<_>>().join(", "),
            }),
        }
    }

    pub fn lan(&self, name: &str) -> Option<&Lan> {
        self.lans.iter().find(|lan| lan.name == name)
    }

    /// Every address that some node has, as others see it or as the node itself does.
    pub(super) fn owner(&self, address: IpAddr) -> Option<&str> {
        let mut addrs = self.lans.iter().flat_map(|lan| &lan.addrs);
        addrs.find(|a| a.addr == address || a.laddr == Some(address)).map(|a| a.node.as_str())
    }
}

/// Reads and validates a file. Warnings are left to [`check`].
pub fn load(path: &Path) -> Result<Cluster, Diagnostics> {
    check(path).map(|(cluster, _)| cluster)
}

/// The same with the warnings, for the command that takes a configuration into force.
pub fn check(path: &Path) -> Result<(Cluster, Diagnostics), Diagnostics> {
    let text = report::read(path)?;
    read(&text, &path.display().to_string(), &value::system_resolve)
}

/// Validates a text; `file` is what the findings name.
pub fn parse(text: &str, file: &str) -> Result<Cluster, Diagnostics> {
    read(text, file, &value::system_resolve).map(|(cluster, _)| cluster)
}

pub(super) fn read(
    text: &str,
    file: &str,
    resolve: Resolve<'_>,
) -> Result<(Cluster, Diagnostics), Diagnostics> {
    let mut report = Report::new(file, text);
    let Some(root) = xml::parse(text, &mut report) else {
        return Err(report.into_diagnostics());
    };
    if !language::check(&root, &vocabulary::CLUSTER, Purpose::Run, &mut report) {
        return Err(report.into_diagnostics());
    }
    let Some(lans) = root.first("lans") else {
        report.error(code::MISSING_ELEMENT, root.at, "<cluster> contains no <lans>");
        return Err(report.into_diagnostics());
    };
    let port = value::number(&mut report, lans, "port", 1..=u16::MAX).unwrap_or(PORT);
    let name = root.attribute("name").map_or_else(String::new, |a| a.value.trim().to_owned());
    let mut reader = LansReader { report: &mut report, resolve, nodes: Vec::new(), taken: BTreeMap::new() };
    let mut read = reader.lans(lans);
    let nodes = reader.nodes;
    coverage(&mut report, lans, &read, &nodes);
    command(&mut report, lans, &mut read, &nodes);
    let cluster = Cluster { name, lans: read, nodes, port, signature: root.signature() };
    report.finish(cluster)
}

struct LansReader<'r, 'a> {
    report: &'r mut Report<'a>,
    resolve: Resolve<'r>,
    nodes: Vec<String>,
    /// Who has an address already.
    taken: BTreeMap<IpAddr, String>,
}

impl LansReader<'_, '_> {
    fn lans(&mut self, element: &Element) -> Vec<Lan> {
        let mut lans: Vec<Lan> = Vec::new();
        for child in element.all("lan") {
            let Some(name) = value::word(self.report, child, "name") else { continue };
            if lans.iter().any(|lan| lan.name == name) {
                let message = format!("a second network is named \"{name}\"");
                self.report.error(code::DUPLICATE_NAME, child.place("name"), message);
            }
            let addrs = self.addrs(child);
            if let Some(other) = addrs.iter().find(|a| a.addr.is_ipv4() != addrs[0].addr.is_ipv4()) {
                let message =
                    format!("network \"{name}\" mixes IPv4 and IPv6: {} and {}", addrs[0].addr, other.addr);
                self.report.error(code::ADDRESS, child.at, message).help("make it two networks");
            }
            lans.push(Lan { name: name.to_owned(), addrs });
        }
        lans
    }

    fn addrs(&mut self, lan: &Element) -> Vec<LanAddr> {
        let mut addrs: Vec<LanAddr> = Vec::new();
        for child in lan.all("node") {
            let addr = value::address(self.report, child, "addr", self.resolve);
            let laddr = value::address(self.report, child, "laddr", self.resolve);
            let Some(node) = value::word(self.report, child, "name") else { continue };
            if !self.nodes.iter().any(|n| n == node) {
                self.nodes.push(node.to_owned());
            }
            if addrs.iter().any(|a| a.node == node) {
                let message = format!("node \"{node}\" is in this network twice");
                self.report.error(code::DUPLICATE_NAME, child.place("name"), message);
            }
            let Some(addr) = addr else { continue };
            if let Some(other) = self.taken.insert(addr, node.to_owned()) {
                let message = format!("address {addr} is already that of node \"{other}\"");
                self.report
                    .error(code::ADDRESS, child.place("addr"), message)
                    .help("each address is given once");
            }
            addrs.push(LanAddr { node: node.to_owned(), addr, laddr });
        }
        addrs
    }
}

/// Some network must join all nodes, and there must be someone to fail over to.
fn coverage(report: &mut Report<'_>, element: &Element, lans: &[Lan], nodes: &[String]) {
    if report.has_errors() {
        return; // A node or network that could not be read would make these findings misleading.
    }
    if nodes.len() < 2 {
        let message = format!("a cluster needs at least 2 nodes, found {}", nodes.len());
        report.error(code::NODES, element.at, message);
    } else if !lans.iter().any(|lan| lan.addrs.len() == nodes.len()) {
        let message = format!("no network contains all nodes: {}", nodes.join(", "));
        report
            .error(code::NODES, element.at, message)
            .help("is the name of a node misspelt in one of the networks?");
    }
}

/// Puts the network of the distributed commands first.
fn command(report: &mut Report<'_>, element: &Element, lans: &mut [Lan], nodes: &[String]) {
    let mut chosen = None;
    for child in element.all("lan").filter(|c| c.attribute("name").is_some()) {
        if !value::on_off(report, child, "command", false) {
            continue;
        }
        let at = child.place("command");
        let name = child.attribute("name").map_or("", |a| a.value.trim());
        let position = lans.iter().position(|lan| lan.name == name);
        if chosen.is_some() {
            report.error(code::REPEATED, at, "a second network has command=\"on\"").allowed("one");
        } else if let Some(position) = position {
            if lans[position].addrs.len() < nodes.len() && !report.has_errors() {
                let message = format!("network \"{name}\" has command=\"on\" but does not contain all nodes");
                report.error(code::NODES, at, message).help(format!("the nodes are: {}", nodes.join(", ")));
            }
            chosen = Some(position);
        }
    }
    if let Some(position) = chosen {
        lans[..=position].rotate_right(1);
    }
}
