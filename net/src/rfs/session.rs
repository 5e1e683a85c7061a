//! What the source keeps about one receiver: the tail that may have to be sent again, and what is known there.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use safetui_core::since::Cut;

use super::backing::{Attr, Fid};
use super::frame::{Frame, Op};
use super::settings::{Progress, Report};
use super::space::Space;
use super::zones::Zones;

/// Above this much unacknowledged data the application waits for acknowledgements even under `Alone`.
pub(super) const WINDOW_BYTES: usize = 64 << 20;
pub(super) const WINDOW_FRAMES: usize = 4096;

/// The one receiver that may connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Expected {
    pub(super) boot: u32,
    pub(super) generation: u64,
    pub(super) term: u64,
}

/// A frame that has not been acknowledged.
struct Unacknowledged {
    seq: u64,
    bytes: Arc<Vec<u8>>,
    since: Instant,
    sync: bool,
}

/// A part of a file that differs somewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) node: Fid,
    pub(super) offset: u64,
    pub(super) length: u32,
}

/// A block that the receiver asks for, and what each page of it is there; with none all are sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Want {
    pub(super) block: Block,
    pub(super) pages: Vec<[u8; 16]>,
}

pub(super) struct Session {
    /// Random: a receiver can only resume what it began itself.
    pub(super) id: u64,
    pub(super) expected: Expected,
    /// The connection in use; its number tells a late thread of an old one that it is late.
    pub(super) connection: Option<u64>,
    tail: VecDeque<Unacknowledged>,
    pub(super) tail_bytes: usize,
    /// Number of the last frame of this session, and of the last one on this connection.
    pub(super) last: u64,
    sent: u64,
    pub(super) applied: u64,
    pub(super) drain: Option<u64>,
    /// The end of the copy is on its way.
    copied: Option<u64>,
    /// The copy has been applied, all of it.
    pub(super) whole: bool,
    /// Files that the receiver knows by id.
    bound: HashSet<Fid>,
    /// Directories whose names the receiver has been told, all of them.
    level: HashSet<Fid>,
    /// Where both were equal, so that only what was changed since is compared; `None`: everything is.
    pub(super) since: Option<Cut>,
    /// Files of which something has to be compared.
    todo: HashMap<Fid, Zones>,
    /// All zones that were ever to be compared, so that none is twice; kept only when not everything is.
    queued: HashMap<Fid, Zones>,
    /// Files that have lost their last name, and are open.
    nameless: HashSet<Fid>,
    /// Directories that the receiver knows, but not their names yet.
    unlisted: HashSet<Fid>,
    /// Blocks that the receiver asked for.
    pub(super) wants: VecDeque<Want>,
    pub(super) progress: Progress,
    /// What room the receiver has for each tree, as it said last.
    pub(super) space: Vec<Space>,
}

impl Session {
    pub(super) fn new(id: u64, expected: Expected, seq: u64, since: Option<Cut>, trees: usize) -> Self {
        let roots: HashSet<Fid> =
            (0..trees as u8).map(|tree| Fid { tree, ino: super::backing::ROOT }).collect();
        Self {
            id,
            expected,
            connection: None,
            tail: VecDeque::new(),
            tail_bytes: 0,
            last: seq,
            sent: seq,
            applied: seq,
            drain: None,
            copied: None,
            whole: false,
            bound: roots.clone(),
            level: HashSet::new(),
            since,
            todo: HashMap::new(),
            queued: HashMap::new(),
            nameless: HashSet::new(),
            unlisted: roots,
            wants: VecDeque::new(),
            progress: Progress::default(),
            space: Vec::new(),
        }
    }

    pub(super) fn push(&mut self, seq: u64, stamp: (u64, u64), op: Op) {
        let sync = matches!(op, Op::Sync { .. });
        if let Op::Copied(_) = op {
            self.copied = Some(seq);
        }
        let frame = Frame { seq, generation: stamp.0, term: stamp.1, op };
        let bytes = Arc::new(frame.encode());
        self.tail_bytes += bytes.len();
        self.last = seq;
        self.tail.push_back(Unacknowledged { seq, bytes, since: Instant::now(), sync });
    }

    pub(super) fn is_full(&self) -> bool {
        self.tail_bytes >= WINDOW_BYTES || self.tail.len() >= WINDOW_FRAMES
    }

    /// Live traffic has the other half.
    pub(super) fn has_room_for_copy(&self) -> bool {
        self.tail_bytes < WINDOW_BYTES / 2 && self.tail.len() < WINDOW_FRAMES / 2
    }

