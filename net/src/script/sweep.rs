//! Finding and killing everything that a module's scripts have started, however it was put in the background.

use std::{
    collections::BTreeSet,
    fs, thread,
    time::{Duration, Instant},
};

use super::{
    MARK,
    cgroup::Cgroup,
    running::{kill_process, open_process},
};

/// Pause between two looks, for what was killed to die.
const PAUSE: Duration = Duration::from_millis(5);
/// Looks that must find nothing. A process that forks and ends while we read the list can escape one.
const QUIET_LOOKS: u32 = 2;

/// Kills until nothing is found any more; returns what is still there at the deadline.
pub(super) fn sweep(mark: &str, cgroup: Option<&Cgroup>, deadline: Instant) -> Vec<i32> {
    let mut quiet = 0;
    loop {
        if let Some(cgroup) = cgroup {
            cgroup.kill();
        }
        let found = find(mark, cgroup);
        quiet = if found.is_empty() { quiet + 1 } else { 0 };
        if quiet == QUIET_LOOKS || (!found.is_empty() && Instant::now() >= deadline) {
            return found;
        }
        for pid in &found {
            kill_if_ours(*pid, mark, cgroup);
        }
        if quiet == 0 {
            thread::sleep(PAUSE);
        }
    }
}

/// The processes that carry the mark or are in the group, without this one.
pub(super) fn find(mark: &str, cgroup: Option<&Cgroup>) -> Vec<i32> {
    let all = fs::read_dir("/proc").into_iter().flatten().flatten();
    let marked =
        all.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter(|pid| carries(*pid, mark));
    let grouped = cgroup.into_iter().flat_map(Cgroup::processes);
    let found: BTreeSet<i32> = marked.chain(grouped).collect();
    found.into_iter().filter(|pid| pid.cast_unsigned() != std::process::id()).collect()
}

/// The number may mean another process by now: looked at again once the process is held fast.
fn kill_if_ours(pid: i32, mark: &str, cgroup: Option<&Cgroup>) {
    let Ok(process) = open_process(pid.cast_unsigned()) else { return };
    if carries(pid, mark) || cgroup.is_some_and(|cgroup| cgroup.processes().contains(&pid)) {
        kill_process(&process);
    }
}

/// A process that has ended and was not yet collected has no environment any more: it is dead.
fn carries(pid: i32, mark: &str) -> bool {
    let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    let wanted = format!("{MARK}={mark}");
    environment.split(|byte| *byte == 0).any(|variable| variable == wanted.as_bytes())
}
