//! What will happen, in order.

use safetui_core::{Generation, Tick};

use super::clock::Moment;

/// Something that will happen, unless what it is about is gone by then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// A core's next moment has come.
    Wake {
        node: usize,
        version: u32,
    },
    /// The question to the witness that was asked then is answered, or not.
    Asked {
        node: usize,
        life: u32,
        at: Moment,
        asked: Tick,
    },
    /// The arbiter's word arrives.
    Ruled {
        node: usize,
        life: u32,
        generation: Generation,
        granted: bool,
    },
    /// A heartbeat arrives.
    Beat {
        to: usize,
        letter: u32,
    },
    /// The order that a core's later orders wait for is in force.
    InForce {
        node: usize,
        life: u32,
    },
    /// The address is this node's.
    Claimed {
        node: usize,
        life: u32,
    },
    Released {
        node: usize,
        life: u32,
    },
    /// A job ended.
    Done {
        node: usize,
        life: u32,
        number: u32,
        ok: bool,
    },
    /// Somebody else answers for the address, or nobody.
    Probed {
        node: usize,
        life: u32,
    },
    /// A receiver tries to reach its source.
    Connect {
        node: usize,
        token: u32,
    },
    /// What the source has to send reaches the receiver.
    Carry {
        node: usize,
        connection: u32,
    },
    /// The receiver's acknowledgement reaches the source.
    Applied {
        node: usize,
        connection: u32,
        upto: u64,
    },
    /// The whole tree has been sent.
    Walked {
        node: usize,
        session: u32,
    },
    /// One end notices that its connection is dead, if it is.
    Noticed {
        node: usize,
        connection: u32,
    },
    /// The client writes.
    Write,
    /// One of many writes, so many of which are still to come.
    Burst {
        left: u32,
    },
    /// The guard of a dead agent has cleared away, and says so, so many times more.
    LastWord {
        node: usize,
        life: u32,
        left: u32,
    },
    /// A fault ends.
    Mend(Mend),
}

/// Which fault ends; numbered where a later one of the same kind may have taken its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mend {
    Start { node: usize, life: u32 },
    Resume { node: usize, number: u32 },
    Network { number: u32 },
    Weather { number: u32 },
    Witness { node: usize, number: u32 },
    Hands { node: usize, number: u32 },
    Link { node: usize, number: u32 },
}

/// All that will happen: the latest first, so that the next is taken from the end. There is little of it at a time,
/// and what is new mostly happens soon: this is faster than a heap.
#[derive(Debug, Default)]
pub(super) struct Queue(Vec<(Moment, What)>);

impl Queue {
    /// What is foreseen later for the same moment happens later.
    pub(super) fn push(&mut self, at: Moment, what: What) {
        let mut place = self.0.len();
        while place > 0 && self.0[place - 1].0 <= at {
            place -= 1;
        }
        self.0.insert(place, (at, what));
    }

    /// The next thing, if it happens by `until`.
    pub(super) fn pop(&mut self, until: Moment) -> Option<(Moment, What)> {
        self.0.pop_if(|(at, _)| *at <= until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn things_happen_in_order_and_those_of_one_moment_as_they_were_foreseen() {
        let mut queue = Queue::default();
        for (at, node) in [(5, 0), (3, 1), (5, 2), (4, 3), (5, 4)] {
            queue.push(at, What::Claimed { node, life: 0 });
        }
        let mut nodes = Vec::new();
        while let Some((_, What::Claimed { node, .. })) = queue.pop(5) {
            nodes.push(node);
        }
        assert_eq!(nodes, [1, 3, 0, 2, 4]);
        queue.push(6, What::Write);
        assert_eq!(queue.pop(5), None);
    }
}
