//! The kernel's requests, translated. Reads are answered at once; changes go through the gate.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use fuser::{
    BsdFileFlags, CopyFileRangeFlags, Errno, FileHandle, Filesystem, FopenFlags, Generation, INodeNo,
    InitFlags, KernelConfig, LockOwner, OpenAccMode, OpenFlags, RenameFlags, ReplyAttr, ReplyCreate,
    ReplyData, ReplyDirectory, ReplyDirectoryPlus, ReplyEmpty, ReplyEntry, ReplyLseek, ReplyOpen,
    ReplyStatfs, ReplyWrite, ReplyXattr, Request, TimeOrNow, WriteFlags,
};

use super::backing::{self, Attr};
use super::caller::Unprivileged;
use super::files::Files;
use super::flow::Entry;
use super::local::{Change, CopyRange, Make, Outcome, SetAttr};
use super::settings::{Gate, Report};

/// One mount. Detached mounts live on until their last user lets go.
pub(super) struct Fuse(pub(super) Arc<Files>);

/// Through whom the kernel is answered.
enum Answer {
    Empty(ReplyEmpty),
    Entry(ReplyEntry),
    Attr(ReplyAttr),
    Write(ReplyWrite),
    Create(ReplyCreate),
}

impl Answer {
    fn error(self, errno: Errno) {
        match self {
            Self::Empty(reply) => reply.error(errno),
            Self::Entry(reply) => reply.error(errno),
            Self::Attr(reply) => reply.error(errno),
            Self::Write(reply) => reply.error(errno),
            Self::Create(reply) => reply.error(errno),
        }
    }

    fn give(self, outcome: Outcome, ttl: Duration) {
        match (self, outcome) {
            (Self::Empty(reply), _) => reply.ok(),
            (Self::Entry(reply), Outcome::Entry(attr)) => reply.entry(&ttl, &attr, Generation(0)),
            (Self::Attr(reply), Outcome::Attr(attr)) => reply.attr(&ttl, &attr),
            (Self::Write(reply), Outcome::Written(size)) => reply.written(size),
            (Self::Create(reply), Outcome::Created(attr, handle)) => {
                let flags = FopenFlags::FOPEN_KEEP_CACHE | FopenFlags::FOPEN_NOFLUSH;
                reply.created(&ttl, &attr, Generation(0), FileHandle(handle), flags);
            }
            (answer, _) => answer.error(Errno::EIO),
        }
    }
}

fn to_errno(error: &io::Error) -> Errno {
    Errno::from_i32(error.raw_os_error().unwrap_or(libc::EIO))
}

/// While the gate is closed the receiver changes files behind the kernel's back: nothing may be cached.
const WHILE_CLOSED: Duration = Duration::ZERO;
/// Otherwise everything that changes passes here.
const WHILE_OPEN: Duration = Duration::from_secs(3600);

fn change(files: Arc<Files>, change: Change, answer: Answer) {
    let shared = Arc::clone(&files.shared);
    let pass = match shared.flow.enter() {
        Entry::Pass(pass) => pass,
        Entry::Refuse => return refuse(&files, &change, answer),
        Entry::Wait => {
            let retry = Box::new(move || self::change(files, change, answer));
            if let Some(retry) = shared.flow.park(retry) {
                retry();
            }
            return;
        }
    };
    match files.apply(change) {
        Ok((outcome, ticket)) => shared.flow.acknowledge(
            pass,
            ticket,
            Box::new(move |acknowledged| {
                if acknowledged { answer.give(outcome, WHILE_OPEN) } else { answer.error(Errno::EROFS) }
            }),
        ),
        Err(error) => {
            if error.raw_os_error() == Some(libc::EIO) {
                shared.report(Report::LocalFailed { why: format!("the local disk failed: {error}") });
            }
            answer.error(to_errno(&error));
        }
    }
}

/// Synchronising changes nothing, and is allowed.
fn refuse(files: &Files, change: &Change, answer: Answer) {
    match change {
        Change::Sync { ino, .. } => {
            match files.node(*ino).and_then(|node| backing::reopen(&node, false)?.sync_all()) {
                Ok(()) => answer.give(Outcome::Done, WHILE_CLOSED),
                Err(error) => answer.error(to_errno(&error)),
            }
        }
        _ => answer.error(Errno::EROFS),
    }
}

