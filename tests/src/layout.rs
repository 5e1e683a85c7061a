//! How the file system of a host is put together from the machine's and its own disk.

use std::{
    collections::BTreeSet,
    ffi::{CStr, CString},
    fs,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use nix::mount::MsFlags;

use crate::{
    Error, Result,
    machine::{Plan, Step},
};

/// The boot of host `name`: the folders `private` come from its disk, `/run` is empty, `/proc` shows its own
/// processes.
///
/// Control groups are hidden: those that a program makes would outlive a power cut.
pub(crate) fn plan(name: &str, disk: &Path, private: &[PathBuf]) -> Result<Plan> {
    let mut steps = vec![Step::Hostname(name.into()), Step::Private];
    let mut shadowed = BTreeSet::new();
    for folder in private {
        let missing = !folder.is_dir();
        if let Some(parent) = folder.parent().filter(|_| missing)
            && shadowed.insert(parent)
        {
            steps.push(shadow(disk, parent, private)?);
        }
        steps.push(bind(&below(disk, folder), folder)?);
    }
    if fs::exists("/sys/fs/cgroup").unwrap_or(false) {
        steps.push(empty(c"/sys/fs/cgroup"));
    }
    steps.extend([empty(c"/run"), Step::Mkdir(c"/run/safetui".into()), proc()]);
    Ok(Plan { steps })
}

/// Lays the names that the host needs in `parent` over what the machine has there, without a change to the
/// machine: a read-only overlay of two folders.
fn shadow(disk: &Path, parent: &Path, private: &[PathBuf]) -> Result<Step> {
    let names = below(&disk.join("names"), parent);
    for folder in private.iter().filter(|folder| folder.parent() == Some(parent)) {
        let path = names.join(folder.file_name().unwrap_or_default());
        fs::create_dir_all(&path).map_err(Error::os(format!("create {}", path.display())))?;
    }
    let layers = format!("lowerdir={}:{}", names.display(), parent.display());
    Ok(Step::Mount {
        source: c"overlay".into(),
        target: c_path(parent)?,
        kind: Some(c"overlay".into()),
        flags: MsFlags::MS_RDONLY,
        data: Some(c_path(Path::new(&layers))?),
    })
}

fn bind(source: &Path, target: &Path) -> Result<Step> {
    let (source, target) = (c_path(source)?, c_path(target)?);
    Ok(Step::Mount { source, target, kind: None, flags: MsFlags::MS_BIND, data: None })
}

fn empty(target: &CStr) -> Step {
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    let (kind, data) = (c"tmpfs".to_owned(), Some(c"mode=755".to_owned()));
    Step::Mount { source: kind.clone(), target: target.into(), kind: Some(kind), flags, data }
}

fn proc() -> Step {
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    let kind = c"proc".to_owned();
    Step::Mount { source: kind.clone(), target: c"/proc".into(), kind: Some(kind), flags, data: None }
}

/// The place of an absolute path below another root.
pub(crate) fn below(root: &Path, absolute: &Path) -> PathBuf {
    root.join(absolute.strip_prefix("/").unwrap_or(absolute))
}

fn c_path(path: &Path) -> Result<CString> {
    CString::new(path.as_os_str().as_bytes())
        .map_err(|_| Error::setup(format!("{} contains a zero byte", path.display()), "choose another name"))
}
