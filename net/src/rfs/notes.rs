//! What this node has changed since it was equal to its peer: noted durably before it is changed.
//!
//! A log of records of 32 bytes, each with a checksum, so that none is torn by a sector's edge. Its file is filled with
//! zeros ahead, so that making a record durable costs no change of the file system. If the log cannot be written, or
//! is damaged, or would get too long, it is removed: then everything is compared, which is always right. While it can be
//! neither written nor removed nothing is changed, for the next life would believe it.

use std::fs::{self, File, Metadata};
use std::io;
use std::ops::Range;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{SystemTime, UNIX_EPOCH};

use safetui_core::since::{Cut, Since};

use super::backing::Fid;
use super::lock;
use super::zones::{Touched, WHOLE, Zones};
use crate::heartbeat::boottime;

/// Length of a record in bytes.
const RECORD: usize = 32;
/// The file grows by this many bytes of zeros.
const AHEAD: usize = 1 << 20;
/// How many numbers of files that do not exist yet are noted at once: a file system gives them out in their order.
const RESERVE: u64 = 256;
/// More than this would take longer to read and to send than it saves.
const MOST_PARTS: usize = 1 << 20;
/// How long the file gets, in bytes, before it is written anew in between.
const LONGEST: usize = 2 * MOST_PARTS * RECORD;
/// By how much the clock with which file systems stamp files may be late, in nanoseconds: a tick of the slowest kernel.
const TICK: u64 = 10_000_000;
/// What the first record has in its first two numbers: what this is, and the version of the layout.
const MAGIC: (u64, u64) = (u64::from_le_bytes(*b"safenote"), 1);

pub(super) struct Notes {
    path: PathBuf,
    /// Tells the replicated directories from others that have been put in their place.
    identity: u64,
    known: RwLock<Since<Touched>>,
    log: Mutex<Option<Log>>,
    /// Since when nobody has watched the directories.
    left: Mutex<Option<u64>>,
}

/// The file, open, and where its next record goes.
struct Log {
    file: File,
    end: u64,
    filled: u64,
    /// Numbers that a new file may get without another record.
    reserved: Vec<(u8, Range<u64>)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Record {
    Head {
        magic: (u64, u64),
        identity: u64,
    },
    Cut(Cut),
    Here(Cut),
    There(Cut),
    Zones {
        fid: Fid,
        from: u64,
        to: u64,
    },
    Reserved {
        tree: u8,
        from: u64,
        to: u64,
    },
    Unwatched {
        from: u64,
        to: u64,
    },
    /// From this moment on nobody watches the directories.
    Left {
        at: u64,
    },
}

impl Notes {
    /// Reads the log at `path`, if there is one of these directories. Without one there is nothing to compare with.
    pub(super) fn open(path: &Path, identity: u64) -> io::Result<Self> {
        let notes = Self {
            path: path.to_owned(),
            identity,
            known: RwLock::default(),
            log: Mutex::new(None),
            left: Mutex::new(None),
        };
        match notes.load() {
            Ok(true) => {}
            Ok(false) => {
                tracing::info!(path = %path.display(), "no log of changes: a copy compares everything");
            }
            Err(why) => {
                tracing::warn!(path = %path.display(), why, "the log of changes is of no use: a copy compares everything");
                notes.give_up()?;
            }
        }
        Ok(notes)
    }

    /// `zones` of `fid` are about to be changed.
    pub(super) fn note(&self, fid: Fid, zones: Range<u64>) -> io::Result<()> {
        if self.known().changes_so_far().is_none_or(|touched| touched.has(fid, &zones)) {
            return Ok(());
        }
        let mut log = lock(&self.log);
        let record = Record::Zones { fid, from: zones.start, to: zones.end };
        self.write(&mut log, &[record], true)?;
        self.remember(fid, zones);
        self.shorten_if(&mut log, |log| log.end as usize > LONGEST)
    }

