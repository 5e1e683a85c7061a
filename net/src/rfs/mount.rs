//! Covering the replicated directories, and uncovering them.

use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::mount::{MntFlags, umount2};

use super::Shared;
use super::backing::{Fid, ROOT};
use super::files::Files;
use super::fuse::Fuse;
use super::settings::RfsError;
use crate::fuse::{self, Session};

const NAME: &str = "safetui";

/// How long the threads of a mount may take to notice that it is gone.
const FAREWELL: Duration = Duration::from_millis(200);

/// One replicated directory: the real one, under the mount.
pub(super) struct Tree {
    pub(super) path: PathBuf,
    pub(super) root: Arc<File>,
    pub(super) device: u64,
    ino: u64,
}

impl Tree {
    /// Opens the directory; a mount that a killed agent left behind is taken away first.
    pub(super) fn open(path: &Path) -> Result<Self, RfsError> {
        let system = |what| move |source| RfsError::System { what, path: path.to_owned(), source };
        while fs::metadata(path).is_err_and(|error| error.raw_os_error() == Some(libc::ENOTCONN)) {
            umount2(path, MntFlags::MNT_DETACH)
                .map_err(|errno| system("cannot take away the stale mount on")(errno.into()))?;
        }
        let flags = rustix::fs::OFlags::PATH | rustix::fs::OFlags::DIRECTORY | rustix::fs::OFlags::CLOEXEC;
        let root = match rustix::fs::open(path, flags, rustix::fs::Mode::empty()) {
            Ok(root) => File::from(root),
            Err(rustix::io::Errno::NOENT) => return Err(RfsError::Missing(path.to_owned())),
            Err(rustix::io::Errno::NOTDIR) => return Err(RfsError::NotADirectory(path.to_owned())),
            Err(error) => return Err(system("cannot open")(error.into())),
        };
        let path = path.canonicalize().map_err(system("cannot resolve"))?;
        if our_mount(&path).is_some() {
            return Err(RfsError::Busy(path));
        }
        let meta = root.metadata().map_err(system("cannot read the attributes of"))?;
        Ok(Self { path, root: Arc::new(root), device: meta.dev(), ino: meta.ino() })
    }

    pub(super) fn fid(&self, tree: u8, meta: &fs::Metadata) -> Fid {
        let ino = if meta.ino() == self.ino { ROOT } else { meta.ino() };
        Fid { tree, ino }
    }
}

/// Changes when another directory, or another file system, is put in the place of one of these.
pub(super) fn identity(trees: &[Tree]) -> u64 {
    let mut hasher = blake3::Hasher::new();
    for tree in trees {
        hasher.update(tree.path.as_os_str().as_bytes());
        hasher.update(&tree.ino.to_le_bytes());
        let born = rustix::fs::statx(
            &*tree.root,
            c"",
            rustix::fs::AtFlags::EMPTY_PATH,
            rustix::fs::StatxFlags::BTIME,
        );
        // A file system that does not know is taken at its word.
        let born = born.map_or((0, 0), |stat| (stat.stx_btime.tv_sec, stat.stx_btime.tv_nsec));
        hasher.update(&born.0.to_le_bytes()).update(&born.1.to_le_bytes());
    }
    let hash = hasher.finalize();
    hash.as_bytes().first_chunk().map_or(0, |head| u64::from_le_bytes(*head))
}

/// The kernel's number of our living mount on `path`, if there is one.
fn our_mount(path: &Path) -> Option<String> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
    let mut ours = mounts.lines().filter_map(|line| {
        let (place, kind) = line.split_once(" - ")?;
        let mut place = place.split(' ');
        let (number, target) = (place.next()?, unescape(place.nth(3)?));
        let is_ours = kind.starts_with("fuse safetui ") && Path::new(&target) == path;
        is_ours.then(|| number.to_owned())
    });
    ours.next_back()
}

/// Blanks and such are written as octal escapes there.
fn unescape(field: &str) -> String {
    field.replace("\\040", " ").replace("\\011", "\t").replace("\\012", "\n").replace("\\134", "\\")
}

/// A directory is covered while this lives.
pub(super) struct Mounted {
    path: PathBuf,
    session: Session,
}

pub(super) fn mount(shared: &Arc<Shared>, tree: u8) -> Result<Mounted, RfsError> {
    let path = shared.trees[usize::from(tree)].path.clone();
    let files = Arc::new(Files::new(Arc::clone(shared), tree));
    let session = fuse::mount(&path, NAME).and_then(|device| {
        // What nobody serves must not stay.
        Session::start(device, Fuse(files)).inspect_err(|_| _ = umount2(&path, MntFlags::MNT_DETACH))
    });
    match session {
        Ok(session) => Ok(Mounted { path, session }),
        Err(source) => Err(RfsError::System { what: "cannot mount on", path, source }),
    }
}

impl Mounted {
    /// Takes the mount away. When it is in use it is detached, and the error says by whom it was used.
    pub(super) fn unmount(self) -> Result<(), RfsError> {
        let done = umount2(&self.path, MntFlags::empty());
        let unused = done.is_ok();
        let busy = match done {
            Err(nix::errno::Errno::EBUSY) => {
                let users = users(&self.path);
                umount2(&self.path, MntFlags::MNT_DETACH).map(|()| Some(users))
            }
            // Somebody has unmounted it by hand.
            Err(nix::errno::Errno::EINVAL) => Ok(None),
            done => done.map(|()| None),
        };
        let Self { path, session } = self;
        // Otherwise it ends by itself with the last user. A mount namespace that was made in the meantime has a copy
        // and is a user too, for as long as it likes.
        if unused {
            wait_for_end(&session);
        }
        match busy {
            Ok(None) => Ok(()),
            Ok(Some(users)) => Err(RfsError::InUse { path, users }),
            Err(errno) => {
                Err(RfsError::System { what: "cannot unmount", path, source: io::Error::from(errno) })
            }
        }
    }
}

/// With the threads go the descriptors of what was under the mount.
fn wait_for_end(session: &Session) {
    let deadline = Instant::now() + FAREWELL;
    while !session.is_over() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_micros(200));
    }
}

/// Names and process numbers of those who have files of our mount open, or a working directory in it.
fn users(path: &Path) -> String {
    let Some(mount) = our_mount(path) else { return "nobody any more".into() };
    let mount = format!("mnt_id:\t{mount}\n");
    let mut users = Vec::new();
    for process in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = process.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        let base = process.path();
        let infos = fs::read_dir(base.join("fdinfo")).into_iter().flatten().flatten();
        let has_file = infos
            .map(|info| info.path())
            .any(|info| fs::read_to_string(info).is_ok_and(|text| text.contains(&mount)));
        let is_inside =
            |link: &str| fs::read_link(base.join(link)).is_ok_and(|target| target.starts_with(path));
        if has_file || is_inside("cwd") || is_inside("root") {
            let name = fs::read_to_string(base.join("comm")).unwrap_or_default();
            users.push(format!("{} ({pid})", name.trim()));
        }
    }
    if users.is_empty() { "a memory mapping or another namespace".into() } else { users.join(", ") }
}
