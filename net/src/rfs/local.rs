//! Carrying out what the application asked for: here first, then into the stream, under one lock. What changes the
//! content of files is in `content`.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;

use super::backing::{self, Attr, Fid, Time, UNNAMED};
use super::caller::Unprivileged;
use super::content::lost_capability;
use super::copy;
use super::files::Files;
use super::frame::Op;
use super::queue::Ticket;
use super::zones::{WHOLE, Zones, zones_from};
use crate::fuse;

/// An operation that changes something.
pub(super) enum Change {
    Write {
        ino: u64,
        handle: u64,
        offset: u64,
        data: Vec<u8>,
        by: Option<Unprivileged>,
    },
    SetAttr(SetAttr),
    Make(Make),
    Remove {
        parent: u64,
        name: OsString,
        is_dir: bool,
    },
    Rename {
        parent: u64,
        name: OsString,
        to: u64,
        to_name: OsString,
        flags: u32,
        /// Who gets what a whiteout leaves behind.
        owner: (u32, u32),
    },
    Link {
        ino: u64,
        parent: u64,
        name: OsString,
    },
    Sync {
        ino: u64,
        data_only: bool,
    },
    SetXattr {
        ino: u64,
        name: OsString,
        value: Vec<u8>,
        flags: u32,
        by: Option<Unprivileged>,
    },
    RemoveXattr {
        ino: u64,
        name: OsString,
    },
    Allocate {
        ino: u64,
        handle: u64,
        mode: u32,
        offset: u64,
        length: u64,
        by: Option<Unprivileged>,
    },
    CopyRange(CopyRange),
}

/// A new entry. `open`: with a handle on it. `exclusive`: an error if it exists.
pub(super) struct Make {
    pub(super) parent: u64,
    pub(super) name: OsString,
    /// Before the umask, or what the directory gives instead.
    pub(super) attr: Attr,
    pub(super) umask: u32,
    pub(super) target: Vec<u8>,
    pub(super) open: bool,
    pub(super) exclusive: bool,
}

impl Make {
    /// What may not exist yet, and is not opened.
    pub(super) fn new(parent: u64, name: &OsStr, attr: Attr, umask: u32) -> Self {
        Self { parent, name: name.to_owned(), attr, umask, target: Vec::new(), open: false, exclusive: true }
    }
}

/// From one file into another, or into the same. Each with its number, its handle, and where in it.
#[derive(Clone, Copy)]
pub(super) struct CopyRange {
    pub(super) from: (u64, u64, u64),
    pub(super) to: (u64, u64, u64),
    pub(super) length: u64,
    pub(super) by: Option<Unprivileged>,
}

#[derive(Clone, Copy)]
pub(super) struct SetAttr {
    pub(super) ino: u64,
    pub(super) mode: Option<u32>,
    pub(super) uid: Option<u32>,
    pub(super) gid: Option<u32>,
    pub(super) size: Option<u64>,
    pub(super) atime: Option<Time>,
    pub(super) mtime: Option<Time>,
    pub(super) by: Option<Unprivileged>,
}

/// What the application gets.
pub(super) enum Outcome {
    Done,
    Written(u32),
    Attr(fuse::Attr),
    Entry(fuse::Attr),
    Created(fuse::Attr, u64),
}

pub(super) type Applied = io::Result<(Outcome, Ticket)>;

impl Files {
    /// Applies and sends. Locks are dropped when this returns; nothing has been answered.
    pub(super) fn apply(&self, change: Change) -> Applied {
        match change {
            Change::Write { ino, handle, offset, data, by } => self.write(ino, handle, offset, data, by),
            Change::SetAttr(change) => self.set_attr(change),
            Change::Make(change) => self.make(change),
            Change::Remove { parent, name, is_dir } => self.remove(parent, &name, is_dir),
            Change::Rename { parent, name, to, to_name, flags, owner } => {
                self.rename((parent, &name), (to, &to_name), flags, owner)
            }
            Change::Link { ino, parent, name } => self.link(ino, parent, &name),
            Change::Sync { ino, data_only } => self.sync(ino, data_only),
            Change::SetXattr { ino, name, value, flags, by } => self.set_xattr(ino, &name, value, flags, by),
            Change::RemoveXattr { ino, name } => self.remove_xattr(ino, &name),
            Change::Allocate { ino, handle, mode, offset, length, by } => {
                self.allocate((ino, handle), mode, offset, length, by)
            }
            Change::CopyRange(change) => self.copy_range(change),
        }
    }

