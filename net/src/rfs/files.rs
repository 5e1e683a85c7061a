//! The files that the kernel knows of one mount: nodes by inode number, and open handles.

use std::collections::HashMap;
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use super::Shared;
use super::backing::{self, Attr, Fid, ROOT};
use crate::fuse;

/// The descriptor keeps the inode, and so its number, for as long as the kernel remembers it.
struct Node {
    file: Arc<File>,
    lookups: u64,
}

#[derive(Clone)]
struct Handle {
    file: Arc<File>,
    ino: u64,
}

/// What a directory contained when it was read from the beginning: names, numbers and types.
pub(super) type Snapshot = Arc<Vec<(std::ffi::OsString, u64, u32)>>;

/// Each map is looked at or changed under its own lock, and nothing is concluded from two of them together.
pub(super) struct Files {
    pub(super) shared: Arc<Shared>,
    pub(super) tree: u8,
    nodes: RwLock<HashMap<u64, Node>>,
    handles: RwLock<HashMap<u64, Handle>>,
    snapshots: Mutex<HashMap<u64, Snapshot>>,
    next: AtomicU64,
}

fn errno(code: i32) -> io::Error {
    io::Error::from_raw_os_error(code)
}

impl Files {
    pub(super) fn new(shared: Arc<Shared>, tree: u8) -> Self {
        Self {
            shared,
            tree,
            nodes: RwLock::default(),
            handles: RwLock::default(),
            snapshots: Mutex::default(),
            next: AtomicU64::new(1),
        }
    }

    pub(super) fn fid(&self, ino: u64) -> Fid {
        Fid { tree: self.tree, ino }
    }

    pub(super) fn fid_of(&self, meta: &Metadata) -> Fid {
        self.shared.trees[usize::from(self.tree)].fid(self.tree, meta)
    }

    pub(super) fn node(&self, ino: u64) -> io::Result<Arc<File>> {
        if ino == ROOT {
            return Ok(Arc::clone(&self.shared.trees[usize::from(self.tree)].root));
        }
        let nodes = self.nodes.read().unwrap_or_else(PoisonError::into_inner);
        nodes.get(&ino).map(|node| Arc::clone(&node.file)).ok_or_else(|| errno(libc::ESTALE))
    }

    /// Counts one more reference of the kernel to `file`.
    pub(super) fn remember(&self, file: File, meta: &Metadata) -> fuse::Attr {
        let mut nodes = self.nodes.write().unwrap_or_else(PoisonError::into_inner);
        let file = Arc::new(file);
        let node = nodes.entry(meta.ino()).or_insert_with(|| Node { file, lookups: 0 });
        node.lookups += 1;
        self.file_attr(meta)
    }

    pub(super) fn forget(&self, ino: u64, count: u64) {
        let mut nodes = self.nodes.write().unwrap_or_else(PoisonError::into_inner);
        let Some(node) = nodes.get_mut(&ino) else { return };
        node.lookups = node.lookups.saturating_sub(count);
        let gone = if node.lookups == 0 { nodes.remove(&ino) } else { None };
        drop(nodes);
        drop(gone);
    }

    /// Looks a name up for the kernel. What is mounted inside a replicated directory is not part of it.
    pub(super) fn look_up(&self, parent: u64, name: &std::ffi::OsStr) -> io::Result<fuse::Attr> {
        let file = backing::open_node(&*self.node(parent)?, name)?;
        let meta = file.metadata()?;
        if meta.dev() != self.shared.trees[usize::from(self.tree)].device {
            return Err(errno(libc::EXDEV));
        }
        Ok(self.remember(file, &meta))
    }

    pub(super) fn open_handle(&self, node: &File, ino: u64, write: bool) -> io::Result<u64> {
        let file = Arc::new(backing::reopen(node, write)?);
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.shared.open(self.fid(ino));
        let mut handles = self.handles.write().unwrap_or_else(PoisonError::into_inner);
        handles.insert(number, Handle { file, ino });
        Ok(number)
    }

    pub(super) fn handle(&self, number: u64) -> io::Result<Arc<File>> {
        let handles = self.handles.read().unwrap_or_else(PoisonError::into_inner);
        handles.get(&number).map(|handle| Arc::clone(&handle.file)).ok_or_else(|| errno(libc::EBADF))
    }

    pub(super) fn close_handle(&self, number: u64) {
        self.snapshots.lock().unwrap_or_else(PoisonError::into_inner).remove(&number);
        let handle = self.handles.write().unwrap_or_else(PoisonError::into_inner).remove(&number);
        if let Some(handle) = handle {
            self.released(self.fid(handle.ino), &handle.file);
        }
    }

    /// The snapshot of a directory handle, taken anew at offset 0.
    pub(super) fn snapshot(&self, ino: u64, handle: u64, offset: u64) -> io::Result<Snapshot> {
        let known = self.snapshots.lock().unwrap_or_else(PoisonError::into_inner).get(&handle).cloned();
        if let Some(known) = known.filter(|_| offset > 0) {
            return Ok(known);
        }
        let listed = backing::list(&*self.node(ino)?)?;
        let entries = listed.into_iter().map(|(name, ino, kind)| (name, ino, kind.as_raw_mode()));
        let fresh: Snapshot = Arc::new(entries.collect());
        self.snapshots.lock().unwrap_or_else(PoisonError::into_inner).insert(handle, Arc::clone(&fresh));
        Ok(fresh)
    }

    pub(super) fn file_attr(&self, meta: &Metadata) -> fuse::Attr {
        let Attr { mode, uid, gid, rdev, size, atime, mtime } = Attr::of(meta);
        fuse::Attr {
            ino: self.fid_of(meta).ino,
            size,
            blocks: meta.blocks(),
            atime,
            mtime,
            ctime: (meta.ctime(), meta.ctime_nsec() as u32),
            mode,
            nlink: meta.nlink() as u32,
            uid,
            gid,
            rdev: rdev as u32,
            block_size: meta.blksize() as u32,
        }
    }
}
