//! What an operator may ask, and what the core says to it before anything is done.

use super::{After, Flow, Force, Mirror, Step};
use crate::{
    action::{Action, Actions, Gate, Job},
    config::Config,
    event::{Command, Refusal},
    record::Mark,
    role::{Cause, Role},
    time::Tick,
};

/// How much an operator must confirm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Safe,
    Mild,
    /// The service moves by force, or what one node has may be given up.
    Moderate,
}

impl Severity {
    pub const fn word(self) -> &'static str {
        match self {
            Self::Safe => "safe",
            Self::Mild => "mild",
            Self::Moderate => "moderate",
        }
    }
}

impl<const H: usize> Mirror<H> {
    /// How much `command` asks for on this node now.
    pub const fn severity(&self, command: Command) -> Severity {
        match command {
            Command::Start | Command::Swap => Severity::Safe,
            Command::Restart => Severity::Mild,
            Command::Stop | Command::StopStart if self.role.serves() => Severity::Mild,
            Command::Stop | Command::StopStart => Severity::Safe,
            Command::Prim | Command::Second | Command::Failover | Command::ForceStop => Severity::Moderate,
        }
    }

    /// Why `command` would be refused now; `None`: it would be obeyed.
    pub fn judge(&self, cfg: &Config, now: Tick, command: Command) -> Option<Refusal> {
        match command {
            Command::Start => self.judge_start(),
            Command::Stop | Command::StopStart => self.judge_stop(),
            Command::ForceStop => (self.role == Role::Stop).then_some(Refusal::NotStarted),
            Command::Restart => self.judge_restart(),
            Command::Swap => self.judge_swap(cfg, now),
            Command::Prim => self.judge_prim(cfg, now),
            Command::Failover => self.judge_failover(cfg, now),
            Command::Second => self.judge_second(cfg, now),
        }
    }

    const fn judge_start(&self) -> Option<Refusal> {
        match (self.role, self.step) {
            (Role::Stop, _) => None,
            (_, Step::Closing) => Some(Refusal::Busy),
            _ => Some(Refusal::AlreadyStarted),
        }
    }

    const fn judge_stop(&self) -> Option<Refusal> {
        match (self.role, self.step) {
            (Role::Stop, _) => Some(Refusal::NotStarted),
            (_, Step::Closing) => Some(Refusal::Busy),
            _ => None,
        }
    }

    const fn judge_restart(&self) -> Option<Refusal> {
        match (self.role, self.step) {
            (Role::Stop, _) => Some(Refusal::NotStarted),
            (Role::Wait, _) => Some(Refusal::WrongRole),
            (_, Step::Steady | Step::Failed) => None,
            _ => Some(Refusal::Busy),
        }
    }

    pub(super) fn judge_swap(&self, cfg: &Config, now: Tick) -> Option<Refusal> {
        let heard = self.recent(cfg, now).is_some_and(|beat| beat.role == Role::Prim);
        match (self.role, self.step) {
            (Role::Stop, _) => Some(Refusal::NotStarted),
            (Role::Wait | Role::Alone, _) => Some(Refusal::NoSecondary),
            (_, step) if step != Step::Steady => Some(Refusal::Busy),
            (Role::Prim, _) if self.has_secondary(cfg, now) => None,
            (Role::Second, _) if self.flow == Flow::Level && heard => None,
            _ => Some(Refusal::NoSecondary),
        }
    }

    fn judge_prim(&self, cfg: &Config, now: Tick) -> Option<Refusal> {
        let idle = matches!(self.step, Step::Steady | Step::Listening { .. });
        let waits = matches!(self.role, Role::Stop | Role::Wait) || self.awaits_takeover();
        if !waits {
            Some(Refusal::WrongRole)
        } else if !idle {
            Some(Refusal::Busy)
        } else if self.record.mark == Mark::Copying {
            Some(Refusal::HalfCopied)
        } else if self.recent(cfg, now).is_some_and(|beat| !beat.fenced) {
            Some(Refusal::PeerServes)
        } else {
            None
        }
    }

    fn judge_failover(&self, cfg: &Config, now: Tick) -> Option<Refusal> {
        match self.role {
            Role::Second | Role::Prim if self.recent(cfg, now).is_some() => Some(Refusal::Healthy),
            Role::Stop => Some(Refusal::NotStarted),
            _ => self.judge_prim(cfg, now),
        }
    }

    fn judge_second(&self, cfg: &Config, now: Tick) -> Option<Refusal> {
        let idle = matches!(self.step, Step::Steady | Step::Listening { .. });
        if !matches!(self.role, Role::Stop | Role::Wait) {
            Some(Refusal::WrongRole)
        } else if !idle {
            Some(Refusal::Busy)
        } else if self.recent(cfg, now).is_none_or(|beat| beat.role != Role::Alone) {
            Some(Refusal::PeerDoesNotServe)
        } else {
            None
        }
    }

    /// Does what was not refused.
    pub(super) fn obey(&mut self, now: Tick, command: Command, out: &mut Actions<H>) {
        match command {
            Command::Start => self.open(now, out),
            Command::Stop => self.stop(now, After::Stop, out),
            Command::StopStart => self.stop(now, After::Start, out),
            Command::ForceStop => self.force_stop(now, out),
            Command::Restart => self.begin(Job::Restart { role: self.role }, Step::Restarting, out),
            Command::Swap if self.role == Role::Prim => self.leave(now, After::Wait, out),
            Command::Swap => {
                self.ask_swap = true;
                self.beat_due = now;
            }
            Command::Prim | Command::Failover => self.start_forced(now, Force::Serve, out),
            Command::Second => self.start_forced(now, Force::Follow, out),
        }
    }

    fn start_forced(&mut self, now: Tick, force: Force, out: &mut Actions<H>) {
        self.force = force;
        match self.role {
            Role::Stop => self.open(now, out),
            Role::Second => self.stop_following(now, Cause::Left, out),
            _ => {}
        }
    }

    /// A secondary without its primary that only the arbiter's silence holds: an operator may speak instead.
    const fn awaits_takeover(&self) -> bool {
        matches!(self.role, Role::Second) && self.asking.is_some()
    }

    fn stop(&mut self, now: Tick, after: After, out: &mut Actions<H>) {
        match (self.role, self.step) {
            (Role::Wait, Step::Steady | Step::Listening { .. }) => {
                self.after = after;
                self.close(false, out);
            }
            (Role::Wait, _) => self.after = after,
            _ => self.leave(now, after, out),
        }
    }

    fn force_stop(&mut self, now: Tick, out: &mut Actions<H>) {
        out.push(Action::Gate(Gate::Held));
        out.push(Action::Lease(now));
        let from = self.role;
        if from == Role::Wait {
            self.after = After::Stop;
            return self.begin(Job::Leave { from: Role::Prim, kill: true }, Step::Leaving, out);
        }
        self.leave(now, After::Stop, out);
        self.begin(Job::Leave { from, kill: true }, Step::Leaving, out);
    }
}
