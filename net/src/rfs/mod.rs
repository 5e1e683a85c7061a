//! Synchronous replication of directories.
//!
//! A FUSE file system covers each replicated directory; the real one is reached through a descriptor that
//! was opened before. Each operation is carried out here, then sent in one ordered stream to the peer, and
//! acknowledged to the application when the peer has applied it.
//!
//! ```text
//! application -> fuse -> local -> backing        the real directory
//!                          |
//!                        flow -> source ~~~~> receiver -> replica -> backing
//!                          ^        |
//!                          +- acks -+
//! ```
//!
//! Locks, in the order in which they are taken: the right to change something here, the names of all trees, an
//! inode, the log of changes, files without a name, the gate, the queue.

mod aside;
mod backing;
mod caller;
mod content;
mod copy;
mod epochs;
mod files;
mod flow;
mod frame;
mod fuse;
mod local;
mod mount;
mod notes;
mod queue;
mod receiver;
mod replica;
mod session;
mod settings;
mod source;
mod space;
mod stop;
mod stream;
#[cfg(test)]
mod tests;
mod zones;

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use backing::Fid;
use flow::Flow;
use mount::{Mounted, Tree};
use notes::Notes;
use receiver::Job;
use session::Expected;
pub use settings::{Gate, Progress, Report, RfsError, Settings, Stats};
use source::Listening;
use stop::Stop;

/// Inode locks are shared by files whose numbers fall together.
const INODE_LOCKS: usize = 256;
/// `receive_stop` gives up waiting for one operation after this: a disk that hangs must not hang the driver.
const LAST_OPERATION: Duration = Duration::from_millis(50);

/// The replication of one module on one node. One thread gives its orders. Dropping it closes the gate, ends the stream and unmounts.
pub struct Rfs {
    shared: Arc<Shared>,
    mounts: Arc<Mutex<Vec<Mounted>>>,
    listening: Mutex<Option<Listening>>,
    receiving: Mutex<Option<Arc<Stop<TcpStream>>>>,
    measured: Mutex<(Instant, u64)>,
}

/// What all threads of replication know. Where it changes together, it is behind one lock or in [`Flow`]; the rest is
/// single values.
struct Shared {
    settings: Settings,
    trees: Vec<Tree>,
    flow: Flow,
    /// What was changed here since both nodes were equal.
    notes: Notes,
    names: Mutex<()>,
    inodes: Vec<Mutex<()>>,
    open: Mutex<HashMap<Fid, usize>>,
    /// Files that never had a name and may get one: no walk through the directories finds them.
    unnamed: Mutex<HashMap<Fid, Arc<File>>>,
    /// The kernel may have cached for long since the last mount.
    cached: AtomicBool,
    bytes: AtomicU64,
    remount: Mutex<Option<Box<dyn Fn() + Send>>>,
    report: Box<dyn Fn(Report) + Send + Sync>,
}

fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Rfs {
    /// Opens the directories. The gate is closed. `report` is called from threads of replication and must not block.
    pub fn new(
        settings: Settings,
        report: impl Fn(Report) + Send + Sync + 'static,
    ) -> Result<Arc<Self>, RfsError> {
        let trees: Vec<Tree> = settings.dirs.iter().map(|dir| Tree::open(dir)).collect::<Result<_, _>>()?;
        refuse_nesting(&trees)?;
        raise_descriptor_limit();
        let path = &settings.notes;
        let notes = Notes::open(path, mount::identity(&trees));
        let what = "cannot remove the log of changes, which is of no use,";
        let notes = notes.map_err(|source| RfsError::System { what, path: path.clone(), source })?;
        let shared = Arc::new(Shared {
            flow: Flow::new(trees.len()),
            notes,
            trees,
            settings,
            names: Mutex::new(()),
            inodes: (0..INODE_LOCKS).map(|_| Mutex::new(())).collect(),
            open: Mutex::default(),
            unnamed: Mutex::default(),
            cached: AtomicBool::new(false),
            bytes: AtomicU64::new(0),
            remount: Mutex::new(None),
            report: Box::new(report),
        });
        let rfs = Arc::new(Self {
            shared,
            mounts: Arc::default(),
            listening: Mutex::new(None),
            receiving: Mutex::new(None),
            measured: Mutex::new((Instant::now(), 0)),
        });
        Ok(rfs)
    }

    /// Covers the directories; those that are covered already stay so.
    pub fn mount(&self) -> Result<(), RfsError> {
        let mut mounts = lock(&self.mounts);
        if mounts.is_empty() {
            *mounts = mount_all(&self.shared)?;
        }
        self.watched();
        let (weak, mounts) = (Arc::downgrade(&self.shared), Arc::downgrade(&self.mounts));
        *lock(&self.shared.remount) = Some(Box::new(move || {
            if let (Some(shared), Some(mounts)) = (weak.upgrade(), mounts.upgrade()) {
                remount(&shared, &mounts);
            }
        }));
        Ok(())
    }

    /// Uncovers the directories. A busy one is detached, and the error names its users.
    pub fn unmount(&self) -> Result<(), RfsError> {
        let mounts = std::mem::take(&mut *lock(&self.mounts));
        if let Err(error) = self.shared.notes.left() {
            tracing::warn!(%error, "what is changed while the directories are uncovered will not be noticed");
        }
        mounts.into_iter().map(Mounted::unmount).fold(Ok(()), Result::and)
    }

    /// When this returns, nothing that the gate forbids is acknowledged any more. `Closed` fails what waits with
    /// EROFS, `Alone` completes what was applied here.
    pub fn gate(&self, gate: Gate) {
        if gate != Gate::Closed {
            self.shared.cached.store(true, Ordering::SeqCst);
        }
        self.shared.flow.set_gate(gate);
    }

    /// Be the source of exactly this receiver, and bring it level. Asked again with the same names, changes nothing.
    pub fn source(&self, to_boot: u32, generation: u64, term: u64) {
        self.shared.flow.expect(Some(Expected { boot: to_boot, generation, term }));
        let mut listening = lock(&self.listening);
        if listening.is_none() {
            *listening = Some(Listening::start(&self.shared));
        }
    }

    /// Nobody may receive any more.
    pub fn source_stop(&self) {
        self.shared.flow.expect(None);
        lock(&self.listening).take();
    }

    fn watched(&self) {
        if let Err(error) = self.shared.notes.watched() {
            self.shared.report(Report::LocalFailed {
                why: format!("the log of changes cannot be removed: {error}"),
            });
        }
    }

    /// Reports `Drained` once everything acknowledged before now is applied by the peer.
    pub fn drain(&self) {
        if let Some(report) = self.shared.flow.drain() {
            self.shared.report(report);
        }
    }

    /// Connect to the source, again and again, and apply. `from_boot` is the boot of the source that was agreed.
    pub fn receive(&self, my_boot: u32, from_boot: u32, generation: u64, term: u64, keep_aside: bool) {
        self.receive_stop();
        self.watched();
        let stop = Arc::new(Stop::new());
        *lock(&self.receiving) = Some(Arc::clone(&stop));
        let named = Expected { boot: my_boot, generation, term };
        tracing::debug!(my_boot, from_boot, generation, term, "receiving");
        let (shared, job) = (Arc::clone(&self.shared), Job { named, keep_aside, stop });
        std::thread::spawn(move || receiver::run(shared, job));
    }

    /// When this returns nothing of the stream is applied any more. Should the disk hang in the middle of an
    /// operation, that one ends later, and no operation of the application begins before it has.
    pub fn receive_stop(&self) {
        let Some(stop) = lock(&self.receiving).take() else { return };
        stop.stop();
        let deadline = Instant::now() + LAST_OPERATION;
        while !self.shared.flow.is_still() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_micros(200));
        }
    }

    pub fn stats(&self) -> Stats {
        let bytes = self.shared.bytes.load(Ordering::Relaxed);
        let mut measured = lock(&self.measured);
        let seconds = measured.0.elapsed().as_secs_f64().max(0.001);
        let bytes_per_second = ((bytes - measured.1) as f64 / seconds) as u64;
        *measured = (Instant::now(), bytes);
        Stats {
            bytes_per_second,
            waiting: self.shared.flow.waiting(),
            ack_us: self.shared.flow.ack_us(),
            copy: self.shared.flow.with_session(|session| session.progress),
        }
    }
}

#[cfg(test)]
impl Rfs {
    /// What a dying link does to the receiver's connection.
    fn cut(&self) {
        if let Some(stop) = &*lock(&self.receiving) {
            stop.cut();
        }
    }
}

