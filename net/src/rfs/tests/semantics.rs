//! What applications see: each scene is played on a bare file system and on a replicated one, and has to end the
//! same there, and on the peer.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::process::Command;
use std::thread;

use nix::unistd::{Gid, Uid, setfsgid, setfsuid};
use rustix::fs::{CWD, FallocateFlags, RenameFlags, XattrFlags};

use super::disk::Disk;
use super::{Pair, tree};
use crate::rfs::backing::{ACL_ACCESS, CAPABILITY};

const ACL_DEFAULT: &str = "system.posix_acl_default";

/// What a scene has seen.
#[derive(Default)]
struct Seen(Vec<String>);

impl Seen {
    /// Keeps how something ended.
    fn end<T>(&mut self, what: &str, end: io::Result<T>) -> Option<T> {
        let text = end.as_ref().map_or_else(|error| format!("{:?}", error.raw_os_error()), |_| "done".into());
        self.0.push(format!("{what}: {text}"));
        end.ok()
    }

    /// Keeps what a file is now.
    fn stat(&mut self, what: &str, path: &Path) {
        let stat = path.symlink_metadata().map(|m| {
            let size = if m.is_dir() { 0 } else { m.size() };
            format!(
                "{:o} {}:{} links {} size {size} rdev {}",
                m.mode(),
                m.uid(),
                m.gid(),
                m.nlink(),
                m.rdev()
            )
        });
        self.0.push(format!("{what}: {:?}", stat.map_err(|error| error.raw_os_error())));
    }

    fn xattr(&mut self, what: &str, path: &Path, name: &str) {
        let mut value = [0; 4096];
        let got = rustix::fs::lgetxattr(path, name, &mut value).map(|length| value[..length].to_vec());
        self.0.push(format!("{what} {name}: {got:?}"));
    }
}

/// Plays `scene` on both, and compares what was seen and what is left.
fn same(scene: impl Fn(&Path, &mut Seen)) {
    let disk = Disk::ext4("64M");
    let pair = Pair::with(|a, b| {
        a.dirs = vec![disk.folder("a")];
        b.dirs = vec![disk.folder("b")];
    });
    pair.pair_up();
    let bare = disk.folder("bare");
    let [expected, got] = [&bare, &pair.a.dir].map(|dir| {
        fs::set_permissions(dir, fs::Permissions::from_mode(0o777)).unwrap();
        let mut seen = Seen::default();
        scene(dir, &mut seen);
        seen.0
    });
    assert!(!expected.is_empty());
    assert_eq!(expected, got, "the bare file system is on the left");
    pair.a.unmount();
    pair.assert_same();
    let timeless = |dir| tree(dir).iter().map(|line| without_time(line)).collect::<Vec<_>>();
    assert_eq!(timeless(&bare), timeless(&pair.a.dir), "the bare file system is on the left");
}

/// A line of a tree without the time in it: that is the one word with a dot and nine digits.
fn without_time(line: &str) -> String {
    let is_time = |word: &&str| word.split_once('.').is_some_and(|(_, nanos)| nanos.len() == 9);
    line.split(' ').filter(|word| !is_time(word)).collect::<Vec<_>>().join(" ")
}

/// Does it as somebody without privilege, who is in one group.
fn as_user<T: Send>(id: u32, act: impl FnOnce() -> T + Send) -> T {
    // Who a thread is to file systems is its own affair; root's other groups it keeps.
    let act = || {
        setfsgid(Gid::from_raw(id));
        setfsuid(Uid::from_raw(id));
        act()
    };
    thread::scope(|scope| scope.spawn(act).join().unwrap())
}

fn shell(dir: &Path, script: &str) -> io::Result<()> {
    let status = Command::new("sh").arg("-ec").arg(script).current_dir(dir).status()?;
    if status.success() { Ok(()) } else { Err(io::Error::from_raw_os_error(status.code().unwrap_or(-1))) }
}

fn set_xattr(path: &Path, name: &str, value: &[u8]) -> io::Result<()> {
    Ok(rustix::fs::setxattr(path, name, value, XattrFlags::empty())?)
}

