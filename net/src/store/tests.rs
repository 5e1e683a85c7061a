use std::{
    fs::{self, File},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use super::{CONTENT_MAX, Loaded, SLOT, Store, StoreError, Wish, boot::next_boot_at, next_boot};

fn record(bytes: &[u8]) -> Loaded {
    Loaded::Record(bytes.to_vec())
}

fn reopened(dir: &Path) -> Loaded {
    Store::open(dir).unwrap().load().unwrap()
}

#[test]
fn a_store_is_fresh_until_the_first_save_and_keeps_the_last_one() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("made/for/it");
    let mut store = Store::open(&dir).unwrap();
    assert_eq!(store.load().unwrap(), Loaded::Fresh);
    assert_eq!(reopened(&dir), Loaded::Fresh);
    for content in [&b"one"[..], b"two", b"", &[7; CONTENT_MAX], b"five"] {
        store.save(content).unwrap();
        assert_eq!(store.load().unwrap(), record(content));
        assert_eq!(reopened(&dir), record(content));
    }
}

#[test]
fn a_save_after_reopening_overwrites_the_older_slot() {
    let dir = tempfile::tempdir().unwrap();
    Store::open(dir.path()).unwrap().save(b"first").unwrap();
    for number in 0..5u8 {
        let before = reopened(dir.path());
        Store::open(dir.path()).unwrap().save(&[number]).unwrap();
        // Whichever slot was written now: with it damaged, the record before is still there.
        let file = dir.path().join("record");
        let whole = fs::read(&file).unwrap();
        let survivors: Vec<_> = (0..2)
            .map(|at| {
                let mut damaged = whole.clone();
                damaged[at * SLOT + 20] ^= 1;
                fs::write(&file, damaged).unwrap();
                reopened(dir.path())
            })
            .collect();
        fs::write(&file, whole).unwrap();
        assert!(survivors.contains(&before) && survivors.contains(&record(&[number])), "{survivors:?}");
    }
}

/// All states of the file while `before` becomes `after`, if bytes reach the disk one after the other or
/// backwards by sectors. The second slot is written first when both are.
fn torn(before: &[u8], after: &[u8]) -> Vec<Vec<u8>> {
    const SECTOR: usize = 512;
    let mut states = Vec::new();
    let mut now = before.to_vec();
    for start in [SLOT, 0].into_iter().filter(|start| before[*start..][..SLOT] != after[*start..][..SLOT]) {
        let slot = start..start + SLOT;
        for at in slot.clone() {
            let mut state = now.clone();
            state[start..at].copy_from_slice(&after[start..at]);
            states.push(state);
        }
        for at in slot.clone().step_by(SECTOR).skip(1) {
            let mut state = now.clone();
            state[at..slot.end].copy_from_slice(&after[at..slot.end]);
            states.push(state);
        }
        now[slot.clone()].copy_from_slice(&after[slot]);
    }
    assert_eq!(now, after);
    // Most steps copy a zero onto a zero.
    states.dedup();
    states
}

#[test]
fn a_write_torn_anywhere_leaves_the_record_before_or_the_new_one() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("record");
    let mut store = Store::open(dir.path()).unwrap();
    let mut last = Loaded::Fresh;
    // Also the very first write, and one over a longer record.
    for content in [vec![1; 100], vec![2; 3000], vec![3; 50], vec![4; 60]] {
        let before = fs::read(&file).unwrap();
        store.save(&content).unwrap();
        let after = fs::read(&file).unwrap();
        let new = record(&content);
        let mut kept = 0;
        for (at, state) in torn(&before, &after).into_iter().enumerate() {
            store.file.write_all_at(&state, 0).unwrap();
            let loaded = reopened(dir.path());
            assert!(loaded == last || loaded == new, "state {at}: {loaded:?}");
            kept += usize::from(loaded == last);
        }
        assert!(kept > 40, "a header that is not whole is not believed");
        fs::write(&file, after).unwrap();
        last = new;
    }
}

#[test]
fn damage_to_the_only_record_is_not_taken_for_a_fresh_store() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("record");
    Store::open(dir.path()).unwrap().save(b"only").unwrap();
    let whole = fs::read(&file).unwrap();
    for at in [20, SLOT + 20] {
        let mut damaged = whole.clone();
        damaged[at] ^= 1;
        fs::write(&file, damaged).unwrap();
        assert_eq!(reopened(dir.path()), record(b"only"));
    }
}

#[test]
fn every_flipped_byte_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("record");
    let mut store = Store::open(dir.path()).unwrap();
    store.save(b"older").unwrap();
    store.save(b"newer").unwrap();
    let whole = fs::read(&file).unwrap();
    for at in 0..40 + 5 {
        let mut damaged = whole.clone();
        damaged[SLOT + at] ^= 0x10;
        fs::write(&file, &damaged).unwrap();
        assert_eq!(reopened(dir.path()), record(b"older"), "byte {at} of the newer slot");
    }
}