    /// `fid` has just been made, and is empty. Nothing is written to it before this returns.
    pub(super) fn note_new(&self, fid: Fid) -> io::Result<()> {
        if self.known().changes_so_far().is_none_or(|touched| touched.has(fid, &WHOLE)) {
            return Ok(());
        }
        let mut log = lock(&self.log);
        let is_reserved = |log: &Log| {
            log.reserved.iter().any(|(tree, numbers)| *tree == fid.tree && numbers.contains(&fid.ino))
        };
        if !log.as_ref().is_some_and(is_reserved) {
            let (from, to) = (fid.ino, fid.ino.saturating_add(RESERVE));
            self.write(&mut log, &[Record::Reserved { tree: fid.tree, from, to }], true)?;
            if let Some(log) = &mut *log {
                log.reserved.push((fid.tree, from..to));
            }
        }
        self.remember(fid, WHOLE);
        Ok(())
    }

    /// From now on nothing is changed behind our back. What was changed meanwhile is known by its time, as far as clocks
    /// can be trusted.
    pub(super) fn watched(&self) -> io::Result<()> {
        let mut log = lock(&self.log);
        let Some(left) = lock(&self.left).take() else { return Ok(()) };
        let (from, to) = (left.saturating_sub(TICK), wall_clock());
        self.write(&mut log, &[Record::Unwatched { from, to }], true)?;
        if let Some(touched) = self.known_mut().changes() {
            touched.unwatched(from..to);
        }
        Ok(())
    }

    /// From now on anybody can change anything.
    pub(super) fn left(&self) -> io::Result<()> {
        let mut log = lock(&self.log);
        let at = match &mut *lock(&self.left) {
            Some(_) => return Ok(()),
            left => *left.insert(wall_clock()),
        };
        self.write(&mut log, &[Record::Left { at }], true)
    }

    /// Here both nodes have the same. Nothing may be changed meanwhile.
    pub(super) fn cut(&self, at: Cut) -> io::Result<()> {
        let mut log = lock(&self.log);
        if log.is_none() {
            self.give_up()?;
            self.begin(&mut log, &[])?;
        }
        self.write(&mut log, &[Record::Cut(at)], false)?;
        if let Some(log) = &mut *log {
            log.reserved.clear();
            self.known_mut().cut(at);
        }
        Ok(())
    }

    /// All data before the cut are durable on this node.
    pub(super) fn settled_here(&self, at: Cut) -> io::Result<()> {
        let mut log = lock(&self.log);
        self.write(&mut log, &[Record::Here(at)], true)?;
        self.known_mut().settled_here(at);
        self.shorten_if(&mut log, |log| log.end as usize > AHEAD)
    }

    /// The peer holds the cut.
    pub(super) fn settled_there(&self, at: Cut) -> io::Result<()> {
        let mut log = lock(&self.log);
        self.write(&mut log, &[Record::There(at)], false)?;
        self.known_mut().settled_there(at);
        self.shorten_if(&mut log, |log| log.end as usize > AHEAD)
    }

    /// The cuts that this node holds, the newest first.
    pub(super) fn held(&self) -> Vec<Cut> {
        self.known().held().collect()
    }

    pub(super) fn common(&self, theirs: &[Cut]) -> Option<Cut> {
        self.known().common(theirs)
    }

    /// Is there anything that another cut would take off?
    pub(super) fn has_changes(&self) -> bool {
        self.known().changes_so_far().is_some_and(|touched| !touched.is_empty())
    }

    /// What of `fid` was changed here after the cut; everything without a cut, or when that is not known any more.
    pub(super) fn since(&self, cut: Option<Cut>, fid: Fid, meta: &Metadata) -> Zones {
        let known = self.known();
        let Some(segments) = cut.and_then(|cut| known.since(cut)) else { return Zones::whole() };
        let mut zones = Zones::default();
        let ctime = nanoseconds(meta.ctime(), meta.ctime_nsec());
        segments.for_each(|touched| touched.add_to(fid, ctime, &mut zones));
        zones
    }

