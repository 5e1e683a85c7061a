//! What the driver of a module says to replication and hears from it: plain data.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// How one module is replicated. The order of `dirs` must be the same on both nodes.
#[derive(Clone, Debug)]
pub struct Settings {
    pub dirs: Vec<PathBuf>,
    /// Where this node listens while it is the source.
    pub listen: Vec<SocketAddr>,
    /// Where the peer listens while it is the source, the network that is to carry the stream first.
    pub peer: Vec<SocketAddr>,
    pub secret: [u8; 32],
    pub module: String,
    pub me: String,
    pub peer_name: String,
    /// Folder for the files that a copy would otherwise overwrite or remove.
    pub aside: PathBuf,
    /// Where it is noted what has been changed since both nodes were equal.
    pub notes: PathBuf,
    /// The peer makes each operation durable before it acknowledges it.
    pub durable: bool,
    /// Unacknowledged bytes for this long mean that the way is dead: another one is tried.
    pub patience: Duration,
    /// How long a stream goes on, at least, until it is cut again. Longer: more is compared after a crash; shorter: the
    /// disks are made to write everything back more often.
    pub epoch: Duration,
}

/// What may happen to an operation that changes something. Reading is always allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// Refused with EROFS.
    Closed,
    /// Waits: neither acknowledged nor failed.
    Held,
    /// Acknowledged when applied here; a running copy gets it too, but is not waited for.
    Alone { generation: u64, term: u64 },
    /// Acknowledged when applied here and by the peer; with the stream down it waits.
    Both { generation: u64, term: u64 },
}

/// What the driver is told. Reports come from threads of replication, one at a time or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// Source: the receiver has applied the whole tree, durably, and follows the live stream.
    Copied { boot: u32 },
    /// Source: what was acknowledged before `drain` has been applied by the peer.
    Drained { boot: u32 },
    /// Source: the stream to the receiver works, for the first time or again.
    SourceUp { boot: u32 },
    /// Source: the stream to the receiver broke; operations under `Both` wait.
    SourceLost { boot: u32, why: String },
    /// Receiver: the stream works, for the first time or again.
    ReceiveUp { from: SocketAddr },
    /// Receiver: the stream broke; it is being re-established.
    ReceiveLost { why: String },
    /// Receiver: this node could not apply, or what it misses cannot be replayed. Its copy is not to be trusted.
    ReceiveFailed { why: String },
    /// The local disk failed an operation that it should have carried out.
    LocalFailed { why: String },
}

/// Figures for the screen.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Stats {
    /// Bytes sent to or received from the peer per second, since the last call of `stats`.
    pub bytes_per_second: u64,
    /// Operations of the application that are neither acknowledged nor failed.
    pub waiting: usize,
    /// Median time from sending an operation to its acknowledgement, of the last 1024, in µs.
    pub ack_us: u64,
    pub copy: Option<Progress>,
}

/// How far a copy is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Bytes compared so far, and bytes found so far (known in full once the tree has been walked).
    pub done: u64,
    pub total: u64,
    pub files: u64,
    /// Bytes that differed and were sent.
    pub copied: u64,
}

/// Why replication could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum RfsError {
    #[error("replicated directory {0} does not exist: create it, on both nodes")]
    Missing(PathBuf),
    #[error("replicated path {0} is not a directory: replicate a directory, or correct the configuration")]
    NotADirectory(PathBuf),
    #[error("replicated directory {0} is served by another running agent: stop that one first")]
    Busy(PathBuf),
    #[error("replicated directories {0} and {1} lie one inside the other: replicate the outer one only")]
    Nested(PathBuf, PathBuf),
    #[error("{what} {path}: {source}")]
    System { what: &'static str, path: PathBuf, source: std::io::Error },
    #[error("{path} was still used by {users}: it is detached, and disappears when they let go of it")]
    InUse { path: PathBuf, users: String },
}
