//! How roles are taken up and given up.
//!
//! Entering: writes open, address claimed, start scripts. Leaving on command: address released, stop scripts
//! (the application may still write), writes closed. Fenced: writes held and lease gone first, then the same.

use super::{After, Force, Mirror, Step};
use crate::{
    action::{Action, Actions, Gate, Job, Note},
    config::{Config, Rule},
    role::{Cause, Role},
    time::Tick,
};

impl<const H: usize> Mirror<H> {
    pub(super) fn open(&mut self, now: Tick, out: &mut Actions<H>) {
        self.after = After::Wait;
        self.watch.start();
        self.turn(now, Cause::Started, out);
        self.begin(Job::Open, Step::Opening, out);
    }

    /// A serving role out of WAIT.
    pub(super) fn serve(&mut self, cfg: &Config, now: Tick, cause: Cause, out: &mut Actions<H>) {
        self.force = Force::None;
        self.part();
        self.become_exclusive(cfg, out);
        self.enter(cfg, now, cause, out);
    }

    /// The secondary becomes the one that serves.
    pub(super) fn take_over(&mut self, cfg: &Config, now: Tick, cause: Cause, out: &mut Actions<H>) {
        if !cfg.failover {
            out.push(Action::Note(Note::FailoverOff));
            return self.stop_following(now, Cause::Left, out);
        }
        self.part();
        out.push(Action::ReceiveStop);
        self.become_exclusive(cfg, out);
        self.enter(cfg, now, cause, out);
    }

    /// The primary goes on without its secondary; the application notices nothing.
    pub(super) fn go_alone(&mut self, cfg: &Config, now: Tick, cause: Cause, out: &mut Actions<H>) {
        self.part();
        self.become_exclusive(cfg, out);
        out.push(Action::SourceStop);
        self.turn(now, cause, out);
        self.lease(cfg, now, out);
    }

    /// Durably alone first, then writes that rely on it: acknowledged the other way round, they could be
    /// overwritten without a trace.
    fn become_exclusive(&mut self, cfg: &Config, out: &mut Actions<H>) {
        let term = self.next_term();
        let next = self.record.exclusive(self.mint(term), term);
        let gate = Action::Gate(Gate::Alone { generation: next.generation, term });
        if !cfg.rules.has(Rule::MarkFirst) {
            out.push(gate);
        }
        self.persist(next, out);
        if cfg.rules.has(Rule::MarkFirst) {
            out.push(gate);
        }
    }

    fn enter(&mut self, cfg: &Config, now: Tick, cause: Cause, out: &mut Actions<H>) {
        let from = self.role;
        self.fenced = false;
        self.turn(now, cause, out);
        self.lease(cfg, now, out);
        self.begin(Job::Enter { from, to: Role::Alone }, Step::Entering, out);
    }

    /// Stops serving before anything else, because somebody else may serve.
    pub(super) fn fence(&mut self, now: Tick, cause: Cause, out: &mut Actions<H>) {
        out.push(Action::Gate(Gate::Held));
        out.push(Action::Lease(now));
        let from = self.role;
        self.part();
        self.after = After::Wait;
        self.turn(now, cause, out);
        self.begin(Job::Leave { from, kill: true }, Step::Leaving, out);
    }

    pub(super) fn leave(&mut self, now: Tick, after: After, out: &mut Actions<H>) {
        self.leave_for(now, Cause::Left, after, out);
    }

    /// Gives up a serving role in good order, or stops following.
    pub(super) fn leave_for(&mut self, now: Tick, cause: Cause, after: After, out: &mut Actions<H>) {
        if self.role == Role::Second {
            self.stop_following(now, cause, out);
        } else {
            let from = self.role;
            out.push(Action::Lease(now));
            self.turn(now, cause, out);
            self.begin(Job::Leave { from, kill: false }, Step::Leaving, out);
        }
        self.after = after;
    }

    /// Back to WAIT from following; a secondary serves nothing, so it is fenced all along.
    pub(super) fn stop_following(&mut self, now: Tick, cause: Cause, out: &mut Actions<H>) {
        self.part();
        self.after = After::Wait;
        out.push(Action::ReceiveStop);
        self.turn(now, cause, out);
        self.begin(Job::Leave { from: Role::Second, kill: false }, Step::Leaving, out);
    }

    pub(super) fn close(&mut self, kill: bool, out: &mut Actions<H>) {
        self.begin(Job::Close { kill }, Step::Closing, out);
    }

    pub(super) fn done(&mut self, cfg: &Config, now: Tick, job: Job, ok: bool, out: &mut Actions<H>) {
        if !ok {
            out.push(Action::Note(Note::ScriptsFailed));
        }
        match (job, self.step) {
            (Job::Open, Step::Opening) => self.opened(cfg, now, ok, out),
            (Job::Enter { .. }, Step::Entering) | (Job::Restart { .. }, Step::Restarting) => {
                self.step = if ok { Step::Steady } else { Step::Failed };
                self.watch.found.forget(cfg.book.roled);
                self.beat_due = now;
            }
            (Job::Leave { from, kill }, Step::Leaving) => self.left(now, from, kill, out),
            (Job::Close { .. }, Step::Closing) => self.closed(now, out),
            _ => {}
        }
    }

    /// Without its directories and scripts in place, a module does not start.
    fn opened(&mut self, cfg: &Config, now: Tick, ok: bool, out: &mut Actions<H>) {
        if ok && self.after == After::Wait {
            self.since = now;
            self.step = Step::Listening { until: now.plus(cfg.timing.timeout) };
        } else {
            if !ok {
                self.after = After::Stop;
            }
            self.close(false, out);
        }
        self.beat_due = now;
    }

    fn left(&mut self, now: Tick, from: Role, kill: bool, out: &mut Actions<H>) {
        if from.serves() {
            out.push(Action::SourceStop);
            out.push(Action::Gate(Gate::Closed));
        }
        self.fenced = true;
        self.part();
        // What the peer says to this from now on, it says knowing that nothing here serves.
        self.since = now;
        self.beat_due = now;
        self.step = Step::Steady;
        if self.after != After::Wait {
            self.close(kill, out);
        }
    }

    fn closed(&mut self, now: Tick, out: &mut Actions<H>) {
        self.watch.stop();
        let again = self.after == After::Start;
        self.force = Force::None;
        self.step = Step::Steady;
        self.after = After::Wait;
        self.turn(now, Cause::Stopped, out);
        if again {
            self.open(now, out);
        }
    }

    /// A start that is still listening for its peer, until when.
    pub(super) const fn listening_until(&self) -> Option<Tick> {
        match self.step {
            Step::Listening { until } => Some(until),
            _ => None,
        }
    }

    pub(super) fn listened(&mut self, cfg: &Config, now: Tick, out: &mut Actions<H>) {
        self.step = Step::Steady;
        self.beat_due = now;
        self.settle_waiting(cfg, now, out);
    }
}