    fn known(&self) -> RwLockReadGuard<'_, Since<Touched>> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn known_mut(&self) -> RwLockWriteGuard<'_, Since<Touched>> {
        self.known.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn remember(&self, fid: Fid, zones: Range<u64>) {
        if let Some(touched) = self.known_mut().changes() {
            touched.note(fid, zones);
        }
    }

    /// Appends records. If that is impossible the log is given up, and only if that is impossible too it is an error.
    fn write(&self, log: &mut Option<Log>, records: &[Record], durable: bool) -> io::Result<()> {
        let Some(open) = log else {
            // Unless it was to be given up before, and could not be.
            return if self.known().newest().is_some() { self.give_up() } else { Ok(()) };
        };
        let written = open.append(records, durable);
        written.or_else(|error| self.fail(log, &error))
    }

    /// The same for a log that is made anew, with these records.
    fn begin(&self, log: &mut Option<Log>, records: &[Record]) -> io::Result<()> {
        match self.create(records) {
            Ok(fresh) => *log = Some(fresh),
            Err(error) => self.fail(log, &error)?,
        }
        Ok(())
    }

    fn fail(&self, log: &mut Option<Log>, error: &io::Error) -> io::Result<()> {
        tracing::warn!(%error, "the log of changes cannot be written: the next copy compares everything");
        *log = None;
        self.give_up()
    }

    /// Durably: a log that is there again after a crash would be believed.
    fn give_up(&self) -> io::Result<()> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => sync_folder(&self.path)?,
        }
        *self.known_mut() = Since::default();
        Ok(())
    }

    /// Writes the log anew if it has become much longer than what is known.
    fn shorten_if(&self, log: &mut Option<Log>, is_long: impl Fn(&Log) -> bool) -> io::Result<()> {
        let Some(open) = log.as_ref().filter(|log| is_long(log)) else { return Ok(()) };
        let parts: usize = self.known().segments().map(|segment| segment.changes.parts() + 3).sum();
        if parts > MOST_PARTS {
            tracing::warn!(parts, "too much was changed to keep track of: the next copy compares everything");
            *log = None;
            return self.give_up();
        }
        if open.end as usize > 2 * parts * RECORD {
            self.begin(log, &self.records())?;
        }
        Ok(())
    }

    fn records(&self) -> Vec<Record> {
        let mut records = Vec::new();
        for segment in self.known().segments() {
            records.push(Record::Cut(segment.from));
            let files = segment.changes.files();
            records.extend(files.flat_map(|(fid, zones)| {
                zones.ranges().iter().map(move |range| Record::Zones {
                    fid,
                    from: range.start,
                    to: range.end,
                })
            }));
            records.extend(segment.changes.reservations().iter().map(|(tree, numbers)| Record::Reserved {
                tree: *tree,
                from: numbers.start,
                to: numbers.end,
            }));
            let unwatched = segment.changes.unwatched_times().iter();
            records.extend(unwatched.map(|time| Record::Unwatched { from: time.start, to: time.end }));
            records.extend(segment.here.then_some(Record::Here(segment.from)));
            records.extend(segment.there.then_some(Record::There(segment.from)));
        }
        records.extend(lock(&self.left).map(|at| Record::Left { at }));
        records
    }

    /// A new log with these records takes the place of the old one, or does not.
    fn create(&self, records: &[Record]) -> io::Result<Log> {
        let beside = self.path.with_extension("new");
        let file = File::options().read(true).write(true).create(true).truncate(true).open(&beside)?;
        let mut log = Log { file, end: 0, filled: 0, reserved: Vec::new() };
        log.append(&[Record::Head { magic: MAGIC, identity: self.identity }], false)?;
        log.append(records, false)?;
        log.file.sync_all()?;
        fs::rename(&beside, &self.path)?;
        sync_folder(&self.path)?;
        Ok(log)
    }

