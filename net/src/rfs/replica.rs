//! The receiver's side of the tree: repeating what the source did.

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::sync::Arc;

use safetui_core::since::Cut;

use super::Shared;
use super::aside::Aside;
use super::backing::{self, Attr, Fid, ROOT, Time, UNNAMED};
use super::content::allocated_zones;
use super::copy::BLOCK;
use super::epochs;
use super::frame::{Answer, Op};
use super::session::{Block, Want};
use super::zones::{WHOLE, Zones, zones, zones_from};

/// Open data files, so that a stream of small writes does not open and close each time.
const OPEN_FILES: usize = 256;

/// What applying one operation leads to, besides its place in the acknowledged order.
pub(super) enum Effect {
    None,
    Say(Answer),
    /// Make this durable, then answer `Synced`.
    Sync(File),
    /// Make everything durable, then answer `Settled`.
    Settle(Cut),
}

pub(super) struct Replica {
    shared: Arc<Shared>,
    nodes: HashMap<Fid, Arc<File>>,
    /// Which of our inodes are taken, by tree and number.
    taken: HashMap<(u8, u64), Fid>,
    data: HashMap<Fid, Arc<File>>,
    /// Files that were here before, and that nothing has changed yet.
    untouched: HashSet<Fid>,
    /// Blocks that were asked for.
    wanted: HashMap<(Fid, u64), u32>,
    /// Where both were equal: what was changed here since is doubtful; `None`: the source compares everything.
    pub(super) since: Option<Cut>,
    /// Directories that were moved here since, and all below them.
    moved: HashSet<Fid>,
    aside: Option<Aside>,
    durable: bool,
    /// The copy is over: from now on both trees are the same before and after each operation.
    complete: bool,
}

impl Replica {
    pub(super) fn new(shared: Arc<Shared>, aside: Option<Aside>, durable: bool) -> Self {
        Self {
            shared,
            nodes: HashMap::new(),
            taken: HashMap::new(),
            data: HashMap::new(),
            untouched: HashSet::new(),
            wanted: HashMap::new(),
            since: None,
            moved: HashSet::new(),
            aside,
            durable,
            complete: false,
        }
    }

    fn root(&self, tree: u8) -> io::Result<Arc<File>> {
        let tree = self.shared.trees.get(usize::from(tree));
        tree.map(|tree| Arc::clone(&tree.root))
            .ok_or_else(|| unknown("a directory that this node does not replicate"))
    }

    fn node(&self, fid: Fid) -> io::Result<Arc<File>> {
        if fid.ino == ROOT {
            return self.root(fid.tree);
        }
        self.nodes.get(&fid).cloned().ok_or_else(|| unknown("a file that was never named"))
    }

    fn data(&mut self, fid: Fid) -> io::Result<Arc<File>> {
        if let Some(file) = self.data.get(&fid) {
            return Ok(Arc::clone(file));
        }
        if self.data.len() >= OPEN_FILES {
            self.data.clear();
        }
        let file = Arc::new(backing::reopen(&*self.node(fid)?, true)?);
        self.data.insert(fid, Arc::clone(&file));
        Ok(file)
    }

