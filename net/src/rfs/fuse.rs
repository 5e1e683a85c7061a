//! The kernel's requests, translated. Reads are answered at once; changes go through the gate.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;
use std::time::Duration;

use super::backing::{self, Attr, UNNAMED};
use super::caller::Unprivileged;
use super::files::Files;
use super::flow::Entry;
use super::local::{Change, CopyRange, Make, Outcome, SetAttr};
use super::settings::{Gate, Report};
use crate::fuse::{self, Listing, NewTime, Op, Reply, Request, Server};

/// One mount. Detached mounts live on until their last user lets go.
pub(super) struct Fuse(pub(super) Arc<Files>);

/// While the gate is closed the receiver changes files behind the kernel's back: nothing may be cached.
const WHILE_CLOSED: Duration = Duration::ZERO;
/// Otherwise everything that changes passes here.
const WHILE_OPEN: Duration = Duration::from_secs(3600);

fn give(reply: Reply, outcome: &Outcome, ttl: Duration) {
    match outcome {
        Outcome::Done => reply.done(),
        Outcome::Written(size) => reply.written(*size),
        Outcome::Attr(attr) => reply.attr(ttl, attr),
        Outcome::Entry(attr) => reply.entry(ttl, attr),
        Outcome::Created(attr, handle) => {
            reply.created(ttl, attr, *handle, fuse::open::KEEP_CACHE | fuse::open::NO_FLUSH);
        }
    }
}

fn change(files: Arc<Files>, change: Change, reply: Reply) {
    let shared = Arc::clone(&files.shared);
    let mut pass = match shared.flow.enter() {
        Entry::Pass(pass) => pass,
        Entry::Refuse => return refuse(&files, &change, reply),
        Entry::Wait => {
            let retry = Box::new(move || self::change(files, change, reply));
            if let Some(retry) = shared.flow.park(retry) {
                retry();
            }
            return;
        }
    };
    if matches!(change, Change::Sync { .. }) {
        pass.changes_nothing();
    }
    match files.apply(change) {
        Ok((outcome, ticket)) => {
            let done = move |acknowledged| {
                if acknowledged { give(reply, &outcome, WHILE_OPEN) } else { reply.error(libc::EROFS) }
            };
            shared.flow.acknowledge(pass, ticket, Box::new(done));
        }
        Err(error) => {
            if error.raw_os_error() == Some(libc::EIO) {
                shared.report(Report::LocalFailed { why: format!("the local disk failed: {error}") });
            }
            reply.failed(&error);
        }
    }
}

/// Synchronising changes nothing, and is allowed.
fn refuse(files: &Files, change: &Change, reply: Reply) {
    match change {
        Change::Sync { ino, .. } => {
            match files.node(*ino).and_then(|node| backing::reopen(&node, false)?.sync_all()) {
                Ok(()) => give(reply, &Outcome::Done, WHILE_CLOSED),
                Err(error) => reply.failed(&error),
            }
        }
        _ => reply.error(libc::EROFS),
    }
}