fn data_or_size(reply: ReplyXattr, size: u32, value: io::Result<Vec<u8>>) {
    match value {
        Ok(value) if size == 0 => reply.size(value.len() as u32),
        Ok(value) if value.len() > size as usize => reply.error(Errno::ERANGE),
        Ok(value) => reply.data(&value),
        Err(error) => reply.error(to_errno(&error)),
    }
}

impl Fuse {
    fn ttl(&self) -> Duration {
        if self.0.shared.flow.gate() == Gate::Closed { WHILE_CLOSED } else { WHILE_OPEN }
    }

    fn open_flags(&self) -> FopenFlags {
        let cache = if self.0.shared.flow.gate() == Gate::Closed {
            FopenFlags::FOPEN_DIRECT_IO
        } else {
            FopenFlags::FOPEN_KEEP_CACHE
        };
        cache | FopenFlags::FOPEN_NOFLUSH
    }

    fn change(&self, what: Change, answer: Answer) {
        change(Arc::clone(&self.0), what, answer);
    }

    fn make(
        &self,
        at: (INodeNo, &OsStr),
        (attr, umask): (Attr, u32),
        target: &[u8],
        exclusive: bool,
        answer: Answer,
    ) {
        let open = matches!(answer, Answer::Create(_));
        let (parent, name, target) = (at.0.0, at.1.to_owned(), target.to_vec());
        self.change(Change::Make(Make { parent, name, attr, umask, target, open, exclusive }), answer);
    }
}

/// Except for writing, the kernel does not say whether the caller may keep what privilege there is in a file: who is
/// not root may not.
fn unprivileged(req: &Request) -> Option<Unprivileged> {
    (req.uid() != 0).then_some(Unprivileged { gid: req.gid(), pid: req.pid() })
}

/// What a new file begins with, before a umask or the directory's access control list.
fn new_attr(req: &Request, kind: u32, mode: u32, rdev: u32) -> Attr {
    let mode = mode & 0o7777 | kind;
    Attr { mode, uid: req.uid(), gid: req.gid(), rdev: rdev.into(), size: 0, atime: (0, 0), mtime: (0, 0) }
}

impl Filesystem for Fuse {
    fn init(&mut self, _req: &Request, config: &mut KernelConfig) -> io::Result<()> {
        let wanted = InitFlags::FUSE_PARALLEL_DIROPS
            | InitFlags::FUSE_ASYNC_DIO
            | InitFlags::FUSE_CACHE_SYMLINKS
            | InitFlags::FUSE_HANDLE_KILLPRIV_V2
            | InitFlags::FUSE_POSIX_ACL
            | InitFlags::FUSE_DONT_MASK
            | InitFlags::FUSE_DO_READDIRPLUS
            | InitFlags::FUSE_READDIRPLUS_AUTO
            | InitFlags::FUSE_MAX_PAGES;
        for flag in wanted.iter() {
            // A kernel without one of these is slower, or knows no access control lists.
            let _ = config.add_capabilities(flag);
        }
        let _ = config.set_max_write(1 << 20);
        Ok(())
    }

    fn lookup(&self, _req: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        match self.0.look_up(parent.0, name) {
            Ok(attr) => reply.entry(&self.ttl(), &attr, Generation(0)),
            Err(error) => reply.error(to_errno(&error)),
        }
    }

    fn forget(&self, _req: &Request, ino: INodeNo, nlookup: u64) {
        self.0.forget(ino.0, nlookup);
    }

    fn getattr(&self, _req: &Request, ino: INodeNo, _fh: Option<FileHandle>, reply: ReplyAttr) {
        match self.0.node(ino.0).and_then(|node| node.metadata()) {
            Ok(meta) => reply.attr(&self.ttl(), &self.0.file_attr(&meta)),
            Err(error) => reply.error(to_errno(&error)),
        }
    }

