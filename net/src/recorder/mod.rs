//! The flight record: every input of a module's core, in a bounded ring on disk, so that what was decided can be
//! decided again and compared.
//!
//! ```text
//!  pulse thread ── inputs, now and then the core ──▶ bounded buffer ──▶ NAME-record thread ──▶ ring of segments
//! ```
//!
//! The pulse thread never waits: what does not fit the buffer is not recorded. The numbers of the inputs say how
//! many are missing, and a copy of the core bridges every gap, as it begins every segment. Each input comes with a
//! digest of the orders that followed, so that a replay proves more than that it did not fail.
//!
//! [`pack`] has the bytes of inputs, [`frame`] of blocks; [`ring`] the files; [`Reader`] reads them all.

mod export;
mod frame;
mod pack;
mod read;
mod ring;
#[cfg(test)]
mod tests;
mod writer;

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{SyncSender, sync_channel},
    },
    thread::{self, JoinHandle},
    time::SystemTime,
};

use safetui_core::{
    Action, Actions, Boot, Config, Event, Input, Mirror, Tick,
    input::{SOURCES, digest},
};
use serde::{Deserialize, Serialize};

pub use export::{ExportError, Exported, Tape, export};
pub use read::{Item, Reader, Unreadable};

use crate::{driver::record::HISTORY, journal::Journal};
use ring::Ring;
use writer::Writer;

/// Inputs that the writer may be behind: seconds, at the shortest pulse.
const BUFFER: usize = 4096;
/// Inputs between two copies of the core, at most: seconds, so that a state that went astray is found near where it did.
const SPAN: u32 = 512;

/// Whose inputs follow, and everything beside the core's own state that decided with them. The first two fields are
/// the same in every version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Of the agent.
    pub version: String,
    /// Of the core: see [`SOURCES`].
    pub sources: String,
    pub node: String,
    pub module: String,
    pub config: Config,
    pub boot: Boot,
    /// When this core began.
    pub born: Tick,
}

impl Head {
    pub fn new(node: &str, module: &str, config: Config, boot: Boot, born: Tick) -> Self {
        let version = env!("CARGO_PKG_VERSION").into();
        Self {
            version,
            sources: SOURCES.into(),
            node: node.into(),
            module: module.into(),
            config,
            boot,
            born,
        }
    }
}

/// The core before the input `seq`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    pub seq: u64,
    pub now: Tick,
    /// The same moment as the rest of the world counts it: milliseconds of Unix time.
    pub wall: u64,
    pub core: Mirror<HISTORY>,
}

impl Snapshot {
    pub fn new(seq: u64, now: Tick, core: Mirror<HISTORY>) -> Self {
        let wall = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Self { seq, now, wall: wall.as_millis() as u64, core }
    }
}

/// What the writer is told.
enum Note {
    Input(Input),
    Core(Box<Snapshot>),
    /// The module is closed in good order.
    Closed,
}

/// The pulse thread's end: takes what the core was given, and never waits.
pub struct Recorder {
    notes: SyncSender<Note>,
    writer: JoinHandle<()>,
    /// Number of the next input.
    next: u64,
    /// Inputs since the core was last copied.
    since: u32,
    /// Nothing is missing since then.
    whole: bool,
    /// The writer asks for the core: to begin a segment with it. It asks again at each turn, so a request that crosses
    /// a copy is not lost.
    wanted: Arc<AtomicBool>,
}

impl Recorder {
    /// Starts to record a core that has just been made, in a ring of at most `size` bytes.
    pub fn start(dir: &Path, size: u64, head: Head, core: &Mirror<HISTORY>, journal: &Journal) -> Self {
        let (notes, taken) = sync_channel(BUFFER);
        let wanted = Arc::new(AtomicBool::new(false));
        let (name, born) = (format!("{}-record", head.module), head.born);
        let writer = Writer::new(Ring::new(dir, size), head, wanted.clone(), journal.clone());
        let writer = thread::Builder::new()
            .name(name)
            .spawn(move || writer.run(&taken))
            .expect("a starting module has a thread left");
        let mut recorder = Self { notes, writer, next: 0, since: 0, whole: false, wanted };
        recorder.whole = recorder.copy(born, core);
        recorder
    }

    /// The core, which is now `core`, was given `event` and answered with `out`.
    pub fn note(&mut self, now: Tick, event: Event, out: &Actions<HISTORY>, core: &Mirror<HISTORY>) {
        self.since += 1;
        self.whole =
            self.whole && self.give(Note::Input(Input { now, event, orders: digest(self.next, out, core) }));
        self.next += 1;
        if !self.whole {
            self.whole = self.copy(now, core);
        } else if self.since >= SPAN || self.wanted.load(Ordering::Relaxed) {
            self.copy(now, core);
        }
        if out.iter().any(|action| matters(&action)) {
            self.writer.thread().unpark();
        }
    }

    fn copy(&mut self, now: Tick, core: &Mirror<HISTORY>) -> bool {
        let given = self.give(Note::Core(Box::new(Snapshot::new(self.next, now, *core))));
        if given {
            self.since = 0;
            self.wanted.store(false, Ordering::Relaxed);
        }
        given
    }

    fn give(&self, note: Note) -> bool {
        self.notes.try_send(note).is_ok()
    }

    /// Ends the record in good order, with the core as it is at last. The writer's thread ends when all is written.
    pub fn close(mut self, now: Tick, core: &Mirror<HISTORY>) -> JoinHandle<()> {
        self.copy(now, core);
        self.give(Note::Closed);
        drop(self.notes);
        self.writer.thread().unpark();
        self.writer
    }
}

/// Is this order one that must be on disk at once? The heartbeats before it then are too.
const fn matters(action: &Action<HISTORY>) -> bool {
    match action {
        Action::Send(_) | Action::Lease(_) => false,
        Action::Persist(_)
        | Action::Gate(_)
        | Action::Begin(_)
        | Action::Source { .. }
        | Action::SourceStop
        | Action::Drain
        | Action::Receive { .. }
        | Action::ReceiveStop
        | Action::Probe
        | Action::Ask { .. }
        | Action::Answer { .. }
        | Action::Became { .. }
        | Action::Note(_) => true,
    }
}
