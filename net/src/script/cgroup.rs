//! A control group (version 2) for what a module's scripts start. No process leaves it by forking, by a
//! session of its own or by changing its environment.

use std::{
    fs::{self, File, OpenOptions},
    path::{Path, PathBuf},
};

#[derive(Debug)]
pub(super) struct Cgroup {
    dir: PathBuf,
}

impl Cgroup {
    /// The group of a module, below the agent's own; `None` where groups cannot be made.
    pub(super) fn of_module(module: &str, identity: &str) -> Option<Self> {
        let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
        let own = fs::read_to_string("/proc/self/cgroup").ok()?;
        let dir = own_directory(&mounts, &own)?.join(format!("safetui-{module}-{identity}"));
        fs::create_dir_all(&dir).ok()?;
        let cgroup = Self { dir };
        cgroup.entrance().map(|_| cgroup)
    }

    /// The file through which a process enters.
    pub(super) fn entrance(&self) -> Option<File> {
        OpenOptions::new().write(true).open(self.dir.join("cgroup.procs")).ok()
    }

    /// Kills all that is in it, all at once where the kernel can (5.14).
    pub(super) fn kill(&self) {
        let _ = fs::write(self.dir.join("cgroup.kill"), "1");
    }

    /// The processes in it and below it.
    pub(super) fn processes(&self) -> Vec<i32> {
        let mut found = Vec::new();
        collect(&self.dir, &mut found);
        found
    }
}

impl Drop for Cgroup {
    /// Goes away only when it is empty; an application that runs on keeps it.
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.dir);
    }
}

fn collect(dir: &Path, found: &mut Vec<i32>) {
    let listed = fs::read_to_string(dir.join("cgroup.procs")).unwrap_or_default();
    found.extend(listed.lines().filter_map(|line| line.parse::<i32>().ok()));
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            collect(&entry.path(), found);
        }
    }
}

/// Where the agent's own group is mounted. The mount may show only a part of the hierarchy.
fn own_directory(mounts: &str, own: &str) -> Option<PathBuf> {
    let path = own.lines().find_map(|line| line.strip_prefix("0::"))?;
    mounts.lines().find_map(|line| {
        let (place, kind) = line.split_once(" - ")?;
        let mut fields = place.split(' ').skip(3);
        let (root, target) = (fields.next()?, fields.next()?);
        let below = Path::new(path).strip_prefix(root).ok()?;
        kind.starts_with("cgroup2 ").then(|| Path::new(target).join(below))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_own_group_is_found_in_whatever_part_is_mounted() {
        let mounts = "24 1 0:22 / /sys rw - sysfs sysfs rw\n\
                      35 24 0:30 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw\n";
        let own = "3:cpu:/x\n0::/system.slice/safetui.service\n";
        let expected = Path::new("/sys/fs/cgroup/system.slice/safetui.service");
        assert_eq!(own_directory(mounts, own).as_deref(), Some(expected));

        let part = "35 24 0:30 /system.slice /mnt/part rw - cgroup2 none rw\n";
        assert_eq!(own_directory(part, own).as_deref(), Some(Path::new("/mnt/part/safetui.service")));
        assert_eq!(own_directory("35 24 0:30 /other /mnt rw - cgroup2 none rw\n", own), None);
        assert_eq!(own_directory(mounts, "3:cpu:/x\n"), None);
    }
}