    /// False without a log.
    fn load(&self) -> Result<bool, String> {
        let file = match File::options().read(true).write(true).open(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            file => file.map_err(|error| error.to_string())?,
        };
        let bytes = fs::read(&self.path).map_err(|error| error.to_string())?;
        let (records, end) = read(&bytes)?;
        let expected = Record::Head { magic: MAGIC, identity: self.identity };
        let Some((head, records)) = records.split_first() else { return Err("it is empty".into()) };
        if *head != expected {
            return Err("it is of other directories, or of another version".into());
        }
        let mut known = Since::<Touched>::default();
        for record in records {
            record.repeat(&mut known);
        }
        known.restarted();
        *self.known_mut() = known;
        let watch = records.iter().rfind(|it| matches!(it, Record::Left { .. } | Record::Unwatched { .. }));
        *lock(&self.left) = match watch {
            Some(Record::Left { at }) => Some(*at),
            _ => booted_after(&file),
        };
        let filled = bytes.len() as u64;
        *lock(&self.log) = Some(Log { file, end, filled, reserved: Vec::new() });
        Ok(true)
    }
}

impl Log {
    fn append(&mut self, records: &[Record], durable: bool) -> io::Result<()> {
        let bytes: Vec<u8> = records.iter().flat_map(Record::encode).collect();
        let end = self.end + bytes.len() as u64;
        if end > self.filled {
            let filled = end.next_multiple_of(AHEAD as u64);
            let zeros = vec![0; (filled - self.filled) as usize];
            self.file.write_all_at(&zeros, self.filled)?;
            self.file.sync_all()?;
            self.filled = filled;
        }
        self.file.write_all_at(&bytes, self.end)?;
        self.end = end;
        if durable { self.file.sync_data() } else { Ok(()) }
    }
}

/// The records of a log, and where they end. What a crash left unwritten is blank; anything else is damage.
fn read(bytes: &[u8]) -> Result<(Vec<Record>, u64), String> {
    let mut records = Vec::new();
    for (at, chunk) in bytes.chunks(RECORD).enumerate() {
        if let Some(record) = Record::decode(chunk) {
            records.push(record);
        } else if bytes[at * RECORD..].iter().all(|&byte| byte == 0) {
            break;
        } else {
            return Err(format!("it is damaged at byte {}", at * RECORD));
        }
    }
    let end = (records.len() * RECORD) as u64;
    Ok((records, end))
}

impl Record {
    /// Kind 0, tree 1, checksum 4..8, three numbers 8..32.
    fn encode(&self) -> [u8; RECORD] {
        let (kind, tree, numbers) = match *self {
            Self::Head { magic, identity } => (1, 0, [magic.0, magic.1, identity]),
            Self::Cut(at) => (2, 0, [at.session, at.epoch, 0]),
            Self::Here(at) => (3, 0, [at.session, at.epoch, 0]),
            Self::There(at) => (4, 0, [at.session, at.epoch, 0]),
            Self::Zones { fid, from, to } => (5, fid.tree, [fid.ino, from, to]),
            Self::Reserved { tree, from, to } => (6, tree, [from, to, 0]),
            Self::Unwatched { from, to } => (7, 0, [from, to, 0]),
            Self::Left { at } => (8, 0, [at, 0, 0]),
        };
        let mut bytes = [0; RECORD];
        (bytes[0], bytes[1]) = (kind, tree);
        for (place, number) in bytes[8..].chunks_exact_mut(8).zip(numbers) {
            place.copy_from_slice(&number.to_le_bytes());
        }
        let checksum = checksum(&bytes);
        bytes[4..8].copy_from_slice(&checksum);
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        if bytes.len() != RECORD || bytes[4..8] != checksum(bytes) {
            return None;
        }
        let number = |at: usize| bytes[at..at + 8].try_into().map_or(0, u64::from_le_bytes);
        let (a, b, c) = (number(8), number(16), number(24));
        let cut = Cut { session: a, epoch: b };
        Some(match bytes[0] {
            1 => Self::Head { magic: (a, b), identity: c },
            2 => Self::Cut(cut),
            3 => Self::Here(cut),
            4 => Self::There(cut),
            5 => Self::Zones { fid: Fid { tree: bytes[1], ino: a }, from: b, to: c },
            6 => Self::Reserved { tree: bytes[1], from: a, to: b },
            7 => Self::Unwatched { from: a, to: b },
            8 => Self::Left { at: a },
            _ => return None,
        })
    }

