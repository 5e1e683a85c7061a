//! The client's numbered writes: where each is, and which the client may rely on.

use std::collections::VecDeque;

/// One write.
#[derive(Clone, Copy, Debug, Default)]
struct Write {
    /// Is it on that node's disk?
    on: [bool; 2],
    acknowledged: bool,
    /// Its client waits.
    open: bool,
}

/// All writes that still matter. One that is on both disks, or that no client relies on, does not.
#[derive(Debug)]
pub(super) struct Ledger {
    /// The number of the first that is kept; they begin with 1.
    first: u64,
    writes: VecDeque<Write>,
    /// Acknowledged writes that a node does not have.
    missing: [u64; 2],
    /// A node whose data are half overwritten has nothing to rely on.
    half: [bool; 2],
    pub(super) acknowledged: u64,
    /// Acknowledged writes that an operator gave up by choosing the other side of a fork.
    pub(super) given_up: u64,
}

impl Default for Ledger {
    fn default() -> Self {
        Self {
            first: 1,
            writes: VecDeque::with_capacity(1024),
            missing: [0; 2],
            half: [false; 2],
            acknowledged: 0,
            given_up: 0,
        }
    }
}

impl Ledger {
    /// A new write, applied at that node.
    pub(super) fn begin(&mut self, node: usize) -> u64 {
        let mut write = Write { open: true, ..Write::default() };
        write.on[node] = true;
        self.writes.push_back(write);
        self.newest()
    }

    /// The number of the newest write; 0: there was none.
    pub(super) fn newest(&self) -> u64 {
        self.first + self.writes.len() as u64 - 1
    }

    fn get(&mut self, number: u64) -> Option<&mut Write> {
        self.writes.get_mut(number.checked_sub(self.first)? as usize)
    }

    /// The client is told that the write is done.
    pub(super) fn acknowledge(&mut self, number: u64) {
        let Some(write) = self.get(number).filter(|write| write.open) else { return };
        (write.open, write.acknowledged) = (false, true);
        let on = write.on;
        self.acknowledged += 1;
        for (missing, on) in self.missing.iter_mut().zip(on) {
            *missing += u64::from(!on);
        }
        self.forget();
    }

    /// The client will never know.
    pub(super) fn leave_open(&mut self, number: u64) {
        if let Some(write) = self.get(number) {
            write.open = false;
        }
        self.forget();
    }

    /// The write reaches that node's disk.
    pub(super) fn apply(&mut self, number: u64, node: usize) {
        let Some(write) = self.get(number).filter(|write| !write.on[node]) else { return };
        write.on[node] = true;
        if write.acknowledged {
            self.missing[node] -= 1;
        }
        self.forget();
    }

    /// The data of `to` begin to be overwritten with those of the other node: how many acknowledged writes are
    /// lost by that?
    pub(super) fn begin_copy(&mut self, to: usize) -> u64 {
        let only_there = |write: &&Write| write.acknowledged && write.on[to] && !write.on[1 - to];
        let lost = self.writes.iter().filter(only_there).count() as u64;
        let lost = if self.half[to] { 0 } else { lost };
        self.half[to] = true;
        lost
    }

    /// `to` has everything that the other node had when `upto` was its newest write.
    pub(super) fn end_copy(&mut self, to: usize, upto: u64) {
        let through = (upto + 1).saturating_sub(self.first) as usize;
        for write in self.writes.iter_mut().take(through) {
            write.on[to] = write.on[1 - to];
        }
        self.half[to] = false;
        self.count();
        self.forget();
    }

    /// An operator gives up what only `node` has.
    pub(super) fn give_up(&mut self, node: usize) {
        for write in &mut self.writes {
            if write.acknowledged && write.on[node] && !write.on[1 - node] {
                write.acknowledged = false;
                self.given_up += 1;
            }
        }
        self.count();
    }

    fn count(&mut self) {
        for node in 0..2 {
            let missing = self.writes.iter().filter(|write| write.acknowledged && !write.on[node]);
            self.missing[node] = missing.count() as u64;
        }
    }

    /// Does that node have every acknowledged write?
    pub(super) const fn complete(&self, node: usize) -> bool {
        self.missing[node] == 0 && !self.half[node]
    }

    /// An acknowledged write that the node does not have.
    pub(super) fn missing(&self, node: usize) -> Option<u64> {
        let at = self.writes.iter().position(|write| write.acknowledged && !write.on[node])?;
        Some(self.first + at as u64)
    }

    fn forget(&mut self) {
        let settled = |write: &Write| !write.open && (!write.acknowledged || write.on == [true; 2]);
        while self.writes.front().is_some_and(settled) {
            self.writes.pop_front();
            self.first += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_acknowledged_is_missed_wherever_it_is_not() {
        let mut ledger = Ledger::default();
        let write = ledger.begin(0);
        assert!(ledger.complete(1), "nobody relies on it yet");
        ledger.acknowledge(write);
        assert_eq!((ledger.complete(0), ledger.complete(1)), (true, false));
        assert_eq!(ledger.missing(1), Some(write));
        ledger.apply(write, 1);
        assert!(ledger.complete(1));
    }

    #[test]
    fn a_copy_over_what_only_the_target_has_is_counted() {
        let mut ledger = Ledger::default();
        for node in [0, 1, 1] {
            let write = ledger.begin(node);
            ledger.acknowledge(write);
        }
        assert_eq!(ledger.begin_copy(1), 2);
        assert!(!ledger.complete(1), "half overwritten");
        ledger.end_copy(1, ledger.newest());
        assert_eq!((ledger.complete(0), ledger.complete(1)), (false, false), "two are gone for good");
    }

    #[test]
    fn what_an_operator_gives_up_is_not_missed() {
        let mut ledger = Ledger::default();
        let write = ledger.begin(1);
        ledger.acknowledge(write);
        ledger.give_up(1);
        assert_eq!((ledger.complete(0), ledger.given_up), (true, 1));
    }

    #[test]
    fn a_write_of_unknown_fate_is_missed_by_nobody() {
        let mut ledger = Ledger::default();
        let write = ledger.begin(0);
        ledger.leave_open(write);
        ledger.acknowledge(write);
        assert!(ledger.complete(1));
    }
}
