use std::fs;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::{ALONE, BOTH, Pair, tree};
use crate::rfs::backing::{self, Attr, Fid};
use crate::rfs::frame::Op;
use crate::rfs::replica::Replica;
use crate::rfs::{Gate, Report};

fn shell(dir: &Path, script: &str) {
    let status = std::process::Command::new("sh").arg("-ec").arg(script).current_dir(dir).status().unwrap();
    assert!(status.success(), "{script}");
}

/// Every kind of file.
fn zoo(dir: &Path) {
    shell(
        dir,
        "mkdir -p d/e/f empty; echo one > d/one; ln d/one d/e/hard; mkfifo pipe; mknod null c 1 3
         ln -s ../nowhere d/link; truncate -s 3M sparse; head -c 700000 /dev/urandom > d/random
         cp d/random d/e/copy; chmod 4755 d/random; chown 12:34 d/one; chmod 2775 d/e; touch -d '2001-02-03 04:05:06.789' d/one
         printf x | dd of=sparse bs=1 seek=1000000 conv=notrunc 2>/dev/null; : > 'a name
with a line'; touch -h -d '2002-02-03' d/link; touch -d '1999-01-01' empty",
    );
    let node = backing::open_node(&fs::File::open(dir).unwrap(), "sparse".as_ref()).unwrap();
    backing::set_xattr(&node, "user.colour".as_ref(), b"blue", 0).unwrap();
}

#[test]
fn a_copy_makes_every_kind_of_file_equal() {
    let pair = Pair::with(|a, b| {
        zoo(&a.dirs[0]);
        // The receiver has things that differ, are of another kind, are linked otherwise, or should not be there.
        shell(
            &b.dirs[0],
            "mkdir -p d/one/x extra/deep; echo other > d/random; echo z > extra/deep/file; echo pipe > pipe
             echo s > d/link; echo 1 > sparse; ln sparse sparse2; mkdir 'empty'; echo x > empty/no",
        );
    });
    pair.start_copy();
    pair.a.hears(|report| *report == Report::Copied { boot: 2 });
    let copy = pair.a.rfs.stats().copy.unwrap();
    assert!(copy.done == copy.total && copy.copied > 700_000, "{copy:?}");
    pair.a.unmount();
    pair.assert_same();
}

#[test]
fn only_pages_that_differ_are_sent() {
    let content = vec![7; 4 << 20];
    let pair = Pair::with(|a, b| {
        fs::write(a.dirs[0].join("f"), &content).unwrap();
        fs::write(b.dirs[0].join("f"), &content).unwrap();
        fs::OpenOptions::new()
            .write(true)
            .open(b.dirs[0].join("f"))
            .unwrap()
            .write_all_at(b"!", 2_000_000)
            .unwrap();
    });
    pair.start_copy();
    pair.a.hears(|report| *report == Report::Copied { boot: 2 });
    assert_eq!(pair.a.rfs.stats().copy.unwrap().copied, 4 << 10);
    assert_eq!(fs::read(pair.b.dir.join("f")).unwrap(), content);
}

#[test]
fn live_operations_of_every_kind_arrive() {
    let pair = Pair::new();
    pair.pair_up();
    zoo(&pair.a.dir);
    shell(
        &pair.a.dir,
        "mv d/e d/moved; mv d/one d/moved/copy; rm d/link; rmdir empty; chmod 600 d/random
         exec 3<> open; echo unlinked >&3; rm open; echo more >&3; exec 3>&-
         fallocate -l 100000 alloc; fallocate -p -o 8192 -l 4096 d/random; truncate -s 5000 d/random
         mv -T d/moved d2; echo appended >> d2/hard; echo over > o1; echo r > o2; mv o1 o2; mkdir -p p/q; mv p/q .; touch -d 2003-03-03 q",
    );
    pair.a.unmount();
    pair.assert_same();
}

