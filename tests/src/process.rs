//! The processes of a host, as this machine sees them.

use std::{
    fs,
    path::{Path, PathBuf},
};

use nix::unistd::Pid;

use crate::{Error, Result};

/// A process on a host, with its number as this process sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    pub pid: Pid,
    pub parent: Pid,
    /// Arguments, separated by blanks.
    pub command: String,
}

/// All processes in the PID namespace of `init`, without itself and without those that have ended.
pub(crate) fn below(init: Pid) -> Result<Vec<Process>> {
    let space = |pid: &Path| fs::read_link(pid.join("ns/pid")).ok();
    let ours = space(&PathBuf::from(format!("/proc/{init}")));
    let entries = fs::read_dir("/proc").map_err(Error::os("list /proc"))?;
    let mut found = Vec::new();
    for entry in entries.flatten() {
        let number = entry.file_name().to_string_lossy().parse().map(Pid::from_raw);
        let Ok(pid) = number else { continue };
        if pid != init && ours.is_some() && space(&entry.path()) == ours {
            found.extend(process(pid, &entry.path()));
        }
    }
    Ok(found)
}

fn process(pid: Pid, folder: &Path) -> Option<Process> {
    let stat = fs::read_to_string(folder.join("stat")).ok()?;
    // The second field is the name in parentheses, which may contain anything.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?;
    let parent = Pid::from_raw(fields.next()?.parse().ok()?);
    let raw = fs::read(folder.join("cmdline")).ok()?;
    let words: Vec<_> = raw.split(|byte| *byte == 0).filter(|word| !word.is_empty()).collect();
    let command = words.into_iter().map(String::from_utf8_lossy).collect::<Vec<_>>().join(" ");
    (state != "Z").then_some(Process { pid, parent, command })
}
