//! Two clocks that nobody has set alike, brought together by the heartbeats between them.
//!
//! A heartbeat is not heard before it is sent: each one that the first node sends says how far the second clock is
//! ahead at most, each one that it hears, how far at least.

use std::collections::VecDeque;

use safetui_core::Tick;

/// Heartbeats that are looked at: more than come in a window.
const LATELY: usize = 64;

/// How far the second node's clock is ahead of the first's, in milliseconds.
#[derive(Default)]
pub(super) struct Clocks {
    /// By what the second has heard.
    most: VecDeque<i64>,
    /// By what the first has heard.
    least: VecDeque<i64>,
    /// Newest moment, and everybody's time less the node's, of each node.
    anchors: [Option<(Tick, i64)>; 2],
}

impl Clocks {
    /// A life of a node begins. A clock that has gone back since is another: the machine was started anew.
    pub(super) fn begin(&mut self, node: usize, now: Tick, wall: u64) {
        if self.anchors[node].is_some_and(|(known, _)| now < known) {
            self.most.clear();
            self.least.clear();
        }
        self.anchors[node] = Some((now, wall as i64 - now.0 as i64));
    }

    /// A node hears at `now` what its peer sent at `sent`, each on its own clock: how long it was under way longer than
    /// the fastest lately, and by how much the clocks contradict each other.
    pub(super) fn heard(&mut self, node: usize, sent: Tick, now: Tick) -> (u64, u64) {
        let fastest = self.ahead_of_peer(node);
        let took = now.0 as i64 - sent.0 as i64;
        let (list, gap) = if node == 1 { (&mut self.most, took) } else { (&mut self.least, -took) };
        if list.len() == LATELY {
            list.pop_front();
        }
        list.push_back(gap);
        if let Some((known, _)) = &mut self.anchors[node] {
            *known = now.max(*known);
        }
        let late = fastest.map_or(0, |fastest| took.saturating_sub(fastest).max(0));
        let apart = match self.bounds() {
            (Some(least), Some(most)) => (least - most).max(0),
            _ => 0,
        };
        (late as u64, apart as u64)
    }

    /// The shortest way to that node lately, with the difference of the clocks in it.
    fn ahead_of_peer(&self, node: usize) -> Option<i64> {
        if node == 1 { self.most.iter().min().copied() } else { self.least.iter().max().map(|gap| -gap) }
    }

    fn bounds(&self) -> (Option<i64>, Option<i64>) {
        (self.least.iter().max().copied(), self.most.iter().min().copied())
    }

    fn ahead(&self) -> i64 {
        match self.bounds() {
            (Some(least), Some(most)) => i64::midpoint(least, most),
            (Some(one), None) | (None, Some(one)) => one,
            (None, None) => match self.anchors {
                [Some((_, one)), Some((_, other))] => one - other,
                _ => 0,
            },
        }
    }

    /// A moment of a node on the first node's clock.
    pub(super) fn common(&self, node: usize, at: Tick) -> i64 {
        at.0 as i64 - if node == 1 { self.ahead() } else { 0 }
    }

    /// A moment of a node on the peer's clock.
    pub(super) fn across(&self, node: usize, at: Tick) -> Tick {
        let ahead = if node == 0 { self.ahead() } else { -self.ahead() };
        Tick((at.0 as i64).saturating_add(ahead).max(0) as u64)
    }
}
