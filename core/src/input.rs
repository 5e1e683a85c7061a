//! What a flight record is made of: the inputs of a core, each with a digest of what the core ordered. The same
//! inputs lead the same core to the same orders; the digest is what proves that they did.

use core::hash::{Hash, Hasher};

use crate::{action::Actions, event::Event, time::Tick};

/// Which core decides: a digest of its sources. Another core may decide differently, and be right.
pub const SOURCES: &str = env!("SAFETUI_CORE_SOURCES");

/// One input of a core, as it was handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Input {
    /// What the core was told that the time is.
    pub now: Tick,
    pub event: Event,
    /// The digest of the orders that followed.
    pub orders: u32,
}

impl<const H: usize> Actions<H> {
    /// Tells these orders from any others, for all that matters; 0 when there are none.
    pub fn digest(&self) -> u32 {
        if self.is_empty() {
            return 0;
        }
        let mut digest = Digest(Digest::BASIS);
        for action in self.iter() {
            action.hash(&mut digest);
        }
        let whole = digest.finish();
        ((whole ^ (whole >> 32)) as u32).max(1)
    }
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
        record::Generation,
    };

    fn digest(orders: &[Action<4>]) -> u32 {
        let mut actions = Actions::default();
        for order in orders {
            actions.push(*order);
        }
        actions.digest()
    }

    #[test]
    fn orders_have_the_digest_of_their_kind_content_and_sequence() {
        let (probe, drain) = (Action::Probe, Action::Drain);
        let gate = |term| Action::Gate(Gate::Alone { generation: Generation(7), term });
        let all = [
            digest(&[]),
            digest(&[probe]),
            digest(&[drain]),
            digest(&[probe, drain]),
            digest(&[drain, probe]),
            digest(&[gate(1)]),
            digest(&[gate(2)]),
            digest(&[Action::Lease(Tick(1))]),
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
        let mut sizes = [Digest(Digest::BASIS), Digest(Digest::BASIS)];
        sizes[0].write_usize(7);
        sizes[1].write_u64(7);
        assert_eq!(sizes[0].finish(), sizes[1].finish());
    }
}
