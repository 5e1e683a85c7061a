//! How rough the surroundings are.

use serde::Serialize;

use super::{
    clock::{MS, Moment, SECOND},
    fault::What,
    network::Weather,
};

/// How often things go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// A fault every few minutes, mostly one at a time: what machines really do, a thousand times as often.
    Calm,
    /// A fault every ten seconds, and often the next before the last has been dealt with.
    Rough,
    /// A fault every second or two, most of them in the middle of what another one has set off.
    Hostile,
}

impl Profile {
    pub const ALL: [Self; 3] = [Self::Calm, Self::Rough, Self::Hostile];

    pub const fn word(self) -> &'static str {
        match self {
            Self::Calm => "calm",
            Self::Rough => "rough",
            Self::Hostile => "hostile",
        }
    }
}

/// The rates of a profile.
pub(super) struct Rates {
    /// Faults go on for so long at a time.
    pub(super) phase: (Moment, Moment),
    /// Mean time between two of them.
    pub(super) apart: Moment,
    /// What is left alone after a recovery.
    pub(super) quiet: (Moment, Moment),
    /// The worst network.
    pub(super) weather: Weather,
    /// How the kinds share in the faults.
    pub(super) weights: &'static [(u32, What)],
}

impl Profile {
    pub(super) const fn rates(self) -> Rates {
        use What::{
            Agent, CannotApply, Cut, Drift, Force, Freeze, Hands, Link, Order, Pause, Power, Reset, Step,
            Stray, Weather as Storm, Witness,
        };
        match self {
            Self::Calm => Rates {
                phase: (300 * SECOND, 900 * SECOND),
                apart: 120 * SECOND,
                quiet: (30 * SECOND, 300 * SECOND),
                weather: Weather { delay: 10 * MS, loss: 5_000 },
                weights: &[
                    (3, Power),
                    (1, Step),
                    (2, Agent),
                    (2, Pause),
                    (4, Cut),
                    (2, Storm),
                    (1, Witness),
                    (1, Hands),
                    (1, CannotApply),
                    (2, Reset),
                    (1, Link),
                    (1, Drift),
                    (3, Order),
                ],
            },
            Self::Rough => Rates {
                phase: (30 * SECOND, 180 * SECOND),
                apart: 10 * SECOND,
                quiet: (2 * SECOND, 30 * SECOND),
                weather: Weather { delay: 20 * MS, loss: 50_000 },
                weights: &[
                    (3, Power),
                    (3, Step),
                    (2, Agent),
                    (4, Pause),
                    (8, Cut),
                    (2, Storm),
                    (2, Stray),
                    (2, Witness),
                    (1, Hands),
                    (1, CannotApply),
                    (2, Reset),
                    (1, Link),
                    (1, Drift),
                    (3, Order),
                ],
            },
            Self::Hostile => Rates {
                phase: (5 * SECOND, 60 * SECOND),
                apart: 1_500 * MS,
                quiet: (2 * SECOND, 6 * SECOND),
                weather: Weather { delay: 300 * MS, loss: 300_000 },
                weights: &[
                    (6, Power),
                    (8, Step),
                    (4, Agent),
                    (8, Pause),
                    (4, Freeze),
                    (24, Cut),
                    (3, Storm),
                    (4, Stray),
                    (4, Witness),
                    (5, Hands),
                    (2, CannotApply),
                    (3, Reset),
                    (2, Link),
                    (2, Drift),
                    (6, Order),
                    (4, Force),
                ],
            },
        }
    }
}
