//! The decisions of safetui: pure state machines.
//!
//! Nothing here can name a clock, a socket, a file or a thread. A driver feeds facts ([`Event`]) together with
//! the moment at which it handles them, and carries out orders ([`Action`]) in order. The agent, the model
//! checker and the replayer are callers of the same [`Mirror::handle`].
//!
//! Read in this order: [`record`] (what survives a crash), [`config`] (timers and the named rules), [`event`]
//! and [`action`] (what goes in and out), [`role`] (the table that a reader can hold in the head), [`mirror`].

#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate std;

pub mod action;
pub mod config;
pub mod event;
pub mod explain;
pub mod foresee;
pub mod graph;
pub mod input;

pub mod mirror;
pub mod record;
pub mod role;
pub mod rule;
pub mod since;
pub mod time;

pub use action::{Action, Actions, Gate, Job, Note};
pub use config::{Config, Rule, Rules, Timing, Witness};
pub use event::{Beat, Command, Echo, Event, Refusal};
pub use graph::Graph;
pub use input::Input;
pub use mirror::Mirror;
pub use record::{Boot, Generation, Kin, Ledger, Mark, Record, Side};
pub use role::{Cause, Role, Status};
pub use time::{Due, Tick};
