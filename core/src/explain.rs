//! Why a node waits, answered by the very conditions that decide: which guards are false, on what evidence,
//! and what would open them.

use core::fmt;

use crate::{
    config::{Config, Witness},
    mirror::{Mirror, Step, pairing::Relation},
    record::{Mark, Side},
    role::{Cause, Role, Status},
    rule::{Hold, State, Whose},
    time::Tick,
};

/// Why a node does not move on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Explanation {
    pub block: Block,
    /// What must hold, and whether it does.
    pub guards: [Option<Guard>; 4],
    /// What would end it, the safest first.
    pub ways: [Option<Way>; 3],
}

/// The named reasons for waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Block {
    Stopped,
    /// Work of the present step is not done yet.
    Working,
    Listening,
    /// The peer is silent, and the arbiter has not said yet who goes on.
    Asking,
    /// Never had the data, and nobody offers it.
    NoData,
    HalfCopied,
    /// The peer may have newer data.
    NotUpToDate,
    /// As above, after a lost contest.
    LatchedAfterContest,
    Forked,
    /// The peer serves, and has not yet said how it sees this node's data, or must step back first.
    PeerMustMove,
    /// What the peer sent could not be applied here.
    CannotApply,
    /// The scripts of the role failed.
    ScriptsFailed,
    /// A resource that a failover rule must know has not been checked yet.
    Unchecked,
    /// That failover rule holds.
    Ruled(u8),
    /// As above, and one holds on the peer too.
    BothRuled(u8),
    /// That failover rule stopped the module.
    StoppedByRule(u8),
    /// That failover rule acted once too often.
    TooOften(u8),
}

/// One condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guard {
    pub name: &'static str,
    pub holds: bool,
    pub evidence: Evidence,
}

/// What a guard read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    NeverHeard,
    /// Milliseconds since the peer was heard, and what it said of itself.
    Heard {
        ago: u64,
        role: Role,
        status: Status,
        mark: Mark,
    },
    Data(Mark, Side),
    Witness {
        answers: bool,
    },
    NoWitness,
    History(Relation),
    /// A resource of this node, or of the peer.
    Resource {
        whose: Whose,
        id: u8,
        state: State,
    },
    /// The rule compares what is, and nothing that it reads is out of order.
    Rule,
}

/// One way out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Passes by itself.
    Wait,
    StartPeer,
    Start,
    /// Serve from this node's data; gives up what only the peer has.
    Prim,
    /// Follow the peer; what only this node has is kept aside.
    Second,
    /// It is tried again by itself, and works once the disk does.
    RepairDisk,
    Restart,
    /// It goes on once the rule no longer holds.
    RepairResource,
    /// Serve although the rule holds.
    Overrule,
}

impl<const H: usize> Mirror<H> {
    /// Why this node is not ready; `None` when it is.
    pub fn explain(&self, cfg: &Config, now: Tick) -> Option<Explanation> {
        if self.status() == Status::Ready {
            return None;
        }
        let block = self.block(cfg, now);
        let guards = match block.rule_number() {
            Some(rule) => self.guards_of_rule(cfg, now, rule),
            None if block == Block::Unchecked => self.guards_of_checks(cfg),
            None => self.guards(cfg, now),
        };
        Some(Explanation { block, guards, ways: block.ways() })
    }

    fn block(&self, cfg: &Config, now: Tick) -> Block {
        match (self.role(), self.step()) {
            (Role::Stop, Step::Steady) => match self.held() {
                Hold::Stopped { rule, often: true } => Block::TooOften(rule),
                Hold::Stopped { rule, often: false } => Block::StoppedByRule(rule),
                _ => Block::Stopped,
            },
            (_, Step::Failed) => Block::ScriptsFailed,
            (Role::Wait, Step::Listening { .. } | Step::Steady) if self.unknown(cfg).is_some() => {
                Block::Unchecked
            }
            (Role::Wait, Step::Listening { .. }) => Block::Listening,
            (Role::Wait, Step::Steady) => self.block_of_waiting(cfg, now),
            _ if self.asks() => Block::Asking,
            _ => Block::Working,
        }
    }