    /// Everything up to `upto` is applied. A synchronisation stays until it is durable: it is sent again
    /// after a reconnection. Calls `took` with the age of each frame in µs.
    pub(super) fn trim(&mut self, upto: u64, mut took: impl FnMut(u64)) {
        self.applied = self.applied.max(upto);
        let tail = &mut self.tail;
        let bytes = &mut self.tail_bytes;
        let end = tail.partition_point(|frame| frame.seq <= upto);
        let mut kept = Vec::new();
        for frame in tail.drain(..end) {
            if frame.sync {
                kept.push(frame);
            } else {
                took(frame.since.elapsed().as_micros() as u64);
                *bytes -= frame.bytes.len();
            }
        }
        for frame in kept.into_iter().rev() {
            tail.push_front(frame);
        }
    }

    /// Once the whole copy has been applied.
    pub(super) fn take_copied(&mut self) -> Option<Report> {
        let applied = self.applied;
        self.copied.take_if(|seq| *seq <= applied)?;
        self.whole = true;
        Some(Report::Copied { boot: self.expected.boot })
    }

    /// Once everything is applied that was to be, in a whole copy.
    pub(super) fn take_drained(&mut self) -> Option<Report> {
        let (whole, applied) = (self.whole, self.applied);
        self.drain.take_if(|seq| whole && *seq <= applied)?;
        Some(Report::Drained { boot: self.expected.boot })
    }

    pub(super) fn synced(&mut self, seq: u64) {
        if let Ok(at) = self.tail.binary_search_by_key(&seq, |frame| frame.seq)
            && let Some(frame) = self.tail.remove(at)
        {
            self.tail_bytes -= frame.bytes.len();
        }
    }

    /// Frames for this connection, at most about a megabyte.
    pub(super) fn take_batch(&mut self) -> Vec<Arc<Vec<u8>>> {
        let start = self.tail.partition_point(|frame| frame.seq <= self.sent);
        let mut batch = Vec::new();
        let mut bytes = 0;
        for frame in self.tail.range(start..) {
            bytes += frame.bytes.len();
            batch.push(Arc::clone(&frame.bytes));
            self.sent = frame.seq;
            if bytes > 1 << 20 {
                break;
            }
        }
        batch
    }

    /// A new connection: all that is left in the tail is sent again.
    pub(super) fn rewind(&mut self, connection: u64) {
        self.connection = Some(connection);
        self.sent = 0;
    }

    pub(super) fn is_bound(&self, node: Fid) -> bool {
        self.bound.contains(&node)
    }

    pub(super) fn is_level(&self, dir: Fid) -> bool {
        self.level.contains(&dir)
    }

    /// The receiver will know `node`, which was there before: of a file, `zones` have to be compared.
    /// False if it knew it before.
    pub(super) fn bind(&mut self, node: Fid, attr: &Attr, zones: &Zones) -> bool {
        let new = self.bound.insert(node);
        if new && attr.is_dir() {
            self.unlisted.insert(node);
        } else if new && attr.is_file() {
            self.compare(node, attr.size, zones);
        }
        new
    }

    /// The receiver will know `node`, which is as new there as here.
    pub(super) fn bind_fresh(&mut self, node: Fid, attr: &Attr) {
        self.bound.insert(node);
        if attr.is_dir() {
            self.level.insert(node);
        }
    }

    /// More of a file has to be compared than was known: its size here is needed for the figures only.
    pub(super) fn compare(&mut self, node: Fid, size: u64, zones: &Zones) {
        if zones.is_empty() || !self.bound.contains(&node) || self.nameless.contains(&node) {
            return;
        }
        let known = self.queued.get(&node);
        let new = known.map_or_else(|| zones.clone(), |known| zones.without(known));
        if new.is_empty() {
            return;
        }
        self.progress.files += u64::from(known.is_none());
        self.progress.total += new.bytes(size).map(|range| range.end - range.start).sum::<u64>();
        self.todo.entry(node).or_default().add(&new);
        if self.since.is_some() {
            self.queued.entry(node).or_default().add(&new);
        }
    }

    /// Will anything of this file be compared, or has it been?
    #[cfg(test)]
    pub(super) fn spares(&self, node: Fid) -> bool {
        self.since.is_some() && !self.queued.contains_key(&node)
    }

    pub(super) fn take_todo(&mut self, node: Fid) -> Option<Zones> {
        self.todo.remove(&node)
    }

    /// Is there nothing left to list or to compare, as far as is known?
    pub(super) fn is_done(&self) -> bool {
        self.todo.is_empty() && self.unlisted.is_empty()
    }

    /// The receiver has been told all names in `dir`.
    pub(super) fn set_level(&mut self, dir: Fid) {
        self.unlisted.remove(&dir);
        self.level.insert(dir);
    }

    /// The file has no name any more: nothing of it needs to be copied.
    pub(super) fn unname(&mut self, node: Fid) {
        self.todo.remove(&node);
        self.unlisted.remove(&node);
        self.nameless.insert(node);
    }

    /// The inode is gone; its number may be used again.
    pub(super) fn unbind(&mut self, node: Fid) {
        self.unname(node);
        self.nameless.remove(&node);
        self.queued.remove(&node);
        self.bound.remove(&node);
        self.level.remove(&node);
    }
}
