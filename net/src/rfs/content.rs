//! Carrying out what changes the content of files, or makes it durable.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;

use super::backing::{self, Attr, Fid};
use super::caller::Unprivileged;
use super::copy;
use super::files::Files;
use super::frame::Op;
use super::local::{Applied, CopyRange, Outcome};
use super::queue::Ticket;
use super::zones::{zones, zones_from};

/// What one request copies at most when the receiver has the same to copy from, and when it does not. The
/// application asks again for the rest.
const COPY_AT_ONCE: u64 = 16 << 20;
const SEND_AT_ONCE: u64 = 1 << 20;

impl Files {
    pub(super) fn write(
        &self,
        ino: u64,
        handle: u64,
        offset: u64,
        mut data: Vec<u8>,
        by: Option<Unprivileged>,
    ) -> Applied {
        let (node, file) = (self.fid(ino), self.handle(handle)?);
        let _lock = self.shared.lock_inode(node);
        self.shared.notes.note(node, zones(offset, data.len() as u64))?;
        data.truncate(write_what_fits(&file, &data, offset)?);
        let length = data.len() as u32;
        let mtime = backing::mtime(&file)?;
        let ticket = self.send_change(node, &file, by, vec![Op::Write { node, offset, mtime, data }])?;
        Ok((Outcome::Written(length), ticket))
    }

    pub(super) fn allocate(
        &self,
        (ino, handle): (u64, u64),
        mode: u32,
        offset: u64,
        length: u64,
        by: Option<Unprivileged>,
    ) -> Applied {
        let (node, file) = (self.fid(ino), self.handle(handle)?);
        let _lock = self.shared.lock_inode(node);
        self.shared.notes.note(node, allocated_zones(mode, offset, length))?;
        let capable = backing::capability(&file).is_some();
        backing::allocate(&file, mode, offset, length)?;
        let mut ops = lost_capability(node, &file, capable);
        ops.push(Op::Allocate { node, mode, offset, length, mtime: backing::mtime(&file)? });
        Ok((Outcome::Done, self.send_change(node, &file, by, ops)?))
    }

    /// The receiver copies for itself if it is certain to have the same to copy from.
    pub(super) fn copy_range(&self, change: CopyRange) -> Applied {
        let CopyRange { from: (from_ino, from_handle, from_offset), to: (ino, handle, offset), .. } = change;
        let (from, from_file) = (self.fid(from_ino), self.handle(from_handle)?);
        let (node, file) = (self.fid(ino), self.handle(handle)?);
        let _locks = self.shared.lock_inodes(from, node);
        let there = self.shared.flow.with_session(|session| session.whole && session.is_bound(from));
        let most = if there == Some(false) { SEND_AT_ONCE } else { COPY_AT_ONCE };
        let length = change.length.min(most) as usize;
        self.shared.notes.note(node, zones(offset, length as u64))?;
        let copied = backing::copy_range(&from_file, from_offset, &file, offset, length)? as u64;
        let mtime = backing::mtime(&file)?;
        let op = match there {
            Some(false) => {
                Op::Write { node, offset, mtime, data: copy::read_block(&file, offset, copied as u32)? }
            }
            _ => Op::CopyRange { from, from_offset, node, offset, length: copied, mtime },
        };
        let ticket = self.send_change(node, &file, change.by, vec![op])?;
        Ok((Outcome::Written(copied as u32), ticket))
    }

    /// Both nodes at the same time: the request travels while the local disk works.
    pub(super) fn sync(&self, ino: u64, data_only: bool) -> Applied {
        let (node, file) = (self.fid(ino), self.node(ino)?);
        let ticket = {
            let _lock = self.shared.lock_inode(node);
            self.send(node, [Op::Sync { node }])
        };
        let file = backing::reopen(&file, false)?;
        let done = if data_only { file.sync_data() } else { file.sync_all() };
        done?;
        Ok((Outcome::Done, ticket))
    }

    /// Sends what has changed the content. Somebody without privilege leaves no set-user-id and set-group-id bits
    /// behind. Called under the inode's lock.
    fn send_change(
        &self,
        node: Fid,
        file: &File,
        by: Option<Unprivileged>,
        mut ops: Vec<Op>,
    ) -> io::Result<Ticket> {
        let attr = Attr::of(&file.metadata()?);
        let mode = by.map_or(attr.mode, |by| by.after_change(&attr));
        let mut privilege = Ok(());
        if mode != attr.mode {
            privilege = backing::set_mode(file, mode);
            ops.push(Op::Attr { node, attr: Attr { mode, ..attr }, resize: false });
        }
        let ticket = self.send(node, ops);
        privilege.map(|()| ticket)
    }
}

/// What follows a range that is taken out or put in moves with it.
pub(super) fn allocated_zones(mode: u32, offset: u64, length: u64) -> Range<u64> {
    let moves = (libc::FALLOC_FL_COLLAPSE_RANGE | libc::FALLOC_FL_INSERT_RANGE) as u32;
    if mode & moves == 0 { zones(offset, length) } else { zones_from(offset) }
}

/// The file system has taken the capabilities away with the change; the receiver's may find nothing to change.
pub(super) fn lost_capability(node: Fid, file: &File, had: bool) -> Vec<Op> {
    let lost = had && backing::capability(file).is_none();
    let name = backing::CAPABILITY.as_bytes().to_vec();
    if lost { vec![Op::RemoveXattr { node, name }] } else { Vec::new() }
}

/// Writes up to where the disk is full, and says how much that was: what is on this disk must get to the peer's, and
/// the next write will find the error again. Fails only if nothing was written.
fn write_what_fits(file: &File, data: &[u8], offset: u64) -> io::Result<usize> {
    let mut written = 0;
    while written < data.len() {
        match file.write_at(&data[written..], offset + written as u64) {
            Ok(0) => break,
            Ok(more) => written += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if written == 0 => return Err(error),
            Err(_) => break,
        }
    }
    Ok(written)
}
