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
    /// Leaves a snapshot. Is it there now? While a reader is just looking it is not, and is to be made again soon.
    #[must_use]
    pub(super) fn publish(&self, snapshot: T) -> bool {
        match self.latest.try_lock() {
            Ok(mut latest) => *latest = snapshot,
            Err(TryLockError::Poisoned(poisoned)) => *poisoned.into_inner() = snapshot,
            Err(TryLockError::WouldBlock) => return false,
        }
        self.changed.notify_one();
        true
    }

    pub(super) fn read(&self) -> T {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits for a snapshot newer than the one that was waited for last.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;

    #[test]
    fn what_a_reader_was_in_the_way_of_is_not_said_to_be_there() {
        let board = Board::<u8>::default();
        let reader = board.latest.lock().unwrap();
        assert!(!board.publish(1));
        drop(reader);
        assert_eq!(board.read(), 0);
        assert!(board.publish(2));
        assert_eq!(board.read(), 2);
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
                move || (1..=2).filter(|snapshot| board.publish(*snapshot)).last().unwrap_or(0)
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
            let left = publisher.join().unwrap();
            let woken = board.changed().now_or_never().is_some();
            assert_eq!(board.read(), left, "what was said to be there is");
            assert!(woken || seen == left);
            // With nobody looking, any is left.
            assert!(board.publish(3) && board.changed().now_or_never().is_some() && board.read() == 3);
        });
    }
}
