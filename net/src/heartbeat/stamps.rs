//! The few numbers in each heartbeat by which both ends measure their paths.

use std::time::Duration;

/// Most networks for which round trips are measured.
const MOST: usize = 8;

/// Belongs inside the sealed payload. The receiver returns each stamp once per network with the time that
/// it held it, so that neither a shared clock nor a packet of its own is needed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stamps {
    /// Grows by one with each heartbeat to this peer; gaps are losses.
    pub count: u64,
    /// When this heartbeat was sent, in microseconds of the sender's clock.
    pub sent_us: u64,
    /// What was last heard of the receiver, by network.
    pub returned: Vec<Option<Returned>>,
}

/// A stamp on its way back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Returned {
    /// `sent_us` of the heartbeat that it answers, in the clock of that heartbeat's sender.
    pub sent_us: u64,
    /// How long it was held here, in microseconds.
    pub held_us: u32,
}

impl Stamps {
    /// Puts the stamps before a payload: at most 113 bytes.
    pub fn encode(&self, payload: &[u8]) -> Vec<u8> {
        let returned = &self.returned[..self.returned.len().min(MOST)];
        let mut out = Vec::with_capacity(17 + 12 * returned.len() + payload.len());
        out.extend(self.count.to_be_bytes());
        out.extend(self.sent_us.to_be_bytes());
        out.push(returned.len() as u8);
        for slot in returned {
            // Zero is the start of the machine: nothing was sent then.
            let Returned { sent_us, held_us } = slot.unwrap_or(Returned { sent_us: 0, held_us: 0 });
            out.extend(sent_us.to_be_bytes());
            out.extend(held_us.to_be_bytes());
        }
        out.extend(payload);
        out
    }

    /// The stamps and the payload after them; nothing if the bytes are too short.
    pub fn decode(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (count, rest) = bytes.split_first_chunk()?;
        let (sent_us, rest) = rest.split_first_chunk()?;
        let (&networks, mut rest) = rest.split_first()?;
        if usize::from(networks) > MOST {
            return None;
        }
        let mut returned = Vec::new();
        for _ in 0..networks {
            let (sent_us, after) = rest.split_first_chunk()?;
            let (held_us, after) = after.split_first_chunk()?;
            let slot =
                Returned { sent_us: u64::from_be_bytes(*sent_us), held_us: u32::from_be_bytes(*held_us) };
            returned.push((slot.sent_us != 0).then_some(slot));
            rest = after;
        }
        let stamps =
            Self { count: u64::from_be_bytes(*count), sent_us: u64::from_be_bytes(*sent_us), returned };
        Some((stamps, rest))
    }
}

/// Microseconds of a clock that started with the machine: enough for half a million years.
pub(super) fn micros(at: Duration) -> u64 {
    at.as_micros() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzz;

    fuzz::target!(
        any_bytes_are_stamps_or_nothing,
        [Stamps { count: 7, sent_us: 9, returned: vec![Some(Returned { sent_us: 1, held_us: 2 }), None] }
            .encode(b"beat")],
        |bytes| {
            if let Some((stamps, payload)) = Stamps::decode(bytes) {
                assert_eq!(Stamps::decode(&stamps.encode(payload)), Some((stamps, payload)));
            }
        }
    );

    #[test]
    fn stamps_come_back_with_the_payload_behind_them() {
        for networks in 0..=MOST {
            let returned = (0..networks)
                .map(|n| (n % 2 == 0).then_some(Returned { sent_us: 1 + n as u64, held_us: u32::MAX }))
                .collect();
            let stamps = Stamps { count: 7, sent_us: u64::MAX, returned };
            let bytes = stamps.encode(b"beat");
            assert!(bytes.len() <= 113 + 4);
            assert_eq!(Stamps::decode(&bytes), Some((stamps, &b"beat"[..])));
        }
    }

    #[test]
    fn short_bytes_are_no_stamps() {
        let bytes = Stamps { returned: vec![None; 3], ..Stamps::default() }.encode(b"");
        for len in 0..bytes.len() {
            assert_eq!(Stamps::decode(&bytes[..len]), None);
        }
    }
}
