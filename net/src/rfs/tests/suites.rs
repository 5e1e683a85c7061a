//! Test programs for file systems, run on a replicated directory. `scripts/test` installs them.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use super::Pair;
use super::disk::Disk;

const SEEDS: u64 = 16;
const OPERATIONS: u64 = 20_000;
/// Every kind of operation that it has.
const FSX: &str = "
flen = 131072
[opsize]
max = 16384
min = 1
[weights]
close_open = 1
copy_file_range = 1
fdatasync = 1
fsync = 1
invalidate = 1
mapread = 10
mapwrite = 10
posix_fadvise = 1
posix_fallocate = 1
punch_hole = 1
read = 10
sendfile = 1
truncate = 1
write = 10
";
/// All that Linux has of what is optional there. What it writes is apart by more than the clock of the kernel ticks.
const PJDFSTEST: &str = r#"
[features]
posix_fallocate = {}
rename_ctime = {}
utime_now = {}
utimensat = {}
[settings]
naptime = 0.01
allow_remount = true
[dummy_auth]
entries = [["nobody", "nogroup"], ["daemon", "daemon"]]
"#;

/// The C library knows for each file system how many links a file can have, and not for FUSE: nothing is tried.
const UNKNOWN_TO_LIBC: [&str; 1] = ["link::link_count_max"];

fn tool(name: &str) -> Command {
    let test = std::env::current_exe().unwrap();
    let target = test.ancestors().nth(3).expect("a test is in target/PROFILE/deps");
    let program = target.join("tools/bin").join(name);
    assert!(program.exists(), "{} is missing: scripts/test installs it", program.display());
    Command::new(program)
}

#[test]
fn fsx_finds_on_a_replicated_file_what_it_wrote() {
    let disk = Disk::ext4("512M");
    let pair = Pair::with(|a, b| {
        a.dirs = vec![disk.folder("a")];
        b.dirs = vec![disk.folder("b")];
    });
    pair.pair_up();
    let config = disk.path().join("fsx.toml");
    fs::write(&config, FSX).unwrap();
    let running = (0..SEEDS).map(|seed| {
        let mut fsx = tool("fsx");
        fsx.args(["-S", &seed.to_string(), "-N", &OPERATIONS.to_string(), "-f"]).arg(&config);
        fsx.arg("-P").arg(disk.path()).arg(pair.a.dir.join(format!("f{seed}")));
        (seed, fsx.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
    });
    for (seed, program) in running.collect::<Vec<_>>() {
        let output = program.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "seed {seed}: {said}");
    }
    pair.a.unmount();
    pair.assert_same();
}

/// How each test of `pjdfstest` ended in `dir`, and what it said.
fn pjdfstest(config: &Path, dir: &Path, elsewhere: &Path) -> BTreeMap<String, (String, String)> {
    let mut program = tool("pjdfstest");
    program.arg("-c").arg(config).arg("-p").arg(dir).arg("-s").arg(elsewhere).env("RUST_BACKTRACE", "0");
    let path = std::env::var("PATH").unwrap();
    program.env("PATH", format!("{}:{path}", config.parent().unwrap().display()));
    let output = program.output().unwrap();
    let mut results = BTreeMap::new();
    let mut last: Option<&mut (String, String)> = None;
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        match (line.split_once(char::is_whitespace), &mut last) {
            (Some((name, result)), _) if name.contains("::") => {
                let result = (result.trim().to_owned(), String::new());
                last = Some(results.entry(name.to_owned()).or_insert(result));
            }
            (_, Some(last)) => last.1 += line,
            (_, None) => {}
        }
    }
    results
}

#[test]
fn pjdfstest_passes_as_on_the_bare_file_system() {
    let (bare, disk) = (Disk::ext4("64M"), Disk::ext4("64M"));
    let pair = Pair::with(|a, b| {
        a.dirs = vec![disk.folder("a")];
        b.dirs = vec![disk.folder("b")];
    });
    pair.pair_up();
    let config = disk.path().join("pjdfstest.toml");
    fs::write(&config, PJDFSTEST).unwrap();
    // Left to itself, mount(8) would start the program that serves FUSE to have it mounted read-only.
    let mount = disk.path().join("mount");
    fs::write(&mount, "#!/bin/sh\nPATH=${PATH#*:}\nexec mount -i \"$@\"\n").unwrap();
    fs::set_permissions(&mount, fs::Permissions::from_mode(0o755)).unwrap();
    let expected = pjdfstest(&config, bare.path(), disk.path());
    let got = pjdfstest(&config, &pair.a.dir, bare.path());
    assert!(expected.len() > 390, "{}", expected.len());
    for (name, (result, _)) in expected.iter().filter(|(_, (result, _))| result == "ok") {
        let (here, said) = &got[name];
        if !UNKNOWN_TO_LIBC.contains(&name.as_str()) {
            assert_eq!(result, here, "{name}: {said}");
        }
    }
    pair.a.unmount();
    pair.assert_same();
}