    fn setattr(
        &self,
        req: &Request,
        ino: INodeNo,
        mode: Option<u32>,
        uid: Option<u32>,
        gid: Option<u32>,
        size: Option<u64>,
        atime: Option<TimeOrNow>,
        mtime: Option<TimeOrNow>,
        _ctime: Option<SystemTime>,
        _fh: Option<FileHandle>,
        _crtime: Option<SystemTime>,
        _chgtime: Option<SystemTime>,
        _bkuptime: Option<SystemTime>,
        _flags: Option<BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        let what = SetAttr { ino: ino.0, mode, uid, gid, size, atime, mtime, by: unprivileged(req) };
        self.change(Change::SetAttr(what), Answer::Attr(reply));
    }

    fn readlink(&self, _req: &Request, ino: INodeNo, reply: ReplyData) {
        match self.0.node(ino.0).and_then(|node| backing::read_link(&node)) {
            Ok(target) => reply.data(&target),
            Err(error) => reply.error(to_errno(&error)),
        }
    }

    fn mknod(
        &self,
        req: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        umask: u32,
        rdev: u32,
        reply: ReplyEntry,
    ) {
        let attr = new_attr(req, mode & libc::S_IFMT, mode, rdev);
        self.make((parent, name), (attr, umask), b"", true, Answer::Entry(reply));
    }

    fn mkdir(&self, req: &Request, parent: INodeNo, name: &OsStr, mode: u32, umask: u32, reply: ReplyEntry) {
        let attr = new_attr(req, libc::S_IFDIR, mode, 0);
        self.make((parent, name), (attr, umask), b"", true, Answer::Entry(reply));
    }

    fn symlink(&self, req: &Request, parent: INodeNo, name: &OsStr, target: &Path, reply: ReplyEntry) {
        let attr = new_attr(req, libc::S_IFLNK, 0o777, 0);
        self.make((parent, name), (attr, 0), target.as_os_str().as_bytes(), true, Answer::Entry(reply));
    }

    fn create(
        &self,
        req: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        umask: u32,
        flags: i32,
        reply: ReplyCreate,
    ) {
        let attr = new_attr(req, libc::S_IFREG, mode, 0);
        self.make((parent, name), (attr, umask), b"", flags & libc::O_EXCL != 0, Answer::Create(reply));
    }

    fn unlink(&self, _req: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        self.change(
            Change::Remove { parent: parent.0, name: name.to_owned(), is_dir: false },
            Answer::Empty(reply),
        );
    }

    fn rmdir(&self, _req: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        self.change(
            Change::Remove { parent: parent.0, name: name.to_owned(), is_dir: true },
            Answer::Empty(reply),
        );
    }

    fn rename(
        &self,
        req: &Request,
        parent: INodeNo,
        name: &OsStr,
        to: INodeNo,
        to_name: &OsStr,
        flags: RenameFlags,
        reply: ReplyEmpty,
    ) {
        let (name, to_name) = (name.to_owned(), to_name.to_owned());
        let (flags, owner) = (flags.bits(), (req.uid(), req.gid()));
        let what = Change::Rename { parent: parent.0, name, to: to.0, to_name, flags, owner };
        self.change(what, Answer::Empty(reply));
    }

    fn link(&self, _req: &Request, ino: INodeNo, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        self.change(
            Change::Link { ino: ino.0, parent: parent.0, name: name.to_owned() },
            Answer::Entry(reply),
        );
    }

    fn open(&self, _req: &Request, ino: INodeNo, flags: OpenFlags, reply: ReplyOpen) {
        let write = flags.acc_mode() != OpenAccMode::O_RDONLY;
        if write && self.0.shared.flow.gate() == Gate::Closed {
            return reply.error(Errno::EROFS);
        }
        match self.0.node(ino.0).and_then(|node| self.0.open_handle(&node, ino.0, write)) {
            Ok(handle) => reply.opened(FileHandle(handle), self.open_flags()),
            Err(error) => reply.error(to_errno(&error)),
        }
    }

