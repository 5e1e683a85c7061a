//! What must hold in every state that two nodes go through: as in [`crate::property`], of what was really ordered.

use safetui_core::{Cause, Gate, Tick, Witness};

use super::{Sides, clocks::Clocks, side::Side};

/// Both nodes acknowledge writes?
pub(super) fn one_acknowledges<const H: usize>(sides: &Sides<'_, H>) -> Option<&'static str> {
    let both = acknowledges(&sides[0], &sides[1]) && acknowledges(&sides[1], &sides[0]);
    both.then_some("both nodes acknowledge writes")
}

fn acknowledges<const H: usize>(side: &Side<'_, H>, peer: &Side<'_, H>) -> bool {
    match side.driver.gate {
        Gate::Closed | Gate::Held => false,
        Gate::Alone { .. } => true,
        Gate::Both { .. } => match (side.driver.source, peer.driver.receive) {
            (Some((to, of, in_term)), Some((from, generation, term))) => {
                to == peer.boot && from == side.boot && (of, in_term) == (generation, term)
            }
            _ => false,
        },
    }
}

/// Both nodes answer for the virtual IP, when `node` is at `now`?
pub(super) fn one_answers<const H: usize>(
    sides: &Sides<'_, H>,
    node: usize,
    now: Tick,
    clocks: &Clocks,
) -> Option<&'static str> {
    let answers = |side: &Side<'_, H>, at: Tick| side.driver.address && side.driver.lease > at;
    let both = answers(&sides[node], now) && answers(&sides[1 - node], clocks.across(node, now));
    both.then_some("both nodes answer for the virtual IP")
}

/// Is it an operator's choice, or that of a configuration without witness, that both may go on?
pub(super) fn may_fork<const H: usize>(sides: &Sides<'_, H>) -> bool {
    sides
        .iter()
        .filter_map(|side| side.replay.as_ref())
        .any(|replay| replay.config().witness == Witness::None || replay.state().cause() == Cause::Forced)
}
