//! Bringing a receiver level while the application goes on writing.
//!
//! A directory is *level* once the receiver has been told all its names: from then on its changes are sent,
//! before that they are not, because the walk will find them. A file is *bound* once the receiver has been
//! told of one of its names: from then on its changes are sent, and what of its content either node has changed since
//! both were equal is compared block by block. Of a file below a directory that was moved since, that is everything: it
//! may have the name that another one had.
//! Everything is read under the lock that live operations take, and goes through the same stream, so the
//! receiver never sees an old block after a new one.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::{File, Metadata};
use std::io;
use std::ops::Range;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use safetui_core::since::Cut;

use super::Shared;
use super::backing::{self, Attr, Fid, ROOT, Time, UNNAMED};
use super::epochs;
use super::frame::Op;
use super::session::{Block, Want};
use super::zones::Zones;

/// Blocks are compared at fixed offsets: a file that differs has usually changed in place.
pub(super) const BLOCK: u64 = 128 << 10;
/// What is sent of a block that differs.
const PAGE: usize = 4 << 10;
/// Files that are compared before their answers are waited for.
const BATCH: usize = 128;

/// Why a copy ended early: the session is over, or the local disk failed.
enum Stop {
    Over,
    Disk(io::Error),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Disk(error)
    }
}

/// The copy of one session.
struct Copy<'a> {
    shared: &'a Shared,
    session: u64,
    /// Files under comparison.
    open: HashMap<Fid, File>,
}

/// Walks until nothing is left to list or to compare, then says so. `Err` when the local disk failed.
pub(super) fn run(shared: &Shared, session: u64) -> io::Result<()> {
    let mut copy = Copy { shared, session, open: HashMap::new() };
    match copy.all() {
        Ok(()) | Err(Stop::Over) => Ok(()),
        Err(Stop::Disk(error)) => Err(error),
    }
}

/// What the receiver has to know of `node` under the name `name`. Called with the inode locked.
pub(super) fn describe(
    dir: Fid,
    name: &OsStr,
    node: Fid,
    file: &File,
    dir_mtime: Option<Time>,
) -> io::Result<Op> {
    let attr = Attr::of(&file.metadata()?);
    let target = if attr.is_symlink() { backing::read_link(file)? } else { Vec::new() };
    let xattrs = Some(backing::xattrs(file)?);
    Ok(Op::Entry { dir, name: name.as_bytes().to_vec(), node, fresh: false, attr, target, xattrs, dir_mtime })
}

/// Makes a directory and all above it level. Called with the names locked.
pub(super) fn level_path(shared: &Shared, tree: u8, dir: &File) -> io::Result<()> {
    let Some(session) = shared.flow.with_session(|s| s.id) else { return Ok(()) };
    let mut path = vec![dir.try_clone()?];
    while shared.trees[usize::from(tree)].fid(tree, &path[path.len() - 1].metadata()?).ino != ROOT {
        let above = backing::open_node(&path[path.len() - 1], OsStr::new(".."))?;
        path.push(above);
    }
    let mut moved = false;
    for dir in path.iter().rev() {
        moved = moved || was_moved(shared, session, tree, dir)?;
        level(shared, session, tree, dir, moved)?;
    }
    Ok(())
}

/// Was this directory moved since both were equal?
fn was_moved(shared: &Shared, session: u64, tree: u8, dir: &File) -> io::Result<bool> {
    Ok(!changed(shared, session, tree, &dir.metadata()?).is_empty())
}

/// What of a file was changed here since both were equal.
fn changed(shared: &Shared, session: u64, tree: u8, meta: &Metadata) -> Zones {
    let since = shared.flow.with_session(|s| s.since.filter(|_| s.id == session)).flatten();
    shared.notes.since(since, shared.trees[usize::from(tree)].fid(tree, meta), meta)
}

/// Tells the receiver all names of a directory that it knows. `moved`: it or one above it was. Called with the names
/// locked. False when the session is over.
fn level(shared: &Shared, session: u64, tree: u8, dir_file: &File, moved: bool) -> io::Result<bool> {
    let meta = dir_file.metadata()?;
    let owner = &shared.trees[usize::from(tree)];
    let dir = owner.fid(tree, &meta);
    if shared.flow.with_session(|s| s.is_level(dir)) != Some(false) {
        return Ok(true);
    }
    let mut names = Vec::new();
    for (name, _, _) in backing::list(dir_file)? {
        let file = backing::open_node(dir_file, &name)?;
        let node = owner.fid(tree, &file.metadata()?);
        let _lock = shared.lock_inode(node);
        let meta = file.metadata()?;
        if std::os::unix::fs::MetadataExt::dev(&meta) != owner.device {
            continue;
        }
        let (entry, attr) = (describe(dir, &name, node, &file, None)?, Attr::of(&meta));
        names.push(name.as_bytes().to_vec());
        let zones = if moved { Zones::whole() } else { changed(shared, session, tree, &meta) };
        let alive = shared.flow.append_copy(session, |s, out| {
            s.bind(node, &attr, &zones);
            out.push(entry);
        });
        if !alive {
            return Ok(false);
        }
    }
    let _lock = shared.lock_inode(dir);
    let attr = Attr::of(&dir_file.metadata()?);
    Ok(shared.flow.append_copy(session, |s, out| {
        s.set_level(dir);
        out.push(Op::Listing { dir, names, attr });
    }))
}