    fn read(
        &self,
        _req: &Request,
        _ino: INodeNo,
        fh: FileHandle,
        offset: u64,
        size: u32,
        _flags: OpenFlags,
        _lock_owner: Option<LockOwner>,
        reply: ReplyData,
    ) {
        let read = self.0.handle(fh.0).and_then(|file| {
            let mut data = vec![0; size as usize];
            let mut got = 0;
            while got < data.len() {
                match file.read_at(&mut data[got..], offset + got as u64)? {
                    0 => break,
                    more => got += more,
                }
            }
            data.truncate(got);
            Ok(data)
        });
        match read {
            Ok(data) => reply.data(&data),
            Err(error) => reply.error(to_errno(&error)),
        }
    }

    fn write(
        &self,
        req: &Request,
        ino: INodeNo,
        fh: FileHandle,
        offset: u64,
        data: &[u8],
        write_flags: WriteFlags,
        _flags: OpenFlags,
        _lock_owner: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        let kill = write_flags.contains(WriteFlags::FUSE_WRITE_KILL_SUIDGID);
        let by = kill.then_some(Unprivileged { gid: req.gid(), pid: req.pid() });
        let what = Change::Write { ino: ino.0, handle: fh.0, offset, data: data.to_vec(), by };
        self.change(what, Answer::Write(reply));
    }

    fn flush(
        &self,
        _req: &Request,
        _ino: INodeNo,
        _fh: FileHandle,
        _lock_owner: LockOwner,
        reply: ReplyEmpty,
    ) {
        reply.ok();
    }

    fn release(
        &self,
        _req: &Request,
        _ino: INodeNo,
        fh: FileHandle,
        _flags: OpenFlags,
        _lock_owner: Option<LockOwner>,
        _flush: bool,
        reply: ReplyEmpty,
    ) {
        self.0.close_handle(fh.0);
        reply.ok();
    }

    fn fsync(&self, _req: &Request, ino: INodeNo, _fh: FileHandle, datasync: bool, reply: ReplyEmpty) {
        self.change(Change::Sync { ino: ino.0, data_only: datasync }, Answer::Empty(reply));
    }

    fn fsyncdir(&self, _req: &Request, ino: INodeNo, _fh: FileHandle, datasync: bool, reply: ReplyEmpty) {
        self.change(Change::Sync { ino: ino.0, data_only: datasync }, Answer::Empty(reply));
    }

    fn opendir(&self, _req: &Request, ino: INodeNo, _flags: OpenFlags, reply: ReplyOpen) {
        match self.0.node(ino.0).and_then(|node| self.0.open_handle(&node, ino.0, false)) {
            Ok(handle) => reply.opened(FileHandle(handle), FopenFlags::empty()),
            Err(error) => reply.error(to_errno(&error)),
        }
    }

    fn readdir(&self, _req: &Request, ino: INodeNo, fh: FileHandle, offset: u64, mut reply: ReplyDirectory) {
        let entries = match self.0.snapshot(ino.0, fh.0, offset) {
            Ok(entries) => entries,
            Err(error) => return reply.error(to_errno(&error)),
        };
        let dots = [".", ".."].map(|dot| (OsStr::new(dot), ino.0, fuser::FileType::Directory));
        let all =
            dots.into_iter().chain(entries.iter().map(|(name, ino, kind)| (name.as_os_str(), *ino, *kind)));
        for (at, (name, ino, kind)) in all.enumerate().skip(offset as usize) {
            if reply.add(INodeNo(ino), at as u64 + 1, kind, name) {
                break;
            }
        }
        reply.ok();
    }

    fn readdirplus(
        &self,
        _req: &Request,
        ino: INodeNo,
        fh: FileHandle,
        offset: u64,
        mut reply: ReplyDirectoryPlus,
    ) {
        let entries = match self.0.snapshot(ino.0, fh.0, offset) {
            Ok(entries) => entries,
            Err(error) => return reply.error(to_errno(&error)),
        };
        let ttl = self.ttl();
        if let Ok(attr) =
            self.0.node(ino.0).and_then(|node| node.metadata()).map(|meta| self.0.file_attr(&meta))
        {
            for (at, dot) in [".", ".."].into_iter().enumerate().skip(offset as usize) {
                if reply.add(ino, at as u64 + 1, dot, &ttl, &attr, Generation(0)) {
                    return reply.ok();
                }
            }
        }
        for (at, (name, _, _)) in entries.iter().enumerate().skip((offset as usize).saturating_sub(2)) {
            // Gone since the snapshot: left out.
            let Ok(attr) = self.0.look_up(ino.0, name) else { continue };
            if reply.add(attr.ino, at as u64 + 3, name, &ttl, &attr, Generation(0)) {
                self.0.forget(attr.ino.0, 1);
                break;
            }
        }
        reply.ok();
    }

