//! What failover rules do to a node.
//!
//! A rule's order is carried out once it has been called for, unchanged, for as long as the book says. Where a
//! rule makes a node wait, the node serves and follows nothing; it says so in its heartbeats, and of two that
//! wait with the same data the one that no rule holds any more serves, whichever was primary.

use super::{After, Force, Mirror, Step};
use crate::{
    action::{Action, Actions, Job, Note},
    config::{Config, Rule},
    event::Beat,
    record::{Mark, Side},
    role::{Cause, Role},
    rule::{Call, Found, Hold, Order, State},
    time::{Due, Tick},
};

impl<const H: usize> Mirror<H> {
    /// A checker's word.
    pub(super) fn resource(&mut self, id: u8, state: State) {
        if self.role != Role::Stop {
            self.watch.found.note(id, state);
        }
    }

    /// In a role, whose start scripts have ended?
    const fn runs_scripts(&self) -> bool {
        matches!(self.role, Role::Alone | Role::Prim | Role::Second)
            && matches!(self.step, Step::Steady | Step::Failed)
    }

    /// Reads the rules and does what has been called for long enough.
    pub(super) fn heed_rules(&mut self, cfg: &Config, now: Tick, out: &mut Actions<H>) {
        // What is said of an application that is being started or stopped is not about the one that will run.
        if !self.runs_scripts() {
            self.watch.found.forget(cfg.book.roled);
        }
        if cfg.book.is_empty() || self.role == Role::Stop {
            return;
        }
        let peers = self.peers_resources(cfg, now);
        self.watch.read(&cfg.book, peers, now, self.force != Force::None);
        if self.watch.overruled && self.watch.is_held() {
            self.wake_up(cfg, now, out);
        }
        if let Some(Call { order: Order::Wait, rule }) = self.watch.call.filter(|_| self.role == Role::Wait) {
            self.hold(now, rule);
        }
        if self.rule_due(cfg).is_some_and(|(due, _)| now >= due) {
            self.watch.since = now;
            match self.watch.call {
                Some(call) if self.obeys(call.order) => self.carry_out(cfg, now, call, out),
                _ => self.wake_up(cfg, now, out),
            }
        }
    }

    /// The peer's resources, as its newest heartbeat says.
    pub(crate) fn peers_resources(&self, cfg: &Config, now: Tick) -> Found {
        self.recent(cfg, now).map_or(Found::UNKNOWN, |beat| Found::told(beat.down))
    }

    /// When the rules' order is to be carried out, or the waiting to end.
    pub(super) fn rule_due(&self, cfg: &Config) -> Option<(Tick, Due)> {
        let since = self.watch.since.max(self.since);
        let wait = |span: u64| Some((since.plus(span.max(1)), Due::RuleActs));
        match (self.watch.order(), self.watch.hold) {
            (Some(order), _) if self.obeys(order) => wait(cfg.book.pace.act),
            (Some(Order::Wait), _) => None,
            (_, Hold::Wait { .. }) => wait(if cfg.rules.has(Rule::Damping) { cfg.book.pace.wake } else { 1 }),
            _ => None,
        }
    }

    /// Can the order mean something to this node now?
    const fn obeys(&self, order: Order) -> bool {
        match (order, self.role, self.step) {
            (Order::Stop | Order::StopStart, Role::Wait, Step::Steady | Step::Listening { .. }) => true,
            (_, Role::Stop | Role::Wait, _) => false,
            (Order::Stop | Order::StopStart | Order::Wait, _, _) => true,
            (Order::Restart, _, Step::Steady | Step::Failed) => true,
            // Away from the node on which the rule holds: on both sides it would swap for ever.
            (Order::Swap, Role::Prim, Step::Steady) => true,
            _ => false,
        }
    }

    fn carry_out(&mut self, cfg: &Config, now: Tick, call: Call, out: &mut Actions<H>) {
        let Call { order, rule } = call;
        if order == Order::Swap && self.judge_swap(cfg, now).is_some() {
            return;
        }
        out.push(Action::Note(Note::RuleActs { rule, order }));
        let counts = order != Order::Stop && cfg.rules.has(Rule::MaxLoop);
        if counts && self.watch.too_often(&cfg.book, now) {
            out.push(Action::Note(Note::TooOften));
            return self.stop_by_rule(now, rule, true, out);
        }
        match order {
            Order::Restart => self.begin(Job::Restart { role: self.role }, Step::Restarting, out),
            Order::Swap => self.leave_for(now, Cause::Ruled, After::Wait, out),
            Order::StopStart => self.leave_role(now, After::Start, out),
            Order::Wait => {
                self.leave_role(now, After::Wait, out);
                self.hold(now, rule);
            }
            Order::Stop => self.stop_by_rule(now, rule, false, out),
        }
    }

    fn stop_by_rule(&mut self, now: Tick, rule: u8, often: bool, out: &mut Actions<H>) {
        self.leave_role(now, After::Stop, out);
        self.watch.hold = Hold::Stopped { rule, often };
    }

    fn leave_role(&mut self, now: Tick, after: After, out: &mut Actions<H>) {
        if self.role == Role::Wait {
            self.after = after;
            self.close(false, out);
        } else {
            self.leave_for(now, Cause::Ruled, after, out);
        }
    }

    fn hold(&mut self, now: Tick, rule: u8) {
        if matches!(self.watch.hold, Hold::Stopped { .. }) {
            return;
        }
        if !self.watch.is_held() {
            self.beat_due = now;
        }
        self.watch.hold = Hold::Wait { rule };
    }

    /// Nothing to wait for any more. What the peer says to this from now on, it says knowing that this node may
    /// serve: the peer may have been about to, because this one could not.
    fn wake_up(&mut self, cfg: &Config, now: Tick, out: &mut Actions<H>) {
        self.watch.hold = Hold::None;
        if cfg.rules.has(Rule::Recall) {
            self.since = now;
        }
        self.beat_due = now;
        out.push(Action::Note(Note::WakesUp));
    }

    /// Is it for a failover rule that this node does nothing?
    pub(super) const fn is_kept(&self, cfg: &Config) -> bool {
        self.watch.waits() && cfg.rules.has(Rule::Await)
    }

    /// The peer would go first, and says that a rule keeps it from it; this node has all that it has.
    pub(super) fn may_stand_in(&self, cfg: &Config, beat: &Beat) -> bool {
        cfg.failover
            && cfg.rules.has(Rule::StandIn)
            && beat.held
            && (beat.mark, beat.side) == (Mark::Shared, Side::Prim)
            && (self.record.mark, self.record.side) == (Mark::Shared, Side::Second)
    }

    /// The resources of this node.
    pub const fn found(&self) -> Found {
        self.watch.found
    }

    /// A resource that must be known before this node does anything, and is not.
    pub(crate) fn unknown(&self, cfg: &Config) -> Option<u8> {
        self.watch.unknown(&cfg.book)
    }

    /// What a failover rule keeps this node from.
    pub const fn held(&self) -> Hold {
        self.watch.hold
    }
}
