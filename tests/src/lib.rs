//! The lab: whole clusters on one machine, in namespaces, with real faults and honest measurements.
//!
//! A [`Host`] is a network, mount and PID namespace with disks of its own, so the product runs on it unchanged
//! and a power cut kills everything on it at once. [`Switch`]es connect hosts and inject faults. A [`Cluster`]
//! is the ready-made pair with a router, a client and the [`ledger`] as its application; a [`drill`] breaks it
//! and says what a client saw. The product is driven as an operator would: through its binary.
//!
//! Nothing of a lab has a name outside it: all of it disappears with the last process in it, which ends when
//! this process ends, however it ends.

pub mod bench;
pub mod cluster;
pub mod disks;
pub mod drill;
pub mod error;
pub mod fault;
pub mod host;
mod layout;
pub mod ledger;
pub mod link;
mod machine;
pub mod moment;
pub mod outage;
pub mod probe;
pub mod process;
pub mod router;
pub mod switch;
mod sys;
pub mod userns;
pub mod wait;

pub use cluster::{Cluster, Options};
pub use disks::Disks;
pub use drill::{Drill, Outcome};
pub use error::{Error, Result};
pub use fault::Fault;
pub use host::Host;
pub use moment::Moment;
pub use switch::Switch;
pub use userns::become_root_in_userns;
