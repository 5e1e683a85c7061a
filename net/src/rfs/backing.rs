//! The real directory under the mount: every access starts from a descriptor, never from a path.

use std::ffi::{OsStr, OsString};
use std::fs::{File, Metadata};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Dir, Gid, Mode, OFlags, RenameFlags, Timespec, Timestamps, Uid, XattrFlags};

/// A file of the source: the number of the directory set in the configuration, and its inode there (1: the root).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Fid {
    pub(super) tree: u8,
    pub(super) ino: u64,
}

pub(super) const ROOT: u64 = 1;

/// As a name: that of a new file that has none, and may get one by [`link`].
pub(super) const UNNAMED: &str = "";

/// Seconds and nanoseconds, as the kernel keeps them.
pub(super) type Time = (i64, u32);
/// For `set_times`: what the clock of the file system says.
pub(super) const NOW: Time = (0, rustix::fs::UTIME_NOW as u32);

pub(super) const CAPABILITY: &str = "security.capability";
pub(super) const ACL_ACCESS: &str = "system.posix_acl_access";
const ACL_DEFAULT: &str = "system.posix_acl_default";

/// What `stat` says and a peer can set. `mode` includes the file type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Attr {
    pub(super) mode: u32,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) rdev: u64,
    pub(super) size: u64,
    pub(super) atime: Time,
    pub(super) mtime: Time,
}

impl Attr {
    pub(super) fn of(meta: &Metadata) -> Self {
        Self {
            mode: meta.mode(),
            uid: meta.uid(),
            gid: meta.gid(),
            rdev: meta.rdev(),
            size: meta.size(),
            atime: (meta.atime(), meta.atime_nsec() as u32),
            mtime: (meta.mtime(), meta.mtime_nsec() as u32),
        }
    }

    pub(super) fn kind(&self) -> u32 {
        self.mode & libc::S_IFMT
    }

    pub(super) fn is_dir(&self) -> bool {
        self.kind() == libc::S_IFDIR
    }

    pub(super) fn is_file(&self) -> bool {
        self.kind() == libc::S_IFREG
    }

    pub(super) fn is_symlink(&self) -> bool {
        self.kind() == libc::S_IFLNK
    }
}

/// The modification time of what `file` is.
pub(super) fn mtime(file: &File) -> io::Result<Time> {
    Ok(Attr::of(&file.metadata()?).mtime)
}

/// A descriptor that only names `name` in `dir`; symbolic links are not followed.
pub(super) fn open_node(dir: &File, name: &OsStr) -> io::Result<File> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(rustix::fs::openat(dir, name, flags, Mode::empty())?.into())
}

/// The path that leads to the object behind a descriptor, whatever its name is now.
fn magic(node: &File) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", node.as_raw_fd()))
}

/// A descriptor that can read or write what `node` names.
///
/// Append, direct and synchronous modes never reach the backing file: offsets come from the kernel, buffers
/// are not aligned, and the kernel asks for synchronisation itself.
pub(super) fn reopen(node: &File, write: bool) -> io::Result<File> {
    let access = if write { OFlags::RDWR } else { OFlags::RDONLY };
    let flags = access | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOATIME;
    Ok(rustix::fs::open(magic(node), flags, Mode::empty())?.into())
}

pub(super) fn is_dot(name: &[u8]) -> bool {
    name == b"." || name == b".."
}

/// The names in a directory, with inode and type as the directory has them.
pub(super) fn list(node: &File) -> io::Result<Vec<(OsString, u64, rustix::fs::FileType)>> {
    let mut entries = Vec::new();
    for entry in Dir::new(reopen(node, false)?)? {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if !is_dot(name) {
            entries.push((OsString::from_vec(name.to_vec()), entry.ino(), entry.file_type()));
        }
    }
    Ok(entries)
}

pub(super) fn read_link(node: &File) -> io::Result<Vec<u8>> {
    Ok(rustix::fs::readlinkat(node, c"", Vec::new())?.into_bytes())
}

