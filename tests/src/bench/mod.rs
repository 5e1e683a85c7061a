//! Benches: this product and an established peer, one after the other on the same machine, in the same lab.
//!
//! A bench has a name, measures, and returns [`Row`]s; [`BENCHES`] is all that the command line knows of them.

mod failover;
mod keepalived;
mod model;
mod pair;
pub mod report;
pub mod responder;
mod sim;

pub use report::Row;

use crate::Result;

/// How thoroughly to measure.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Times that each thing is measured.
    pub rounds: usize,
}

impl Effort {
    pub const FULL: Self = Self { rounds: 10 };
    pub const QUICK: Self = Self { rounds: 3 };
}

/// Takes a line for whoever waits.
pub type Tell<'a> = &'a dyn Fn(&str);

/// Something that can be measured by name.
pub struct Bench {
    pub name: &'static str,
    /// One line for the list of benches.
    pub about: &'static str,
    /// Measures; tells on the way how far it is.
    pub run: fn(Effort, Tell<'_>) -> Result<Vec<Row>>,
}

pub const BENCHES: &[Bench] = &[
    Bench {
        name: "failover",
        about: "how long a client gets no answer when the serving node fails, against keepalived",
        run: failover::run,
    },
    Bench {
        name: "model",
        about: "how fast and how densely our worlds are explored, against two-phase commit in the same checker",
        run: model::run,
    },
    Bench { name: "sim", about: "how long one core simulates an hour of a pair", run: sim::run },
];

pub fn named(name: &str) -> Option<&'static Bench> {
    BENCHES.iter().find(|bench| bench.name == name)
}