    /// Repeats one operation of the source. An error means that this copy cannot be trusted any more.
    pub(super) fn apply(&mut self, op: Op) -> io::Result<Effect> {
        match op {
            Op::Entry { dir, name, node, fresh, attr, target, xattrs, dir_mtime } => {
                let name = OsStr::from_bytes(&name);
                let doubt = self.entry(dir, name, node, fresh, &attr, &target)?;
                // A change of owner or size takes capabilities away.
                self.set_attr(node, &attr, attr.is_file())?;
                self.set_xattrs(node, xattrs)?;
                self.stamp(dir, dir_mtime)?;
                let doubt = doubt.map(|zones| Answer::Doubt { node, size: attr.size, zones });
                Ok(doubt.map_or(Effect::None, Effect::Say))
            }
            Op::Remove { dir, name, node, is_dir, gone, dir_mtime } => {
                let (dir_file, name) = (self.node(dir)?, OsStr::from_bytes(&name));
                let removed = backing::remove(&dir_file, name, is_dir);
                if removed.as_ref().is_err_and(|error| self.may_hold_leftovers(error)) {
                    self.displace(dir.tree, &dir_file, name)?;
                } else {
                    removed?;
                }
                if gone {
                    self.forget(node);
                }
                self.stamp(dir, Some(dir_mtime))
            }
            Op::Rename { dir, name, to, to_name, flags, replaced, dir_mtime, to_mtime } => {
                let (from, target) = (self.node(dir)?, self.node(to)?);
                let (name, to_name) = (OsStr::from_bytes(&name), OsStr::from_bytes(&to_name));
                self.note(dir.tree, &backing::open_node(&from, name)?, WHOLE)?;
                if flags & libc::RENAME_EXCHANGE != 0 {
                    self.note(to.tree, &backing::open_node(&target, to_name)?, WHOLE)?;
                }
                match backing::rename(&from, name, &target, to_name, flags) {
                    Err(error) if self.may_hold_leftovers(&error) => {
                        self.displace(to.tree, &target, to_name)?;
                        backing::rename(&from, name, &target, to_name, flags)?;
                    }
                    renamed => renamed?,
                }
                if let Some(node) = replaced {
                    self.forget(node);
                }
                self.stamp(dir, Some(dir_mtime))?;
                self.stamp(to, Some(to_mtime))
            }
            Op::Write { node, offset, mtime, data } => {
                self.before_change(node)?;
                let file = self.data(node)?;
                self.note(node.tree, &file, zones(offset, data.len() as u64))?;
                file.write_all_at(&data, offset)?;
                self.finish_data(&file, mtime)
            }
            Op::Attr { node, attr, resize } => {
                self.set_attr(node, &attr, resize)?;
                self.make_durable(node)
            }
            Op::Allocate { node, mode, offset, length, mtime } => {
                self.allocate(node, mode, offset, length, mtime)
            }
            Op::CopyRange { from, from_offset, node, offset, length, mtime } => {
                self.copy_range((from, from_offset), (node, offset), length, mtime)
            }
            Op::SetXattr { node, name, value } => {
                backing::set_xattr(&*self.node(node)?, OsStr::from_bytes(&name), &value, 0)?;
                self.make_durable(node)
            }
            Op::RemoveXattr { node, name } => {
                backing::remove_xattr(&*self.node(node)?, OsStr::from_bytes(&name))?;
                self.make_durable(node)
            }
            Op::Sync { node } => Ok(Effect::Sync(backing::reopen(&*self.node(node)?, false)?)),
            Op::Forget { node } => {
                self.forget(node);
                Ok(Effect::None)
            }
            Op::Listing { dir, names, attr } => {
                self.keep_only(dir, &names)?;
                self.set_attr(dir, &attr, false)?;
                Ok(Effect::None)
            }
            Op::Served { node, offset } => {
                self.wanted.remove(&(node, offset));
                Ok(Effect::None)
            }
            Op::Hash { node, offset, length, hash } => self.compare(node, offset, length, &hash),
            Op::Copied(at) => {
                self.shared.notes.cut(at)?;
                epochs::sync_trees(&self.shared)?;
                self.shared.notes.settled_here(at)?;
                self.untouched.clear();
                self.moved.clear();
                self.complete = true;
                Ok(Effect::Say(Answer::Settled(at)))
            }
            Op::Cut(at) => {
                self.shared.notes.cut(at)?;
                Ok(Effect::Settle(at))
            }
            Op::Settled(at) => {
                self.shared.notes.settled_there(at)?;
                Ok(Effect::None)
            }
        }
    }

