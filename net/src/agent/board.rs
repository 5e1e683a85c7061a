//! Where the pulse thread leaves what the screens are made of, and never waits for a reader.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError, TryLockError},
};

use safetui_core::Tick;
use tokio::sync::Notify;

use super::witness;
use crate::{driver::Shot, heartbeat::PathView};

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
#[derive(Default)]
pub(super) struct Board {
    latest: Mutex<Snapshot>,
    changed: Notify,
}

impl Board {
    /// Leaves a snapshot. If a reader is just looking, this one is skipped: another follows soon.
    pub(super) fn publish(&self, snapshot: Snapshot) {
        match self.latest.try_lock() {
            Ok(mut latest) => *latest = snapshot,
            Err(TryLockError::Poisoned(poisoned)) => *poisoned.into_inner() = snapshot,
            Err(TryLockError::WouldBlock) => return,
        }
        self.changed.notify_one();
    }

    pub(super) fn read(&self) -> Snapshot {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits for a snapshot newer than the one that was waited for last.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }
}