/// An access control list as the kernel keeps it: version 2, then tag, permissions and id of each entry.
fn acl(entries: &[(u16, u16, u32)]) -> Vec<u8> {
    let mut list = 2_u32.to_le_bytes().to_vec();
    for (tag, permissions, id) in entries {
        list.extend(tag.to_le_bytes());
        list.extend(permissions.to_le_bytes());
        list.extend(id.to_le_bytes());
    }
    list
}

/// Owner rwx, user 1 rw, the group r, mask rwx, nobody else.
fn shared_with_one() -> Vec<u8> {
    let nobody = u32::MAX;
    acl(&[(0x01, 7, nobody), (0x02, 6, 1), (0x04, 4, nobody), (0x10, 7, nobody), (0x20, 0, nobody)])
}

/// A capability set as the kernel keeps it: version 2, effective, CAP_NET_RAW.
fn capability() -> Vec<u8> {
    [0x0200_0001_u32, 1 << 13, 0, 0, 0].iter().flat_map(|word| word.to_le_bytes()).collect()
}

#[test]
fn access_control_lists_decide_and_are_inherited() {
    same(|dir, seen| {
        let file = dir.join("file");
        fs::write(&file, "secret").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        seen.end("not yet", as_user(1, || fs::read(&file)));
        seen.end("list", set_xattr(&file, ACL_ACCESS, &shared_with_one()));
        seen.stat("with a list", &file);
        seen.end("user 1 writes", as_user(1, || fs::write(&file, "changed")));
        seen.end("user 2 reads", as_user(2, || fs::read(&file)));
        fs::set_permissions(&file, fs::Permissions::from_mode(0o740)).unwrap();
        seen.xattr("after chmod", &file, ACL_ACCESS);
        seen.end("user 1 writes", as_user(1, || fs::write(&file, "again")));
        seen.end("removed", rustix::fs::removexattr(&file, ACL_ACCESS).map_err(Into::into));
        seen.stat("without a list", &file);

        let folder = dir.join("folder");
        fs::create_dir(&folder).unwrap();
        seen.end("default", set_xattr(&folder, ACL_DEFAULT, &shared_with_one()));
        seen.end(
            "children",
            shell(&folder, "umask 077; mkdir d; : > f; mkfifo p; ln -s x l; umask 0; : > g; mkdir d/e"),
        );
        for name in ["d", "f", "p", "l", "g", "d/e"] {
            let child = folder.join(name);
            seen.stat(name, &child);
            seen.xattr(name, &child, ACL_ACCESS);
            seen.xattr(name, &child, ACL_DEFAULT);
        }
        let minimal = acl(&[(0x01, 7, u32::MAX), (0x04, 5, u32::MAX), (0x20, 1, u32::MAX)]);
        seen.end("another default", set_xattr(&folder, ACL_DEFAULT, &minimal));
        seen.end("more children", shell(&folder, "umask 077; mkdir h; : > i"));
        seen.stat("h", &folder.join("h"));
        seen.stat("i", &folder.join("i"));
        seen.end("umask", shell(dir, "umask 027; mkdir u; : > v; mkfifo w"));
        for name in ["u", "v", "w"] {
            seen.stat(name, &dir.join(name));
        }
    });
}

#[test]
fn a_list_from_somebody_outside_the_group_takes_the_group_bit() {
    same(|dir, seen| {
        for (name, group) in [("outside", 6), ("inside", 5)] {
            let file = dir.join(name);
            fs::write(&file, "").unwrap();
            std::os::unix::fs::chown(&file, Some(5), Some(group)).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o2755)).unwrap();
            seen.end(name, as_user(5, || set_xattr(&file, ACL_ACCESS, &shared_with_one())));
            seen.stat(name, &file);
        }
    });
}

#[test]
fn a_file_system_without_lists_decides_by_mode() {
    let disk = Disk::ramfs();
    let pair = Pair::with(|a, _| a.dirs = vec![disk.folder("a")]);
    pair.pair_up();
    let file = pair.a.dir.join("file");
    fs::write(&file, "for the group").unwrap();
    std::os::unix::fs::chown(&file, Some(1), Some(5)).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    assert_eq!(as_user(5, || fs::read_to_string(&file)).unwrap(), "for the group");
    assert_eq!(as_user(6, || fs::read(&file)).unwrap_err().raw_os_error(), Some(libc::EACCES));
    let error = set_xattr(&file, ACL_ACCESS, &shared_with_one()).unwrap_err();
    assert_eq!(error.raw_os_error(), Some(libc::EOPNOTSUPP));
}

