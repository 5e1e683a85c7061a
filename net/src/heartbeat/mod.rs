//! Heartbeats between nodes: one UDP socket per network, what each path is worth, and the thread and the
//! clock to do it with.
//!
//! [`Links`] carries bytes and knows nothing about them. Who opened a frame tells [`Paths`] what came over
//! which network; only authentic frames count there.

mod clock;
mod links;
mod paths;
mod realtime;
mod stamps;

#[cfg(test)]
pub(crate) mod hosts;

pub use clock::{boottime, monotonic};
pub(crate) use links::{BURST, receive};
pub use links::{Lan, Links, Received};
pub use paths::{PathView, Paths};
pub use realtime::{Memory, Realtime, Schedule, handover_priority, keep_memory_small, realtime};
pub use stamps::Stamps;
