//! What one packet says: the heartbeats of all modules to one peer.
//!
//! The stamps by which paths are measured come first (see [`crate::heartbeat::Stamps`]); this is the payload
//! behind them.

use safetui_core::Beat;
use serde::{Deserialize, Serialize};

/// Kind of a frame with heartbeats, stamps before them.
pub const BEATS: u8 = 1;
/// Kind of a frame with the last word of a dead agent, said by its guard: no stamps.
pub const LAST_WORD: u8 = 2;

/// Most modules in one packet, so that it fits every network.
pub const MOST: usize = 6;

/// The payload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Packet {
    /// Version of the sender's agent.
    pub version: String,
    pub beats: Vec<Entry>,
}

/// One module's heartbeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// See [`crate::driver::Plan::id`].
    pub module: u64,
    /// Of the configuration that the sender runs.
    pub signature: u64,
    pub beat: Beat,
}

impl Packet {
    pub fn new(beats: Vec<Entry>) -> Self {
        Self { version: env!("CARGO_PKG_VERSION").into(), beats }
    }

    pub fn encode(&self) -> Vec<u8> {
        postcard::to_allocvec(self).expect("plain numbers can always be written")
    }

    /// `None` for what a later version may send.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        postcard::from_bytes(bytes).ok()
    }
}

/// A heartbeat with the longest numbers.
#[cfg(test)]
pub(crate) fn longest() -> Beat {
    use safetui_core::{Boot, Echo, Generation, Kin, Mark, Role, Side, Status, Tick};
    let most = Generation(u64::MAX);
    Beat {
        boot: Boot(u32::MAX),
        sent: Tick(u64::MAX),
        nth: u8::MAX,
        role: Role::Second,
        status: Status::Ready,
        fenced: true,
        term: u64::MAX,
        generation: most,
        parent: most,
        mark: Mark::Exclusive,
        side: Side::Prim,
        echo: Some(Echo { boot: Boot(u32::MAX), sent: Tick(u64::MAX) }),
        proof: u64::MAX,
        kin: Kin::Ancestor,
        kin_of: most,
        partner: Boot(u32::MAX),
        linked: true,
        ask_swap: true,
        dismiss: true,
        witness: true,
        down: safetui_core::rule::Set::ALL,
        held: true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{fuzz, heartbeat::Stamps};

    fuzz::target!(
        any_bytes_are_heartbeats_or_nothing,
        [0, 1, MOST].map(|many| {
            Packet::new(vec![Entry { module: 1, signature: 2, beat: longest() }; many]).encode()
        }),
        |bytes| {
            if let Some(packet) = Packet::decode(bytes) {
                assert_eq!(Packet::decode(&packet.encode()), Some(packet));
            }
        }
    );

    #[test]
    fn a_packet_comes_back_and_the_largest_fits_every_network() {
        let entry = Entry { module: u64::MAX, signature: u64::MAX, beat: longest() };
        let packet = Packet::new(vec![entry; MOST]);
        let bytes = packet.encode();
        assert_eq!(Packet::decode(&bytes), Some(packet));
        let stamps = Stamps { returned: vec![None; 8], ..Stamps::default() };
        assert!(stamps.encode(&bytes).len() + 48 <= 1200, "{}", bytes.len());
    }

    #[test]
    fn bytes_that_are_no_packet_are_nothing() {
        let bytes = Packet::new(vec![Entry { module: 1, signature: 2, beat: longest() }]).encode();
        (0..bytes.len()).for_each(|len| assert_eq!(Packet::decode(&bytes[..len]), None));
    }
}
