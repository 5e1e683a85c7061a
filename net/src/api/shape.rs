//! The shapes that cross the control API. Additive changes only inside a schema version.
//!
//! Times are RFC 3339 UTC with milliseconds, durations `*_ms`, sizes `*_bytes`; what is not known is `null`,
//! never missing and never guessed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Name and version of [`State`].
pub const STATE_SCHEMA: &str = "safetui.state/v1";

/// Everything one node knows of its cluster at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct State {
    pub schema: String,
    /// Grows by at least one whenever anything below changes; a plan is bound to it. Goes on growing
    /// when the agent is started anew.
    pub seq: u64,
    pub time: String,
    pub cluster: String,
    /// The node that reports.
    pub node: String,
    pub health: Health,
    pub nodes: Vec<Node>,
    pub witness: Option<Witness>,
    pub networks: Vec<Network>,
    pub modules: Vec<Module>,
    /// Newest last, bounded.
    pub events: Vec<Happened>,
    pub warnings: Vec<String>,
}

/// The worst state of any module, and of the cluster's redundancy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Health {
    /// Every started module serves and has its redundancy.
    Ok,
    /// Something is moving; it serves.
    Transient,
    /// It serves, without redundancy.
    Degraded,
    /// It serves on no node that is heard: whether on another is not known here.
    Unknown,
    /// A started module serves nowhere.
    Outage,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Node {
    pub name: String,
    /// Is this the reporting node?
    pub me: bool,
    pub addresses: Vec<String>,
    pub reachable: bool,
    /// Age of the newest authenticated packet from it; `null` when never heard.
    pub last_seen_ms: Option<u64>,
    /// Version of its agent, when known.
    pub version: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Witness {
    /// `ping` or `arbiter`.
    pub kind: String,
    pub address: String,
    /// As the reporting node sees it now.
    pub reachable: Option<bool>,
    /// As the peer last said.
    pub reachable_from_peer: Option<bool>,
    pub rtt_us: Option<u64>,
    /// Does the router reflect heartbeats?
    pub reflects: Option<bool>,
}

/// One heartbeat path to one peer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Network {
    pub name: String,
    pub peer: String,
    pub up: bool,
    pub last_heard_ms: Option<u64>,
    pub rtt_us: Option<u64>,
    /// Share of expected packets that did not arrive, over the last minute, in percent.
    pub loss_percent: Option<f64>,
    /// Round trips of the last minute, in microseconds, oldest first, bounded; for a sparkline.
    pub history_us: Vec<u64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Module {
    pub name: String,
    /// `MIRROR`, later `FARM`.
    pub kind: String,
    /// Window of the primary and of the secondary after the last contact.
    pub timeout_ms: u64,
    pub guard_ms: u64,
    /// One per node, the reporting node first.
    pub instances: Vec<Instance>,
    pub vips: Vec<Vip>,
    pub replication: Option<Replication>,
    /// Why the reporting node's instance does not move on, when it blocks.
    pub why: Option<Why>,
    /// What the core says would happen if a node were lost now.
    pub if_node_lost: Vec<WhatIf>,
    /// What an operator may ask now, with what the core says would happen.
    pub actions: Vec<Offer>,
    /// Role letters over time, one string per instance, oldest first: P A S W, lower case while transient,
    /// `-` stopped, `?` not heard. One letter per second, bounded.
    pub timeline: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Instance {
    pub node: String,
    /// STOP, WAIT, ALONE, PRIM, SECOND; UNKNOWN when the node is not heard.
    pub role: String,
    /// `NotReady`, `Transient`, `Ready`; `Unknown` when the node is not heard.
    pub readiness: String,
    /// Since when this role and readiness hold.
    pub since: Option<String>,
    /// How long before `time` this was known; 0 for the reporting node.
    pub age_ms: u64,
    /// Name of the rule that holds it, when one does.
    pub rule: Option<String>,
    /// `class.id` to `UP`, `DOWN`, `INIT` or `UNKNOWN`.
    pub resources: BTreeMap<String, String>,
    /// `Exclusive`, `Shared`, `Copying`, `Stale`, `New`.
    pub mark: Option<String>,
    pub term: Option<u64>,
    /// Data generation, in hexadecimal.
    pub generation: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Vip {
    pub address: String,
    pub interface: Option<String>,
    /// Name of the node that holds it, when one does.
    pub holder: Option<String>,
    /// Time left of the reporting node's lease, when it holds one.
    pub lease_ms: Option<u64>,
}

/// The data flow of one mirror, as the reporting node sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Replication {
    /// `idle`, `mirroring`, `reintegrating`, `contested`, `alone`.
    pub phase: String,
    /// From node name to node name, when data flows.
    pub from: Option<String>,
    pub to: Option<String>,
    pub directories: Vec<String>,
    pub bytes_per_second: u64,
    /// Operations that wait for the peer now.
    pub waiting: u64,
    /// Median time from sending an operation to its acknowledgement.
    pub ack_us: Option<u64>,
    pub progress: Option<Progress>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    pub done_bytes: u64,
    pub total_bytes: u64,
    pub files: u64,
    pub copied_files: u64,
    pub eta_ms: Option<u64>,
}

/// "Why am I in WAIT", answered by the core.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Why {
    pub headline: String,
    /// Facts that led here, first cause first.
    pub causes: Vec<String>,
    pub guards: Vec<Guard>,
    /// Ways out, safest first; empty means that it never ends by itself.
    pub ways_out: Vec<WayOut>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Guard {
    pub name: String,
    /// `null` when it cannot be known now.
    pub holds: Option<bool>,
    pub evidence: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WayOut {
    pub text: String,
    /// Command line that does it, when an operator can.
    pub command: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WhatIf {
    /// Node that is lost.
    pub node: String,
    /// `SERVICE_UP`, `OUTAGE`, `NO_CHANGE`.
    pub outcome: String,
    pub text: String,
}

/// An operator's verb on one node, as the core judges it now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Offer {
    pub verb: String,
    pub node: String,
    /// `safe`, `mild`, `moderate`, `severe`.
    pub severity: String,
    /// Why the core refuses it now; `null` when it would accept.
    pub refused: Option<String>,
    /// What would happen, in order.
    pub steps: Vec<String>,
    /// Text that an operator must type, for moderate and severe ones.
    pub confirm: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Happened {
    pub seq: u64,
    pub time: String,
    pub node: String,
    pub module: Option<String>,
    /// `C`ritical, `E`vent, `U`ser, `S`cript, `I`nformation.
    pub level: String,
    pub text: String,
}

/// A request of an operator: `POST /v1/command`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Command {
    pub module: String,
    pub verb: String,
    /// Further words of the verb, such as `nosync`.
    #[serde(default)]
    pub args: Vec<String>,
    /// Refuse with `stale` unless the state still has this number.
    #[serde(default)]
    pub if_state: Option<u64>,
    /// What the operator typed to confirm.
    #[serde(default)]
    pub confirm: Option<String>,
    /// For the log: the operator and where the request comes from, such as `root/tui`.
    pub by: String,
}

/// The answer to a [`Command`]: it was taken, and this is what the core set out to reach.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Accepted {
    /// The first state that shows the command taken: only from here on does `until` prove anything.
    pub seq: u64,
    /// Role and readiness that prove the command done on the node it was given to, such as `STOP`, `PRIM Ready`;
    /// several when more than one is an honest end.
    pub until: Vec<String>,
}

/// An error in the house form: what, why, the state now, how to fix it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Problem {
    /// Stable, such as `E0301`.
    pub code: String,
    /// Exit code of the command line that reports it.
    pub exit: u8,
    pub summary: String,
    pub what: String,
    pub why: String,
    pub now: String,
    pub fix: Vec<String>,
}
