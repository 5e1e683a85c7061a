//! Rounds of faults, each followed by peace in which the pair must become whole again by itself.

use safetui_core::{Cause, Command, Role, Status, mirror};

use super::{
    World,
    clock::{MS, Moment, SECOND},
    dice::Dice,
    fault::{Finale, Round},
    property::{FORKS, RECOVERS, SERVES_ALL, SURVIVOR},
};

/// Between two looks of the operator.
const LOOK: Moment = 100 * MS;

impl World {
    /// When a pair must be ready after the last fault: the model's bound, and the slow work that the model does
    /// not have: two jobs and a record that were begun at their slowest, a copy, and the pause before a node
    /// copies again that could not apply what it was sent.
    fn recovers_within(&self) -> Moment {
        let timing = &self.configs[0].timing;
        let model = 4 * (timing.timeout + timing.guard) + 12 * timing.period;
        let again = 10 * timing.timeout;
        (model + again) * MS + 2 * 5 * SECOND + SECOND + 2 * self.copy_takes
    }

    /// Plays a round; the chances of its own small things follow from the seed and its number.
    pub(super) fn play(&mut self, seed: u64, round: &Round) {
        self.dice = Dice::new(seed, 2 * round.number + 1);
        let began = self.now;
        for fault in &round.faults {
            self.go_on(began + fault.at);
            if self.broken.is_some() {
                return;
            }
            self.strike(fault.kind);
        }
        self.go_on(began + round.lasts);
        if self.broken.is_some() {
            return;
        }
        self.mend_all();
        self.recover();
        self.go_on(self.now + round.quiet);
        self.finish(round.finale);
        self.tally.rounds += 1;
    }

    /// With nothing to disturb it, the pair becomes ready, and nobody but forks needs an operator.
    pub(super) fn recover(&mut self) {
        let (began, until) = (self.now, self.now + self.recovers_within());
        while self.broken.is_none() && !self.paired() {
            if self.now >= until {
                let states = [0, 1].map(|node| self.state(node)).join(", ");
                return self.violated(RECOVERS, states);
            }
            self.look();
            self.go_on(self.now + LOOK);
        }
        if self.broken.is_some() {
            return;
        }
        self.tally.slowest_recovery_ms = self.tally.slowest_recovery_ms.max((self.now - began) / MS);
        (self.strained, self.stood) = (None, false);
        for node in 0..2 {
            self.nodes[node].gives_up = false;
            if !self.ledger.complete(node) {
                let text =
                    format!("a pair, and {} lacks write {:?}", Self::name(node), self.ledger.missing(node));
                return self.violated(SERVES_ALL, text);
            }
        }
        self.tell(|| "the pair is ready".into());
    }

    fn state(&self, node: usize) -> String {
        let name = Self::name(node);
        self.nodes[node].core.as_ref().map_or_else(
            || format!("{name} is down"),
            |core| {
                format!("{name} is {} {}: {}", core.role().word(), core.status().word(), core.cause().text())
            },
        )
    }

    /// One is PRIM, the other SECOND, both ready.
    fn paired(&self) -> bool {
        let is = |node: usize, role| {
            let core = self.nodes[node].core.as_ref();
            core.is_some_and(|core| core.role() == role && core.status() == Status::Ready)
        };
        (is(0, Role::Prim) && is(1, Role::Second)) || (is(1, Role::Prim) && is(0, Role::Second))
    }

    /// What an operator does who comes after the faults: starts what is stopped, restarts what failed, and chooses
    /// between forks.
    fn look(&mut self) {
        for node in 0..2 {
            let Some(core) = &self.nodes[node].core else { continue };
            let forked = core.cause() == Cause::Forked && core.role() == Role::Wait;
            match (core.role(), core.step()) {
                (Role::Stop, _) => self.order(node, Command::Start),
                (_, mirror::Step::Failed) => self.order(node, Command::Restart),
                (_, mirror::Step::Steady) if forked && self.alone(1 - node) => {
                    if self.strained.is_none() {
                        return self.violated(FORKS, format!("{} waits for a choice", Self::name(node)));
                    }
                    self.tally.forks += u64::from(!self.nodes[node].gives_up);
                    self.order(node, Command::Second);
                }
                _ => {}
            }
        }
    }

    fn alone(&self, node: usize) -> bool {
        self.nodes[node].core.as_ref().is_some_and(|core| core.role() == Role::Alone)
    }

    /// A healthy pair is put to the test.
    fn finish(&mut self, finale: Finale) {
        if self.broken.is_some() || !self.paired() {
            return;
        }
        match finale {
            Finale::None => return,
            Finale::Power { node } => self.crash_one(node),
            Finale::Swap { node } => {
                let name = Self::name(node);
                self.tell(|| format!("an operator asks {name} to swap"));
                self.order(node, Command::Swap);
                self.go_on(self.now + SECOND);
            }
        }
        if self.broken.is_none() {
            self.mend_all();
            self.recover();
        }
    }

    fn crash_one(&mut self, victim: usize) {
        let timing = self.configs[0].timing;
        let window = timing.timeout + timing.guard + timing.delay + 3 * timing.period;
        // What the address and the record take, and a wake that comes late.
        let until = self.now + (window + 100) * MS;
        self.lose_power(victim, None, 3600 * SECOND);
        self.go_on(until);
        let survivor = 1 - victim;
        if self.broken.is_none() && !(self.alone(survivor) && self.nodes[survivor].answers(self.now)) {
            self.violated(SURVIVOR, self.state(survivor));
        }
    }
}