    fn repeat(&self, known: &mut Since<Touched>) {
        match *self {
            Self::Head { .. } | Self::Left { .. } => {}
            Self::Cut(at) => known.cut(at),
            Self::Here(at) => known.settled_here(at),
            Self::There(at) => known.settled_there(at),
            Self::Zones { fid, from, to } => {
                known.changes().into_iter().for_each(|touched| touched.note(fid, from..to));
            }
            Self::Reserved { tree, from, to } => {
                known.changes().into_iter().for_each(|touched| touched.reserve(tree, from..to));
            }
            Self::Unwatched { from, to } => {
                known.changes().into_iter().for_each(|touched| touched.unwatched(from..to));
            }
        }
    }
}

/// Of all but itself.
fn checksum(record: &[u8]) -> [u8; 4] {
    crc32c::crc32c_append(crc32c::crc32c(&record[..4]), &record[8..]).to_le_bytes()
}

/// In nanoseconds, as the file system stamps files with it.
fn wall_clock() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    nanoseconds(now.as_secs() as i64, now.subsec_nanos().into())
}

fn nanoseconds(seconds: i64, nanos: i64) -> u64 {
    (seconds as u64).saturating_mul(1_000_000_000).saturating_add(nanos as u64)
}

/// When this machine began, if that is after the log was written last: whoever wrote it did not come to say good-bye.
fn booted_after(log: &File) -> Option<u64> {
    let booted = wall_clock().saturating_sub(boottime().as_nanos() as u64);
    let written = log.metadata().ok()?;
    (nanoseconds(written.mtime(), written.mtime_nsec()) < booted).then_some(booted)
}

fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzz;

    const CUT: Cut = Cut { session: 7, epoch: u64::MAX };

    /// One of each.
    fn records() -> [Record; 8] {
        let fid = Fid { tree: 3, ino: 1 << 40 };
        [
            Record::Head { magic: MAGIC, identity: 9 },
            Record::Cut(CUT),
            Record::Here(CUT),
            Record::There(CUT),
            Record::Zones { fid, from: 1, to: u64::MAX },
            Record::Reserved { tree: 255, from: 4, to: 260 },
            Record::Unwatched { from: 5, to: 6 },
            Record::Left { at: 7 },
        ]
    }

    fn written(records: &[Record], zeros: usize) -> Vec<u8> {
        let written = records.iter().flat_map(Record::encode);
        written.chain(std::iter::repeat_n(0, zeros)).collect()
    }

    #[test]
    fn a_log_ends_where_nothing_was_written_and_not_where_it_is_damaged() {
        let records = records();
        let end = (records.len() * RECORD) as u64;
        for zeros in [0, 5, RECORD, 1000] {
            assert_eq!(read(&written(&records, zeros)), Ok((records.to_vec(), end)));
        }
        for at in 0..end as usize {
            let mut bytes = written(&records, RECORD);
            bytes[at] ^= 0x10;
            // Two bytes of each record say nothing, and are covered all the same.
            assert!(read(&bytes).is_err(), "{at}");
        }
        let mut hole = written(&records, 0);
        hole[RECORD..2 * RECORD].fill(0);
        assert!(read(&hole).is_err(), "something follows where nothing was written");
    }

    const FID: Fid = Fid { tree: 0, ino: 5 };

    fn held() -> (tempfile::TempDir, Notes) {
        let folder = tempfile::tempdir().unwrap();
        let notes = Notes::open(&folder.path().join("notes"), 1).unwrap();
        notes.cut(CUT).unwrap();
        notes.settled_here(CUT).unwrap();
        (folder, notes)
    }

    fn again(notes: &Notes) -> Notes {
        Notes::open(&notes.path, notes.identity).unwrap()
    }

    /// From here on nothing can be appended.
    fn break_log(notes: &Notes) {
        lock(&notes.log).as_mut().unwrap().file = File::open("/dev/null").unwrap();
    }

    #[test]
    fn a_log_that_can_be_neither_written_nor_removed_forbids_every_change() {
        let (folder, notes) = held();
        break_log(&notes);
        // A directory cannot be removed as a file is.
        let aside = folder.path().join("aside");
        fs::rename(&notes.path, &aside).unwrap();
        fs::create_dir(&notes.path).unwrap();
        for _ in 0..2 {
            assert!(notes.note(FID, 0..1).is_err());
            assert!(notes.note_new(FID).is_err());
            assert!(notes.cut(Cut { epoch: 1, ..CUT }).is_err());
        }
        fs::remove_dir(&notes.path).unwrap();
        fs::rename(&aside, &notes.path).unwrap();
        notes.note(FID, 0..1).unwrap();
        assert_eq!((notes.path.exists(), notes.held()), (false, vec![]), "now it is given up");
    }

    #[test]
    fn a_log_that_cannot_be_written_is_given_up() {
        let (_folder, notes) = held();
        assert_eq!(again(&notes).held(), [CUT]);
        break_log(&notes);
        notes.note(FID, 0..1).unwrap();
        assert_eq!((notes.held(), again(&notes).held()), (vec![], vec![]));
    }

    #[test]
    fn when_nobody_watched_is_known_whatever_was_noted_afterwards() {
        let (folder, notes) = held();
        notes.left().unwrap();
        notes.settled_there(CUT).unwrap();
        fs::write(folder.path().join("changed"), "").unwrap();
        let meta = fs::metadata(folder.path().join("changed")).unwrap();
        let next = again(&notes);
        assert!(next.since(Some(CUT), FID, &meta).is_empty(), "it is not over yet");
        next.watched().unwrap();
        assert_eq!(next.since(Some(CUT), FID, &meta), Zones::whole());
        assert_eq!(again(&next).since(Some(CUT), FID, &meta), Zones::whole());
        assert_eq!(*lock(&again(&next).left), None, "somebody watches");
    }

    #[test]
    fn a_log_that_is_written_anew_says_the_same() {
        let (folder, notes) = held();
        notes.note(FID, 3..5).unwrap();
        notes.note_new(Fid { ino: 100, ..FID }).unwrap();
        let next = again(&notes);
        next.cut(Cut { epoch: 1, ..CUT }).unwrap();
        next.note(FID, 9..u64::MAX).unwrap();
        next.left().unwrap();
        let log = next.create(&next.records()).unwrap();
        *lock(&next.log) = Some(log);
        let last = again(&next);
        let meta = folder.path().metadata().unwrap();
        let zones = |notes: &Notes, ino| notes.since(Some(CUT), Fid { ino, ..FID }, &meta);
        assert_eq!(zones(&last, FID.ino).ranges(), [3..5, 9..u64::MAX]);
        // After a crash whatever may have been new counts as new.
        assert_eq!([100, 355].map(|ino| zones(&last, ino)), [Zones::whole(), Zones::whole()]);
        assert_eq!([99, 356].map(|ino| zones(&last, ino)), [Zones::default(), Zones::default()]);
        assert_eq!(*lock(&last.left), *lock(&next.left));
    }

    fuzz::target!(
        any_bytes_are_a_log_or_refused,
        [written(&records(), 0), written(&records()[..2], 2 * RECORD), Vec::new()],
        |bytes| {
            if let Ok((records, end)) = read(bytes) {
                let (log, blank) = bytes.split_at(end as usize);
                assert_eq!(written(&records, 0), log);
                assert!(blank.iter().all(|&byte| byte == 0));
            }
        }
    );
}
