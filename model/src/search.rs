//! The least timers that hold, found by search: the table beside which the formulas of
//! [`safetui_core::Timing`] are read.

use safetui_core::Timing;
use serde::Serialize;

use crate::{
    packed::explore,
    pair::Pair,
    world::{Budget, Settings},
    worlds,
};

/// One row: surroundings, and the least timeout in which nothing falls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    pub delay: u64,
    pub gap: u64,
    pub losses: u64,
    /// The least that holds, in periods.
    pub found: u64,
    /// What the configuration demands.
    pub demanded: u64,
    /// The property that falls one period below, and in how many steps.
    pub below: Option<(&'static str, usize)>,
}

/// Surroundings that are searched: delay of a heartbeat, gap of the witness, tolerated losses, in periods.
pub const SURROUNDINGS: [(u64, u64, u64); 4] = [(0, 1, 0), (0, 2, 0), (0, 1, 1), (1, 1, 0)];

/// Searches upwards from the least in which a pair gets ready at all.
///
/// # Panics
/// If no timeout below twenty periods holds, which no surroundings of the table need.
pub fn least_timeout((delay, gap, losses): (u64, u64, u64), threads: usize) -> Row {
    let mut below = None;
    for timeout in 3 + delay..20 {
        let timing = Timing { timeout, delay, gap, losses, guard: 2, ..worlds::CALM.timing };
        match shortest(&world(timing), threads) {
            Some(fallen) => below = Some(fallen),
            None => {
                return Row { delay, gap, losses, found: timeout, demanded: timing.least_timeout(), below };
            }
        }
    }
    panic!("no timeout below twenty periods holds with delay {delay}, gap {gap}, losses {losses}")
}

/// Two cuts that may be one-way; with delays one cut, which is as large.
fn world(timing: Timing) -> Settings {
    let delay = timing.delay as u8;
    let budget =
        Budget { cuts: if delay == 0 { 2 } else { 1 }, losses: timing.losses as u8, ..worlds::CALM.budget };
    let cuts = if delay == 0 { worlds::ONE_WAY } else { worlds::PLAIN };
    Settings { timing, budget, delay, cuts, ..worlds::CALM }
}

/// The property that falls first, if one does.
fn shortest(settings: &Settings, threads: usize) -> Option<(&'static str, usize)> {
    let (name, path) = explore(&Pair::new(settings.clone()), threads).fallen?;
    Some((name, path.into_actions().len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_demanded_is_never_less_than_what_holds() {
        let row = least_timeout(SURROUNDINGS[3], 2);
        assert!(row.demanded >= row.found, "{row:?}");
        assert!(row.below.is_some(), "the search begins where it must fail: {row:?}");
    }
}
