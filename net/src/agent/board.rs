//! Where the pulse thread leaves what the screens are made of, and never waits for a reader.

use std::{
    collections::BTreeMap,
    sync::{PoisonError, TryLockError},
};

use safetui_core::Tick;
use tokio::sync::Notify;

use super::witness;
use crate::{driver::Shot, heartbeat::PathView, sync::Mutex};

/// Everything at one moment.
#[derive(Clone, Default)]
pub(super) struct Snapshot {
    pub at: Tick,
    pub modules: Vec<Shot>,
    /// Modules that cannot run, and why.
    pub broken: BTreeMap<String, String>,
    pub paths: Vec<PathView>,
    pub versions: BTreeMap<u8, String>,
    pub witnesses: Vec<witness::View>,
    pub warnings: Vec<String>,
}

/// The newest snapshot.
pub(super) struct Board<T = Snapshot> {
    latest: Mutex<T>,
    changed: Notify,
}

impl<T: Default> Default for Board<T> {
    fn default() -> Self {
        Self { latest: Mutex::new(T::default()), changed: Notify::new() }
    }
}

impl<T: Clone> Board<T> {
    /// Leaves a snapshot. If a reader is just looking, this one is skipped: another follows soon.
    pub(super) fn publish(&self, snapshot: T) {
        match self.latest.try_lock() {
            Ok(mut latest) => *latest = snapshot,
            Err(TryLockError::Poisoned(poisoned)) => *poisoned.into_inner() = snapshot,
            Err(TryLockError::WouldBlock) => return,
        }
        self.changed.notify_one();
    }

    pub(super) fn read(&self) -> T {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits for a snapshot newer than the one that was waited for last.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }
}

#[cfg(all(test, feature = "loom"))]
mod explored {
    use std::sync::Arc;

    use futures_util::FutureExt;

    use super::*;
    use crate::sync::{explore, thread};

    #[test]
    fn what_was_left_is_read_or_its_reader_is_woken() {
        explore(8, || {
            let board = Arc::new(Board::<u8>::default());
            let publisher = thread::spawn({
                let board = Arc::clone(&board);
                move || (1..=2).for_each(|snapshot| board.publish(snapshot))
            });
            let mut seen = 0;
            for _ in 0..2 {
                if board.changed().now_or_never().is_some() {
                    let newer = board.read();
                    assert!(newer >= seen);
                    seen = newer;
                }
                thread::yield_now();
            }
            publisher.join().unwrap();
            let woken = board.changed().now_or_never().is_some();
            assert!(woken || board.read() == seen);
            // Whatever was skipped, the next one comes.
            board.publish(3);
            assert!(board.changed().now_or_never().is_some() && board.read() == 3);
        });
    }
}
