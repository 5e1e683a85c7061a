//! The state that command line and dashboard see, made from snapshots of the pulse thread.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant, SystemTime},
};

use safetui_core::Boot;
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

/// Bits that number the states of one life, below those that number the life. Lives are numbered by the second in
/// which they begin, so a life ends long before it needs the numbers of the next; all stay below 2^53, which every
/// reader of JSON can hold.
const NUMBERS: u32 = 20;

/// The newest state, and since when all that a plan may rely on has been the same.
pub(super) struct Published {
    latest: RwLock<(Arc<State>, u64)>,
    seq: watch::Sender<u64>,
}

impl Published {
    pub(super) fn new(node: &Node, boot: Boot) -> Arc<Self> {
        let mut state = shapes::state(node, &Snapshot::default(), &Memory::default());
        let first = u64::from(boot.0) << NUMBERS;
        state.seq = first;
        Arc::new(Self { latest: RwLock::new((Arc::new(state), first)), seq: watch::Sender::new(first) })
    }

    pub(super) fn state(&self) -> Arc<State> {
        self.latest.read().unwrap_or_else(PoisonError::into_inner).0.clone()
    }

    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.seq.subscribe()
    }

    /// Has this life of the agent published state `seq`, and has nothing changed since but figures?
    pub(super) fn still(&self, seq: u64) -> bool {
        let latest = self.latest.read().unwrap_or_else(PoisonError::into_inner);
        (latest.1..=latest.0.seq).contains(&seq)
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
    let mut seq = published.state().seq;
    let mut since = seq;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{config::cluster, paths::Paths, wire::ClusterKey};

    const CLUSTER: &str = r#"<cluster><lans><lan name="a">
<node name="n1" addr="127.0.0.1"/><node name="n2" addr="127.0.0.2"/></lan></lans></cluster>"#;

    /// What a life of the agent has published after some states.
    async fn life(boot: u32) -> Arc<Published> {
        let home = tempfile::tempdir().unwrap();
        let at = home.path();
        let paths = Paths { etc: at.into(), var: at.into(), run: at.into(), log: at.join("log") };
        let cluster = cluster::parse(CLUSTER, "cluster.xml").unwrap();
        let names = vec!["n1".into(), "n2".into()];
        let node = Node { paths, cluster, key: ClusterKey::generate(), names, me: 0 };
        let journal = Journal::open(&node.paths, "n1");
        let published = Published::new(&node, Boot(boot));
        let first = published.state().seq;
        let publishing = run(Arc::new(node), Arc::default(), journal, published.clone());
        let mut changes = published.changes();
        tokio::select! {
            () = publishing => unreachable!("it goes on until it is dropped"),
            newest = changes.wait_for(|newest| *newest >= first + 2) => drop(newest.unwrap()),
        }
        published
    }

    #[tokio::test]
    async fn a_number_that_was_not_published_yet_is_no_state_to_rely_on() {
        let published = life(1_800_000_000).await;
        let newest = published.state().seq;
        assert!(published.still(newest));
        assert!(!published.still(newest + 1) && !published.still(u64::MAX));
    }

    #[tokio::test]
    async fn a_number_of_an_earlier_life_is_no_state_to_rely_on() {
        let (earlier, later) = (life(1_800_000_000).await, life(1_800_000_001).await);
        assert!(!later.still(earlier.state().seq));
        assert!(!earlier.still(later.state().seq));
        assert!(life(u32::MAX).await.state().seq < 1 << 53);
    }
}
