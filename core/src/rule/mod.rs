//! Resources that checkers watch, and the failover rules over them.
//!
//! A checker outside reports what it finds as [`crate::Event::Resource`]; the rules, compiled outside into a
//! [`Book`], call for an order; [`Watch`] is what a node remembers of both. What an order then does to a role
//! is decided beside the other decisions, in `mirror/ruled.rs`.
//!
//! Not to be confused with [`crate::Rule`], the rules of the protocol: those are the same for everybody and
//! always hold.

mod book;
mod resource;
#[cfg(feature = "serde")]
pub(crate) mod short;
mod watch;

pub use book::{BadRule, Book, Call, Order, Pace, Read, Term, Whose};
pub use resource::{Found, Set, State, States};
pub use watch::{Hold, Watch};
