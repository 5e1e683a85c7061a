//! What each path (a peer over a network) was worth lately.

use std::{collections::VecDeque, time::Duration};

use super::stamps::{Returned, Stamps, micros};
use crate::wire::{Verdict, Window};

/// How far back the statistics reach, in seconds.
const SPAN: u64 = 60;

/// The statistics of all paths of a node, fed with authentic heartbeats only.
pub struct Paths {
    networks: Vec<String>,
    peers: Vec<Peer>,
}

struct Peer {
    node: u8,
    count: u64,
    /// By network.
    paths: Vec<Path>,
}

#[derive(Clone, Default)]
struct Path {
    heard: Option<Duration>,
    /// `sent_us` of the heartbeat that came then.
    stamp: u64,
    counts: Window,
    rtt_us: Option<u64>,
    /// The last minute, a bucket a second, oldest first; seconds without an arrival have none.
    seconds: VecDeque<Second>,
}

#[derive(Clone, Copy, Default)]
struct Second {
    /// In seconds of the clock.
    start: u64,
    received: u64,
    lost: u64,
    /// The slowest round trip: what an operator looks for.
    rtt_us: Option<u64>,
}

/// A path as it is shown.
#[derive(Clone, Debug, PartialEq)]
pub struct PathView {
    pub network: String,
    pub peer: u8,
    /// When the last authentic heartbeat came over it, in [`super::boottime`].
    pub heard: Option<Duration>,
    /// The last measured round trip.
    pub rtt_us: Option<u64>,
    /// Share of heartbeats that did not arrive over it within the last minute; nothing if none arrived.
    pub loss_percent: Option<f64>,
    /// Slowest round trip of each second of the last minute, oldest first, at most 60.
    pub history_us: Vec<u64>,
}

impl Paths {
    /// All `networks` by index (the relay too, if there is one) to all `peers` by node index.
    pub fn new(networks: &[&str], peers: &[u8]) -> Self {
        let peer = |&node: &u8| Peer { node, count: 0, paths: vec![Path::default(); networks.len()] };
        Self {
            networks: networks.iter().map(ToString::to_string).collect(),
            peers: peers.iter().map(peer).collect(),
        }
    }

    /// The stamps for the next heartbeat to `peer`: one heartbeat, the same bytes over all networks.
    pub fn stamps(&mut self, peer: u8, now: Duration) -> Stamps {
        let Some(peer) = self.peers.iter_mut().find(|known| known.node == peer) else {
            return Stamps::default();
        };
        peer.count += 1;
        let returned = peer.paths.iter().map(|path| path.returned(now)).collect();
        Stamps { count: peer.count, sent_us: micros(now), returned }
    }

    /// An authentic heartbeat of `peer` came over `network`: the first copy or a duplicate.
    pub fn heard(&mut self, network: usize, peer: u8, at: Duration, stamps: &Stamps) {
        let peer = self.peers.iter_mut().find(|known| known.node == peer);
        if let Some(path) = peer.and_then(|peer| peer.paths.get_mut(network)) {
            path.heard(at, stamps, stamps.returned.get(network).copied().flatten());
        }
    }

    /// All paths, by network and then by peer.
    pub fn view(&self, now: Duration) -> Vec<PathView> {
        let networks = self.networks.iter().enumerate();
        networks
            .flat_map(|(at, name)| {
                self.peers.iter().map(move |peer| peer.paths[at].view(name, peer.node, now))
            })
            .collect()
    }
}

impl Path {
    fn returned(&self, now: Duration) -> Option<Returned> {
        let held = micros(now.saturating_sub(self.heard?));
        Some(Returned { sent_us: self.stamp, held_us: held.try_into().ok()? })
    }

    fn heard(&mut self, at: Duration, stamps: &Stamps, returned: Option<Returned>) {
        let mut verdict = self.counts.take(stamps.count);
        if verdict == Verdict::TooOld {
            // The peer counts anew after a restart.
            self.counts = Window::default();
            verdict = self.counts.take(stamps.count);
        }
        // The same copy over the same network twice says nothing about the path.
        if verdict == Verdict::Seen {
            return;
        }
        let rtt_us = returned
            .and_then(|back| micros(at).checked_sub(back.sent_us)?.checked_sub(u64::from(back.held_us)));
        let silence = self.heard.map_or(0, |heard| at.saturating_sub(heard).as_secs());
        let second = self.second(at);
        second.received += 1;
        second.rtt_us = second.rtt_us.max(rtt_us);
        match verdict {
            // Of a long silence, only the share of the last minute belongs to the last minute.
            Verdict::New { skipped } if silence > SPAN => second.lost += skipped / silence * SPAN,
            Verdict::New { skipped } => second.lost += skipped,
            _ => self.found(),
        }
        if matches!(verdict, Verdict::New { .. }) {
            self.heard = Some(at);
            self.stamp = stamps.sent_us;
            self.rtt_us = rtt_us.or(self.rtt_us);
        }
    }

    /// A heartbeat that was counted as lost was only late.
    fn found(&mut self) {
        if let Some(second) = self.seconds.iter_mut().rev().find(|second| second.lost > 0) {
            second.lost -= 1;
        }
    }

    /// The bucket of the second that contains `at`.
    fn second(&mut self, at: Duration) -> &mut Second {
        let start = at.as_secs();
        if self.seconds.back().is_none_or(|last| last.start < start) {
            self.seconds.push_back(Second { start, ..Second::default() });
        }
        while self.seconds.len() as u64 > SPAN {
            self.seconds.pop_front();
        }
        self.seconds.back_mut().expect("there is one now")
    }

    fn view(&self, network: &str, peer: u8, now: Duration) -> PathView {
        let oldest = now.as_secs().saturating_sub(SPAN - 1);
        let lately = || self.seconds.iter().filter(|second| second.start >= oldest);
        let received: u64 = lately().map(|second| second.received).sum();
        let lost: u64 = lately().map(|second| second.lost).sum();
        PathView {
            network: network.into(),
            peer,
            heard: self.heard,
            rtt_us: self.rtt_us,
            loss_percent: (received > 0).then(|| 100.0 * lost as f64 / (received + lost) as f64),
            history_us: lately().filter_map(|second| second.rtt_us).collect(),
        }
    }
}

#[cfg(test)]
mod tests;