impl Copy<'_> {
    fn all(&mut self) -> Result<(), Stop> {
        loop {
            for tree in 0..self.shared.trees.len() as u8 {
                let root = self.shared.trees[usize::from(tree)].root.try_clone()?;
                self.walk(tree, root)?;
            }
            self.unnamed()?;
            self.settle()?;
            // A file that moved behind the walk is found by the next one.
            if self.look(|s| Some(s.is_done()))? {
                break;
            }
        }
        let first = Cut { session: self.session, epoch: 0 };
        if epochs::cut(self.shared, first, Op::Copied(first))? { Ok(()) } else { Err(Stop::Over) }
    }

    /// Blocks until `ready` answers.
    fn look<T>(&self, ready: impl FnMut(&mut super::session::Session) -> Option<T>) -> Result<T, Stop> {
        self.shared.flow.wait_session(self.session, ready).ok_or(Stop::Over)
    }

    fn walk(&mut self, tree: u8, root: File) -> Result<(), Stop> {
        let mut stack = vec![(root, false)];
        while let Some((dir_file, moved)) = stack.pop() {
            self.look(|s| s.has_room_for_copy().then_some(()))?;
            let dir = self.shared.trees[usize::from(tree)].fid(tree, &dir_file.metadata()?);
            {
                let _names = self.shared.lock_names();
                let bound = self.look(|s| Some(s.is_bound(dir)))?;
                if bound && !level(self.shared, self.session, tree, &dir_file, moved)? {
                    return Err(Stop::Over);
                }
            }
            for (name, _, _) in backing::list(&dir_file)? {
                let Ok(file) = backing::open_node(&dir_file, &name) else { continue };
                // Not what the listing said: the name may be another file's by now.
                let meta = file.metadata()?;
                let owner = &self.shared.trees[usize::from(tree)];
                if std::os::unix::fs::MetadataExt::dev(&meta) != owner.device {
                    continue;
                }
                let node = owner.fid(tree, &meta);
                if meta.is_dir() {
                    let moved = moved || was_moved(self.shared, self.session, tree, &file)?;
                    stack.push((file, moved));
                } else if meta.is_file()
                    && let Some(zones) = self.look(|s| Some(s.take_todo(node)))?
                {
                    self.compare(node, &file, &zones)?;
                }
            }
        }
        Ok(())
    }

    /// What has no name yet: once it gets one, the receiver has to know its content.
    fn unnamed(&mut self) -> Result<(), Stop> {
        let known: Vec<(Fid, Arc<File>)> =
            super::lock(&self.shared.unnamed).iter().map(|(node, file)| (*node, Arc::clone(file))).collect();
        for (node, file) in known {
            {
                let _lock = self.shared.lock_inode(node);
                let unnamed = super::lock(&self.shared.unnamed);
                // Linked or closed in the meantime.
                if !unnamed.contains_key(&node) {
                    continue;
                }
                let attr = Attr::of(&file.metadata()?);
                let root = Fid { ino: ROOT, ..node };
                let entry = describe(root, OsStr::new(UNNAMED), node, &file, None)?;
                let alive = self.shared.flow.append_copy(self.session, |session, out| {
                    if session.bind(node, &attr, &Zones::whole()) {
                        out.push(entry);
                    }
                });
                if !alive {
                    return Err(Stop::Over);
                }
            }
            if let Some(zones) = self.look(|s| Some(s.take_todo(node)))? {
                self.compare(node, &file, &zones)?;
            }
        }
        Ok(())
    }

    /// Sends the hash of each block in some zones, and the holes.
    fn compare(&mut self, node: Fid, path: &File, zones: &Zones) -> Result<(), Stop> {
        let file = backing::reopen(path, false)?;
        self.open.insert(node, file.try_clone()?);
        for mut range in zones.bytes(u64::MAX) {
            while let Some(next) = self.compare_block(node, &file, &range)? {
                self.look(|s| {
                    s.progress.done += next - range.start;
                    Some(())
                })?;
                self.look(|s| s.has_room_for_copy().then_some(()))?;
                range.start = next;
                self.serve()?;
            }
        }
        if self.open.len() >= BATCH {
            self.settle()?;
        }
        Ok(())
    }

    /// Compares what lies at the beginning of a range, and says where the next block begins; `None` at the end.
    fn compare_block(&self, node: Fid, file: &File, range: &Range<u64>) -> Result<Option<u64>, Stop> {
        let _lock = self.shared.lock_inode(node);
        let attr = Attr::of(&file.metadata()?);
        let (offset, end) = (range.start, range.end.min(attr.size));
        if offset >= end {
            return Ok(None);
        }
        let data = match rustix::fs::seek(file, rustix::fs::SeekFrom::Data(offset)) {
            Ok(data) => data.min(end),
            Err(rustix::io::Errno::NXIO) => end,
            // A file system that knows no holes.
            Err(_) => offset,
        };
        if data > offset {
            self.send_content(node, file, punch(node, offset, data - offset, attr.mtime))?;
            return Ok(Some(data));
        }
        let end = ((offset / BLOCK + 1) * BLOCK).min(end);
        let block = read_block(file, offset, (end - offset) as u32)?;
        if block.is_empty() {
            return Ok(None);
        }
        let (length, hash) = (block.len() as u32, blake3::hash(&block).into());
        self.send(node, [Op::Hash { node, offset, length, hash }])?;
        Ok(Some(offset + u64::from(length)))
    }

    /// Sends what changes the content at the receiver only. That takes its capabilities away there: they follow.
    fn send_content(&self, node: Fid, file: &File, op: Op) -> Result<(), Stop> {
        let name = backing::CAPABILITY.as_bytes().to_vec();
        let kept = backing::capability(file).map(|value| Op::SetXattr { node, name, value });
        self.send(node, [op].into_iter().chain(kept))
    }

    /// Sends `ops` unless the file has gone in the meantime.
    fn send(&self, node: Fid, ops: impl IntoIterator<Item = Op>) -> Result<(), Stop> {
        let alive = self.shared.flow.append_copy(self.session, |session, out| {
            if session.is_bound(node) {
                out.extend(ops);
            }
        });
        if alive { Ok(()) } else { Err(Stop::Over) }
    }

    /// Sends the blocks that the receiver has asked for so far.
    fn serve(&mut self) -> Result<(), Stop> {
        while let Some(want) = self.look(|s| Some(s.wants.pop_front()))? {
            self.look(|s| s.has_room_for_copy().then_some(()))?;
            self.send_block(&want)?;
        }
        Ok(())
    }

    /// Sends the pages of a block that differ. What has been written to it since it was compared is on both sides.
    fn send_block(&mut self, Want { block, pages }: &Want) -> Result<(), Stop> {
        let Block { node, offset, length } = *block;
        // Asked for before a reconnection, and served then.
        let Some(file) = self.open.get(&node) else { return Ok(()) };
        let _lock = self.shared.lock_inode(node);
        let data = read_block(file, offset, length)?;
        let mtime = backing::mtime(file)?;
        let mut copied = 0;
        for range in differing(&data, pages) {
            let (at, part) = (offset + range.start as u64, &data[range]);
            copied += part.len() as u64;
            let op = if part.iter().all(|&byte| byte == 0) {
                punch(node, at, part.len() as u64, mtime)
            } else {
                Op::Write { node, offset: at, mtime, data: part.to_vec() }
            };
            self.send_content(node, file, op)?;
        }
        self.send(node, [Op::Served { node, offset }])?;
        self.look(|s| {
            s.progress.copied += copied;
            Some(())
        })
    }

    /// Waits for the answers to all hashes that were sent, and serves them.
    fn settle(&mut self) -> Result<(), Stop> {
        let last = self.look(|s| Some(s.last))?;
        loop {
            let answered = self.look(|s| {
                let answered = s.applied >= last;
                (answered || !s.wants.is_empty()).then_some(answered)
            })?;
            self.serve()?;
            if answered {
                break;
            }
        }
        self.open.clear();
        Ok(())
    }
}

