//! What happens to a node: facts, never requests to wait.

use crate::{
    action::Job,
    record::{Boot, Generation, Kin, Ledger, Mark, Side},
    role::{Role, Status},
    rule::{Set, State},
    time::Tick,
};

/// Something that happened, or an operator's command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Event {
    /// Time has passed.
    Woke,
    /// A heartbeat of the peer, by whichever way it came.
    Heard(Beat),
    /// The witness answered the question asked at `asked`.
    Answered { asked: Tick },
    /// The arbiter's answer: this node, and no other ever, may go on alone from that generation.
    Granted { generation: Generation },
    /// The arbiter's answer: the peer may, so this node must not.
    Denied { generation: Generation },
    /// The newest job has ended.
    Done { job: Job, ok: bool },
    /// Source: that life of the peer has applied the whole tree and is level with the live stream.
    Copied { boot: Boot },
    /// Source: every operation acknowledged before the gate demanded the peer is applied by it.
    Drained { boot: Boot },
    /// Source: the stream to that life of the peer broke.
    StreamLost { boot: Boot },
    /// Source: the stream to that life of the peer works, for the first time or again.
    StreamUp { boot: Boot },
    /// Secondary: this node could not apply what it was sent, so its copy cannot be trusted.
    ReceiveFailed,
    /// Somebody else answers for the virtual IP.
    AddressTaken,
    /// The interface of the virtual IP has, or has not, a working link.
    Linked(bool),
    /// A checker found a resource of this node in that state.
    Resource { id: u8, state: State },
    /// An operator's command.
    Ordered(Command),
    /// The arbiter answers, and that is the ledger which it keeps.
    Ledger(Ledger),
}

/// What a node says of itself once in a period, and at once when it changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Beat {
    pub boot: Boot,
    /// When it was sent, on the sender's clock.
    pub sent: Tick,
    /// Which of those sent at that moment it is: changes follow each other faster than the clock.
    pub nth: u8,
    pub role: Role,
    pub status: Status,
    /// Nothing of this node serves: writes refused, address gone, application stopped.
    pub fenced: bool,
    pub term: u64,
    pub generation: Generation,
    pub parent: Generation,
    pub mark: Mark,
    pub side: Side,
    /// The newest heartbeat of the receiver that the sender has heard.
    pub echo: Option<Echo>,
    /// Age, when sent, of the sender's last proof that the receiver hears it.
    pub proof: u64,
    /// How the receiver's generation looks in the sender's record.
    pub kin: Kin,
    /// The receiver's generation that `kin` is about.
    pub kin_of: Generation,
    /// The life of the receiver that the sender copies from, or that it has copied to.
    pub partner: Boot,
    /// Has the sender's interface of the virtual IP a working link?
    pub linked: bool,
    /// The secondary asks the primary to change roles.
    pub ask_swap: bool,
    /// The primary cannot reach the secondary with data, though with heartbeats: it is to stop following.
    pub dismiss: bool,
    /// Does the witness answer the sender? For display, and for what would happen if the receiver were lost.
    pub witness: bool,
    /// The sender's resources that are down.
    pub down: Set,
    /// A failover rule keeps the sender from serving.
    pub held: bool,
}

impl Beat {
    /// Grows from heartbeat to heartbeat of one life.
    pub const fn place(&self) -> (Tick, u8) {
        (self.sent, self.nth)
    }
}

/// Names one heartbeat of the receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Echo {
    pub boot: Boot,
    /// On the receiver's clock.
    pub sent: Tick,
}

/// An operator's verb.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Command {
    /// Start; the role follows from the data and the peer.
    Start,
    Stop,
    /// Stop and start the application; the role stays.
    Restart,
    /// Stop, then start again: a primary hands over.
    StopStart,
    /// Change roles with the peer.
    Swap,
    /// Serve from this node's data, whatever the peer may have.
    Prim,
    /// As `Prim`, for a peer that is lost: refused while the pair is healthy.
    Failover,
    /// Follow the peer, giving up what only this node has (it is kept aside).
    Second,
    /// Stop at once, without stop scripts.
    ForceStop,
}

impl Command {
    pub const ALL: [Self; 9] = [
        Self::Start,
        Self::Stop,
        Self::Restart,
        Self::StopStart,
        Self::Swap,
        Self::Prim,
        Self::Failover,
        Self::Second,
        Self::ForceStop,
    ];

    /// The verb of the command line.
    pub const fn verb(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Restart => "restart",
            Self::StopStart => "stopstart",
            Self::Swap => "swap",
            Self::Prim => "prim",
            Self::Failover => "failover",
            Self::Second => "second",
            Self::ForceStop => "forcestop",
        }
    }
}

/// Why a command was refused; nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Refusal {
    /// The module is started already.
    AlreadyStarted,
    /// The module is stopped.
    NotStarted,
    /// A change is under way.
    Busy,
    /// There is no secondary that could take over.
    NoSecondary,
    /// The peer serves.
    PeerServes,
    /// The peer does not serve, so there is nothing to copy.
    PeerDoesNotServe,
    /// The data here are half copied.
    HalfCopied,
    /// The pair is healthy: change roles with `swap`.
    Healthy,
    /// The command means nothing in this role.
    WrongRole,
}