/// A new entry of `dir`. The descriptor of a file without a name is more than a name: it keeps the file.
pub(super) fn make(dir: &File, name: &OsStr, attr: &Attr, target: &[u8]) -> io::Result<File> {
    // Nobody but root gets in before owner and mode are right.
    let hidden = Mode::from_raw_mode(0o600);
    match attr.kind() {
        libc::S_IFDIR => rustix::fs::mkdirat(dir, name, Mode::from_raw_mode(0o700))?,
        libc::S_IFLNK => rustix::fs::symlinkat(target, dir, name)?,
        libc::S_IFREG if name == UNNAMED => {
            let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
            let node = File::from(rustix::fs::openat(dir, c".", flags, hidden)?);
            return with_attr(node, attr);
        }
        libc::S_IFREG => {
            let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            drop(rustix::fs::openat(dir, name, flags, hidden)?);
        }
        kind => {
            let kind = rustix::fs::FileType::from_raw_mode(kind);
            rustix::fs::mknodat(dir, name, kind, hidden, attr.rdev)?;
        }
    }
    with_attr(open_node(dir, name)?, attr)
}

/// Gives a new file its owner and its mode.
fn with_attr(node: File, attr: &Attr) -> io::Result<File> {
    set_owner(&node, Some(attr.uid), Some(attr.gid))?;
    set_mode(&node, attr.mode)?;
    Ok(node)
}

pub(super) fn remove(dir: &File, name: &OsStr, is_dir: bool) -> io::Result<()> {
    let flags = if is_dir { AtFlags::REMOVEDIR } else { AtFlags::empty() };
    Ok(rustix::fs::unlinkat(dir, name, flags)?)
}

/// Removes `name` with everything below it.
pub(super) fn remove_tree(dir: &File, name: &OsStr) -> io::Result<()> {
    let node = open_node(dir, name)?;
    let is_dir = node.metadata()?.is_dir();
    if is_dir {
        for (child, _, _) in list(&node)? {
            remove_tree(&node, &child)?;
        }
    }
    remove(dir, name, is_dir)
}

pub(super) fn rename(from: &File, name: &OsStr, to: &File, to_name: &OsStr, flags: u32) -> io::Result<()> {
    let flags = RenameFlags::from_bits_retain(flags);
    Ok(rustix::fs::renameat_with(from, name, to, to_name, flags)?)
}

pub(super) fn link(node: &File, dir: &File, name: &OsStr) -> io::Result<()> {
    Ok(rustix::fs::linkat(node, c"", dir, name, AtFlags::EMPTY_PATH)?)
}

pub(super) fn set_owner(node: &File, uid: Option<u32>, gid: Option<u32>) -> io::Result<()> {
    let (uid, gid) = (uid.map(Uid::from_raw), gid.map(Gid::from_raw));
    Ok(rustix::fs::chownat(node, c"", uid, gid, AtFlags::EMPTY_PATH)?)
}

/// Sets the permission bits; symbolic links have none.
pub(super) fn set_mode(node: &File, mode: u32) -> io::Result<()> {
    if mode & libc::S_IFMT == libc::S_IFLNK {
        return Ok(());
    }
    let mode = Mode::from_raw_mode(mode & 0o7777);
    Ok(rustix::fs::chmodat(rustix::fs::CWD, magic(node), mode, AtFlags::empty())?)
}

/// Sets times; `None` leaves one as it is.
pub(super) fn set_times(node: &File, atime: Option<Time>, mtime: Option<Time>) -> io::Result<()> {
    let spec = |time: Option<Time>| match time {
        Some((sec, nsec)) => Timespec { tv_sec: sec, tv_nsec: nsec.into() },
        None => Timespec { tv_sec: 0, tv_nsec: rustix::fs::UTIME_OMIT },
    };
    let times = Timestamps { last_access: spec(atime), last_modification: spec(mtime) };
    Ok(rustix::fs::utimensat(node, c"", &times, AtFlags::EMPTY_PATH)?)
}

pub(super) fn set_size(node: &File, size: u64) -> io::Result<()> {
    Ok(rustix::fs::ftruncate(reopen(node, true)?, size)?)
}

pub(super) fn allocate(file: &File, mode: u32, offset: u64, length: u64) -> io::Result<()> {
    let mode = rustix::fs::FallocateFlags::from_bits_retain(mode);
    Ok(rustix::fs::fallocate(file, mode, offset, length)?)
}

/// Copies within one file system, as much of it as that likes.
pub(super) fn copy_range(from: &File, at: u64, to: &File, to_at: u64, length: usize) -> io::Result<usize> {
    let (mut at, mut to_at) = (at, to_at);
    Ok(rustix::fs::copy_file_range(from, Some(&mut at), to, Some(&mut to_at), length)?)
}

