//! The lab without root: a user namespace in which the caller is root.

use std::{fs, path::Path};

use nix::{
    mount::{MsFlags, mount},
    sched::{CloneFlags, unshare},
    unistd::{getegid, geteuid},
};

use crate::{Error, Result};

/// Makes this process root of a user namespace of its own, unless it is root already. To be called first in
/// `main`: the kernel refuses it once there are threads.
///
/// What such a root cannot do: real-time scheduling, and on some machines FUSE mounts ([`require_fuse`]).
pub fn become_root_in_userns() -> Result<()> {
    let (user, group) = (geteuid(), getegid());
    if user.is_root() {
        return Ok(());
    }
    unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNS).map_err(|errno| {
        Error::setup(
            format!("cannot create a user namespace ({errno})"),
            "run as root, or allow it: sysctl kernel.unprivileged_userns_clone=1, \
             kernel.apparmor_restrict_unprivileged_userns=0, user.max_user_namespaces > 0",
        )
    })?;
    // A process without privileges may map its own group only after it has given up setgroups.
    for (file, text) in [
        ("setgroups", "deny".into()),
        ("uid_map", format!("0 {user} 1")),
        ("gid_map", format!("0 {group} 1")),
    ] {
        let path = Path::new("/proc/self").join(file);
        fs::write(&path, text).map_err(Error::os(format!("write {}", path.display())))?;
    }
    let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
    mount(None::<&str>, "/", None::<&str>, private, None::<&str>)
        .map_err(Error::os("make mounts private"))?;
    mount(Some("tmpfs"), "/run", Some("tmpfs"), MsFlags::empty(), Some("mode=755"))
        .map_err(Error::os("mount an empty /run"))
}

/// Can replication be mounted here? Opening the device is what some machines deny to others than root.
pub fn require_fuse() -> Result<()> {
    match fs::File::options().read(true).write(true).open("/dev/fuse") {
        Ok(_) => Ok(()),
        Err(error) => Err(Error::setup(
            format!("/dev/fuse cannot be opened ({error}), so nothing can be replicated here"),
            "run as root, or give this user read and write access to /dev/fuse (and `modprobe fuse`)",
        )),
    }
}