    fn block_of_waiting(&self, cfg: &Config, now: Tick) -> Block {
        if let Hold::Wait { rule } = self.held() {
            let both = self.recent(cfg, now).is_some_and(|beat| beat.held);
            return if both { Block::BothRuled(rule) } else { Block::Ruled(rule) };
        }
        if self.cause() == Cause::Forked {
            return Block::Forked;
        }
        if self.cause() == Cause::CannotApply {
            return Block::CannotApply;
        }
        let serving = self.recent(cfg, now).filter(|beat| beat.role.serves());
        match (self.record().mark, serving) {
            (_, Some(beat))
                if self.relation(&beat) == Relation::Forked && self.record().mark == Mark::Stale =>
            {
                Block::Forked
            }
            (_, Some(_)) => Block::PeerMustMove,
            (Mark::New, None) => Block::NoData,
            (Mark::Copying, None) => Block::HalfCopied,
            _ if self.cause() == Cause::ContestLost => Block::LatchedAfterContest,
            _ => Block::NotUpToDate,
        }
    }

    fn guards_of_rule(&self, cfg: &Config, now: Tick, rule: u8) -> [Option<Guard>; 4] {
        let ground = cfg.book.ground(rule, self.found(), self.peers_resources(cfg, now));
        let evidence = ground.map_or(Evidence::Rule, |(whose, id)| self.resource_of(cfg, now, whose, id));
        let serves = self.recent(cfg, now).is_some_and(|beat| beat.role.serves());
        [
            Some(Guard { name: "no failover rule holds", holds: false, evidence }),
            Some(Guard { name: "the peer serves", holds: serves, evidence: self.evidence_of_peer(now) }),
            None,
            None,
        ]
    }

    fn guards_of_checks(&self, cfg: &Config) -> [Option<Guard>; 4] {
        let evidence = self.unknown(cfg).map_or(Evidence::Rule, |id| Evidence::Resource {
            whose: Whose::Mine,
            id,
            state: State::Init,
        });
        [Some(Guard { name: "what the rules read is checked", holds: false, evidence }), None, None, None]
    }

    fn resource_of(&self, cfg: &Config, now: Tick, whose: Whose, id: u8) -> Evidence {
        let found = match whose {
            Whose::Mine => self.found(),
            Whose::Peers => self.peers_resources(cfg, now),
        };
        Evidence::Resource { whose, id, state: found.state(id) }
    }

    fn evidence_of_peer(&self, now: Tick) -> Evidence {
        self.peer().map_or(Evidence::NeverHeard, |peer| Evidence::Heard {
            ago: now.since(peer.heard),
            role: peer.beat.role,
            status: peer.beat.status,
            mark: peer.beat.mark,
        })
    }

    fn guards(&self, cfg: &Config, now: Tick) -> [Option<Guard>; 4] {
        let recent = self.recent(cfg, now);
        let heard = self.evidence_of_peer(now);
        let witness = match cfg.witness {
            Witness::None => Evidence::NoWitness,
            Witness::Router | Witness::Arbiter => Evidence::Witness { answers: self.witnessed(cfg, now) },
        };
        let record = self.record();
        [
            Some(Guard { name: "peer is heard", holds: recent.is_some(), evidence: heard }),
            Some(Guard {
                name: "this node alone has the newest data",
                holds: self.owns(),
                evidence: Evidence::Data(record.mark, record.side),
            }),
            Some(Guard { name: "witness answers", holds: self.witnessed(cfg, now), evidence: witness }),
            recent.map(|beat| {
                let relation = self.relation(&beat);
                Guard {
                    name: "the two histories agree",
                    holds: !matches!(relation, Relation::Forked | Relation::Unsaid),
                    evidence: Evidence::History(relation),
                }
            }),
        ]
    }
}