#[test]
fn every_kind_of_renaming() {
    same(|dir, seen| {
        let at = |name: &str| dir.join(name);
        fs::create_dir(at("d")).unwrap();
        fs::create_dir(at("group")).unwrap();
        std::os::unix::fs::chown(at("group"), None, Some(9)).unwrap();
        fs::set_permissions(at("group"), fs::Permissions::from_mode(0o2777)).unwrap();
        for name in ["a", "b", "c", "d/e", "f", "g", "h", "group/i"] {
            fs::write(at(name), name).unwrap();
        }
        let mut rename = |from: &str, to: &str, flags| {
            let end = rustix::fs::renameat_with(CWD, at(from), CWD, at(to), flags);
            seen.end(&format!("{from} to {to} {flags:?}"), end.map_err(Into::into));
            seen.stat(from, &at(from));
            seen.stat(to, &at(to));
        };
        rename("a", "b", RenameFlags::NOREPLACE);
        rename("a", "new", RenameFlags::NOREPLACE);
        rename("b", "d", RenameFlags::EXCHANGE);
        rename("c", "missing", RenameFlags::EXCHANGE);
        rename("c", "white", RenameFlags::WHITEOUT);
        rename("f", "g", RenameFlags::WHITEOUT);
        rename("h", "b/e", RenameFlags::WHITEOUT | RenameFlags::NOREPLACE);
        rename("h", "b/h", RenameFlags::WHITEOUT | RenameFlags::EXCHANGE);
        as_user(5, || rename("group/i", "group/j", RenameFlags::WHITEOUT));
        // What a whiteout is, and that it can be spoken of afterwards.
        seen.end("touch", fs::set_permissions(at("c"), fs::Permissions::from_mode(0o644)));
        seen.end("remove", fs::remove_file(at("f")));
    });
}

#[test]
fn every_kind_of_allocation() {
    same(|dir, seen| {
        let keep = FallocateFlags::KEEP_SIZE;
        let modes = [
            FallocateFlags::empty(),
            keep,
            keep | FallocateFlags::PUNCH_HOLE,
            FallocateFlags::PUNCH_HOLE,
            FallocateFlags::ZERO_RANGE,
            keep | FallocateFlags::ZERO_RANGE,
        ];
        for (number, mode) in modes.into_iter().enumerate() {
            let path = dir.join(format!("f{number}"));
            fs::write(&path, vec![7; 50_000]).unwrap();
            let file = OpenOptions::new().write(true).open(&path).unwrap();
            for (offset, length) in [(4096, 8192), (10_001, 777), (40_000, 30_000), (1 << 20, 4096), (0, 0)] {
                let end = rustix::fs::fallocate(&file, mode, offset, length);
                seen.end(&format!("{mode:?} {offset} {length}"), end.map_err(Into::into));
                seen.stat("", &path);
            }
            let content = fs::read(&path).unwrap();
            seen.0.push(format!("{:?}", blake3::hash(&content)));
        }
        let sparse = File::create(dir.join("sparse")).unwrap();
        sparse.set_len(1 << 20).unwrap();
        sparse.write_all_at(b"data", 300_000).unwrap();
        for from in [0, 299_000, 310_000] {
            let data = rustix::fs::seek(&sparse, rustix::fs::SeekFrom::Data(from));
            let hole = rustix::fs::seek(&sparse, rustix::fs::SeekFrom::Hole(from));
            seen.0.push(format!("{from} {data:?} {hole:?}"));
        }
        seen.0.push(format!("{}", fs::metadata(dir.join("sparse")).unwrap().blocks() < 100));
    });
}