impl Drop for Rfs {
    fn drop(&mut self) {
        self.receive_stop();
        self.source_stop();
        self.gate(Gate::Closed);
        if let Err(error) = self.unmount() {
            tracing::warn!(%error, "unmounting");
        }
    }
}

impl Shared {
    fn report(&self, report: Report) {
        (self.report)(report);
    }

    fn party(&self) -> stream::Party {
        let Settings { secret, module, me, peer_name, patience, .. } = &self.settings;
        stream::Party {
            secret: *secret,
            module: module.clone(),
            me: me.clone(),
            peer: peer_name.clone(),
            patience: *patience,
        }
    }

    fn count(&self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    fn lock_names(&self) -> MutexGuard<'_, ()> {
        lock(&self.names)
    }

    fn lock_inode(&self, node: Fid) -> MutexGuard<'_, ()> {
        lock(&self.inodes[node.ino as usize % INODE_LOCKS])
    }

    /// Two, in an order that is the same for all who need two.
    fn lock_inodes(&self, one: Fid, other: Fid) -> (MutexGuard<'_, ()>, Option<MutexGuard<'_, ()>>) {
        let [low, high] = [one, other].map(|node| node.ino as usize % INODE_LOCKS);
        let (low, high) = (low.min(high), low.max(high));
        (lock(&self.inodes[low]), (low != high).then(|| lock(&self.inodes[high])))
    }

    fn is_open(&self, node: Fid) -> bool {
        lock(&self.open).contains_key(&node)
    }

    fn open(&self, node: Fid) {
        *lock(&self.open).entry(node).or_default() += 1;
    }

    /// True for the last handle.
    fn close(&self, node: Fid) -> bool {
        let mut open = lock(&self.open);
        let Some(count) = open.get_mut(&node) else { return false };
        *count -= 1;
        let last = *count == 0;
        if last {
            open.remove(&node);
        }
        last
    }

    fn keep_unnamed(&self, node: Fid, file: &File) -> io::Result<()> {
        let file = file.try_clone()?;
        lock(&self.unnamed).insert(node, Arc::new(file));
        Ok(())
    }

    fn drop_unnamed(&self, node: Fid) {
        lock(&self.unnamed).remove(&node);
    }

    /// The stream is about to change files behind the kernel's back: what it has cached while the gate was open
    /// goes with the mount that it belongs to.
    fn drop_kernel_caches(&self) {
        if self.cached.swap(false, Ordering::SeqCst)
            && let Some(remount) = &*lock(&self.remount)
        {
            remount();
        }
    }
}

fn mount_all(shared: &Arc<Shared>) -> Result<Vec<Mounted>, RfsError> {
    (0..shared.trees.len() as u8).map(|tree| mount::mount(shared, tree)).collect()
}

fn remount(shared: &Arc<Shared>, mounts: &Mutex<Vec<Mounted>>) {
    let mut mounts = lock(mounts);
    if mounts.is_empty() {
        return;
    }
    for mounted in mounts.drain(..) {
        if let Err(error) = mounted.unmount() {
            tracing::warn!(%error, "mounting anew");
        }
    }
    match mount_all(shared) {
        Ok(fresh) => *mounts = fresh,
        Err(error) => shared.report(Report::LocalFailed { why: error.to_string() }),
    }
}

fn refuse_nesting(trees: &[Tree]) -> Result<(), RfsError> {
    for (at, one) in trees.iter().enumerate() {
        for other in &trees[at + 1..] {
            if one.path.starts_with(&other.path) || other.path.starts_with(&one.path) {
                return Err(RfsError::Nested(one.path.clone(), other.path.clone()));
            }
        }
    }
    Ok(())
}

/// One descriptor for each file that the kernel or the peer knows: as many as the system gives.
fn raise_descriptor_limit() {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let most = std::fs::read_to_string("/proc/sys/fs/nr_open").ok().and_then(|text| text.trim().parse().ok());
    let (Ok((soft, hard)), Some(most)) = (getrlimit(Resource::RLIMIT_NOFILE), most) else { return };
    if soft < most && setrlimit(Resource::RLIMIT_NOFILE, most, most).is_err() {
        let _ = setrlimit(Resource::RLIMIT_NOFILE, hard, hard);
    }
}
