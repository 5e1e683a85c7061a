//! What the kernel asks for. The decoder is total: any bytes are a message or none, and what is not understood is
//! refused.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use nix::errno::Errno;

use super::protocol::{FSYNC_DATA_ONLY, REQUEST_HEAD, WRITE_KILL_SUIDGID, opcode, valid};

/// What has been read from the device.
#[derive(Debug)]
pub(super) enum Message<'a> {
    Request(Request<'a>),
    /// Has no answer.
    Forget(Forgets<'a>),
    /// Is answered with this error.
    Refuse {
        unique: u64,
        errno: Errno,
    },
}

/// Somebody wants something of the file with the number `node`.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    pub(super) unique: u64,
    pub(crate) node: u64,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) pid: u32,
    pub(crate) op: Op<'a>,
}

#[derive(Debug)]
pub(crate) enum Op<'a> {
    LookUp {
        name: &'a OsStr,
    },
    GetAttr,
    SetAttr(SetAttr),
    ReadLink,
    MakeLink {
        name: &'a OsStr,
        target: &'a OsStr,
    },
    MakeNode {
        name: &'a OsStr,
        mode: u32,
        umask: u32,
        device: u32,
    },
    MakeDir {
        name: &'a OsStr,
        mode: u32,
        umask: u32,
    },
    Create {
        name: &'a OsStr,
        flags: u32,
        mode: u32,
        umask: u32,
    },
    /// A file in the directory `node` that has no name, and may get one with `Link`.
    CreateUnnamed {
        mode: u32,
        umask: u32,
    },
    Unlink {
        name: &'a OsStr,
    },
    RemoveDir {
        name: &'a OsStr,
    },
    Rename {
        name: &'a OsStr,
        to: u64,
        to_name: &'a OsStr,
        flags: u32,
    },
    /// Another name, in this directory, for `node`.
    Link {
        node: u64,
        name: &'a OsStr,
    },
    Open {
        flags: u32,
    },
    Read {
        handle: u64,
        offset: u64,
        size: u32,
    },
    Write {
        handle: u64,
        offset: u64,
        data: &'a [u8],
        kill_privilege: bool,
    },
    Flush,
    Release {
        handle: u64,
    },
    Sync {
        data_only: bool,
    },
    Allocate {
        handle: u64,
        offset: u64,
        length: u64,
        mode: u32,
    },
    CopyRange {
        handle: u64,
        offset: u64,
        to: u64,
        to_handle: u64,
        to_offset: u64,
        length: u64,
    },
    Seek {
        handle: u64,
        offset: u64,
        whence: u32,
    },
    OpenDir,
    ReadDir {
        handle: u64,
        offset: u64,
        size: u32,
        /// With the attributes of each entry.
        plus: bool,
    },
    ReleaseDir {
        handle: u64,
    },
    SetXattr {
        name: &'a OsStr,
        value: &'a [u8],
        flags: u32,
    },
    /// `size` 0: how long it is.
    GetXattr {
        name: &'a OsStr,
        size: u32,
    },
    ListXattr {
        size: u32,
    },
    RemoveXattr {
        name: &'a OsStr,
    },
    StatFs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SetAttr {
    pub(crate) mode: Option<u32>,
    pub(crate) uid: Option<u32>,
    pub(crate) gid: Option<u32>,
    pub(crate) size: Option<u64>,
    pub(crate) atime: Option<NewTime>,
    pub(crate) mtime: Option<NewTime>,
    /// Who changes the size may not keep what privilege there is in the file.
    pub(crate) kill_privilege: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NewTime {
    Now,
    /// Seconds and nanoseconds.
    At(i64, u32),
}

/// So many look-ups of each of these nodes are over.
#[derive(Debug)]
pub(super) enum Forgets<'a> {
    One(u64, u64),
    Many(Args<'a>),
}

impl Iterator for Forgets<'_> {
    type Item = (u64, u64);

    fn next(&mut self) -> Option<(u64, u64)> {
        match self {
            Self::One(node, lookups) => {
                let one = (*node, *lookups);
                *self = Self::Many(Args(&[]));
                Some(one)
            }
            Self::Many(args) => Some((args.u64().ok()?, args.u64().ok()?)),
        }
    }
}

