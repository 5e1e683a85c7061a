//! The numbers of `linux/fuse.h` that are used here.

/// The version that is spoken: what is newer is not asked for.
pub(super) const MAJOR: u32 = 7;
pub(super) const MINOR: u32 = 40;
/// Linux 4.20: what is older has other structures.
pub(super) const OLDEST_MINOR: u32 = 28;

/// The longest write that is asked for in one request.
pub(super) const LONGEST_WRITE: usize = 1 << 20;

/// That, with what is said about it.
pub(super) const LONGEST_REQUEST: usize = LONGEST_WRITE + 4096;

/// Before every request, and before every answer.
pub(super) const REQUEST_HEAD: usize = 40;
pub(super) const ANSWER_HEAD: usize = 16;

pub(super) mod opcode {
    pub(in crate::fuse) const LOOKUP: u32 = 1;
    pub(in crate::fuse) const FORGET: u32 = 2;
    pub(in crate::fuse) const GETATTR: u32 = 3;
    pub(in crate::fuse) const SETATTR: u32 = 4;
    pub(in crate::fuse) const READLINK: u32 = 5;
    pub(in crate::fuse) const SYMLINK: u32 = 6;
    pub(in crate::fuse) const MKNOD: u32 = 8;
    pub(in crate::fuse) const MKDIR: u32 = 9;
    pub(in crate::fuse) const UNLINK: u32 = 10;
    pub(in crate::fuse) const RMDIR: u32 = 11;
    pub(in crate::fuse) const RENAME: u32 = 12;
    pub(in crate::fuse) const LINK: u32 = 13;
    pub(in crate::fuse) const OPEN: u32 = 14;
    pub(in crate::fuse) const READ: u32 = 15;
    pub(in crate::fuse) const WRITE: u32 = 16;
    pub(in crate::fuse) const STATFS: u32 = 17;
    pub(in crate::fuse) const RELEASE: u32 = 18;
    pub(in crate::fuse) const FSYNC: u32 = 20;
    pub(in crate::fuse) const SETXATTR: u32 = 21;
    pub(in crate::fuse) const GETXATTR: u32 = 22;
    pub(in crate::fuse) const LISTXATTR: u32 = 23;
    pub(in crate::fuse) const REMOVEXATTR: u32 = 24;
    pub(in crate::fuse) const FLUSH: u32 = 25;
    pub(in crate::fuse) const INIT: u32 = 26;
    pub(in crate::fuse) const OPENDIR: u32 = 27;
    pub(in crate::fuse) const READDIR: u32 = 28;
    pub(in crate::fuse) const RELEASEDIR: u32 = 29;
    pub(in crate::fuse) const FSYNCDIR: u32 = 30;
    pub(in crate::fuse) const CREATE: u32 = 35;
    pub(in crate::fuse) const BATCH_FORGET: u32 = 42;
    pub(in crate::fuse) const FALLOCATE: u32 = 43;
    pub(in crate::fuse) const READDIRPLUS: u32 = 44;
    pub(in crate::fuse) const RENAME2: u32 = 45;
    pub(in crate::fuse) const LSEEK: u32 = 46;
    pub(in crate::fuse) const COPY_FILE_RANGE: u32 = 47;
    pub(in crate::fuse) const TMPFILE: u32 = 51;
}

/// What kernel and file system agree on when a mount begins.
pub(super) mod capability {
    pub(in crate::fuse) const ASYNC_READ: u64 = 1 << 0;
    /// Writes longer than a page.
    pub(in crate::fuse) const BIG_WRITES: u64 = 1 << 5;
    /// The umask comes with the request: an access control list may be in its place.
    pub(in crate::fuse) const DONT_MASK: u64 = 1 << 6;
    pub(in crate::fuse) const DO_READDIRPLUS: u64 = 1 << 13;
    pub(in crate::fuse) const READDIRPLUS_AUTO: u64 = 1 << 14;
    pub(in crate::fuse) const ASYNC_DIO: u64 = 1 << 15;
    pub(in crate::fuse) const PARALLEL_DIROPS: u64 = 1 << 18;
    pub(in crate::fuse) const POSIX_ACL: u64 = 1 << 20;
    pub(in crate::fuse) const MAX_PAGES: u64 = 1 << 22;
    pub(in crate::fuse) const CACHE_SYMLINKS: u64 = 1 << 23;
    /// Set-user-id bits and capabilities are not asked for before each write: the file system takes them away.
    pub(in crate::fuse) const HANDLE_KILLPRIV_V2: u64 = 1 << 28;
    /// There are capabilities from bit 32 on.
    pub(in crate::fuse) const INIT_EXT: u64 = 1 << 30;
}

/// Which attributes are to be set.
pub(super) mod valid {
    pub(in crate::fuse) const MODE: u32 = 1 << 0;
    pub(in crate::fuse) const UID: u32 = 1 << 1;
    pub(in crate::fuse) const GID: u32 = 1 << 2;
    pub(in crate::fuse) const SIZE: u32 = 1 << 3;
    pub(in crate::fuse) const ATIME: u32 = 1 << 4;
    pub(in crate::fuse) const MTIME: u32 = 1 << 5;
    pub(in crate::fuse) const ATIME_NOW: u32 = 1 << 7;
    pub(in crate::fuse) const MTIME_NOW: u32 = 1 << 8;
    pub(in crate::fuse) const KILL_SUIDGID: u32 = 1 << 11;
}

pub(super) const WRITE_KILL_SUIDGID: u32 = 1 << 2;
pub(super) const FSYNC_DATA_ONLY: u32 = 1 << 0;

/// How the kernel treats an open file.
pub(crate) mod open {
    /// Past the page cache.
    pub(crate) const DIRECT_IO: u32 = 1 << 0;
    /// What is in the page cache is still good.
    pub(crate) const KEEP_CACHE: u32 = 1 << 1;
    /// Closing needs no request of its own.
    pub(crate) const NO_FLUSH: u32 = 1 << 5;
}