#[test]
fn a_file_cut_short_anywhere_is_never_taken_for_fresh() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("record");
    let mut store = Store::open(dir.path()).unwrap();
    store.save(b"older").unwrap();
    store.save(b"newer").unwrap();
    for length in (0..2 * SLOT as u64).rev() {
        File::options().write(true).open(&file).unwrap().set_len(length).unwrap();
        let loaded = reopened(dir.path());
        // The newer record is in the second slot; a header has 40 bytes, each record 5.
        match length as usize {
            0..45 => assert!(matches!(loaded, Loaded::Corrupt { .. }), "{length} bytes left: {loaded:?}"),
            length if length < SLOT + 45 => assert_eq!(loaded, record(b"older"), "{length} bytes left"),
            _ => assert_eq!(loaded, record(b"newer"), "{length} bytes left"),
        }
    }
}

#[test]
fn two_damaged_slots_are_reported_and_a_save_repairs_them() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap();
    store.save(b"lost").unwrap();
    fs::write(dir.path().join("record"), vec![0xa5; 2 * SLOT]).unwrap();
    let Loaded::Corrupt { why } = reopened(dir.path()) else { panic!("damage was not noticed") };
    assert_eq!(why, "slot 1: not a slot; slot 2: not a slot");
    Store::open(dir.path()).unwrap().save(b"chosen by a human").unwrap();
    assert_eq!(reopened(dir.path()), record(b"chosen by a human"));
}

#[test]
fn too_much_is_refused_and_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap();
    store.save(b"kept").unwrap();
    let error = store.save(&[0; CONTENT_MAX + 1]).unwrap_err();
    assert!(error.to_string().contains("cannot save 4097 bytes"), "{error}");
    assert_eq!(store.load().unwrap(), record(b"kept"));
}

/// A small file system of its own, gone with the value.
pub(crate) struct Disk {
    pub(crate) dir: PathBuf,
}

impl Disk {
    pub(crate) fn of_bytes(dir: &Path, size: usize) -> Self {
        use nix::mount::{MsFlags, mount};
        let options = format!("size={size}");
        mount(Some("tmpfs"), dir, Some("tmpfs"), MsFlags::empty(), Some(&options[..]))
            .expect("tests with a small disk run as root");
        Self { dir: dir.into() }
    }

    pub(crate) fn fill(&self) {
        let error = fs::write(self.dir.join("filler"), vec![1; 1 << 20]).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = nix::mount::umount2(&self.dir, nix::mount::MntFlags::MNT_DETACH);
    }
}

#[test]
fn a_full_disk_stops_no_save_but_creation_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let disk = Disk::of_bytes(dir.path(), 128 * 1024);
    let home = disk.dir.join("module");
    let mut store = Store::open(&home).unwrap();
    disk.fill();
    for number in 0..10 {
        store.save(&[number; CONTENT_MAX]).unwrap();
        assert_eq!(reopened(&home), record(&[number; CONTENT_MAX]));
    }
    let error = Wish::Started.save(&home).unwrap_err();
    assert!(matches!(error, StoreError::Io { .. }));
    assert!(error.to_string().contains("free space on this file system"), "{error}");
    assert!(!home.join("wish").exists(), "half a file would be taken for damage");
}

#[test]
fn a_failing_disk_is_reported_with_the_file_and_the_cause() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap();
    store.file = File::open(dir.path().join("record")).unwrap();
    let error = store.save(b"x").unwrap_err().to_string();
    assert!(error.starts_with("cannot save ") && error.contains("record: Bad file descriptor"), "{error}");
    assert_eq!(reopened(dir.path()), Loaded::Fresh);
}

#[test]
fn a_wish_survives_and_nobody_s_wish_is_to_stay_stopped() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(Wish::load(dir.path()).unwrap(), Wish::Stopped);
    for wish in [Wish::Started, Wish::Stopped, Wish::Started] {
        wish.save(dir.path()).unwrap();
        assert_eq!(Wish::load(dir.path()).unwrap(), wish);
    }
    fs::write(dir.path().join("wish"), b"garbage").unwrap();
    let error = Wish::load(dir.path()).unwrap_err().to_string();
    assert!(error.contains("wish is damaged (slot 1: cut off; slot 2: cut off)"), "{error}");
}

#[test]
fn each_boot_has_a_greater_number_even_when_the_clock_goes_back() {
    let dir = tempfile::tempdir().unwrap();
    let boots: Vec<_> = [100, 50, 101, 300, 299].map(|now| next_boot_at(dir.path(), now).unwrap()).into();
    assert_eq!(boots, [100, 101, 102, 300, 301]);
    assert!(next_boot(dir.path()).unwrap() > 1_700_000_000);
    assert_eq!(next_boot_at(dir.path(), u32::MAX).unwrap(), u32::MAX);
    assert!(matches!(next_boot_at(dir.path(), 0), Err(StoreError::BootsExhausted { .. })));
}