impl Server for Fuse {
    fn serve(&self, request: Request<'_>, reply: Reply) {
        let (node, files, caller, by) = (request.node, &self.0, caller(&request), unprivileged(&request));
        let new = |kind, mode, rdev| new_attr(&request, kind, mode, rdev);
        let make = |name: &OsStr, attr, umask| Make::new(node, name, attr, umask);
        let what = match request.op {
            Op::LookUp { name } => return self.give_entry(reply, files.look_up(node, name)),
            Op::GetAttr => return self.give_attr(reply, node),
            Op::ReadLink => {
                return give_data(reply, files.node(node).and_then(|node| backing::read_link(&node)));
            }
            Op::Open { flags } => return self.open(reply, node, flags),
            Op::Read { handle, offset, size } => return give_data(reply, self.read(handle, offset, size)),
            // Every change has been answered for already.
            Op::Flush => return reply.done(),
            Op::Release { handle } => return self.release(reply, handle),
            Op::Seek { handle, offset, whence } => return self.seek(reply, handle, offset, whence),
            Op::OpenDir => return self.open_dir(reply, node),
            Op::ReadDir { handle, offset, size, plus: false } => {
                return give_listing(reply, self.list(node, handle, offset, size));
            }
            Op::ReadDir { handle, offset, size, plus: true } => {
                return give_listing(reply, self.list_plus(node, handle, offset, size));
            }
            Op::ReleaseDir { handle } => return self.release(reply, handle),
            Op::GetXattr { name, size } => {
                let value = files.node(node).and_then(|node| backing::get_acl_or_xattr(&node, name));
                return give_xattr(reply, size, value);
            }
            Op::ListXattr { size } => {
                return give_xattr(reply, size, files.node(node).and_then(|node| backing::list_xattr(&node)));
            }
            Op::StatFs => return self.give_space(reply),
            Op::SetAttr(wanted) => Change::SetAttr(set_attr(&request, &wanted)),
            Op::MakeLink { name, target } => {
                let target = target.as_bytes().to_vec();
                Change::Make(Make { target, ..make(name, new(libc::S_IFLNK, 0o777, 0), 0) })
            }
            Op::MakeNode { name, mode, umask, device } => {
                Change::Make(make(name, new(mode & libc::S_IFMT, mode, device), umask))
            }
            Op::MakeDir { name, mode, umask } => Change::Make(make(name, new(libc::S_IFDIR, mode, 0), umask)),
            Op::Create { name, flags, mode, umask } => {
                let exclusive = flags & libc::O_EXCL as u32 != 0;
                let file = make(name, new(libc::S_IFREG, mode, 0), umask);
                Change::Make(Make { open: true, exclusive, ..file })
            }
            Op::CreateUnnamed { mode, umask } => {
                let file = Make::new(node, OsStr::new(UNNAMED), new(libc::S_IFREG, mode, 0), umask);
                Change::Make(Make { open: true, ..file })
            }
            Op::Unlink { name } => Change::Remove { parent: node, name: name.to_owned(), is_dir: false },
            Op::RemoveDir { name } => Change::Remove { parent: node, name: name.to_owned(), is_dir: true },
            Op::Rename { name, to, to_name, flags } => {
                let (name, to_name, owner) =
                    (name.to_owned(), to_name.to_owned(), (request.uid, request.gid));
                Change::Rename { parent: node, name, to, to_name, flags, owner }
            }
            Op::Link { node: ino, name } => Change::Link { ino, parent: node, name: name.to_owned() },
            Op::Write { handle, offset, data, kill_privilege } => {
                let by = kill_privilege.then_some(caller);
                Change::Write { ino: node, handle, offset, data: data.to_vec(), by }
            }
            Op::Sync { data_only } => Change::Sync { ino: node, data_only },
            Op::Allocate { handle, offset, length, mode } => {
                Change::Allocate { ino: node, handle, mode, offset, length, by }
            }
            Op::CopyRange { handle, offset, to, to_handle, to_offset, length } => {
                let (from, to) = ((node, handle, offset), (to, to_handle, to_offset));
                Change::CopyRange(CopyRange { from, to, length, by })
            }
            Op::SetXattr { name, value, flags } => {
                Change::SetXattr { ino: node, name: name.to_owned(), value: value.to_vec(), flags, by }
            }
            Op::RemoveXattr { name } => Change::RemoveXattr { ino: node, name: name.to_owned() },
        };
        change(Arc::clone(files), what, reply);
    }

    fn forget(&self, node: u64, lookups: u64) {
        self.0.forget(node, lookups);
    }
}

impl Fuse {
    fn is_closed(&self) -> bool {
        self.0.shared.flow.gate() == Gate::Closed
    }

    fn ttl(&self) -> Duration {
        if self.is_closed() { WHILE_CLOSED } else { WHILE_OPEN }
    }

    fn give_entry(&self, reply: Reply, entry: io::Result<fuse::Attr>) {
        match entry {
            Ok(attr) => reply.entry(self.ttl(), &attr),
            Err(error) => reply.failed(&error),
        }
    }

    fn give_attr(&self, reply: Reply, node: u64) {
        match self.0.node(node).and_then(|node| node.metadata()) {
            Ok(meta) => reply.attr(self.ttl(), &self.0.file_attr(&meta)),
            Err(error) => reply.failed(&error),
        }
    }

    fn open(&self, reply: Reply, node: u64, flags: u32) {
        let write = flags as i32 & libc::O_ACCMODE != libc::O_RDONLY;
        let closed = self.is_closed();
        if write && closed {
            return reply.error(libc::EROFS);
        }
        let cache = if closed { fuse::open::DIRECT_IO } else { fuse::open::KEEP_CACHE };
        match self.0.node(node).and_then(|file| self.0.open_handle(&file, node, write)) {
            Ok(handle) => reply.opened(handle, cache | fuse::open::NO_FLUSH),
            Err(error) => reply.failed(&error),
        }
    }

    fn read(&self, handle: u64, offset: u64, size: u32) -> io::Result<Vec<u8>> {
        let file = self.0.handle(handle)?;
        let mut data = Vec::with_capacity(size as usize);
        while data.len() < size as usize {
            let at = offset + data.len() as u64;
            if rustix::io::pread(&*file, rustix::buffer::spare_capacity(&mut data), at)? == 0 {
                break;
            }
        }
        // There may be more room than was asked for.
        data.truncate(size as usize);
        Ok(data)
    }

    fn release(&self, reply: Reply, handle: u64) {
        self.0.close_handle(handle);
        reply.done();
    }