/// What is left of the arguments. What ends too early is answered with EIO.
#[derive(Clone, Copy, Debug)]
pub(super) struct Args<'a>(pub(super) &'a [u8]);

impl<'a> Args<'a> {
    fn array<const N: usize>(&mut self) -> Result<[u8; N], Errno> {
        let (head, rest) = self.0.split_first_chunk().ok_or(Errno::EIO)?;
        self.0 = rest;
        Ok(*head)
    }

    pub(super) fn u32(&mut self) -> Result<u32, Errno> {
        self.array().map(u32::from_ne_bytes)
    }

    fn u64(&mut self) -> Result<u64, Errno> {
        self.array().map(u64::from_ne_bytes)
    }

    /// Over what has no meaning here.
    fn skip<const N: usize>(&mut self) -> Result<(), Errno> {
        self.array::<N>().map(|_| ())
    }

    /// Up to the next zero.
    fn name(&mut self) -> Result<&'a OsStr, Errno> {
        let end = self.0.iter().position(|&byte| byte == 0).ok_or(Errno::EIO)?;
        let name = OsStr::from_bytes(&self.0[..end]);
        self.0 = &self.0[end + 1..];
        Ok(name)
    }

    fn bytes(&mut self, count: u32) -> Result<&'a [u8], Errno> {
        let (bytes, rest) = self.0.split_at_checked(count as usize).ok_or(Errno::EIO)?;
        self.0 = rest;
        Ok(bytes)
    }
}

/// What every request begins with.
pub(super) struct Head {
    pub(super) opcode: u32,
    pub(super) unique: u64,
    node: u64,
    uid: u32,
    gid: u32,
    pid: u32,
}

impl Head {
    /// The head, and the arguments behind it.
    pub(super) fn decode(bytes: &[u8]) -> Option<(Self, Args<'_>)> {
        let (head, args) = bytes.split_at_checked(REQUEST_HEAD)?;
        let mut head = Args(head);
        let decoded = (|| {
            head.skip::<4>()?;
            let (opcode, unique, node) = (head.u32()?, head.u64()?, head.u64()?);
            let (uid, gid, pid) = (head.u32()?, head.u32()?, head.u32()?);
            Ok::<_, Errno>(Self { opcode, unique, node, uid, gid, pid })
        })();
        Some((decoded.ok()?, Args(args)))
    }

    fn with(self, op: Result<Op<'_>, Errno>) -> Message<'_> {
        let Self { unique, node, uid, gid, pid, .. } = self;
        match op {
            Ok(op) => Message::Request(Request { unique, node, uid, gid, pid, op }),
            Err(errno) => Message::Refuse { unique, errno },
        }
    }
}

/// The message in `bytes`; `None` if there is not even the head of one.
pub(super) fn decode(bytes: &[u8]) -> Option<Message<'_>> {
    let (head, mut args) = Head::decode(bytes)?;
    match head.opcode {
        opcode::FORGET => Some(Message::Forget(Forgets::One(head.node, args.u64().ok()?))),
        opcode::BATCH_FORGET => Some(Message::Forget(forgets(args).ok()?)),
        opcode => Some(head.with(op(opcode, args))),
    }
}