impl Block {
    /// SafeKit's name of the rule that holds the node, where it has one.
    pub const fn rule(self) -> Option<&'static str> {
        match self {
            Self::NoData | Self::HalfCopied | Self::NotUpToDate => Some("notuptodate_server"),
            Self::LatchedAfterContest => Some("splitbrain_failure"),
            Self::Forked => Some("fork"),
            _ => None,
        }
    }

    /// The number of the failover rule that it is about.
    pub const fn rule_number(self) -> Option<u8> {
        match self {
            Self::Ruled(rule) | Self::BothRuled(rule) | Self::StoppedByRule(rule) | Self::TooOften(rule) => {
                Some(rule)
            }
            _ => None,
        }
    }

    pub const fn text(self) -> &'static str {
        match self {
            Self::Stopped => "the module is stopped",
            Self::Working => "a change is under way",
            Self::Listening => "just started: listening for the peer",
            Self::Asking => "the peer is silent: the arbiter is asked which of the two goes on",
            Self::NoData => "this node never had the data, and no peer offers it",
            Self::HalfCopied => "the data here are half copied: only the peer has them whole",
            Self::NotUpToDate => "the peer may have newer data",
            Self::LatchedAfterContest => {
                "isolated while the pair was running: the peer may have gone on alone"
            }
            Self::Forked => "both nodes went on alone: each has writes that the other has not",
            Self::PeerMustMove => "the peer serves, and is about to offer its data",
            Self::CannotApply => {
                "this node could not apply what it was sent (disk full, or failing: see the log); it tries again"
            }
            Self::ScriptsFailed => "the scripts of the role failed",
            Self::Unchecked => "just started: waiting for the first word of a checker",
            Self::Ruled(_) => "a failover rule makes this node wait",
            Self::BothRuled(_) => {
                "a failover rule makes this node wait, and one the peer too: nobody can serve"
            }
            Self::StoppedByRule(_) => "a failover rule stopped the module",
            Self::TooOften(_) => "stopped: a failover rule has acted too often (maxloop)",
        }
    }

    const fn ways(self) -> [Option<Way>; 3] {
        match self {
            Self::Stopped => [Some(Way::Start), None, None],
            Self::Working | Self::Listening | Self::PeerMustMove => [Some(Way::Wait), None, None],
            Self::Asking => [Some(Way::Wait), Some(Way::Prim), None],
            Self::NoData => [Some(Way::StartPeer), Some(Way::Prim), None],
            Self::HalfCopied => [Some(Way::StartPeer), None, None],
            Self::NotUpToDate | Self::LatchedAfterContest => [Some(Way::StartPeer), Some(Way::Prim), None],
            Self::Forked => [Some(Way::Second), Some(Way::Prim), None],
            Self::CannotApply => [Some(Way::RepairDisk), None, None],
            Self::ScriptsFailed => [Some(Way::Restart), None, None],
            Self::Unchecked => [Some(Way::Wait), Some(Way::Overrule), None],
            Self::Ruled(_) | Self::BothRuled(_) => [Some(Way::RepairResource), Some(Way::Overrule), None],
            Self::StoppedByRule(_) | Self::TooOften(_) => [Some(Way::Start), None, None],
        }
    }
}

impl Way {
    pub const fn text(self) -> &'static str {
        match self {
            Self::Wait => "it passes by itself",
            Self::StartPeer => {
                "start the module on the peer, or let the two nodes hear each other: no data are lost"
            }
            Self::Start => "start the module",
            Self::Prim => "serve from this node's data: LOSES what only the peer has",
            Self::Second => "follow the peer: what only this node has is kept aside",
            Self::RepairDisk => {
                "make room on, or repair, the disk of the replicated directory here: then it goes on"
            }
            Self::Restart => "repair what the script log says, then restart",
            Self::RepairResource => "repair what is down: then it goes on",
            Self::Overrule => "serve from this node's data although the rule holds",
        }
    }

    /// The verb that takes it, on this node.
    pub const fn verb(self) -> Option<&'static str> {
        match self {
            Self::Wait | Self::StartPeer | Self::RepairDisk | Self::RepairResource => None,
            Self::Start => Some("start"),
            Self::Prim | Self::Overrule => Some("prim"),
            Self::Second => Some("second"),
            Self::Restart => Some("restart"),
        }
    }
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NeverHeard => f.write_str("not heard since this node's agent started"),
            Self::Heard { ago, role, status, mark } => {
                write!(f, "heard {ago} ms ago as {} {}, data {mark:?}", role.word(), status.word())
            }
            Self::Data(mark, side) => match mark {
                Mark::Shared => write!(f, "data Shared, last part {}", side.word()),
                _ => write!(f, "data {mark:?}"),
            },
            Self::Witness { answers: true } => f.write_str("it answers"),
            Self::Witness { answers: false } => f.write_str("no answer"),
            Self::NoWitness => f.write_str("none is configured"),
            Self::Resource { whose, id, state } => {
                let whose = if *whose == Whose::Mine { "" } else { "the peer's " };
                write!(f, "{whose}resource {id} is {}", state.word())
            }
            Self::Rule => f.write_str("the rule holds as things are"),
            Self::History(relation) => f.write_str(match relation {
                Relation::Unsaid => "the peer has not said yet",
                Relation::Behind => "the peer has all of this node's data and more",
                Relation::Ahead => "this node has all of the peer's data and more",
                Relation::Same => "the same generation",
                Relation::Forked => "each has what the other has not",
            }),
        }
    }
}
