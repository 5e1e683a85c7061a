//! The router as a witness: it answers pings, and it reflects heartbeats.

mod icmp;
mod majority;
mod neighbour;
mod ping;
mod relay;

pub use majority::{Answered, Witnesses, WitnessesError};
pub use neighbour::{Mac, router_mac};
pub use ping::{Answer, Ping};
pub use relay::Relay;

#[cfg(test)]
mod tests;
