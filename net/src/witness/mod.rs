//! Who is asked when the peer is silent: a router, which answers pings and reflects heartbeats, or an arbiter.

pub mod arbiter;
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