#[test]
fn a_file_without_a_name_may_get_one() {
    same(|dir, seen| {
        let unnamed = |dir: &Path, flags| {
            let mut options = OpenOptions::new();
            options.read(true).write(true).mode(0o666).custom_flags(libc::O_TMPFILE | flags).open(dir)
        };
        let file = unnamed(dir, 0).unwrap();
        seen.end("written", file.write_all_at(b"content", 0));
        let meta = file.metadata().unwrap();
        seen.0.push(format!("{:o} {} links, {} bytes", meta.mode(), meta.nlink(), meta.size()));
        seen.end("named", name(&file, &dir.join("named")));
        seen.end("written", file.write_all_at(b" and more", 7));
        seen.end("named again", name(&file, &dir.join("twice")));
        seen.stat("named", &dir.join("named"));
        seen.end("removed", fs::remove_file(dir.join("twice")));
        seen.end("exclusive", name(&unnamed(dir, libc::O_EXCL).unwrap(), &dir.join("never")));
        seen.end("given up", unnamed(dir, 0).and_then(|file| file.write_all_at(b"lost", 0)));

        let heir = dir.join("heir");
        fs::create_dir(&heir).unwrap();
        std::os::unix::fs::chown(&heir, Some(1), Some(2)).unwrap();
        fs::set_permissions(&heir, fs::Permissions::from_mode(0o2777)).unwrap();
        seen.end("default list", set_xattr(&heir, ACL_DEFAULT, &shared_with_one()));
        let file = as_user(3, || unnamed(&heir, 0)).unwrap();
        seen.end("inherits", name(&file, &heir.join("named")));
        seen.stat("inherits", &heir.join("named"));
        seen.xattr("inherits", &heir.join("named"), ACL_ACCESS);
        seen.end("not in a file", as_user(3, || unnamed(&dir.join("named"), 0)));
    });
}

/// Gives an open file a name.
fn name(file: &File, path: &Path) -> io::Result<()> {
    use std::os::fd::AsRawFd;
    let open = format!("/proc/self/fd/{}", file.as_raw_fd());
    Ok(rustix::fs::linkat(CWD, open, CWD, path, rustix::fs::AtFlags::SYMLINK_FOLLOW)?)
}

/// The kernel does not pass these on to a FUSE file system: they fail as on a file system that lacks them.
#[test]
fn what_fuse_cannot_do_is_refused_and_changes_nothing() {
    let pair = Pair::new();
    pair.pair_up();
    let path = pair.a.dir.join("f");
    fs::write(&path, vec![7; 50_000]).unwrap();
    let file = OpenOptions::new().write(true).open(&path).unwrap();
    for mode in [FallocateFlags::COLLAPSE_RANGE, FallocateFlags::INSERT_RANGE, FallocateFlags::UNSHARE_RANGE]
    {
        assert_eq!(rustix::fs::fallocate(&file, mode, 4096, 4096), Err(rustix::io::Errno::OPNOTSUPP));
    }
    // The flags of a file would be this node's alone.
    assert!(shell(&pair.a.dir, "chattr +i f 2>/dev/null").is_err());
    assert_eq!(fs::read(&path).unwrap(), vec![7; 50_000]);
    drop(file);
    pair.a.unmount();
    pair.assert_same();
}

