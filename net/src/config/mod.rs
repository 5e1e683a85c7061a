//! `cluster.xml` and `userconfig.xml`, in SafeKit's language, validated once at the door into plain types.
//!
//! A file is read in four steps: text into a tree that knows its places (`xml`), macros replaced (`macros`), names
//! checked against the tables of the language (`language`, `vocabulary`), values read into the types that the rest
//! of the agent uses (one file per part). Every step reports all that it finds; a file with an error yields nothing.

mod apart;
mod check;
pub mod cluster;
pub mod code;
mod conflict;
mod diagnostic;
mod heart;
mod language;
mod macros;
pub mod module;
mod report;
mod rfs;
mod rules;
mod spelling;
#[cfg(test)]
mod tests;
mod units;
mod user;
mod value;
mod vip;
mod vocabulary;
mod xml;

pub use apart::load_apart;
pub use cluster::{Cluster, Lan, LanAddr, WhoAmI};
pub use conflict::{check_dirs, conflicts};
pub use diagnostic::{Diagnostic, Diagnostics, Severity};
pub use module::{
    Acknowledge, Boot, Heart, Loaded, Mode, Module, Profile, Replicated, Rfs, Splitbrain, User, Vip, Witness,
};
pub use rules::{Check, Class, Watched, What, When};
