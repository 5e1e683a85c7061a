//! The proof: worlds around the very core that the agent runs, the properties that must hold in them, and one
//! mutant for each rule, which must fall.
//!
//! See `README.md` beside this crate for what each world assumes and what is therefore proved.

pub mod markdown;
pub mod mutant;
pub mod own;
pub mod packed;
pub mod pair;
pub mod property;
pub mod replay;
pub mod search;
pub mod sim;
pub mod since;
pub mod story;
pub mod trace;
pub mod verify;
pub mod world;
pub mod worlds;