/// What each page of a block is, short enough to be sent for one that differs.
pub(super) fn page_hashes(block: &[u8]) -> Vec<[u8; 16]> {
    let hash = |page: &[u8]| *blake3::hash(page).as_bytes().first_chunk().expect("a hash is longer");
    block.chunks(PAGE).map(hash).collect()
}

/// The runs of pages that are not what the receiver has.
fn differing(block: &[u8], theirs: &[[u8; 16]]) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    for (number, hash) in page_hashes(block).iter().enumerate() {
        if theirs.get(number) == Some(hash) {
            continue;
        }
        let page = number * PAGE..block.len().min((number + 1) * PAGE);
        match runs.last_mut().filter(|run| run.end == page.start) {
            Some(run) => run.end = page.end,
            None => runs.push(page),
        }
    }
    runs
}

fn punch(node: Fid, offset: u64, length: u64, mtime: Time) -> Op {
    let mode = (libc::FALLOC_FL_PUNCH_HOLE | libc::FALLOC_FL_KEEP_SIZE) as u32;
    Op::Allocate { node, mode, offset, length, mtime }
}

/// Up to `length` bytes, fewer at the end of the file.
pub(super) fn read_block(file: &File, offset: u64, length: u32) -> io::Result<Vec<u8>> {
    let mut block = vec![0; length as usize];
    let mut got = 0;
    while got < block.len() {
        match file.read_at(&mut block[got..], offset + got as u64)? {
            0 => break,
            more => got += more,
        }
    }
    block.truncate(got);
    Ok(block)
}
