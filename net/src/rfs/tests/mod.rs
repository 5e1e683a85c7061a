//! Two nodes in one process, real mounts, the real kernel.

mod copy;
mod disk;
#[cfg(feature = "loom")]
mod explored;
mod gate;
mod semantics;
mod since;
mod stream;
mod suites;

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use safetui_core::since::Cut;

use super::{Gate, Report, Rfs, RfsError, Settings};

const PATIENCE: Duration = Duration::from_secs(60);
pub(super) const FIRST: Cut = Cut { session: 1, epoch: 0 };
pub(super) const ALONE: Gate = Gate::Alone { generation: 7, term: 1 };
pub(super) const BOTH: Gate = Gate::Both { generation: 7, term: 1 };

/// One node: its replicated directory, what lies beside it, and what it reported.
pub(super) struct Node {
    pub(super) rfs: Arc<Rfs>,
    pub(super) dir: PathBuf,
    pub(super) aside: PathBuf,
    pub(super) listens: Vec<SocketAddr>,
    reports: Arc<(Mutex<Vec<Report>>, Condvar)>,
}

/// Both nodes; the temporary folder goes last.
pub(super) struct Pair {
    pub(super) a: Node,
    pub(super) b: Node,
    _folder: tempfile::TempDir,
}

pub(super) fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

pub(super) fn settings(
    folder: &Path,
    me: &str,
    peer: &str,
    listen: SocketAddr,
    peer_listens: SocketAddr,
) -> Settings {
    let dir = folder.join(me);
    fs::create_dir_all(&dir).unwrap();
    Settings {
        dirs: vec![dir],
        listen: vec![listen],
        peer: vec![peer_listens],
        secret: [9; 32],
        module: "shop".into(),
        me: me.into(),
        peer_name: peer.into(),
        aside: folder.join(format!("aside-{me}")),
        notes: folder.join(format!("notes-{me}")),
        durable: false,
        patience: Duration::from_secs(5),
        epoch: Duration::from_secs(10),
    }
}

impl Node {
    pub(super) fn new(settings: Settings) -> Self {
        let reports = Arc::new((Mutex::new(Vec::new()), Condvar::new()));
        let heard = Arc::clone(&reports);
        let (dir, aside) = (settings.dirs[0].clone(), settings.aside.clone());
        let listens = settings.listen.clone();
        let report = move |report| {
            heard.0.lock().unwrap().push(report);
            heard.1.notify_all();
        };
        Self { rfs: Rfs::new(settings, report).unwrap(), dir, aside, listens, reports }
    }

    /// Takes the mount away. A child that another test of this process has just forked may hold a file of it for a
    /// moment: then it is detached all the same.
    pub(super) fn unmount(&self) {
        match self.rfs.unmount() {
            Ok(()) | Err(RfsError::InUse { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }

    /// Waits for a report that fits, and takes it and all before it.
    pub(super) fn hears(&self, fits: impl Fn(&Report) -> bool) -> Report {
        let deadline = Instant::now() + PATIENCE;
        let mut reports = self.reports.0.lock().unwrap();
        loop {
            if let Some(at) = reports.iter().position(&fits) {
                return reports.drain(..=at).next_back().unwrap();
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "waited in vain; heard {reports:?}, {:?}", self.rfs.stats());
            reports = self.reports.1.wait_timeout(reports, left).unwrap().0;
        }
    }

    pub(super) fn reports(&self) -> Vec<Report> {
        self.reports.0.lock().unwrap().clone()
    }
}

impl Pair {
    pub(super) fn new() -> Self {
        Self::with(|_, _| ())
    }

    /// Two nodes whose settings are adapted first. A is mounted.
    pub(super) fn with(adapt: impl FnOnce(&mut Settings, &mut Settings)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (at_a, at_b) = (free_address(), free_address());
        let mut of_a = settings(folder.path(), "a", "b", at_a, at_b);
        let mut of_b = settings(folder.path(), "b", "a", at_b, at_a);
        adapt(&mut of_a, &mut of_b);
        let pair = Self { a: Node::new(of_a), b: Node::new(of_b), _folder: folder };
        pair.a.rfs.mount().unwrap();
        pair
    }

    /// A alone with what is in its directory, B copying from it.
    pub(super) fn start_copy(&self) {
        self.a.rfs.gate(ALONE);
        self.a.rfs.source(2, 7, 1);
        self.b.rfs.receive(2, 1, 7, 1, false);
    }

    /// A and B level, and A waiting for B.
    pub(super) fn pair_up(&self) {
        self.start_copy();
        self.a.hears(|report| *report == Report::Copied { boot: 2 });
        self.a.rfs.gate(BOTH);
    }

    pub(super) fn assert_same(&self) {
        let (a, b) = (tree(&self.a.dir), tree(&self.b.dir));
        assert_eq!(a, b);
    }
}

/// Waits until `holds`.
pub(super) fn eventually(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "in vain: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Everything below `root` as text: kind, mode, owner, times, links, attributes and content of each file.
pub(super) fn tree(root: &Path) -> Vec<String> {
    use std::os::unix::fs::MetadataExt;
    let mut lines = Vec::new();
    let mut first_name = std::collections::HashMap::new();
    let mut pending = vec![root.to_owned()];
    while let Some(path) = pending.pop() {
        let meta = path.symlink_metadata().unwrap();
        let name = path.strip_prefix(root).unwrap().display().to_string();
        let content = if meta.is_file() {
            format!("{:?}", blake3::hash(&fs::read(&path).unwrap()))
        } else if meta.is_symlink() {
            fs::read_link(&path).unwrap().display().to_string()
        } else {
            String::new()
        };
        if meta.is_dir() {
            let mut inner: Vec<PathBuf> =
                fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()).collect();
            inner.sort();
            inner.reverse();
            pending.extend(inner);
        }
        let same_as = first_name.entry(meta.ino()).or_insert_with(|| name.clone()).clone();
        let node = super::backing::open_node(
            &fs::File::open(path.parent().unwrap()).unwrap(),
            path.file_name().unwrap(),
        );
        let xattrs = super::backing::xattrs(&node.unwrap()).unwrap();
        let size = if meta.is_dir() { 0 } else { meta.size() };
        lines.push(format!(
            "{name} {:o} {}:{} {} {size} {}.{:09} links {} as {same_as} {xattrs:?} {content}",
            meta.mode(),
            meta.uid(),
            meta.gid(),
            meta.rdev(),
            meta.mtime(),
            meta.mtime_nsec(),
            meta.nlink(),
        ));
    }
    lines
}