/// Writes, renames, links and removes at random until told to stop.
pub(super) fn disturb(dir: &Path, seed: u64, stop: &AtomicBool) {
    let mut state = seed;
    let mut random = move |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    while !stop.load(Ordering::SeqCst) {
        let mut name = || dir.join(format!("d{}", random(6))).join(format!("f{}", random(8)));
        let (one, other) = (name(), name());
        // Whatever is not there gives an error, and that is fine.
        let _ = match random(8) {
            0 => fs::rename(one, other),
            1 => fs::hard_link(one, other),
            2 => fs::remove_file(one),
            3 => fs::rename(
                dir.join(format!("d{}", random(6))),
                dir.join(format!("d{}", random(6))).join("in"),
            ),
            4 => fs::rename(
                dir.join(format!("d{}", random(6))).join("in"),
                dir.join(format!("d{}", random(6))),
            ),
            5 => fs::set_permissions(one, fs::Permissions::from_mode(0o600 + random(64) as u32)),
            6 => fs::create_dir(dir.join(format!("d{}", random(6)))),
            _ => fs::OpenOptions::new().create(true).truncate(false).write(true).open(one).and_then(|file| {
                file.write_all_at(&vec![random(250) as u8; 1 + random(50_000) as usize], random(400_000))?;
                if random(4) == 0 { file.set_len(random(300_000)) } else { Ok(()) }
            }),
        };
    }
}

#[test]
fn a_copy_under_live_writers_ends_identical() {
    for seed in 0..3 {
        let pair = Pair::with(|a, b| {
            for (dir, other) in [(&a.dirs[0], 0_u8), (&b.dirs[0], 1)] {
                for number in 0..6 {
                    fs::create_dir(dir.join(format!("d{number}"))).unwrap();
                    for file in 0..8_u8 {
                        let content = vec![file + other * (number % 2); 300_000 * usize::from(file % 3)];
                        fs::write(dir.join(format!("d{number}/f{file}")), content).unwrap();
                    }
                }
            }
        });
        let stop = Arc::new(AtomicBool::new(false));
        pair.a.rfs.gate(ALONE);
        let writers: Vec<_> = (0..3)
            .map(|writer| {
                let (dir, stop) = (pair.a.dir.clone(), Arc::clone(&stop));
                thread::spawn(move || disturb(&dir, seed * 10 + writer, &stop))
            })
            .collect();
        pair.start_copy();
        pair.a.hears(|report| *report == Report::Copied { boot: 2 });
        pair.a.rfs.gate(BOTH);
        stop.store(true, Ordering::SeqCst);
        for writer in writers {
            writer.join().unwrap();
        }
        pair.a.rfs.drain();
        pair.a.hears(|report| *report == Report::Drained { boot: 2 });
        pair.a.rfs.gate(Gate::Closed);
        pair.a.unmount();
        pair.assert_same();
    }
}

#[test]
fn a_copy_survives_broken_streams() {
    let pair = Pair::with(|a, _| {
        for file in 0..60_u8 {
            fs::write(a.dirs[0].join(format!("f{file}")), vec![file + 1; 400_000]).unwrap();
        }
    });
    pair.start_copy();
    for _ in 0..20 {
        pair.b.rfs.cut();
        thread::sleep(std::time::Duration::from_millis(15));
    }
    pair.a.hears(|report| *report == Report::Copied { boot: 2 });
    pair.a.unmount();
    pair.assert_same();
}

#[test]
fn what_a_copy_replaces_is_kept_aside() {
    let pair = Pair::with(|a, b| {
        shell(&a.dirs[0], "mkdir d; echo new > d/changed; echo same > same; echo f > kind");
        shell(
            &b.dirs[0],
            "mkdir d; echo old > d/changed; echo same > same; mkdir kind extra; echo x > kind/x; echo y > extra/y",
        );
    });
    pair.a.rfs.gate(ALONE);
    pair.a.rfs.source(2, 7, 1);
    pair.b.rfs.receive(2, 1, 7, 1, true);
    pair.a.hears(|report| *report == Report::Copied { boot: 2 });
    let kept = pair.b.aside.join("7");
    let read = |name: &str| fs::read_to_string(kept.join(name)).unwrap();
    assert_eq!([read("d/changed"), read("kind/x"), read("extra/y")], ["old\n", "x\n", "y\n"]);
    assert!(!kept.join("same").exists());
    pair.a.unmount();
    pair.assert_same();
}

