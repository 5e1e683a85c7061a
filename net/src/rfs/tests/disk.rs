//! File systems in memory, for tests that need one of their own, or one that is quick to synchronise.

use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::mount::{MntFlags, MsFlags, mount, umount2};

/// Unmounted when it is dropped.
pub(super) struct Disk {
    mounts: Vec<PathBuf>,
    _folder: tempfile::TempDir,
}

impl Disk {
    pub(super) fn tmpfs(options: &str) -> Self {
        Self::of_kind("tmpfs", options)
    }

    /// Has no extended attributes.
    pub(super) fn ramfs() -> Self {
        Self::of_kind("ramfs", "")
    }

    fn of_kind(kind: &str, options: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_owned();
        mount(Some(kind), &path, Some(kind), MsFlags::empty(), Some(options)).unwrap();
        Self { mounts: vec![path], _folder: folder }
    }

    /// What most machines have, without the wait for a real disk.
    pub(super) fn ext4(size: &str) -> Self {
        let mut disk = Self::tmpfs("");
        let (image, path) = (disk.path().join("image"), disk.path().join("ext4"));
        std::fs::create_dir(&path).unwrap();
        run("truncate", ["-s".as_ref(), size.as_ref(), image.as_path()]);
        run("mkfs.ext4", ["-q".as_ref(), image.as_path()]);
        run("mount", ["-o".as_ref(), "loop".as_ref(), image.as_path(), path.as_path()]);
        disk.mounts.push(path);
        disk
    }

    /// From this moment nothing gets to an ext4 any more: neither what is in memory nor its journal.
    pub(super) fn lose_power(&self) {
        const SHUTDOWN: libc::c_ulong = 0x8004_587d;
        let without_the_log: u32 = 2;
        let root = std::fs::File::open(self.path()).unwrap();
        // SAFETY: the call reads one number, which lives until it returns.
        #[allow(unsafe_code, reason = "no library has this call")]
        let done = unsafe { libc::ioctl(root.as_raw_fd(), SHUTDOWN, &raw const without_the_log) };
        assert_eq!(done, 0, "{}", std::io::Error::last_os_error());
    }

    /// What is found by whoever switches it on again.
    pub(super) fn mount_again(&self) {
        // Threads of who used it may be just leaving.
        super::eventually("nobody uses it", || umount2(self.path(), MntFlags::empty()).is_ok());
        let image = self.mounts[0].join("image");
        run("mount", ["-o".as_ref(), "loop".as_ref(), image.as_path(), self.path()]);
    }

    pub(super) fn path(&self) -> &Path {
        &self.mounts[self.mounts.len() - 1]
    }

    /// A folder on it.
    pub(super) fn folder(&self, name: &str) -> PathBuf {
        let folder = self.path().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        for path in self.mounts.iter().rev() {
            let unmounted = umount2(path, MntFlags::MNT_DETACH);
            if !std::thread::panicking() {
                unmounted.unwrap();
            }
        }
    }
}

fn run<const N: usize>(program: &str, arguments: [&Path; N]) {
    let status = Command::new(program).args(arguments).status().unwrap_or_else(|e| panic!("{program}: {e}"));
    assert!(status.success(), "{program}: {status}");
}
