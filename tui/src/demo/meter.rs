//! What the demo's client sees: how much was promised to it, and when it was kept waiting.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use safetui_lab::ledger::Client;

/// How often the client is looked at: gaps are this much too long or short.
const LOOK: Duration = Duration::from_millis(5);
/// Shorter pauses are what a busy machine does.
const GAP: Duration = Duration::from_millis(100);

#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    pub(super) acked: usize,
    /// When an entry was last acknowledged.
    progress: Instant,
    pub(super) last_gap: Option<Duration>,
    pub(super) longest: Duration,
}

impl Reading {
    fn new(now: Instant) -> Self {
        Self { acked: 0, progress: now, last_gap: None, longest: Duration::ZERO }
    }

    fn look(&mut self, acked: usize, now: Instant) {
        if acked == self.acked {
            return;
        }
        let gap = now - self.progress;
        if gap >= GAP && self.acked > 0 {
            self.last_gap = Some(gap);
            self.longest = self.longest.max(gap);
        }
        (self.acked, self.progress) = (acked, now);
    }

    /// The gap that lasts now, if one does.
    pub(super) fn gap(&self, now: Instant) -> Option<Duration> {
        Some(now.saturating_duration_since(self.progress)).filter(|gap| *gap >= GAP)
    }
}

/// Looks at a client until it is finished.
pub(super) struct Meter {
    client: Arc<Client>,
    reading: Arc<Mutex<Reading>>,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Meter {
    pub(super) fn start(client: Client) -> Self {
        let (client, stop) = (Arc::new(client), Arc::new(AtomicBool::new(false)));
        let reading = Arc::new(Mutex::new(Reading::new(Instant::now())));
        let (watched, ended, notes) = (client.clone(), stop.clone(), reading.clone());
        let thread = thread::spawn(move || {
            while !ended.load(Ordering::Relaxed) {
                let acked = watched.acked();
                notes.lock().unwrap_or_else(PoisonError::into_inner).look(acked, Instant::now());
                thread::sleep(LOOK);
            }
        });
        Self { client, reading, stop, thread }
    }

    /// What is read now, and later.
    pub(super) fn dial(&self) -> impl Fn() -> Reading + Send + 'static {
        let reading = self.reading.clone();
        move || *reading.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The client, for its proof, and the last reading.
    pub(super) fn finish(self) -> (Client, Reading) {
        self.stop.store(true, Ordering::Relaxed);
        _ = self.thread.join();
        let reading = *self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        let client = Arc::into_inner(self.client).expect("the thread that shared it has ended");
        (client, reading)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_is_known_while_it_lasts_and_after_it() {
        let start = Instant::now();
        let at = |ms: u64| start + Duration::from_millis(ms);
        let mut reading = Reading::new(start);
        reading.look(0, at(900));
        reading.look(1, at(1000));
        assert_eq!(reading.last_gap, None, "the first entry ends no gap: nothing was there before");
        for (acked, ms) in [(2, 1010), (2, 1900), (3, 2500), (4, 2510), (5, 2900)] {
            reading.look(acked, at(ms));
        }
        assert_eq!((reading.last_gap, reading.longest.as_millis()), (Some(Duration::from_millis(390)), 1490));
        assert_eq!((reading.gap(at(2950)), reading.gap(at(3200))), (None, Some(Duration::from_millis(300))));
    }
}