#[test]
fn ranges_are_copied_and_do_not_travel() {
    same(|dir, seen| {
        let content: Vec<u8> = (0..3_000_000_u32).map(|n| (n / 7) as u8).collect();
        fs::write(dir.join("from"), &content).unwrap();
        fs::write(dir.join("to"), "short").unwrap();
        let from = OpenOptions::new().read(true).write(true).open(dir.join("from")).unwrap();
        let to = OpenOptions::new().read(true).write(true).open(dir.join("to")).unwrap();
        let mut copy = |from: &File, at: u64, to: &File, to_at: u64, length: u64| {
            let (mut in_at, mut out_at) = (at, to_at);
            while in_at < at + length {
                let left = (at + length - in_at) as usize;
                match rustix::fs::copy_file_range(from, Some(&mut in_at), to, Some(&mut out_at), left) {
                    Ok(0) => break,
                    Ok(_) => {}
                    Err(error) => return seen.0.push(format!("{error:?}")),
                }
            }
            seen.0.push(format!("{at} {to_at} {length}: {in_at} {out_at}"));
        };
        copy(&from, 0, &to, 0, 2_000_001);
        copy(&from, 2_999_000, &to, 5_000_000, 5_000);
        copy(&from, 9_000_000, &to, 0, 10);
        copy(&from, 0, &from, 2_500_000, 400_000);
        copy(&from, 0, &from, 100, 4_000);
        let read_only = File::open(dir.join("to")).unwrap();
        copy(&from, 0, &read_only, 0, 10);
        // It has a name no more, and is still there.
        fs::remove_file(dir.join("from")).unwrap();
        let mut again = vec![0; 1000];
        copy(&from, 0, &to, 7_000_000, 1000);
        seen.stat("to", &dir.join("to"));
        to.read_exact_at(&mut again, 7_000_000).unwrap();
        seen.0.push(format!("{}", again == content[..1000]));
    });
    let pair = Pair::new();
    pair.pair_up();
    fs::write(pair.a.dir.join("from"), vec![1; 8 << 20]).unwrap();
    let (from, to) = (File::open(pair.a.dir.join("from")), File::create(pair.a.dir.join("to")));
    let (from, to) = (from.unwrap(), to.unwrap());
    pair.a.rfs.stats();
    let before = pair.a.rfs.shared.bytes.load(std::sync::atomic::Ordering::Relaxed);
    let copied = rustix::fs::copy_file_range(&from, None, &to, None, 8 << 20).unwrap();
    let sent = pair.a.rfs.shared.bytes.load(std::sync::atomic::Ordering::Relaxed) - before;
    assert!(copied == 8 << 20 && sent < 10_000, "{copied} copied, {sent} sent");
    assert_eq!(fs::read(pair.b.dir.join("to")).unwrap(), vec![1; 8 << 20]);
}

type Act = fn(&File) -> io::Result<()>;

#[test]
fn who_changes_a_file_without_privilege_leaves_none_in_it() {
    same(|dir, seen| {
        let prepare = |name: &str, mode| {
            let path = dir.join(name);
            fs::write(&path, vec![1; 10_000]).unwrap();
            std::os::unix::fs::chown(&path, Some(5), Some(5)).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            path
        };
        let open = |path: &Path| OpenOptions::new().read(true).write(true).open(path).unwrap();
        let acts: [(&str, Act); 8] = [
            ("write", |file| file.write_all_at(b"x", 3)),
            ("append", |mut file| file.write_all(b"x")),
            ("truncate", |file| file.set_len(5)),
            ("same size", |file| file.set_len(10_000)),
            ("punch", |file| {
                let mode = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
                Ok(rustix::fs::fallocate(file, mode, 0, 4096)?)
            }),
            ("allocate", |file| Ok(rustix::fs::fallocate(file, FallocateFlags::empty(), 0, 20_000)?)),
            ("copy", |file| {
                rustix::fs::copy_file_range(file, Some(&mut 0), file, Some(&mut 5000), 100)?;
                Ok(())
            }),
            ("read", |mut file| file.read_exact(&mut [0; 10])),
        ];
        for (name, act) in acts {
            for mode in [0o6777, 0o6767, 0o2707] {
                let path = prepare(&format!("{name}-{mode:o}"), mode);
                seen.end(name, as_user(7, || act(&open(&path))));
                seen.stat(name, &path);
                let path = prepare(&format!("root-{name}-{mode:o}"), mode);
                set_xattr(&path, CAPABILITY, &capability()).unwrap();
                seen.end(name, act(&open(&path)));
                seen.stat(name, &path);
                seen.xattr(name, &path, CAPABILITY);
            }
        }
        let owned = prepare("owned", 0o6755);
        set_xattr(&owned, CAPABILITY, &capability()).unwrap();
        seen.end("the same owner", std::os::unix::fs::chown(&owned, Some(5), Some(5)));
        seen.stat("the same owner", &owned);
        seen.xattr("the same owner", &owned, CAPABILITY);
        let given = prepare("given", 0o6755);
        set_xattr(&given, CAPABILITY, &capability()).unwrap();
        seen.end("another owner", std::os::unix::fs::chown(&given, Some(6), None));
        seen.stat("another owner", &given);
        seen.xattr("another owner", &given, CAPABILITY);
    });
}