fn forgets(mut args: Args<'_>) -> Result<Forgets<'_>, Errno> {
    let count = args.u32()?;
    args.skip::<4>()?;
    let length = count.checked_mul(16).ok_or(Errno::EIO)?;
    Ok(Forgets::Many(Args(args.bytes(length)?)))
}

fn op(opcode: u32, args: Args<'_>) -> Result<Op<'_>, Errno> {
    match opcode {
        opcode::SYMLINK..=opcode::RMDIR | opcode::CREATE | opcode::TMPFILE => {
            making_and_removing(opcode, args)
        }
        opcode::RENAME | opcode::RENAME2 | opcode::LINK => naming(opcode, args),
        opcode::SETXATTR..=opcode::REMOVEXATTR => attributes(opcode, args),
        opcode::READ | opcode::WRITE | opcode::FALLOCATE | opcode::LSEEK | opcode::COPY_FILE_RANGE => {
            content(opcode, args)
        }
        _ => others(opcode, args),
    }
}

fn making_and_removing(opcode: u32, mut args: Args<'_>) -> Result<Op<'_>, Errno> {
    Ok(match opcode {
        opcode::SYMLINK => Op::MakeLink { name: args.name()?, target: args.name()? },
        opcode::MKNOD => {
            let (mode, device, umask) = (args.u32()?, args.u32()?, args.u32()?);
            args.skip::<4>()?;
            Op::MakeNode { mode, umask, device, name: args.name()? }
        }
        opcode::MKDIR => Op::MakeDir { mode: args.u32()?, umask: args.u32()?, name: args.name()? },
        opcode::CREATE => {
            let (flags, mode, umask) = (args.u32()?, args.u32()?, args.u32()?);
            args.skip::<4>()?;
            Op::Create { flags, mode, umask, name: args.name()? }
        }
        opcode::TMPFILE => {
            args.skip::<4>()?;
            Op::CreateUnnamed { mode: args.u32()?, umask: args.u32()? }
        }
        opcode::UNLINK => Op::Unlink { name: args.name()? },
        opcode::RMDIR => Op::RemoveDir { name: args.name()? },
        _ => return Err(Errno::ENOSYS),
    })
}

fn naming(opcode: u32, mut args: Args<'_>) -> Result<Op<'_>, Errno> {
    let node = args.u64()?;
    if opcode == opcode::LINK {
        return Ok(Op::Link { node, name: args.name()? });
    }
    let mut flags = 0;
    if opcode == opcode::RENAME2 {
        flags = args.u32()?;
        args.skip::<4>()?;
    }
    Ok(Op::Rename { to: node, flags, name: args.name()?, to_name: args.name()? })
}

fn attributes(opcode: u32, mut args: Args<'_>) -> Result<Op<'_>, Errno> {
    if opcode == opcode::REMOVEXATTR {
        return Ok(Op::RemoveXattr { name: args.name()? });
    }
    let (size, flags) = (args.u32()?, args.u32()?);
    Ok(match opcode {
        opcode::SETXATTR => Op::SetXattr { flags, name: args.name()?, value: args.bytes(size)? },
        opcode::GETXATTR => Op::GetXattr { size, name: args.name()? },
        opcode::LISTXATTR => Op::ListXattr { size },
        _ => return Err(Errno::ENOSYS),
    })
}

fn content(opcode: u32, mut args: Args<'_>) -> Result<Op<'_>, Errno> {
    let (handle, offset) = (args.u64()?, args.u64()?);
    Ok(match opcode {
        opcode::READ => Op::Read { handle, offset, size: args.u32()? },
        opcode::WRITE => {
            let (size, flags) = (args.u32()?, args.u32()?);
            args.skip::<16>()?;
            let kill_privilege = flags & WRITE_KILL_SUIDGID != 0;
            Op::Write { handle, offset, data: args.bytes(size)?, kill_privilege }
        }
        opcode::FALLOCATE => Op::Allocate { handle, offset, length: args.u64()?, mode: args.u32()? },
        opcode::LSEEK => Op::Seek { handle, offset, whence: args.u32()? },
        _ => {
            let (to, to_handle, to_offset, length) = (args.u64()?, args.u64()?, args.u64()?, args.u64()?);
            Op::CopyRange { handle, offset, to, to_handle, to_offset, length }
        }
    })
}

fn others(opcode: u32, mut args: Args<'_>) -> Result<Op<'_>, Errno> {
    Ok(match opcode {
        opcode::LOOKUP => Op::LookUp { name: args.name()? },
        opcode::GETATTR => Op::GetAttr,
        opcode::SETATTR => Op::SetAttr(set_attr(args)?),
        opcode::READLINK => Op::ReadLink,
        opcode::OPEN => Op::Open { flags: args.u32()? },
        opcode::FLUSH => Op::Flush,
        opcode::RELEASE => Op::Release { handle: args.u64()? },
        opcode::FSYNC | opcode::FSYNCDIR => {
            args.skip::<8>()?;
            Op::Sync { data_only: args.u32()? & FSYNC_DATA_ONLY != 0 }
        }
        opcode::OPENDIR => Op::OpenDir,
        opcode::READDIR | opcode::READDIRPLUS => {
            let (handle, offset, size) = (args.u64()?, args.u64()?, args.u32()?);
            Op::ReadDir { handle, offset, size, plus: opcode == opcode::READDIRPLUS }
        }
        opcode::RELEASEDIR => Op::ReleaseDir { handle: args.u64()? },
        opcode::STATFS => Op::StatFs,
        _ => return Err(Errno::ENOSYS),
    })
}

fn set_attr(mut args: Args<'_>) -> Result<SetAttr, Errno> {
    let which = args.u32()?;
    args.skip::<12>()?;
    let size = args.u64()?;
    args.skip::<8>()?;
    let [atime, mtime, _ctime] = [args.u64()?, args.u64()?, args.u64()?];
    let [atime_nanos, mtime_nanos, _ctime_nanos] = [args.u32()?, args.u32()?, args.u32()?];
    let mode = args.u32()?;
    args.skip::<4>()?;
    let (uid, gid) = (args.u32()?, args.u32()?);
    let time = |set, now, seconds: u64, nanos| {
        let new = if which & now == 0 { NewTime::At(seconds as i64, nanos) } else { NewTime::Now };
        (which & set != 0).then_some(new)
    };
    Ok(SetAttr {
        mode: (which & valid::MODE != 0).then_some(mode),
        uid: (which & valid::UID != 0).then_some(uid),
        gid: (which & valid::GID != 0).then_some(gid),
        size: (which & valid::SIZE != 0).then_some(size),
        atime: time(valid::ATIME, valid::ATIME_NOW, atime, atime_nanos),
        mtime: time(valid::MTIME, valid::MTIME_NOW, mtime, mtime_nanos),
        kill_privilege: which & valid::KILL_SUIDGID != 0,
    })
}

#[cfg(test)]
pub(super) mod tests {
    use std::fmt::Write;

    use super::*;
    use crate::fuzz;

    /// A request as it grows.
    pub(in crate::fuse) struct Bytes(Vec<u8>);

    impl Bytes {
        pub(in crate::fuse) fn request(opcode: u32, unique: u64, node: u64) -> Self {
            let (uid, gid, pid, extensions) = (1000, 100, 4711, 0);
            Self(vec![0; 4]).u32(opcode).u64(unique).u64(node).u32(uid).u32(gid).u32(pid).u32(extensions)
        }

        pub(in crate::fuse) fn u32(mut self, value: u32) -> Self {
            self.0.extend(value.to_ne_bytes());
            self
        }

        fn u64(mut self, value: u64) -> Self {
            self.0.extend(value.to_ne_bytes());
            self
        }

        pub(in crate::fuse) fn zeros(mut self, count: usize) -> Self {
            self.0.resize(self.0.len() + count, 0);
            self
        }

        fn bytes(mut self, bytes: &[u8]) -> Self {
            self.0.extend(bytes);
            self
        }

        fn name(self, name: &[u8]) -> Self {
            self.bytes(name).zeros(1)
        }

        pub(in crate::fuse) fn finish(mut self) -> Vec<u8> {
            let length = self.0.len() as u32;
            self.0[..4].copy_from_slice(&length.to_ne_bytes());
            self.0
        }
    }

    fn write(content: &[u8]) -> Vec<u8> {
        let bytes = Bytes::request(opcode::WRITE, 9, 5).u64(7).u64(4096);
        bytes.u32(content.len() as u32).u32(WRITE_KILL_SUIDGID).zeros(16).bytes(content).finish()
    }

    /// One request of each kind, and some that are none.
    fn requests() -> Vec<Vec<u8>> {
        use opcode::*;
        let to = |opcode| Bytes::request(opcode, 8, 5);
        let open = |opcode| to(opcode).u64(7);
        let mut all = vec![
            to(BATCH_FORGET).u32(2).u32(0).u64(6).u64(1).u64(7).u64(2),
            to(BATCH_FORGET).u32(u32::MAX).u32(0).u64(6).u64(1),
            to(COPY_FILE_RANGE).u64(7).u64(0).u64(6).u64(8).u64(4096).u64(100).u64(0),
            to(CREATE).u32(0o301).u32(0o100_644).u32(0o022).u32(0).name(b"file"),
            to(TMPFILE).u32(0o20_200_002).u32(0o100_600).u32(0o022).u32(0).name(b"/"),
            to(FORGET).u64(3),
            to(GETXATTR).u32(64).u32(0).name(b"user.name"),
            to(LINK).u64(6).name(b"name"),
            to(LISTXATTR).u32(64).u32(0),
            to(MKDIR).u32(0o755).u32(0o022).name(b"dir"),
            to(MKNOD).u32(0o010_644).u32(0x103).u32(0o022).u32(0).name(b"fifo"),
            to(RENAME).u64(6).name(b"old").name(b"new"),
            to(RENAME2).u64(6).u32(2).u32(0).name(b"old").name(b"new"),
            to(SETXATTR).u32(5).u32(1).name(b"user.name").bytes(b"val\0e"),
            to(SYMLINK).name(b"name").name(b"to/there"),
            set_attr(0x83f),
            set_attr(0x1b0),
            to(READ).u64(7),
            to(4096).zeros(16),
            open(FALLOCATE).u64(4096).u64(8192).u32(3).u32(0),
        ];
        all.extend([LOOKUP, UNLINK, RMDIR, REMOVEXATTR].map(|opcode| to(opcode).name(b"name")));
        all.extend([GETATTR, READLINK, STATFS].map(|opcode| to(opcode).zeros(16)));
        all.extend([OPEN, RELEASE, RELEASEDIR, OPENDIR, FLUSH].map(|opcode| open(opcode).zeros(16)));
        all.extend([READ, READDIR, READDIRPLUS, LSEEK].map(|opcode| open(opcode).u64(4096).u32(3).zeros(20)));
        all.extend([FSYNC, FSYNCDIR].map(|opcode| open(opcode).u32(FSYNC_DATA_ONLY).zeros(4)));
        all.into_iter().map(Bytes::finish).chain([write(b"content")]).collect()
    }

    fn set_attr(which: u32) -> Bytes {
        let bytes = Bytes::request(opcode::SETATTR, 8, 5).u32(which).u32(0).u64(7).u64(4096).u64(0);
        let bytes = bytes.u64(1).u64(-2_i64 as u64).u64(3).u32(4).u32(5).u32(6);
        bytes.u32(0o100_644).u32(0).u32(1000).u32(100).u32(0)
    }

    #[test]
    fn each_request_is_understood() {
        let mut lines = String::new();
        for bytes in requests() {
            match decode(&bytes) {
                Some(Message::Request(request)) => writeln!(lines, "{:?}", request.op).unwrap(),
                Some(Message::Forget(forgets)) => {
                    writeln!(lines, "{:?}", forgets.collect::<Vec<_>>()).unwrap();
                }
                other => writeln!(lines, "{other:?}").unwrap(),
            }
        }
        insta::assert_snapshot!(lines);
    }

    fuzz::target!(any_bytes_are_a_message_or_none, requests(), |bytes| {
        match decode(bytes) {
            Some(Message::Request(request)) => {
                assert_eq!(request.unique.to_ne_bytes(), bytes[8..16]);
                match request.op {
                    Op::LookUp { name } | Op::Rename { name, .. } => {
                        assert!(!name.as_bytes().contains(&0) && name.len() < bytes.len());
                    }
                    Op::Write { data, .. } => assert!(bytes[REQUEST_HEAD + 40..].starts_with(data)),
                    _ => {}
                }
            }
            Some(Message::Forget(forgets)) => assert!(forgets.count() * 8 <= bytes.len()),
            Some(Message::Refuse { .. }) | None => {}
        }
    });
}
