use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::MetadataExt;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::{ALONE, BOTH, Node, Pair, eventually, settings};
use crate::rfs::{Gate, Rfs, RfsError};

#[test]
fn a_closed_gate_refuses_changes_and_allows_reading() {
    let pair = Pair::with(|a, _| fs::write(a.dirs[0].join("old"), "content").unwrap());
    let dir = &pair.a.dir;
    assert_eq!(fs::read(dir.join("old")).unwrap(), b"content");
    for refused in
        [fs::write(dir.join("new"), "x"), fs::write(dir.join("old"), "x"), fs::remove_file(dir.join("old"))]
    {
        assert_eq!(refused.unwrap_err().raw_os_error(), Some(libc::EROFS));
    }
    pair.a.rfs.gate(ALONE);
    fs::write(dir.join("new"), "x").unwrap();
    pair.a.unmount();
    assert_eq!(fs::read(dir.join("new")).unwrap(), b"x");
    assert_eq!(fs::read(dir.join("old")).unwrap(), b"content");
}

#[test]
fn a_held_operation_waits_and_completes_when_alone() {
    let pair = Pair::new();
    pair.a.rfs.gate(Gate::Held);
    let (file, answered) = (pair.a.dir.join("f"), Arc::new(AtomicBool::new(false)));
    let writer = thread::spawn({
        let (file, answered) = (file.clone(), Arc::clone(&answered));
        move || {
            let result = fs::write(file, "held");
            answered.store(true, Ordering::SeqCst);
            result
        }
    });
    eventually("an operation waits", || pair.a.rfs.stats().waiting == 1);
    assert!(!answered.load(Ordering::SeqCst));
    pair.a.rfs.gate(ALONE);
    writer.join().unwrap().unwrap();
    assert_eq!(fs::read(file).unwrap(), b"held");
}

#[test]
fn a_held_operation_fails_when_the_gate_closes() {
    let pair = Pair::new();
    pair.a.rfs.gate(Gate::Held);
    let file = pair.a.dir.join("f");
    let writer = thread::spawn({
        let file = file.clone();
        move || fs::write(file, "held")
    });
    eventually("an operation waits", || pair.a.rfs.stats().waiting == 1);
    pair.a.rfs.gate(Gate::Closed);
    assert_eq!(writer.join().unwrap().unwrap_err().raw_os_error(), Some(libc::EROFS));
    assert!(!file.exists());
}

#[test]
fn without_a_peer_both_waits_and_alone_completes() {
    let pair = Pair::new();
    pair.a.rfs.gate(BOTH);
    let file = pair.a.dir.join("f");
    let writer = thread::spawn({
        let file = file.clone();
        move || fs::File::create(file)
    });
    eventually("an operation waits", || pair.a.rfs.stats().waiting == 1);
    pair.a.rfs.gate(Gate::Held);
    assert_eq!(pair.a.rfs.stats().waiting, 1);
    pair.a.rfs.gate(ALONE);
    writer.join().unwrap().unwrap();
}

#[test]
fn inode_numbers_are_those_of_the_real_directory() {
    let pair = Pair::with(|a, _| fs::write(a.dirs[0].join("old"), "content").unwrap());
    let seen = fs::metadata(pair.a.dir.join("old")).unwrap().ino();
    pair.a.unmount();
    assert_eq!(fs::metadata(pair.a.dir.join("old")).unwrap().ino(), seen);
}

#[test]
fn what_cannot_be_replicated_is_refused_clearly() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = "127.0.0.1:9".parse().unwrap();
    let mut missing = settings(folder.path(), "a", "b", nowhere, nowhere);
    missing.dirs = vec![folder.path().join("missing")];
    assert!(matches!(Rfs::new(missing.clone(), |_| ()).err(), Some(RfsError::Missing(_))));
    fs::write(folder.path().join("file"), "").unwrap();
    missing.dirs = vec![folder.path().join("file")];
    assert!(matches!(Rfs::new(missing.clone(), |_| ()).err(), Some(RfsError::NotADirectory(_))));
    missing.dirs = vec![folder.path().to_owned(), folder.path().join("a")];
    assert!(matches!(Rfs::new(missing, |_| ()).err(), Some(RfsError::Nested(..))));

    let mounted = Node::new(settings(folder.path(), "a", "b", nowhere, nowhere));
    mounted.rfs.mount().unwrap();
    let again = settings(folder.path(), "a", "b", nowhere, nowhere);
    assert!(matches!(Rfs::new(again, |_| ()).err(), Some(RfsError::Busy(_))));
}

#[test]
fn a_busy_mount_is_detached_and_says_who_used_it() {
    let pair = Pair::new();
    pair.a.rfs.gate(ALONE);
    let file = fs::File::create(pair.a.dir.join("f")).unwrap();
    let error = pair.a.rfs.unmount().unwrap_err();
    assert!(
        matches!(&error, RfsError::InUse { users, .. } if users.contains(&std::process::id().to_string())),
        "{error}"
    );
    assert!(pair.a.dir.join("f").exists());
    drop(file);
    pair.a.rfs.mount().unwrap();
    fs::write(pair.a.dir.join("f"), "again").unwrap();
}

#[test]
fn a_copy_of_the_mount_in_another_namespace_keeps_nobody_waiting() {
    let pair = Pair::new();
    let mut elsewhere = Command::new("unshare")
        .args(["-m", "sh", "-c", "echo there; read line"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(elsewhere.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "there\n");
    pair.a.rfs.unmount().unwrap();
    pair.a.rfs.mount().unwrap();
    pair.a.rfs.gate(ALONE);
    drop(elsewhere.stdin.take());
    elsewhere.wait().unwrap();
    // The end of the copy does not take the new mount with it.
    fs::write(pair.a.dir.join("f"), "again").unwrap();
    pair.a.unmount();
    assert_eq!(fs::read(pair.a.dir.join("f")).unwrap(), b"again");
}
