//! The folder that holds the disks of one lab.

use std::{
    env, fs,
    fs::File,
    io,
    path::{Path, PathBuf},
    process,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use nix::fcntl::{Flock, FlockArg};

use crate::{Error, Result};

const PREFIX: &str = "safetui-lab-";
/// A folder that is younger may belong to a lab that has not locked it yet.
const OLD: Duration = Duration::from_secs(60);

/// Removed with the last host that uses it; if this process is killed, by the next lab. With
/// `SAFETUI_LAB_KEEP` in the environment it stays for a look at what happened, until another lab starts a minute later or more.
#[derive(Clone)]
pub struct Disks(Arc<Folder>);

struct Folder {
    path: PathBuf,
    /// Says that the folder is in use, for as long as this process lives.
    _lock: Flock<File>,
}

impl Disks {
    pub fn new() -> Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        remove_abandoned(&env::temp_dir());
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = env::temp_dir().join(format!("{PREFIX}{}-{number}", process::id()));
        fs::create_dir(&path).map_err(Error::os(format!("create {}", path.display())))?;
        let lock = lock(&path).map_err(Error::os(format!("lock {}", path.display())))?;
        Ok(Self(Arc::new(Folder { path, _lock: lock })))
    }

    pub fn path(&self) -> &Path {
        &self.0.path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if env::var_os("SAFETUI_LAB_KEEP").is_some() {
            tracing::info!(path = %self.path.display(), "the disks of a lab are kept");
            return;
        }
        if let Err(error) = fs::remove_dir_all(&self.path) {
            tracing::warn!(path = %self.path.display(), %error, "the disks of a lab stay behind");
        }
    }
}

fn lock(path: &Path) -> io::Result<Flock<File>> {
    Flock::lock(File::open(path)?, FlockArg::LockExclusiveNonblock).map_err(|(_, errno)| errno.into())
}

/// Those of labs that were killed. Other users' folders refuse, which is as it should be.
fn remove_abandoned(place: &Path) {
    for entry in fs::read_dir(place).into_iter().flatten().flatten() {
        let old = entry
            .metadata()
            .and_then(|data| data.modified())
            .is_ok_and(|time| time.elapsed().is_ok_and(|age| age > OLD));
        if old && entry.file_name().to_string_lossy().starts_with(PREFIX) && lock(&entry.path()).is_ok() {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_lab_left_is_removed_and_what_is_in_use_is_not() {
        let place = Disks::new().unwrap();
        let folder = |name: &str| {
            let path = place.path().join(format!("{PREFIX}{name}"));
            fs::create_dir(&path).unwrap();
            fs::write(path.join("file"), "text").unwrap();
            path
        };
        let [abandoned, used, young] = ["abandoned", "used", "young"].map(folder);
        let _in_use = lock(&used).unwrap();
        for path in [&abandoned, &used] {
            let hour_ago = std::time::SystemTime::now() - Duration::from_secs(3600);
            File::open(path).unwrap().set_modified(hour_ago).unwrap();
        }
        remove_abandoned(place.path());
        assert_eq!([&abandoned, &used, &young].map(|path| path.exists()), [false, true, true]);
    }
}