    /// Sends `op` if the receiver knows the file. Called under the inode's lock.
    pub(super) fn send(&self, node: Fid, ops: impl IntoIterator<Item = Op>) -> Ticket {
        self.shared.flow.append(|session, out| {
            if session.is_bound(node) {
                out.extend(ops);
            }
        })
    }

    /// What has been changed when a later part fails is on this disk, so the peer hears of it too.
    fn set_attr(&self, change: SetAttr) -> Applied {
        let (node, file) = (self.fid(change.ino), self.node(change.ino)?);
        let _lock = self.shared.lock_inode(node);
        if let Some(size) = change.size {
            self.shared.notes.note(node, zones_from(size))?;
        }
        let capable = backing::capability(&file).is_some();
        let changed = set_all(&file, &change);
        let meta = file.metadata()?;
        let mut ops = lost_capability(node, &file, capable);
        ops.push(Op::Attr { node, attr: Attr::of(&meta), resize: change.size.is_some() });
        let ticket = self.send(node, ops);
        changed?;
        Ok((Outcome::Attr(self.file_attr(&meta)), ticket))
    }

    fn make(&self, change: Make) -> Applied {
        let Make { parent, name, mut attr, umask, target, open, exclusive } = change;
        let (name, unnamed) = (name.as_os_str(), name == UNNAMED);
        let (dir, dir_file) = (self.fid(parent), self.node(parent)?);
        let _names = self.shared.lock_names();
        let above = Attr::of(&dir_file.metadata()?);
        if above.mode & libc::S_ISGID != 0 {
            attr.gid = above.gid;
            if attr.is_dir() {
                attr.mode |= libc::S_ISGID;
            }
        }
        let has_acl;
        (attr.mode, has_acl) = backing::inherited(&dir_file, attr.mode, umask)?;
        let made = backing::make(&dir_file, name, &attr, &target);
        let (file, fresh) = match made {
            Err(e) if e.raw_os_error() == Some(libc::EEXIST) && !exclusive => {
                (backing::open_node(&dir_file, name)?, false)
            }
            made => (made?, true),
        };
        let meta = file.metadata()?;
        let (node, attr) = (self.fid_of(&meta), Attr::of(&meta));
        if fresh && attr.is_file() {
            self.shared.notes.note_new(node)?;
        }
        let entry = Op::Entry {
            dir,
            name: name.as_bytes().to_vec(),
            node,
            fresh,
            attr,
            target,
            xattrs: if has_acl { Some(backing::xattrs(&file)?) } else { None },
            dir_mtime: if unnamed { None } else { Some(backing::mtime(&dir_file)?) },
        };
        if unnamed {
            self.shared.keep_unnamed(node, &file)?;
        }
        let ticket = self.shared.flow.append(|session, out| {
            if !fresh {
                return;
            }
            session.unbind(node);
            if session.is_level(dir) {
                session.bind_fresh(node, &attr);
                out.push(entry);
            }
        });
        let handle = if open { Some(self.open_handle(&file, node.ino, true)?) } else { None };
        let attr = self.remember(file, &meta);
        Ok((handle.map_or(Outcome::Entry(attr), |handle| Outcome::Created(attr, handle)), ticket))
    }