pub(super) fn get_xattr(node: &File, name: &OsStr) -> io::Result<Vec<u8>> {
    let size = rustix::fs::getxattr_query(magic(node), name)?;
    let mut value = vec![0; size];
    let got = rustix::fs::getxattr(magic(node), name, &mut value)?;
    value.truncate(got);
    Ok(value)
}

/// An access control list. The kernel asks for it before it decides, and wants to hear that there is none even from
/// a file system that has no lists at all.
pub(super) fn get_acl_or_xattr(node: &File, name: &OsStr) -> io::Result<Vec<u8>> {
    let is_acl = name == ACL_ACCESS || name == ACL_DEFAULT;
    get_xattr(node, name).map_err(|error| match error.raw_os_error() {
        Some(libc::EOPNOTSUPP) if is_acl => io::Error::from_raw_os_error(libc::ENODATA),
        _ => error,
    })
}

/// What a program may do that others may not. The file system takes it away when the file changes.
pub(super) fn capability(node: &File) -> Option<Vec<u8>> {
    get_xattr(node, CAPABILITY.as_ref()).ok()
}

/// The permission bits that a new file in `dir` is left with, and whether `dir` gives it an access control list:
/// then that decides, and the umask does not.
pub(super) fn inherited(dir: &File, mode: u32, umask: u32) -> io::Result<(u32, bool)> {
    match get_xattr(dir, ACL_DEFAULT.as_ref()) {
        Ok(acl) => Ok((mode & (acl_mode(&acl) | !0o777), true)),
        Err(error) if matches!(error.raw_os_error(), Some(libc::ENODATA | libc::EOPNOTSUPP)) => {
            Ok((mode & !umask, false))
        }
        Err(error) => Err(error),
    }
}

/// What an access control list, as the kernel keeps it, looks like as a mode: where it has a mask, that stands for
/// the group.
fn acl_mode(acl: &[u8]) -> u32 {
    const OWNER: u16 = 0x01;
    const GROUP: u16 = 0x04;
    const MASK: u16 = 0x10;
    const OTHER: u16 = 0x20;
    // A version, then tag, permissions and id of each entry.
    let entries: Vec<(u16, u32)> = acl[acl.len().min(4)..]
        .chunks_exact(8)
        .map(|entry| {
            (u16::from_le_bytes([entry[0], entry[1]]), u16::from_le_bytes([entry[2], entry[3]]).into())
        })
        .collect();
    let of = |wanted| entries.iter().find(|(tag, _)| *tag == wanted).map(|(_, bits)| bits & 7);
    let group = of(MASK).or(of(GROUP)).unwrap_or(0);
    of(OWNER).unwrap_or(0) << 6 | group << 3 | of(OTHER).unwrap_or(0)
}

pub(super) fn list_xattr(node: &File) -> io::Result<Vec<u8>> {
    let size = rustix::fs::listxattr_query(magic(node))?;
    let mut names = vec![0; size];
    let got = rustix::fs::listxattr(magic(node), &mut names)?;
    names.truncate(got);
    Ok(names)
}

pub(super) fn set_xattr(node: &File, name: &OsStr, value: &[u8], flags: u32) -> io::Result<()> {
    let flags = XattrFlags::from_bits_retain(flags);
    Ok(rustix::fs::setxattr(magic(node), name, value, flags)?)
}

pub(super) fn remove_xattr(node: &File, name: &OsStr) -> io::Result<()> {
    Ok(rustix::fs::removexattr(magic(node), name)?)
}

/// All extended attributes, sorted by name. A file system without them has none.
pub(super) fn xattrs(node: &File) -> io::Result<Vec<(Vec<u8>, Vec<u8>)>> {
    let names = match list_xattr(node) {
        Err(error) if error.raw_os_error() == Some(libc::EOPNOTSUPP) => return Ok(Vec::new()),
        names => names?,
    };
    let mut all = Vec::new();
    for name in names.split(|&b| b == 0).filter(|name| !name.is_empty()) {
        all.push((name.to_vec(), get_xattr(node, OsStr::from_bytes(name))?));
    }
    all.sort();
    Ok(all)
}

/// Where the object is now, relative to `root`; `None` when its last known name is gone.
pub(super) fn path_in(root: &File, node: &File) -> Option<PathBuf> {
    let whole = std::fs::read_link(magic(node)).ok()?;
    let base = std::fs::read_link(magic(root)).ok()?;
    whole.strip_prefix(base).ok().map(Path::to_path_buf)
}