#[test]
fn a_copy_keeps_lists_and_capabilities() {
    let pair = Pair::with(|a, b| {
        for (dir, byte, owner) in [(&a.dirs[0], 1, 0), (&b.dirs[0], 2, 3)] {
            fs::write(dir.join("program"), vec![byte; 300_000]).unwrap();
            fs::write(dir.join("same"), vec![9; 300_000]).unwrap();
            std::os::unix::fs::chown(dir.join("same"), Some(owner), None).unwrap();
        }
        let dir = &a.dirs[0];
        for name in ["program", "same"] {
            set_xattr(&dir.join(name), CAPABILITY, &capability()).unwrap();
        }
        fs::create_dir(dir.join("d")).unwrap();
        fs::write(dir.join("d/before"), "").unwrap();
        set_xattr(&dir.join("d"), ACL_DEFAULT, &shared_with_one()).unwrap();
        fs::write(dir.join("d/after"), "").unwrap();
        set_xattr(&dir.join("program"), ACL_ACCESS, &shared_with_one()).unwrap();
    });
    pair.start_copy();
    pair.a.hears(|report| *report == crate::rfs::Report::Copied { boot: 2 });
    pair.a.unmount();
    pair.assert_same();
    let mut seen = Seen::default();
    seen.xattr("", &pair.b.dir.join("program"), CAPABILITY);
    assert!(seen.0[0].contains("Ok"), "{:?}", seen.0);
}

#[test]
fn times_have_nanoseconds_and_go_forward() {
    use rustix::fs::{AtFlags, Timespec, Timestamps, UTIME_NOW, UTIME_OMIT};
    let at = |tv_sec, tv_nsec| Timespec { tv_sec, tv_nsec };
    same(|dir, seen| {
        let path = dir.join("f");
        fs::write(&path, "x").unwrap();
        let cases = [
            (at(1, 123_456_789), at(1_000_000_000, 999_999_999)),
            (at(-1, 1), at(-2_000_000_000, 999_999_999)),
            (at(5_000_000_000, 7), at(10_000_000_000, 7)),
            (at(0, UTIME_OMIT), at(3, 3)),
            (at(4, 4), at(0, UTIME_OMIT)),
        ];
        for (last_access, last_modification) in cases {
            let times = Timestamps { last_access, last_modification };
            seen.end("set", rustix::fs::utimensat(CWD, &path, &times, AtFlags::empty()).map_err(Into::into));
            let meta = fs::metadata(&path).unwrap();
            let (a, m) = ((meta.atime(), meta.atime_nsec()), (meta.mtime(), meta.mtime_nsec()));
            seen.0.push(format!("{a:?} {m:?}"));
        }
        let now = at(0, UTIME_NOW);
        let mtime = || fs::metadata(&path).map(|m| (m.mtime(), m.mtime_nsec())).unwrap();
        let mut last = (0, 0);
        for round in 0..20 {
            let times = Timestamps { last_access: now, last_modification: now };
            rustix::fs::utimensat(CWD, &path, &times, AtFlags::empty()).unwrap();
            let touched = mtime();
            fs::write(&path, round.to_string()).unwrap();
            assert!(last <= touched && touched <= mtime(), "{last:?} {touched:?} {:?}", mtime());
            last = mtime();
        }
    });
}

#[test]
fn appending_direct_and_synchronous_writes() {
    same(|dir, seen| {
        let path = dir.join("log");
        thread::scope(|scope| {
            for writer in 0..4_u8 {
                let mut file = OpenOptions::new().append(true).create(true).open(&path).unwrap();
                scope.spawn(move || (0..50).for_each(|_| file.write_all(&[b'a' + writer; 99]).unwrap()));
            }
        });
        // No record is torn or lost; their order is free.
        let mut records: Vec<Vec<u8>> = fs::read(&path).unwrap().chunks(99).map(<[u8]>::to_vec).collect();
        records.sort();
        seen.0.push(format!("{:?}", blake3::hash(&records.concat())));
        fs::write(&path, records.concat()).unwrap();
        for flags in [libc::O_DIRECT, libc::O_SYNC, libc::O_DSYNC, libc::O_DIRECT | libc::O_APPEND] {
            let path = dir.join(format!("{flags:o}"));
            let mut options = OpenOptions::new();
            let file =
                options.create(true).truncate(false).read(true).write(true).custom_flags(flags).open(&path);
            let mut file = file.unwrap();
            // Aligned, as the hardware may want it.
            let block = Aligned([flags as u8; 4096]);
            seen.end("write", file.write_all(&block.0));
            seen.end("append", file.write_all(&block.0));
            let mut back = Aligned([0; 4096]);
            seen.end("read", file.read_exact_at(&mut back.0, 4096));
            seen.0.push(format!("{}", back.0 == block.0));
            seen.stat("", &path);
            seen.0.push(format!("{:?}", blake3::hash(&fs::read(&path).unwrap())));
        }
    });
}

