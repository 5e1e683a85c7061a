//! What a flight record is made of: the inputs of a core, each with a digest of what the core ordered. The same
//! inputs lead the same core to the same orders; the digest is what proves that they did.

use core::hash::{Hash, Hasher};

use crate::{action::Actions, event::Event, mirror::Mirror, time::Tick};

/// Which core decides: a digest of its sources. Another core may decide differently, and be right.
pub const SOURCES: &str = env!("SAFETUI_CORE_SOURCES");

/// One input of a core, as it was handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Input {
    /// What the core was told that the time is.
    pub now: Tick,
    pub event: Event,
    /// The digest of what followed: see [`digest`].
    pub orders: u32,
}

/// Every so many inputs the digest is of the state too: one that went astray is found before it shows.
const STATE_EVERY: u64 = 16;

/// Tells the orders that followed the input `seq` from any others, for all that matters, and now and then the core
/// as it then was, `core`; 0 when there is nothing to tell.
pub fn digest<const H: usize>(seq: u64, orders: &Actions<H>, core: &Mirror<H>) -> u32 {
    let with_state = seq.is_multiple_of(STATE_EVERY);
    if orders.is_empty() && !with_state {
        return 0;
    }
    let mut digest = Digest(Digest::BASIS);
    for action in orders.iter() {
        action.hash(&mut digest);
    }
    if with_state {
        core.hash(&mut digest);
    }
    let whole = digest.finish();
    ((whole ^ (whole >> 32)) as u32).max(1)
}

/// FNV-1a, on any machine the same.
struct Digest(u64);

impl Digest {
    const BASIS: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0100_0000_01b3;
}

impl Hasher for Digest {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(Self::PRIME);
        }
    }

    fn write_u32(&mut self, number: u32) {
        self.write(&number.to_le_bytes());
    }

    fn write_u64(&mut self, number: u64) {
        self.write(&number.to_le_bytes());
    }

    fn write_usize(&mut self, number: usize) {
        self.write_u64(number as u64);
    }

    fn write_isize(&mut self, number: isize) {
        self.write_u64(number as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        action::{Action, Gate},
        record::{Boot, Generation, Mark, Record, Side},
    };

    const FIRST: Mirror<4> = Mirror::new(
        Tick(5),
        Boot(1),
        7,
        Record {
            term: 0,
            generation: Generation::NONE,
            history: [Generation::NONE; 4],
            mark: Mark::New,
            side: Side::Second,
        },
    );

    fn told(seq: u64, orders: &[Action<4>], core: &Mirror<4>) -> u32 {
        let mut actions = Actions::default();
        for order in orders {
            actions.push(*order);
        }
        digest(seq, &actions, core)
    }

    fn orders(orders: &[Action<4>]) -> u32 {
        told(1, orders, &FIRST)
    }

    #[test]
    fn now_and_then_the_state_counts_too() {
        let mut other = FIRST;
        other.rebase(1);
        for seq in 0..40 {
            let tells = told(seq, &[Action::Probe], &FIRST) != told(seq, &[Action::Probe], &other);
            assert_eq!(tells, seq % STATE_EVERY == 0, "#{seq}");
        }
        assert_ne!(told(0, &[], &FIRST), 0);
    }

    #[test]
    fn orders_have_the_digest_of_their_kind_content_and_sequence() {
        let (probe, drain) = (Action::Probe, Action::Drain);
        let gate = |term| Action::Gate(Gate::Alone { generation: Generation(7), term });
        let all = [
            orders(&[]),
            orders(&[probe]),
            orders(&[drain]),
            orders(&[probe, drain]),
            orders(&[drain, probe]),
            orders(&[gate(1)]),
            orders(&[gate(2)]),
            orders(&[Action::Lease(Tick(1))]),
        ];
        assert_eq!(all[0], 0);
        for (at, one) in all.iter().enumerate() {
            assert!(all[at + 1..].iter().all(|other| other != one), "{all:?}");
        }
    }

    #[test]
    fn a_digest_is_the_same_on_every_machine() {
        let mut digest = Digest(Digest::BASIS);
        digest.write(b"foobar");
        assert_eq!(digest.finish(), 0x8594_4171_f739_67e8);
        let of = |write: fn(&mut Digest)| {
            let mut digest = Digest(Digest::BASIS);
            write(&mut digest);
            digest.finish()
        };
        let seven = of(|digest| digest.write(&[7, 0, 0, 0, 0, 0, 0, 0]));
        assert_eq!(of(|digest| digest.write_u64(7)), seven);
        assert_eq!(of(|digest| digest.write_usize(7)), seven);
        assert_eq!(of(|digest| digest.write_isize(7)), seven);
        assert_eq!(of(|digest| digest.write_u32(7)), of(|digest| digest.write(&[7, 0, 0, 0])));
        assert_eq!(orders(&[Action::Lease(Tick(1))]), 0x891b_3a4d);
    }
}
