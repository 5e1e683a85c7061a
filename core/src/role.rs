//! Roles and the one table of how they change.

/// SafeKit's roles of a mirror module on one node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Role {
    #[default]
    Stop,
    /// Started, and serving nothing: passing, or blocked.
    Wait,
    /// Serves without a secondary.
    Alone,
    /// Serves, and the secondary has every acknowledged write.
    Prim,
    /// Follows the primary: copying, or level with it.
    Second,
}

/// SafeKit's second word of a displayed state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Status {
    /// Blocked until something outside changes.
    NotReady,
    /// Changing by itself.
    Transient,
    Ready,
}

/// Why a role changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Cause {
    /// The operator, or the boot, started the module.
    Started,
    /// Nobody else can have newer data, and nobody serves.
    Owner,
    /// Both nodes are back, neither serves, and this one was primary.
    Reunited,
    /// The operator said so.
    Forced,
    /// The primary cannot reach this node with data, or the arbiter does not know this pair.
    Dismissed,
    /// The peer serves and has newer data: copy it.
    Followed,
    /// The copy could not be finished.
    CopyBroken,
    /// This node cannot apply what it is sent: its disk is full, or fails.
    CannotApply,
    /// The secondary has everything.
    Paired,
    /// The peer says that it has left, and is fenced.
    PeerLeft,
    /// The peer fell silent, and this node won the contested window.
    PeerLost,
    /// The peer fell silent, and this node must assume that the peer goes on.
    ContestLost,
    /// The peer has gone on in a newer generation.
    Superseded,
    /// Both went on alone, and this node is the one that stops serving until an operator has chosen.
    Forked,
    /// A failover rule keeps the peer from serving, and this node has all that it has.
    PeerHeld,
    /// A failover rule made this node leave its role.
    Ruled,
    /// The operator, or the configuration, made this node leave its role.
    Left,
    /// The module is stopped.
    Stopped,
}

impl Role {
    pub const ALL: [Self; 5] = [Self::Stop, Self::Wait, Self::Alone, Self::Prim, Self::Second];

    /// The role that `cause` leads to; `None` where it means nothing.
    pub const fn next(self, cause: Cause) -> Option<Self> {
        use Cause::{
            CannotApply, ContestLost, CopyBroken, Dismissed, Followed, Forced, Forked, Left, Owner, Paired,
            PeerHeld, PeerLeft, PeerLost, Reunited, Ruled, Started, Stopped, Superseded,
        };
        use Role::{Alone, Prim, Second, Stop, Wait};
        Some(match (self, cause) {
            (Stop, Started) => Wait,
            (Wait, Owner | Reunited | PeerHeld | Forced) => Alone,
            (Wait, Followed) => Second,
            (Second, CannotApply | CopyBroken | ContestLost | Dismissed | Superseded | Ruled | Left) => Wait,
            (Alone, Paired) => Prim,
            (Second | Prim, PeerLeft | PeerLost) => Alone,
            (Prim, ContestLost | Superseded | Ruled | Left) => Wait,
            (Alone, Superseded | Forked | Ruled | Left) => Wait,
            (Wait | Alone | Prim | Second, Stopped) => Stop,
            _ => return None,
        })
    }

    /// Does this role run the application?
    pub const fn serves(self) -> bool {
        matches!(self, Self::Alone | Self::Prim)
    }

    /// The word that users see.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Stop => "STOP",
            Self::Wait => "WAIT",
            Self::Alone => "ALONE",
            Self::Prim => "PRIM",
            Self::Second => "SECOND",
        }
    }
}

impl Status {
    /// The word that users see.
    pub const fn word(self) -> &'static str {
        match self {
            Self::NotReady => "NotReady",
            Self::Transient => "Transient",
            Self::Ready => "Ready",
        }
    }
}

impl Cause {
    pub const ALL: [Self; 18] = [
        Self::Started,
        Self::Owner,
        Self::Reunited,
        Self::Forced,
        Self::Followed,
        Self::Dismissed,
        Self::CopyBroken,
        Self::CannotApply,
        Self::Paired,
        Self::PeerLeft,
        Self::PeerLost,
        Self::ContestLost,
        Self::Superseded,
        Self::Forked,
        Self::PeerHeld,
        Self::Ruled,
        Self::Left,
        Self::Stopped,
    ];

    /// The cause as the log and the screens word it.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Owner => "this node alone has the newest data",
            Self::Reunited => "both nodes are back and this one was primary",
            Self::Forced => "forced by the operator",
            Self::Followed => "the peer serves: copying from it",
            Self::Dismissed => "the pair is made anew, as no data arrive or the arbiter has lost its memory",
            Self::CannotApply => "this node cannot apply what it is sent (disk full, or failing)",
            Self::CopyBroken => "the copy from the peer broke off",
            Self::Paired => "the secondary has everything",
            Self::PeerLeft => "the peer has left its role and is fenced",
            Self::PeerLost => "no heartbeat, and the contested window is won",
            Self::ContestLost => "no heartbeat, and the peer may have gone on",
            Self::Superseded => "the peer has gone on in a newer generation",
            Self::Forked => "both nodes went on alone: an operator must choose",
            Self::PeerHeld => "a failover rule keeps the peer from serving, and the data are the same",
            Self::Ruled => "a failover rule holds",
            Self::Left => "left on command",
            Self::Stopped => "stopped",
        }
    }
}
