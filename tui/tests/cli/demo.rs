//! The demo as somebody without privileges runs it.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, chown},
    process::Command,
};

const NOBODY: u32 = 65534;

/// On Debian everybody may open `/dev/fuse`. Elsewhere that is made so for this one process.
const AS_ON_DEBIAN: &str = r#"
mkdir "$1/dev" && mount -t tmpfs none "$1/dev" && mknod "$1/dev/fuse" c 10 229 && chmod 666 "$1/dev/fuse" \
    && mount --bind "$1/dev/fuse" /dev/fuse || exit 99
cd "$1" && HOME="$1" TMPDIR="$1" exec setpriv --reuid=65534 --regid=65534 --clear-groups \
    ./safetui demo --headless --drill crash --json
"#;

#[test]
fn a_drill_needs_no_root() {
    if fs::metadata("/proc/self").unwrap().uid() != 0 {
        // Every other test of a cluster shows it then.
        return;
    }
    let home = tempfile::tempdir().unwrap();
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o755)).unwrap();
    chown(home.path(), Some(NOBODY), Some(NOBODY)).unwrap();
    // Not by this process, as in the lab's tests: what others start meanwhile would hold it open for writing.
    let copied = Command::new("cp").arg(env!("CARGO_BIN_EXE_safetui")).arg(home.path()).status().unwrap();
    assert!(copied.success());
    let output = Command::new("unshare")
        .args(["--mount", "bash", "-c", AS_ON_DEBIAN, "bash"])
        .arg(home.path())
        .output()
        .unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    if complaint.contains("cannot create a user namespace") {
        assert!(complaint.contains("sysctl"), "{complaint}");
        return;
    }
    let outcome: serde_json::Value = serde_json::from_slice(&output.stdout).expect(&complaint);
    assert_eq!(
        (&outcome["lost"], &outcome["final"][0], &outcome["final"][1]),
        (&0.into(), &"PRIM".into(), &"SECOND".into())
    );
    assert!(output.status.success(), "{complaint}");
}
