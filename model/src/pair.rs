//! A pair in a world, as stateright sees it.

use std::{sync::Arc, time::Instant};

use safetui_core::Witness;
use stateright::{Expectation, Model, Property};

use crate::{
    property,
    world::{Given, Healing, Settings, Step, World},
};

/// Two nodes in one world.
#[derive(Clone, Debug)]
pub struct Pair {
    pub settings: Given,
    pub healing: Arc<Healing>,
    /// When to give up; `None`: never. A run that was given up has [`property::IN_TIME`] among its discoveries.
    pub until: Option<Instant>,
    /// The one property that is asked for; `None`: all.
    pub only: Option<&'static str>,
}

impl Pair {
    pub fn new(settings: Settings) -> Self {
        Self {
            settings: Given::new(settings),
            healing: Arc::new(Healing::default()),
            until: None,
            only: None,
        }
    }

    /// Does this world promise that at most one node serves? Without a witness both may go on alone after a cut,
    /// and where an operator has spoken by force he answers for it.
    pub fn excludes(&self, world: &World) -> bool {
        let forks =
            self.settings.witness == Witness::None && self.settings.budget.cuts > 0 && !self.settings.strict;
        !forks && !world.forced
    }

    /// Do the clocks, of which the lease of an address is made, mean anything here?
    pub fn has_time(&self) -> bool {
        self.settings.leases
    }

    /// Enough for a lost contest on both sides, a restart, a copy and the pairing.
    pub fn ticks_to_heal(&self) -> u32 {
        let timing = &self.settings.timing;
        4 * (timing.timeout + timing.guard) as u32 + 12
    }

    /// The longer window, and the ticks in which the last heartbeat was under way.
    pub fn ticks_to_take_over(&self) -> u32 {
        let timing = &self.settings.timing;
        (timing.timeout + timing.guard) as u32 + u32::from(self.settings.delay) + 3
    }
}

impl Model for Pair {
    type State = World;
    type Action = Step;

    fn init_states(&self) -> Vec<World> {
        vec![World::start(&self.settings)]
    }

    fn actions(&self, world: &World, steps: &mut Vec<Step>) {
        world.possible(&self.settings, steps);
    }

    fn next_state(&self, world: &World, step: Step) -> Option<World> {
        let mut next = world.clone();
        next.take(&self.settings, step)?;
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        // Who looks for what falls, in bounded time, does not ask what is possible.
        let always = |property: &Property<Self>| property.expectation == Expectation::Always;
        let asked = |property: &Property<Self>| self.only.is_none_or(|only| only == property.name);
        let bounded = self.until.is_some();
        let all = property::all().into_iter().filter(|it| asked(it) && (always(it) || !bounded));
        all.chain(bounded.then(property::in_time)).collect()
    }
}