    fn seek(&self, reply: Reply, handle: u64, offset: u64, whence: u32) {
        let from = match whence as i32 {
            libc::SEEK_DATA => rustix::fs::SeekFrom::Data(offset),
            libc::SEEK_HOLE => rustix::fs::SeekFrom::Hole(offset),
            _ => return reply.error(libc::EINVAL),
        };
        match self.0.handle(handle).and_then(|file| Ok(rustix::fs::seek(&*file, from)?)) {
            Ok(at) => reply.position(at),
            Err(error) => reply.failed(&error),
        }
    }

    fn open_dir(&self, reply: Reply, node: u64) {
        match self.0.node(node).and_then(|file| self.0.open_handle(&file, node, false)) {
            Ok(handle) => reply.opened(handle, 0),
            Err(error) => reply.failed(&error),
        }
    }

    fn list(&self, node: u64, handle: u64, offset: u64, size: u32) -> io::Result<Listing> {
        let entries = self.0.snapshot(node, handle, offset)?;
        let dots = [".", ".."].map(|dot| (OsStr::new(dot), node, libc::S_IFDIR));
        let all = entries.iter().map(|(name, ino, mode)| (name.as_os_str(), *ino, *mode));
        let mut listing = Listing::new(size);
        for (at, (name, ino, mode)) in dots.into_iter().chain(all).enumerate().skip(offset as usize) {
            if !listing.add(name, ino, at as u64 + 1, mode) {
                break;
            }
        }
        Ok(listing)
    }

    fn list_plus(&self, node: u64, handle: u64, offset: u64, size: u32) -> io::Result<Listing> {
        let entries = self.0.snapshot(node, handle, offset)?;
        let ttl = self.ttl();
        let mut listing = Listing::new(size);
        let attr = self.0.file_attr(&self.0.node(node)?.metadata()?);
        for (at, dot) in [".", ".."].into_iter().enumerate().skip(offset as usize) {
            if !listing.add_plus(OsStr::new(dot), at as u64 + 1, ttl, &attr) {
                return Ok(listing);
            }
        }
        for (at, (name, _, _)) in entries.iter().enumerate().skip((offset as usize).saturating_sub(2)) {
            // Gone since the snapshot: left out.
            let Ok(attr) = self.0.look_up(node, name) else { continue };
            if !listing.add_plus(name, at as u64 + 3, ttl, &attr) {
                self.0.forget(attr.ino, 1);
                break;
            }
        }
        Ok(listing)
    }

    fn give_space(&self, reply: Reply) {
        match self.0.space() {
            Ok((space, s)) => reply.space(&fuse::Space {
                blocks: space.total / s.f_frsize,
                free: space.free / s.f_frsize,
                available: space.available / s.f_frsize,
                files: space.files,
                free_files: space.free_files,
                block_size: s.f_bsize as u32,
                name_length: s.f_namemax as u32,
                fragment_size: s.f_frsize as u32,
            }),
            Err(error) => reply.failed(&error),
        }
    }
}

fn give_data(reply: Reply, data: io::Result<Vec<u8>>) {
    match data {
        Ok(data) => reply.data(&data),
        Err(error) => reply.failed(&error),
    }
}

fn give_xattr(reply: Reply, room: u32, value: io::Result<Vec<u8>>) {
    match value {
        Ok(value) => reply.xattr(room, &value),
        Err(error) => reply.failed(&error),
    }
}

fn give_listing(reply: Reply, listing: io::Result<Listing>) {
    match listing {
        Ok(listing) => listing.give(reply),
        Err(error) => reply.failed(&error),
    }
}

fn caller(request: &Request<'_>) -> Unprivileged {
    Unprivileged { gid: request.gid, pid: request.pid }
}

/// In some requests the kernel does not say whether the caller may keep what privilege there is in a file: who is
/// not root may not.
fn unprivileged(request: &Request<'_>) -> Option<Unprivileged> {
    (request.uid != 0).then_some(caller(request))
}

/// What a new file begins with, before a umask or the directory's access control list.
fn new_attr(request: &Request<'_>, kind: u32, mode: u32, rdev: u32) -> Attr {
    let (mode, never) = (mode & 0o7777 | kind, (0, 0));
    Attr { mode, uid: request.uid, gid: request.gid, rdev: rdev.into(), size: 0, atime: never, mtime: never }
}

fn set_attr(request: &Request<'_>, wanted: &fuse::SetAttr) -> SetAttr {
    let fuse::SetAttr { mode, uid, gid, size, atime, mtime, kill_privilege } = *wanted;
    let time = |new| match new {
        NewTime::Now => backing::NOW,
        NewTime::At(seconds, nanos) => (seconds, nanos),
    };
    let by = kill_privilege.then_some(caller(request));
    SetAttr { ino: request.node, mode, uid, gid, size, atime: atime.map(time), mtime: mtime.map(time), by }
}
