//! The lab in a program of its own: without root, and killed. That program is an example, which Cargo builds for
//! `cargo test`, but not for `cargo test --test rootless` (then: `cargo build -p safetui-lab --examples` first).

use std::{
    env,
    io::{BufRead, BufReader},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use safetui_lab::{Disks, wait};

const NOBODY: u32 = 65534;

fn example() -> PathBuf {
    env::current_exe().unwrap().ancestors().nth(2).unwrap().join("examples/rootless")
}

#[test]
fn a_user_without_privileges_can_build_a_lab() {
    let disks = Disks::new().unwrap();
    // Where anybody may read it; Cargo's own folder may be closed.
    let program = disks.path().join("rootless");
    // Not by this process: whatever another test starts meanwhile would have it open for writing for a moment, and what
    // is open for writing cannot be run.
    assert!(Command::new("cp").args([&example(), &program]).status().unwrap().success());
    let mut command = Command::new(&program);
    if nix::unistd::geteuid().is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    let output = command.current_dir("/").output().unwrap();
    let (said, complaint) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if complaint.contains("cannot create a user namespace") {
        assert!(complaint.contains("sysctl"), "{complaint}");
        return;
    }
    assert_eq!((&*said, &*complaint), ("disk kept\n", ""));
}

#[test]
fn a_killed_lab_takes_its_processes_along() {
    let mut child = Command::new(example()).arg("stay").stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert_eq!(lines.next().unwrap(), "disk kept");
    let program = Path::new("/proc").join(lines.next().unwrap());
    assert!(program.exists());
    child.kill().unwrap();
    child.wait().unwrap();
    let gone = || if program.exists() { Err("it lives") } else { Ok(()) };
    wait::until("its end", Duration::from_secs(20), Duration::from_millis(10), gone).unwrap();
}