    fn releasedir(
        &self,
        _req: &Request,
        _ino: INodeNo,
        fh: FileHandle,
        _flags: OpenFlags,
        reply: ReplyEmpty,
    ) {
        self.0.snapshots.lock().unwrap_or_else(std::sync::PoisonError::into_inner).remove(&fh.0);
        self.0.close_handle(fh.0);
        reply.ok();
    }

    fn statfs(&self, _req: &Request, _ino: INodeNo, reply: ReplyStatfs) {
        match self.0.space() {
            Ok((space, s)) => reply.statfs(
                space.total / s.f_frsize,
                space.free / s.f_frsize,
                space.available / s.f_frsize,
                space.files,
                space.free_files,
                s.f_bsize as u32,
                s.f_namemax as u32,
                s.f_frsize as u32,
            ),
            Err(error) => reply.error(to_errno(&error)),
        }
    }

    fn setxattr(
        &self,
        req: &Request,
        ino: INodeNo,
        name: &OsStr,
        value: &[u8],
        flags: i32,
        _position: u32,
        reply: ReplyEmpty,
    ) {
        let what = Change::SetXattr {
            ino: ino.0,
            name: name.to_owned(),
            value: value.to_vec(),
            flags: flags as u32,
            by: unprivileged(req),
        };
        self.change(what, Answer::Empty(reply));
    }

    fn getxattr(&self, _req: &Request, ino: INodeNo, name: &OsStr, size: u32, reply: ReplyXattr) {
        data_or_size(reply, size, self.0.node(ino.0).and_then(|node| backing::get_acl_or_xattr(&node, name)));
    }

    fn listxattr(&self, _req: &Request, ino: INodeNo, size: u32, reply: ReplyXattr) {
        data_or_size(reply, size, self.0.node(ino.0).and_then(|node| backing::list_xattr(&node)));
    }

    fn removexattr(&self, _req: &Request, ino: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        self.change(Change::RemoveXattr { ino: ino.0, name: name.to_owned() }, Answer::Empty(reply));
    }

    fn fallocate(
        &self,
        req: &Request,
        ino: INodeNo,
        fh: FileHandle,
        offset: u64,
        length: u64,
        mode: i32,
        reply: ReplyEmpty,
    ) {
        let (mode, by) = (mode as u32, unprivileged(req));
        let what = Change::Allocate { ino: ino.0, handle: fh.0, mode, offset, length, by };
        self.change(what, Answer::Empty(reply));
    }

    fn copy_file_range(
        &self,
        req: &Request,
        ino: INodeNo,
        fh: FileHandle,
        offset: u64,
        to: INodeNo,
        to_fh: FileHandle,
        to_offset: u64,
        length: u64,
        _flags: CopyFileRangeFlags,
        reply: ReplyWrite,
    ) {
        let (from, to) = ((ino.0, fh.0, offset), (to.0, to_fh.0, to_offset));
        let what = Change::CopyRange(CopyRange { from, to, length, by: unprivileged(req) });
        self.change(what, Answer::Write(reply));
    }

    fn lseek(
        &self,
        _req: &Request,
        _ino: INodeNo,
        fh: FileHandle,
        offset: i64,
        whence: i32,
        reply: ReplyLseek,
    ) {
        let from = match whence {
            libc::SEEK_DATA => rustix::fs::SeekFrom::Data(offset as u64),
            libc::SEEK_HOLE => rustix::fs::SeekFrom::Hole(offset as u64),
            _ => return reply.error(Errno::EINVAL),
        };
        match self.0.handle(fh.0).and_then(|file| Ok(rustix::fs::seek(&*file, from)?)) {
            Ok(at) => reply.offset(at as i64),
            Err(error) => reply.error(to_errno(&error)),
        }
    }
}
