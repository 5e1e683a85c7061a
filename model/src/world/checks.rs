//! Resources that fail and recover, and the checkers that notice within a tick.

use safetui_core::{
    Event, Role,
    mirror::Step as Stage,
    rule::{Book, Pace, Set, State},
};

use super::{Core, Given, Settings, Step, World};

/// The longest span of a rule in the model, in periods: a longer one only leaves more room for the same.
const LONGEST: u64 = 4;

impl Settings {
    /// The same world with a module's failover rules, and its resources, any of which may fail.
    ///
    /// The spans of the rules, which are in milliseconds as `period` is, become a few periods, and no run here
    /// lasts as long as the interval in which automatic actions are counted, unless that is 0.
    #[must_use]
    pub fn watching(self, book: &Book, checked: Set, period: u64) -> Self {
        let periods = |span: u64| span.div_ceil(period.max(1)).clamp(1, LONGEST);
        let Pace { act, wake, maxloop, interval } = book.pace;
        let interval = if interval == 0 { 0 } else { u64::MAX };
        let pace = Pace { act: periods(act), wake: periods(wake), maxloop, interval };
        Self { book: book.followed(book.roled, pace), checked, ..self }
    }
}

impl World {
    /// A resource may fail while failures are left, and be repaired at any time.
    pub(super) fn possible_failures(&self, settings: &Given, node: usize, steps: &mut Vec<Step>) {
        for id in settings.checked.iter() {
            if self.down[node].has(id) {
                steps.push(Step::Mend(node, id));
            } else if self.left.failures > 0 && self.can_fail(settings, node, id) {
                steps.push(Step::Fail(node, id));
            }
        }
    }

    /// An application that does not run cannot fail.
    fn can_fail(&self, settings: &Given, node: usize, id: u8) -> bool {
        !settings.book.roled.has(id) || self.nodes[node].runs() && self.is_checked(settings, node, id)
    }

    /// Does a checker watch that resource now?
    fn is_checked(&self, settings: &Given, node: usize, id: u8) -> bool {
        self.nodes[node].core.as_ref().is_some_and(|core| {
            let steady = matches!(core.step(), Stage::Steady | Stage::Failed);
            let runs = core.role().serves() && steady;
            let started = core.role() != Role::Stop && core.step() != Stage::Opening;
            if settings.book.roled.has(id) { runs } else { started }
        })
    }

    /// What that node's checkers find that its core does not know.
    pub(super) fn news(&self, settings: &Given, node: usize) -> impl Iterator<Item = Event> + use<> {
        let known = self.nodes[node].core.as_ref().map(Core::found).unwrap_or_default();
        let watched = settings.checked.iter().filter(|id| self.is_checked(settings, node, *id));
        let down = self.down[node];
        let found = watched.map(|id| (id, if down.has(id) { State::Down } else { State::Up }));
        let news: Vec<_> = found.filter(|(id, state)| known.state(*id) != *state).collect();
        news.into_iter().map(|(id, state)| Event::Resource { id, state })
    }
}