#[repr(align(4096))]
struct Aligned([u8; 4096]);

#[test]
fn files_without_a_name_live_until_they_are_closed() {
    same(|dir, seen| {
        let path = dir.join("f");
        fs::write(&path, "before").unwrap();
        let file = OpenOptions::new().read(true).write(true).open(&path).unwrap();
        fs::remove_file(&path).unwrap();
        seen.stat("gone", &path);
        fs::write(&path, "another").unwrap();
        seen.end("write", file.write_all_at(b"unnamed", 3));
        seen.end("size", file.set_len(8));
        seen.end("mode", file.set_permissions(fs::Permissions::from_mode(0o640)));
        seen.end("owner", std::os::unix::fs::fchown(&file, Some(3), Some(4)));
        seen.end("sync", file.sync_all());
        let mut back = String::new();
        seen.end("read", (&file).read_to_string(&mut back));
        seen.0.push(back);
        let meta = file.metadata().unwrap();
        seen.0.push(format!("{:o} {} {} {}", meta.mode(), meta.uid(), meta.size(), meta.nlink()));
        // Replaced while open.
        let replaced = File::open(&path).unwrap();
        fs::write(dir.join("new"), "newest").unwrap();
        fs::rename(dir.join("new"), &path).unwrap();
        let mut back = String::new();
        (&replaced).read_to_string(&mut back).unwrap();
        seen.0.push(back);
        // Many come and go: their numbers are used again.
        for round in 0..200 {
            let name = dir.join(format!("r{}", round % 6));
            let open = File::create(&name).unwrap();
            open.write_all_at(format!("{round}").as_bytes(), 0).unwrap();
            if round % 3 > 0 {
                fs::remove_file(&name).unwrap();
            }
            open.write_all_at(b"late", 2).unwrap();
        }
    });
}

#[test]
fn a_shared_mapping_is_on_both_nodes_once_it_is_synchronised() {
    let pair = Pair::new();
    pair.pair_up();
    let path = pair.a.dir.join("f");
    fs::write(&path, vec![0; 20_000]).unwrap();
    let file = OpenOptions::new().read(true).write(true).open(&path).unwrap();
    store_in_mapping(&file, 20_000, 5000, b"stored");
    let mut back = [0; 6];
    file.read_exact_at(&mut back, 5000).unwrap();
    assert_eq!(back, *b"stored");
    assert_eq!(fs::read(pair.b.dir.join("f")).unwrap()[5000..5006], *b"stored");
    drop(file);
    pair.a.unmount();
    pair.assert_same();
}

/// Maps the file, changes it there, and synchronises that.
#[allow(unsafe_code)]
fn store_in_mapping(file: &File, length: usize, at: usize, bytes: &[u8]) {
    use nix::sys::mman::{MapFlags, MsFlags, ProtFlags, mmap, msync, munmap};
    let size = std::num::NonZeroUsize::new(length).unwrap();
    let rights = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
    // SAFETY: a fresh mapping of `length` bytes of a file that nothing else changes; the bytes lie in it.
    unsafe {
        let start = mmap(None, size, rights, MapFlags::MAP_SHARED, file, 0).unwrap();
        start.cast::<u8>().add(at).as_ptr().copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
        msync(start, length, MsFlags::MS_SYNC).unwrap();
        munmap(start, length).unwrap();
    }
}

