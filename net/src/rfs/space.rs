//! Room on the disks of both nodes: an application may count on what the fuller one has.

use std::io;

use super::files::Files;
use super::mount::Tree;

/// What `statfs` says, in bytes and inodes. A file system that does not count its inodes says that it has none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Space {
    pub(super) total: u64,
    pub(super) free: u64,
    /// Of what is free, what is not kept back for root.
    pub(super) available: u64,
    pub(super) files: u64,
    pub(super) free_files: u64,
}

impl Space {
    pub(super) fn of(tree: &Tree) -> io::Result<(Self, rustix::fs::StatVfs)> {
        let s = rustix::fs::fstatvfs(&*tree.root)?;
        let space = Self {
            total: s.f_blocks * s.f_frsize,
            free: s.f_bfree * s.f_frsize,
            available: s.f_bavail * s.f_frsize,
            files: s.f_files,
            free_files: s.f_ffree,
        };
        Ok((space, s))
    }

    /// The figures of one node belong together: of the bytes, then of the inodes, those of the node with less.
    fn smaller(self, other: Self) -> Self {
        let bytes = if other.available < self.available { other } else { self };
        let is_scarcer = other.files > 0 && (self.files == 0 || other.free_files < self.free_files);
        let inodes = if is_scarcer { other } else { self };
        Self { files: inodes.files, free_files: inodes.free_files, ..bytes }
    }
}

impl Files {
    /// The room for the tree on both nodes, as far as this one knows. The rest of what `statfs` says is of this one.
    pub(super) fn space(&self) -> io::Result<(Space, rustix::fs::StatVfs)> {
        let (here, rest) = Space::of(&self.shared.trees[usize::from(self.tree)])?;
        let there = self.shared.flow.with_session(|s| s.space.get(usize::from(self.tree)).copied()).flatten();
        Ok((there.map_or(here, |there| here.smaller(there)), rest))
    }
}