#[test]
fn after_a_change_of_roles_nothing_stale_is_read() {
    let pair = Pair::with(|a, _| fs::write(a.dirs[0].join("f"), "first").unwrap());
    pair.pair_up();
    fs::write(pair.a.dir.join("old"), "").unwrap();
    pair.b.rfs.mount().unwrap();
    let seen = |node: &super::Node| {
        let file = node.dir.join("f");
        let length = fs::metadata(&file).unwrap().len();
        (length, fs::read_to_string(&file).unwrap(), node.dir.join("old").exists())
    };
    assert_eq!(seen(&pair.a), (5, "first".into(), true));
    // B becomes the primary.
    pair.a.rfs.gate(Gate::Closed);
    pair.a.rfs.source_stop();
    pair.b.rfs.receive_stop();
    pair.b.rfs.gate(Gate::Alone { generation: 8, term: 2 });
    fs::write(pair.b.dir.join("f"), "second").unwrap();
    fs::remove_file(pair.b.dir.join("old")).unwrap();
    pair.b.rfs.source(3, 8, 2);
    pair.a.rfs.receive(3, 1, 8, 2, false);
    pair.b.hears(|report| *report == Report::Copied { boot: 3 });
    assert_eq!(seen(&pair.a), (6, "second".into(), false));
    assert_eq!(tree(&pair.a.dir).len(), tree(&pair.b.dir).len());
}

#[test]
fn a_file_that_loses_its_known_name_during_the_copy_arrives_under_the_other() {
    let pair = Pair::new();
    fs::write(pair.b.dir.join("known"), "content").unwrap();
    let meta = fs::metadata(pair.b.dir.join("known")).unwrap();
    let (dir, node) = (Fid { tree: 0, ino: backing::ROOT }, Fid { tree: 0, ino: 77 });
    let attr = Attr::of(&meta);
    let entry = |name: &[u8]| Op::Entry {
        dir,
        name: name.to_vec(),
        node,
        fresh: false,
        attr,
        target: Vec::new(),
        xattrs: None,
        dir_mtime: None,
    };
    let mut replica = Replica::new(Arc::clone(&pair.b.rfs.shared), None, false);
    let remove =
        Op::Remove { dir, name: b"known".to_vec(), node, is_dir: false, gone: false, dir_mtime: (1, 0) };
    for op in [entry(b"known"), remove, entry(b"other")] {
        replica.apply(op).unwrap();
    }
    assert_eq!(fs::read_to_string(pair.b.dir.join("other")).unwrap(), "content");
}

#[test]
fn a_file_that_has_no_name_yet_is_copied_too() {
    let pair = Pair::new();
    pair.a.rfs.gate(ALONE);
    let unnamed = fs::OpenOptions::new().write(true).custom_flags(libc::O_TMPFILE).open(&pair.a.dir).unwrap();
    let content: Vec<u8> = (0..300_000_u32).map(|n| (n / 7) as u8).collect();
    unnamed.write_all_at(&content, 5_000).unwrap();
    pair.pair_up();
    assert_eq!(fs::read_dir(&pair.b.dir).unwrap().count(), 0);
    unnamed.write_all_at(b"more", 0).unwrap();
    let open = format!("/proc/self/fd/{}", unnamed.as_raw_fd());
    let follow = rustix::fs::AtFlags::SYMLINK_FOLLOW;
    rustix::fs::linkat(rustix::fs::CWD, open, rustix::fs::CWD, pair.a.dir.join("named"), follow).unwrap();
    drop(unnamed);
    assert_eq!(fs::read(pair.b.dir.join("named")).unwrap()[5_000..], content);
    pair.a.unmount();
    pair.assert_same();
}
