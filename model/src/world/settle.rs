//! Where a pair comes to rest when something stays broken: the properties of failover rules, as functions of one
//! state.

use std::collections::HashMap;

use safetui_core::{
    Command, Event, Mark, Role, Status,
    mirror::Step as Stage,
    rule::{Hold, Set, State},
};

use super::{Budget, Core, Given, Healing, World};
use crate::packed::print;

/// How it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    /// Somebody serves, or nobody can.
    Quiet,
    /// Nothing moves, and nobody serves although one could.
    Idle,
    /// Something moves for ever.
    Restless,
}

/// What stays the same in a pair at rest. What has not been checked yet belongs to it: a restart, which takes no
/// time here, shows in nothing else.
type Shape = [Option<(Role, Status, Stage, Hold, Set)>; 2];

impl Healing {
    /// Faults cease, and what is down stays down, or, with `flaps`, is up and down in turn: how does it end?
    ///
    /// Without faults the world goes on in one way only, so sooner or later it repeats itself.
    pub fn rests(&self, settings: &Given, world: &World, flaps: bool) -> Rest {
        let mut world = world.undisturbed(settings);
        let broken = world.down;
        let mut seen: HashMap<u64, usize> = HashMap::new();
        let mut shapes: Vec<Shape> = Vec::new();
        loop {
            let print = print(&(&world, broken, flaps));
            if self.known(print) {
                break;
            }
            if let Some(first) = seen.insert(print, shapes.len()) {
                let repeated = &shapes[first..];
                if repeated.iter().any(|shape| *shape != repeated[0]) {
                    return Rest::Restless;
                }
                if world.is_idle() {
                    return Rest::Idle;
                }
                break;
            }
            shapes.push(world.shape());
            if flaps {
                for (down, broken) in world.down.iter_mut().zip(broken) {
                    *down = if down.is_empty() { broken } else { Set::EMPTY };
                }
            }
            world.fair_tick(settings, [true, true]);
        }
        for print in seen.into_keys() {
            self.remember(print);
        }
        Rest::Quiet
    }
}

impl World {
    /// The same state with the network whole, the nodes running, and no fault to come.
    fn undisturbed(&self, settings: &Given) -> Self {
        let down = self.down;
        Self { down, left: Budget::default(), ..self.calm(settings) }
    }

    /// What a rule has stopped an operator starts again, once what was down is repaired.
    pub(super) fn start_what_rules_stopped(&mut self, settings: &Given) {
        for node in 0..2 {
            let core = self.nodes[node].core.as_ref().filter(|core| core.role() == Role::Stop);
            if core.is_some_and(|core| core.held() != Hold::None) {
                self.event(settings, node, Event::Ordered(Command::Start), None);
            }
        }
    }

    fn shape(&self) -> Shape {
        [0, 1].map(|node| {
            let core = self.nodes[node].core.as_ref()?;
            let unchecked = core.found().in_state(State::Init);
            Some((core.role(), core.status(), core.step(), core.held(), unchecked))
        })
    }

    /// Does nobody serve, although a node that no rule holds has what the other has, or more?
    fn is_idle(&self) -> bool {
        let cores = || self.nodes.iter().filter_map(|node| node.core.as_ref());
        if cores().any(|core| core.role().serves()) {
            return false;
        }
        let newest = cores().any(Core::owns);
        cores().any(|core| {
            let free = core.role() == Role::Wait && core.held() == Hold::None;
            free && (core.owns() || !newest && core.record().mark == Mark::Shared)
        })
    }
}
