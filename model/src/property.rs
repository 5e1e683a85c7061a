//! What must hold in every state, and what must be possible.

use std::time::Instant;

use safetui_core::{Cause, Gate, Mark, Role, mirror::Flow, rule::Hold};
use stateright::{Expectation, Property};

use crate::{
    pair::Pair,
    world::{BASE, Node, Rest, World, Write, survivor_serves},
};

/// The property that looks ahead from every state.
pub const RECOVERS: &str = "recovers once faults cease";

/// Every property, in the order in which they are shown.
pub fn all() -> Vec<Property<Pair>> {
    vec![
        Property::always("at most one node acknowledges writes", |pair: &Pair, world: &World| {
            !pair.excludes(world) || one_acknowledges(world)
        }),
        Property::always("at most one node answers for the virtual IP", |pair: &Pair, world: &World| {
            !(pair.excludes(world) && pair.has_time()) || one_answers(pair, world)
        }),
        Property::always("who serves has every acknowledged write", |pair: &Pair, world: &World| {
            !pair.excludes(world) || serves_all(pair, world)
        }),
        Property::always("no acknowledged write is overwritten unseen", |_, world: &World| {
            !world.overwritten
        }),
        Property::always("the disk is what the node believes", |_, world| disk_is_believed(world)),
        Property::always("a wake clears what is due", nothing_stays_due),
        Property::always(RECOVERS, recovers),
        Property::always("a survivor of a healthy pair serves in its window", one_crash_is_survived),
        Property::always("whom a failover rule makes wait does not serve", held_serves_not),
        Property::always("with a failing check the pair comes to rest", |pair: &Pair, world: &World| {
            rest(pair, world, false) != Rest::Restless
        }),
        Property::always("with a check that flaps the pair comes to rest", |pair: &Pair, world: &World| {
            rest(pair, world, true) != Rest::Restless
        }),
        Property::always("who can serve while a check fails serves", |pair: &Pair, world: &World| {
            rest(pair, world, false) != Rest::Idle
        }),
        Property::sometimes("takeover after silence", |_, world| took_over(world)),
        Property::sometimes("a contest is lost", |_, world| lost_contest(world)),
        Property::sometimes("paired again after a crash", |pair: &Pair, world: &World| {
            world.paired() && world.left.crashes < pair.settings.budget.crashes
        }),
        Property::sometimes("failover rules keep both nodes from serving", |_, world| both_wait(world)),
        Property::sometimes("a write is acknowledged", |_, world: &World| world.write == Write::Acknowledged),
    ]
}

/// Names of those that hold in every state, in their order.
pub fn claims() -> Vec<&'static str> {
    let always = all().into_iter().filter(|property| property.expectation == Expectation::Always);
    always.map(|property| property.name).collect()
}

/// No property of the protocol: it falls when the time for a run is over, which ends the run and stays visible
/// in its result. A bound of stateright's own would leave a run that looks complete.
pub const IN_TIME: &str = "the run is in time";

/// [`IN_TIME`], for a run with a bound.
pub fn in_time() -> Property<Pair> {
    Property::always(IN_TIME, |pair: &Pair, _| pair.until.is_none_or(|until| Instant::now() < until))
}

fn one_acknowledges(world: &World) -> bool {
    let can = |node: usize| {
        let it = &world.nodes[node];
        let applied_by_peer = matches!(it.gate, Gate::Both { .. }) && world.connected(node);
        matches!(it.gate, Gate::Alone { .. }) || applied_by_peer
    };
    !(can(0) && can(1))
}

fn one_answers(pair: &Pair, world: &World) -> bool {
    // The kernel of a virtual machine stands still with it; that of a paused agent does not.
    let answers = |node: &Node| node.answers() && !(pair.settings.frozen && node.paused);
    !(answers(&world.nodes[0]) && answers(&world.nodes[1]))
}

/// Without time, the one that serves is the one that acknowledges by itself: what another still shows may be old.
fn serves_all(pair: &Pair, world: &World) -> bool {
    let serves = |node: &Node| match node.gate {
        Gate::Alone { .. } => node.answers() || !pair.has_time(),
        Gate::Both { .. } => node.answers() && pair.has_time(),
        Gate::Closed | Gate::Held => false,
    };
    world.write != Write::Acknowledged || world.nodes.iter().all(|node| !serves(node) || node.data)
}

fn disk_is_believed(world: &World) -> bool {
    world.nodes.iter().all(|node| node.core.as_ref().is_none_or(|core| *core.record() == node.disk))
}

fn nothing_stays_due(pair: &Pair, world: &World) -> bool {
    (0..2).all(|node| {
        let it = &world.nodes[node];
        let wakes = it.core.as_ref().map(|core| core.next_wake(pair.settings.config(node)).0);
        !it.runs() || wakes.is_none_or(|wakes| wakes >= BASE)
    })
}

fn recovers(pair: &Pair, world: &World) -> bool {
    world.unsettled() || pair.healing.heals(&pair.settings, world, pair.ticks_to_heal())
}

fn one_crash_is_survived(pair: &Pair, world: &World) -> bool {
    let untouched = world.left == pair.settings.budget && world.paired();
    // Without automatic failover a primary need not be survived.
    let victims = (0..2).filter(|victim| pair.settings.failover || !world.serves(*victim));
    !(untouched && pair.has_time())
        || victims
            .into_iter()
            .all(|victim| survivor_serves(&pair.settings, world, victim, pair.ticks_to_take_over()))
}

fn held_serves_not(_: &Pair, world: &World) -> bool {
    let cores = world.nodes.iter().filter_map(|node| node.core.as_ref());
    cores.into_iter().all(|core| !(core.role().serves() && matches!(core.held(), Hold::Wait { .. })))
}

/// How it ends if what is down now stays so.
fn rest(pair: &Pair, world: &World, flaps: bool) -> Rest {
    if world.down.iter().all(|down| down.is_empty()) {
        return Rest::Quiet;
    }
    pair.healing.rests(&pair.settings, world, flaps)
}

fn both_wait(world: &World) -> bool {
    world.nodes.iter().all(|node| node.core.as_ref().is_some_and(|core| core.held() != Hold::None))
}

fn took_over(world: &World) -> bool {
    world.nodes.iter().filter_map(|node| node.core.as_ref()).any(|core| {
        core.role() == Role::Alone && core.cause() == Cause::PeerLost && core.record().mark == Mark::Exclusive
    })
}

fn lost_contest(world: &World) -> bool {
    world.nodes.iter().filter_map(|node| node.core.as_ref()).any(|core| {
        core.cause() == Cause::ContestLost && core.role() == Role::Wait && core.flow() == Flow::None
    })
}