    /// Makes `name` in `dir` be `node`. Says which zones of it may not be what the source takes them for.
    fn entry(
        &mut self,
        dir: Fid,
        name: &OsStr,
        node: Fid,
        fresh: bool,
        attr: &Attr,
        target: &[u8],
    ) -> io::Result<Option<Zones>> {
        let dir_file = self.node(dir)?;
        if fresh {
            self.forget(node);
        }
        if name == UNNAMED {
            let file = self.make(&dir_file, name, node, attr, target)?;
            self.bind(node, file)?;
            return Ok(None);
        }
        let existing = match backing::open_node(&dir_file, name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            existing => Some(existing?),
        };
        if let Some(known) = self.nodes.get(&node).cloned() {
            let same = |file: &File| Ok::<_, io::Error>(file.metadata()?.ino() == known.metadata()?.ino());
            match existing {
                Some(file) if same(&file)? => return Ok(None),
                Some(_) => self.displace(dir.tree, &dir_file, name)?,
                None => {}
            }
            self.note(node.tree, &known, WHOLE)?;
            match backing::link(&known, &dir_file, name) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    self.revive(&known, &dir_file, name, node, attr, target)?;
                }
                linked => linked?,
            }
            return Ok(None);
        }
        if let Some(file) = existing {
            if !fresh && self.can_become(dir.tree, &file, attr, target)? {
                if attr.is_file() {
                    self.untouched.insert(node);
                }
                let doubt = self.doubt(dir, node, attr, &file)?;
                self.bind(node, file)?;
                return Ok(doubt);
            }
            self.displace(dir.tree, &dir_file, name)?;
        }
        let file = self.make(&dir_file, name, node, attr, target)?;
        self.bind(node, file)?;
        let unknown = attr.is_file() && !fresh && self.since.is_some();
        Ok(unknown.then(Zones::whole))
    }

    /// Of what was here before: what was changed here since both were equal.
    fn doubt(&mut self, dir: Fid, node: Fid, attr: &Attr, file: &File) -> io::Result<Option<Zones>> {
        if self.since.is_none() || self.complete {
            return Ok(None);
        }
        let local = self.local(node.tree, file)?;
        let mut zones = self.shared.notes.since(self.since, local, &file.metadata()?);
        if self.moved.contains(&dir) {
            zones = Zones::whole();
        }
        if attr.is_dir() && !zones.is_empty() {
            self.moved.insert(node);
        }
        Ok((attr.is_file() && !zones.is_empty()).then_some(zones))
    }

    fn make(&self, dir: &File, name: &OsStr, node: Fid, attr: &Attr, target: &[u8]) -> io::Result<File> {
        let file = backing::make(dir, name, attr, target)?;
        if attr.is_file() {
            self.shared.notes.note_new(self.local(node.tree, &file)?)?;
        }
        Ok(file)
    }

    /// This node's own number of a file.
    fn local(&self, tree: u8, file: &File) -> io::Result<Fid> {
        Ok(self.shared.trees[usize::from(tree)].fid(tree, &file.metadata()?))
    }

    /// Zones of a file are about to be changed, or all of it.
    fn note(&self, tree: u8, file: &File, zones: Range<u64>) -> io::Result<()> {
        self.shared.notes.note(self.local(tree, file)?, zones)
    }

    /// The source's file lost the one name that was known here before its other names were: what was kept of
    /// it, through its descriptor, goes into a new file.
    fn revive(
        &mut self,
        known: &File,
        dir: &File,
        name: &OsStr,
        node: Fid,
        attr: &Attr,
        target: &[u8],
    ) -> io::Result<()> {
        let file = self.make(dir, name, node, attr, target)?;
        if attr.is_file() {
            io::copy(&mut backing::reopen(known, false)?, &mut backing::reopen(&file, true)?)?;
        }
        self.forget(node);
        self.bind(node, file)
    }

    /// What is here may stay if it is of the same kind and no other file of the source is bound to it.
    fn can_become(&self, tree: u8, file: &File, attr: &Attr, target: &[u8]) -> io::Result<bool> {
        let meta = file.metadata()?;
        let here = Attr::of(&meta);
        if here.kind() != attr.kind() || self.taken.contains_key(&(tree, meta.ino())) {
            return Ok(false);
        }
        Ok(match attr.kind() {
            libc::S_IFLNK => backing::read_link(file)? == target,
            libc::S_IFBLK | libc::S_IFCHR => here.rdev == attr.rdev,
            _ => true,
        })
    }

    fn bind(&mut self, node: Fid, file: File) -> io::Result<()> {
        self.taken.insert((node.tree, file.metadata()?.ino()), node);
        self.nodes.insert(node, Arc::new(file));
        Ok(())
    }

    fn forget(&mut self, node: Fid) {
        self.data.remove(&node);
        self.untouched.remove(&node);
        if let Some(file) = self.nodes.remove(&node)
            && let Ok(meta) = file.metadata()
        {
            self.taken.remove(&(node.tree, meta.ino()));
        }
    }

    /// During the copy a directory that the source knew to be empty may still have its old content here.
    fn may_hold_leftovers(&self, error: &io::Error) -> bool {
        !self.complete && error.raw_os_error() == Some(libc::ENOTEMPTY)
    }

    /// Takes away what is in the way of the source's tree.
    fn displace(&mut self, tree: u8, dir: &File, name: &OsStr) -> io::Result<()> {
        match &mut self.aside {
            Some(aside) => aside.take(&self.shared.trees[usize::from(tree)], dir, name),
            None => backing::remove_tree(dir, name),
        }
    }

    fn keep_only(&mut self, dir: Fid, names: &[Vec<u8>]) -> io::Result<()> {
        let dir_file = self.node(dir)?;
        let names: HashSet<&[u8]> = names.iter().map(Vec::as_slice).collect();
        for (name, _, _) in backing::list(&dir_file)? {
            if !names.contains(name.as_bytes()) {
                self.displace(dir.tree, &dir_file, &name)?;
            }
        }
        Ok(())
    }

    /// The content of a file that was here before is about to change for the first time.
    fn before_change(&mut self, node: Fid) -> io::Result<()> {
        if self.untouched.remove(&node)
            && let Some(aside) = &mut self.aside
        {
            let file = self.nodes.get(&node).ok_or_else(|| unknown("a file that was never named"))?;
            aside.copy(&self.shared.trees[usize::from(node.tree)], file)?;
        }
        Ok(())
    }

    fn set_attr(&mut self, node: Fid, attr: &Attr, resize: bool) -> io::Result<()> {
        let file = self.node(node)?;
        let here = Attr::of(&file.metadata()?);
        if resize && here.size != attr.size {
            self.before_change(node)?;
            self.note(node.tree, &file, zones_from(attr.size))?;
            backing::set_size(&file, attr.size)?;
        }
        if (here.uid, here.gid) != (attr.uid, attr.gid) {
            backing::set_owner(&file, Some(attr.uid), Some(attr.gid))?;
        }
        // A change of owner may have taken bits away.
        backing::set_mode(&file, attr.mode)?;
        backing::set_times(&file, Some(attr.atime), Some(attr.mtime))
    }

    fn set_xattrs(&mut self, node: Fid, wanted: Option<Vec<(Vec<u8>, Vec<u8>)>>) -> io::Result<()> {
        let Some(wanted) = wanted else { return Ok(()) };
        let file = self.node(node)?;
        let here = backing::xattrs(&file)?;
        for (name, _) in here.iter().filter(|(name, _)| !wanted.iter().any(|(wanted, _)| wanted == name)) {
            backing::remove_xattr(&file, OsStr::from_bytes(name))?;
        }
        for (name, value) in wanted.iter().filter(|wanted| !here.contains(wanted)) {
            backing::set_xattr(&file, OsStr::from_bytes(name), value, 0)?;
        }
        Ok(())
    }

    fn allocate(
        &mut self,
        node: Fid,
        mode: u32,
        offset: u64,
        length: u64,
        mtime: Time,
    ) -> io::Result<Effect> {
        let file = self.data(node)?;
        let is_punch = mode & libc::FALLOC_FL_PUNCH_HOLE as u32 != 0;
        let first_data = rustix::fs::seek(&*file, rustix::fs::SeekFrom::Data(offset));
        let already =
            is_punch && first_data.map_or_else(|e| e == rustix::io::Errno::NXIO, |at| at >= offset + length);
        if !already {
            self.before_change(node)?;
            self.note(node.tree, &file, allocated_zones(mode, offset, length))?;
            backing::allocate(&file, mode, offset, length)?;
        }
        self.finish_data(&file, mtime)
    }

    fn copy_range(
        &mut self,
        (from, mut at): (Fid, u64),
        (node, mut offset): (Fid, u64),
        length: u64,
        mtime: Time,
    ) -> io::Result<Effect> {
        self.before_change(node)?;
        let (source, file) = (self.data(from)?, self.data(node)?);
        self.note(node.tree, &file, zones(offset, length))?;
        let end = offset + length;
        while offset < end {
            let more = backing::copy_range(&source, at, &file, offset, (end - offset) as usize)? as u64;
            if more == 0 {
                return Err(unknown("more bytes to copy than there are here"));
            }
            (at, offset) = (at + more, offset + more);
        }
        self.finish_data(&file, mtime)
    }

    fn compare(&mut self, node: Fid, offset: u64, length: u32, hash: &[u8; 32]) -> io::Result<Effect> {
        if u64::from(length) > BLOCK {
            return Err(unknown("a block longer than any"));
        }
        let file = self.data(node)?;
        let block = super::copy::read_block(&file, offset, length)?;
        let equal = block.len() == length as usize && blake3::hash(&block) == *hash;
        if equal {
            return Ok(Effect::None);
        }
        self.wanted.insert((node, offset), length);
        let pages = super::copy::page_hashes(&block);
        Ok(Effect::Say(Answer::Want(Want { block: Block { node, offset, length }, pages })))
    }

    /// What was asked for and has not come.
    pub(super) fn wants(&self) -> Vec<Block> {
        self.wanted.iter().map(|(&(node, offset), &length)| Block { node, offset, length }).collect()
    }

    fn finish_data(&self, file: &File, mtime: Time) -> io::Result<Effect> {
        backing::set_times(file, None, Some(mtime))?;
        if self.durable {
            file.sync_data()?;
        }
        Ok(Effect::None)
    }

    fn stamp(&self, dir: Fid, mtime: Option<Time>) -> io::Result<Effect> {
        if mtime.is_some() {
            backing::set_times(&*self.node(dir)?, None, mtime)?;
            return self.make_durable(dir);
        }
        Ok(Effect::None)
    }

    fn make_durable(&self, node: Fid) -> io::Result<Effect> {
        let file = self.node(node)?;
        let kind = Attr::of(&file.metadata()?).kind();
        if self.durable && matches!(kind, libc::S_IFREG | libc::S_IFDIR) {
            backing::reopen(&file, false)?.sync_all()?;
        }
        Ok(Effect::None)
    }
}

fn unknown(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the source speaks of {what}"))
}
