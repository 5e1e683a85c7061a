//! The state that command line and dashboard see, made from snapshots of the pulse thread.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant, SystemTime},
};

use tokio::{sync::watch, time};

use super::{
    board::{Board, Snapshot},
    shapes,
};
use crate::{api::shape::State, journal::Journal, node::Node};

/// Figures are shown anew this often.
const FIGURES: Duration = Duration::from_millis(500);
/// Letters of a timeline.
const TIMELINE: usize = 600;

/// The newest state, and since when all that a plan may rely on has been the same.
pub(super) struct Published {
    latest: RwLock<(Arc<State>, u64)>,
    seq: watch::Sender<u64>,
}

impl Published {
    pub(super) fn new(node: &Node) -> Arc<Self> {
        let state = shapes::state(node, &Snapshot::default(), &Memory::default());
        Arc::new(Self { latest: RwLock::new((Arc::new(state), 0)), seq: watch::Sender::new(0) })
    }

    pub(super) fn state(&self) -> Arc<State> {
        self.latest.read().unwrap_or_else(PoisonError::into_inner).0.clone()
    }

    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.seq.subscribe()
    }

    /// Has nothing changed since state `seq` but figures?
    pub(super) fn still(&self, seq: u64) -> bool {
        seq >= self.latest.read().unwrap_or_else(PoisonError::into_inner).1
    }

    fn put(&self, state: State, since: u64) {
        let seq = state.seq;
        // The state first: who is woken by a number finds that state or a newer one.
        *self.latest.write().unwrap_or_else(PoisonError::into_inner) = (Arc::new(state), since);
        self.seq.send_replace(seq);
    }
}

/// What the publisher remembers between states.
#[derive(Default)]
pub(super) struct Memory {
    /// By module and node: role and readiness, and since when.
    pub since: BTreeMap<(String, String), (String, SystemTime)>,
    /// By module: letters of each instance, oldest first.
    pub timelines: BTreeMap<String, Vec<VecDeque<char>>>,
}

/// Publishes until the task is dropped.
pub(super) async fn run(node: Arc<Node>, board: Arc<Board>, journal: Journal, published: Arc<Published>) {
    let mut memory = Memory::default();
    let mut stable = None;
    let (mut seq, mut since) = (0, 0);
    let mut letter_due = Instant::now();
    loop {
        // A change is shown at once, figures now and then.
        _ = time::timeout(FIGURES, board.changed()).await;
        let snapshot = board.read();
        let mut state = shapes::state(&node, &snapshot, &memory);
        memory.note(&state);
        if Instant::now() >= letter_due {
            memory.letters(&state);
            letter_due = Instant::now() + Duration::from_secs(1);
        }
        shapes::remember(&mut state, &memory);
        state.events = journal.newest(None, usize::MAX);
        seq += 1;
        state.seq = seq;
        let key = shapes::stable(&state);
        if stable.as_ref() != Some(&key) {
            stable = Some(key);
            since = seq;
        }
        published.put(state, since);
    }
}

impl Memory {
    /// Since when each instance is what it is.
    fn note(&mut self, state: &State) {
        for module in &state.modules {
            for instance in &module.instances {
                let key = (module.name.clone(), instance.node.clone());
                let now = format!("{} {}", instance.role, instance.readiness);
                if self.since.get(&key).is_none_or(|(known, _)| *known != now) {
                    self.since.insert(key, (now, SystemTime::now()));
                }
            }
        }
    }

    fn letters(&mut self, state: &State) {
        for module in &state.modules {
            let lines = self.timelines.entry(module.name.clone()).or_default();
            lines.resize_with(module.instances.len(), VecDeque::new);
            for (line, instance) in lines.iter_mut().zip(&module.instances) {
                if line.len() == TIMELINE {
                    line.pop_front();
                }
                line.push_back(shapes::letter(instance));
            }
        }
    }
}