    fn remove(&self, parent: u64, name: &OsStr, is_dir: bool) -> Applied {
        let (dir, dir_file) = (self.fid(parent), self.node(parent)?);
        let _names = self.shared.lock_names();
        let file = backing::open_node(&dir_file, name)?;
        backing::remove(&dir_file, name, is_dir)?;
        let (node, unnamed, gone) = self.what_is_left(&file)?;
        let dir_mtime = backing::mtime(&dir_file)?;
        let ticket = self.shared.flow.append(|session, out| {
            if session.is_level(dir) {
                let name = name.as_bytes().to_vec();
                out.push(Op::Remove { dir, name, node, is_dir, gone, dir_mtime });
            } else if gone && session.is_bound(node) {
                out.push(Op::Forget { node });
            }
            if gone {
                session.unbind(node);
            } else if unnamed {
                session.unname(node);
            }
        });
        Ok((Outcome::Done, ticket))
    }

    /// After a removal: which file it was, whether that was its last name, and whether nobody has it open either.
    fn what_is_left(&self, file: &File) -> io::Result<(Fid, bool, bool)> {
        use std::os::unix::fs::MetadataExt;
        let meta = file.metadata()?;
        let node = self.fid_of(&meta);
        let unnamed = meta.nlink() == 0;
        Ok((node, unnamed, unnamed && !self.shared.is_open(node)))
    }

    fn rename(
        &self,
        (parent, name): (u64, &OsStr),
        (to, to_name): (u64, &OsStr),
        flags: u32,
        owner: (u32, u32),
    ) -> Applied {
        let (dir, dir_file) = (self.fid(parent), self.node(parent)?);
        let (to_dir, to_file) = (self.fid(to), self.node(to)?);
        let _names = self.shared.lock_names();
        // A receiver that knows one of the two directories has to know the other before something moves between them.
        let levels = self.shared.flow.with_session(|s| (s.is_level(dir), s.is_level(to_dir)));
        if let Some((true, false) | (false, true)) = levels {
            copy::level_path(&self.shared, dir.tree, &dir_file)?;
            copy::level_path(&self.shared, dir.tree, &to_file)?;
        }
        let target = backing::open_node(&to_file, to_name).ok();
        self.note_moved(&backing::open_node(&dir_file, name)?)?;
        if let Some(target) = target.as_ref().filter(|_| flags & libc::RENAME_EXCHANGE != 0) {
            self.note_moved(target)?;
        }
        backing::rename(&dir_file, name, &to_file, to_name, flags)?;
        let left = target.map(|file| self.what_is_left(&file)).transpose()?;
        let whiteout =
            (flags & libc::RENAME_WHITEOUT != 0).then(|| self.whiteout(dir, &dir_file, name, owner));
        let whiteout = whiteout.transpose()?;
        let (dir_mtime, to_mtime) = (backing::mtime(&dir_file)?, backing::mtime(&to_file)?);
        let ticket = self.shared.flow.append(|session, out| {
            let replaced = left.filter(|(_, _, gone)| *gone).map(|(node, _, _)| node);
            if session.is_level(dir) {
                let (name, to_name) = (name.as_bytes().to_vec(), to_name.as_bytes().to_vec());
                out.push(Op::Rename { dir, name, to: to_dir, to_name, flags, replaced, dir_mtime, to_mtime });
            } else if let Some(node) = replaced.filter(|node| session.is_bound(*node)) {
                out.push(Op::Forget { node });
            }
            match left {
                Some((node, _, true)) => session.unbind(node),
                Some((node, true, false)) => session.unname(node),
                _ => {}
            }
            if let Some((node, attr, entry)) = whiteout.filter(|_| session.is_level(dir)) {
                session.unbind(node);
                session.bind_fresh(node, &attr);
                out.push(entry);
            }
        });
        Ok((Outcome::Done, ticket))
    }

    /// A file that is about to have another name is compared as a whole: so is everything in a directory.
    fn note_moved(&self, file: &File) -> io::Result<()> {
        self.shared.notes.note(self.fid_of(&file.metadata()?), WHOLE)
    }

    /// What a renaming left under the old name: the file system made it, on behalf of us.
    fn whiteout(
        &self,
        dir: Fid,
        dir_file: &File,
        name: &OsStr,
        (uid, gid): (u32, u32),
    ) -> io::Result<(Fid, Attr, Op)> {
        let file = backing::open_node(dir_file, name)?;
        let above = Attr::of(&dir_file.metadata()?);
        let gid = if above.mode & libc::S_ISGID == 0 { gid } else { above.gid };
        backing::set_owner(&file, Some(uid), Some(gid))?;
        let meta = file.metadata()?;
        let node = self.fid_of(&meta);
        Ok((node, Attr::of(&meta), copy::describe(dir, name, node, &file, None)?))
    }

