//! The acts: everything between the decisions of `safetui-core` and the machine.
//!
//! Nothing in this crate decides about roles, data or peers. A driver feeds what happened to the core and
//! carries out, in order, what the core answers.

pub mod agent;
pub mod api;
pub mod config;
pub mod driver;
mod fuse;
#[cfg(test)]
mod fuzz;
pub mod guard;
pub mod heartbeat;
pub mod journal;
pub mod mailbox;
pub mod node;
pub mod paths;
pub mod recorder;
pub mod rfs;
pub mod script;
pub mod store;
mod sync;
pub mod vip;
pub mod wire;
pub mod witness;