#[test]
fn special_files_and_attributes_work() {
    same(|dir, seen| {
        seen.end(
            "special",
            shell(
                dir,
                "mknod null c 1 3; echo x > null; mknod disk b 7 0; mkfifo p; echo through > p & read line < p; wait
                 echo $line > line; ln -s line soft; ln line hard; ln soft hardsoft; ln p hardpipe; cat soft > copy
                 chown -h 3:4 soft; touch -h -d 2001-01-01 soft; chmod 000 disk",
            ),
        );
        let socket = std::os::unix::net::UnixListener::bind(dir.join("socket")).unwrap();
        seen.end("connect", std::os::unix::net::UnixStream::connect(dir.join("socket")));
        drop(socket);
        for name in ["null", "disk", "p", "soft", "hard", "socket", "hardsoft", "hardpipe"] {
            seen.stat(name, &dir.join(name));
        }
        let file = dir.join("line");
        let mut set = |name: &str, value: &[u8], flags| {
            let end = rustix::fs::setxattr(&file, name, value, flags);
            seen.end(&format!("{name} {flags:?}"), end.map_err(Into::into));
        };
        set("user.a", b"1", XattrFlags::REPLACE);
        set("user.a", b"1", XattrFlags::CREATE);
        set("user.a", b"2", XattrFlags::CREATE);
        set("user.a", b"3", XattrFlags::REPLACE);
        set("user.empty", b"", XattrFlags::empty());
        set("user.large", &[7; 3000], XattrFlags::empty());
        set("user.too-large", &vec![7; 70_000], XattrFlags::empty());
        set("trusted.t", b"t", XattrFlags::empty());
        set("unknown.t", b"t", XattrFlags::empty());
        seen.end("foreign", as_user(9, || set_xattr(&file, "user.b", b"1")));
        seen.end(
            "link",
            rustix::fs::lsetxattr(dir.join("soft"), "user.a", b"1", XattrFlags::empty()).map_err(Into::into),
        );
        seen.end("remove", rustix::fs::removexattr(&file, "user.a").map_err(Into::into));
        seen.end("remove", rustix::fs::removexattr(&file, "user.a").map_err(Into::into));
        seen.xattr("", &file, "user.large");
        seen.xattr("", &file, "user.a");
        let group = dir.join("group");
        fs::create_dir(&group).unwrap();
        std::os::unix::fs::chown(&group, None, Some(9)).unwrap();
        fs::set_permissions(&group, fs::Permissions::from_mode(0o3777)).unwrap();
        as_user(5, || {
            seen.end("mkdir", fs::create_dir(group.join("d")));
            let open = OpenOptions::new().create_new(true).write(true).mode(0o6777).open(group.join("f"));
            seen.end("create", open);
        });
        seen.stat("d", &group.join("d"));
        seen.stat("f", &group.join("f"));
        seen.end("sticky", as_user(6, || fs::remove_file(group.join("f"))));
        seen.end("sticky", as_user(5, || fs::remove_file(group.join("f"))));
    });
}

#[test]
fn an_application_may_count_on_the_room_of_the_fuller_disk() {
    let (large, small) = (Disk::tmpfs("size=64m,nr_inodes=500"), Disk::tmpfs("size=8m,nr_inodes=9000"));
    let pair = Pair::with(|a, b| {
        a.dirs = vec![large.folder("a")];
        b.dirs = vec![small.folder("b")];
    });
    let room = || {
        let s = rustix::fs::statvfs(&pair.a.dir).unwrap();
        ((s.f_blocks * s.f_frsize) >> 20, (s.f_bavail * s.f_frsize) >> 20, s.f_files)
    };
    pair.a.rfs.gate(super::ALONE);
    assert_eq!(room(), (64, 64, 500));
    pair.pair_up();
    super::eventually("the peer says what room it has", || room() == (8, 8, 500));
    fs::write(pair.a.dir.join("f"), vec![1; 3 << 20]).unwrap();
    super::eventually("the peer says that there is less", || {
        fs::write(pair.a.dir.join("g"), "").unwrap();
        room() == (8, 5, 500) || room() == (8, 4, 500)
    });
    // Nobody is there any more.
    pair.a.rfs.gate(super::ALONE);
    pair.a.rfs.source_stop();
    assert_eq!(room().0, 64);
}