    fn link(&self, ino: u64, parent: u64, name: &OsStr) -> Applied {
        let (dir, dir_file) = (self.fid(parent), self.node(parent)?);
        let (node, file) = (self.fid(ino), self.node(ino)?);
        let _names = self.shared.lock_names();
        let _lock = self.shared.lock_inode(node);
        self.shared.notes.note(node, WHOLE)?;
        backing::link(&file, &dir_file, name)?;
        self.shared.drop_unnamed(node);
        let entry = copy::describe(dir, name, node, &file, Some(backing::mtime(&dir_file)?))?;
        let meta = file.metadata()?;
        let attr = Attr::of(&meta);
        let ticket = self.shared.flow.append(|session, out| {
            if session.is_level(dir) {
                session.bind(node, &attr, &Zones::whole());
                out.push(entry);
            }
        });
        let again = backing::open_node(&dir_file, name)?;
        Ok((Outcome::Entry(self.remember(again, &meta)), ticket))
    }

    /// With an access control list that does not come from a member of the group the set-group-id bit goes.
    fn set_xattr(
        &self,
        ino: u64,
        name: &OsStr,
        value: Vec<u8>,
        flags: u32,
        by: Option<Unprivileged>,
    ) -> Applied {
        let (node, file) = (self.fid(ino), self.node(ino)?);
        let _lock = self.shared.lock_inode(node);
        backing::set_xattr(&file, name, &value, flags)?;
        let mut ops = vec![Op::SetXattr { node, name: name.as_bytes().to_vec(), value }];
        let attr = Attr::of(&file.metadata()?);
        let by = by.filter(|_| name == backing::ACL_ACCESS);
        let mode = by.map_or(attr.mode, |by| by.after_list(&attr));
        let mut privilege = Ok(());
        if mode != attr.mode {
            privilege = backing::set_mode(&file, mode);
            ops.push(Op::Attr { node, attr: Attr { mode, ..attr }, resize: false });
        }
        let ticket = self.send(node, ops);
        privilege?;
        Ok((Outcome::Done, ticket))
    }

    fn remove_xattr(&self, ino: u64, name: &OsStr) -> Applied {
        let (node, file) = (self.fid(ino), self.node(ino)?);
        let _lock = self.shared.lock_inode(node);
        backing::remove_xattr(&file, name)?;
        let op = Op::RemoveXattr { node, name: name.as_bytes().to_vec() };
        Ok((Outcome::Done, self.send(node, [op])))
    }

    /// A handle was closed. The last one of a file without a name takes the file with it, on the peer too.
    pub(super) fn released(&self, node: Fid, file: &Arc<File>) {
        use std::os::unix::fs::MetadataExt;
        let last = self.shared.close(node);
        if last {
            self.shared.drop_unnamed(node);
        }
        if last && file.metadata().is_ok_and(|meta| meta.nlink() == 0) {
            self.shared.flow.append(|session, out| {
                if session.is_bound(node) {
                    out.push(Op::Forget { node });
                    session.unbind(node);
                }
            });
        }
    }
}

fn set_all(file: &File, change: &SetAttr) -> io::Result<()> {
    let before = Attr::of(&file.metadata()?);
    if let Some(size) = change.size {
        backing::set_size(file, size)?;
    }
    if change.uid.is_some() || change.gid.is_some() {
        backing::set_owner(file, change.uid, change.gid)?;
    }
    let killed = change.size.and(change.by).map(|by| by.after_change(&before));
    if let Some(mode) = change.mode.or(killed.filter(|&mode| mode != before.mode)) {
        backing::set_mode(file, mode & 0o7777 | before.kind())?;
    }
    if change.atime.is_some() || change.mtime.is_some() {
        backing::set_times(file, change.atime, change.mtime)?;
    }
    Ok(())
}
