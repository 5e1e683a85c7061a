//! Contact, its loss, and who may go on: the windows of design section 4.
//!
//! Let t0 be the last contact. The primary decides at `t0 + timeout`, the secondary at
//! `t0 + timeout + guard`; either wins only with an unbroken run of witness answers since t0.
//!
//! With an arbiter they ask at those moments instead. Both name the generation that they share; it grants each
//! generation to one node, once, so however late the answers come, one of the two goes on at most. A primary
//! that waits for the answer has no lease and acknowledges nothing by itself; when the guard is over it gives
//! way. A secondary asks until it is answered.
//!
//! An arbiter that has lost its memory would grant once more what it has granted. It then keeps another ledger, and a
//! question names the one that the asker knew when the pair was made: before either of the two could ask about what
//! they share. A pair whose arbiter keeps another ledger is made anew.

use super::{Flow, Mirror, Run};
use crate::{
    action::{Action, Actions, Note},
    config::{Config, Rule, Witness},
    record::{Generation, Ledger, Mark},
    role::{Cause, Role},
    time::{Due, Tick},
};

impl<const H: usize> Mirror<H> {
    /// A node that did not run when something was due knows nothing of that time: its suspicion and its run of
    /// witness answers are void.
    pub(super) fn notice_sleep(&mut self, cfg: &Config, now: Tick, out: &mut Actions<H>) {
        let span = now.since(self.next_wake(cfg).0);
        if span > cfg.timing.late && cfg.rules.has(Rule::LateSelf) {
            self.woke = now;
            self.run = None;
            out.push(Action::Note(Note::Slept { span }));
        }
    }

    /// The window that runs now: when it ends, and what that means.
    pub(super) fn window(&self, cfg: &Config) -> Option<(Tick, Due)> {
        let primary = (self.contact(cfg).plus(cfg.timing.timeout), Due::PrimaryWindowEnds);
        match (self.role, self.flow) {
            (Role::Prim, _) if self.asking.is_some() => {
                self.asking.map(|since| (since.plus(cfg.timing.guard.max(1)), Due::ArbiterSilent))
            }
            (Role::Second, _) if self.asking.is_some() => None,
            (Role::Prim, _) => Some(primary),
            (Role::Alone, Flow::Copying) => Some((primary.0, Due::CopyEnds)),
            (Role::Alone, Flow::Level) => Some((primary.0, Due::CopyEnds).min(self.stream_window(cfg))),
            (Role::Second, Flow::Level) if !self.probed => {
                Some((self.silence_counts_from().plus(cfg.timing.timeout), Due::Probe))
            }
            (Role::Second, flow) => {
                let guard = if cfg.rules.has(Rule::Guard) { cfg.timing.guard } else { 0 };
                let ends = self.silence_counts_from().plus(cfg.timing.timeout).plus(guard);
                Some((ends, if flow == Flow::Level { Due::SecondaryWindowEnds } else { Due::CopyEnds }))
            }
            _ => self.listening_until().map(|until| (until, Due::ListeningEnds)),
        }
    }

    /// A gate that demands a peer which cannot be sent anything must not stay so for ever.
    fn stream_window(&self, cfg: &Config) -> (Tick, Due) {
        (self.broken.map_or(Tick::NEVER, |since| since.plus(cfg.timing.timeout)), Due::StreamGivenUp)
    }

    /// Acts on every window that has ended by `now`.
    pub(super) fn expire(&mut self, cfg: &Config, now: Tick, out: &mut Actions<H>) {
        while let Some((ends, due)) = self.window(cfg).filter(|(ends, _)| now >= *ends) {
            match due {
                Due::PrimaryWindowEnds => self.decide_as_primary(cfg, now, out),
                Due::Probe => {
                    self.probed = true;
                    out.push(Action::Probe);
                }
                Due::SecondaryWindowEnds => self.decide_as_secondary(cfg, now, out),
                Due::ArbiterSilent => self.fence(now, Cause::ContestLost, out),
                Due::CopyEnds if self.role == Role::Second => {
                    self.stop_following(now, Cause::CopyBroken, out);
                }
                Due::CopyEnds | Due::StreamGivenUp => self.stop_copying(cfg, out),
                Due::ListeningEnds => self.listened(cfg, now, out),
                Due::Beat | Due::RuleActs => return,
            }
            debug_assert!(self.window(cfg).is_none_or(|next| next != (ends, due)), "time would stand still");
        }
    }

    /// The primary's t0. Hearing a peer that does not hear me proves nothing.
    pub(super) fn contact(&self, cfg: &Config) -> Tick {
        if cfg.rules.has(Rule::TwoWay) { self.proven } else { self.peer.map_or(Tick(0), |peer| peer.heard) }
    }

    /// The secondary's t0. What was not heard while asleep was not silence.
    fn silence_counts_from(&self) -> Tick {
        self.peer.map_or(self.since, |peer| peer.heard).max(self.woke)
    }

    fn decide_as_primary(&mut self, cfg: &Config, now: Tick, out: &mut Actions<H>) {
        if cfg.arbitrates() {
            return self.start_asking(now, out);
        }
        let from = self.contact(cfg);
        let continuity = self.continuity(cfg, now, from) && from >= self.woke;
        let silent = now.since(self.heard()) > cfg.timing.silence() || !cfg.rules.has(Rule::Yield);
        out.push(Action::Note(Note::Contested { continuity, echo: silent }));
        if continuity && silent {
            self.go_alone(cfg, now, Cause::PeerLost, out);
        } else {
            self.fence(now, Cause::ContestLost, out);
        }
    }

    fn decide_as_secondary(&mut self, cfg: &Config, now: Tick, out: &mut Actions<H>) {
        if cfg.arbitrates() {
            return self.start_asking(now, out);
        }
        let heard = self.peer.map_or(Tick(0), |peer| peer.heard);
        let continuity = self.continuity(cfg, now, heard) && heard >= self.woke;
        let echo = self.was_heard_lately(cfg);
        out.push(Action::Note(Note::Contested { continuity, echo }));
        if self.taken {
            out.push(Action::Note(Note::AddressTaken));
        }
        if continuity && echo && !self.taken {
            self.take_over(cfg, now, Cause::PeerLost, out);
        } else {
            self.stop_following(now, Cause::ContestLost, out);
        }
    }

    fn start_asking(&mut self, now: Tick, out: &mut Actions<H>) {
        self.asking = Some(now);
        self.beat_due = now;
        out.push(Action::Note(Note::AsksArbiter));
    }

    /// Once a period, with the heartbeat: a question or its answer may be lost.
    pub(super) fn ask(&self, cfg: &Config, out: &mut Actions<H>) {
        let ledger = if cfg.rules.has(Rule::SameLedger) { self.paired_by } else { self.ledger };
        if self.asking.is_some() && ledger != Ledger::NONE {
            out.push(Action::Ask { generation: self.record.generation, ledger });
        }
    }

    /// The arbiter can no longer say who of this pair may go on alone: it has forgotten what it said before, or was
    /// not known. A new pairing, in a fresh generation, is one that it knows all about.
    pub(super) fn is_unknown_to_arbiter(&self, cfg: &Config) -> bool {
        let other = self.ledger != Ledger::NONE && self.ledger != self.paired_by;
        other && cfg.arbitrates() && cfg.rules.has(Rule::SameLedger) && self.asking.is_none()
    }

    /// Is this the answer that the node waits for? One to an earlier question names an earlier generation.
    fn awaits(&self, generation: Generation) -> bool {
        self.asking.is_some() && generation == self.record.generation
    }

    /// Nobody else will ever be granted this generation, so whether the peer has been heard again meanwhile does
    /// not matter: unused, the grant would leave the peer without one when it needs it.
    pub(super) fn granted(&mut self, cfg: &Config, now: Tick, generation: Generation, out: &mut Actions<H>) {
        match self.role {
            _ if !self.awaits(generation) => {}
            Role::Prim => self.go_alone(cfg, now, Cause::PeerLost, out),
            _ if self.taken => {
                out.push(Action::Note(Note::AddressTaken));
                self.stop_following(now, Cause::ContestLost, out);
            }
            _ => self.take_over(cfg, now, Cause::PeerLost, out),
        }
    }

    pub(super) fn denied(&mut self, now: Tick, generation: Generation, out: &mut Actions<H>) {
        match self.role {
            _ if !self.awaits(generation) => {}
            Role::Prim => self.fence(now, Cause::ContestLost, out),
            _ => self.stop_following(now, Cause::ContestLost, out),
        }
    }

    /// Did the last heartbeat say that the primary had just heard this node? Measured at both ends: the
    /// primary's own proof when it sent, and the round trip on this node's clock, which also unmasks a
    /// heartbeat that waited in a queue while this node slept.
    fn was_heard_lately(&self, cfg: &Config) -> bool {
        if !cfg.rules.has(Rule::Echo) {
            return true;
        }
        let limit = cfg.timing.echo();
        self.peer.is_some_and(|peer| {
            let beat = peer.beat;
            let round_trip =
                beat.echo.filter(|echo| echo.boot == self.boot).map(|echo| peer.heard.since(echo.sent));
            beat.proof <= limit && round_trip.is_some_and(|age| age <= limit)
        })
    }

    /// Has the witness answered without a gap from `from` until now?
    pub(super) fn continuity(&self, cfg: &Config, now: Tick, from: Tick) -> bool {
        // Whoever is not told to ask the arbiter goes on without a word.
        if cfg.witness == Witness::Arbiter {
            return true;
        }
        if cfg.witness == Witness::None || !cfg.rules.has(Rule::Continuity) {
            return self.witnessed(cfg, now);
        }
        self.witnessed(cfg, now) && self.run.is_some_and(|run| run.since <= from)
    }

    /// Does the witness answer now?
    pub(crate) fn witnessed(&self, cfg: &Config, now: Tick) -> bool {
        cfg.witness == Witness::None || self.run.is_some_and(|run| now.since(run.last) <= cfg.timing.gap)
    }

    pub(super) fn answered(&mut self, cfg: &Config, asked: Tick) {
        self.run = match self.run {
            Some(run) if asked <= run.last => Some(run),
            Some(run) if asked.since(run.last) <= cfg.timing.gap => Some(Run { last: asked, ..run }),
            _ => Some(Run { since: asked, last: asked }),
        };
    }

    /// A node that lost a window, or has not decided one, owns nothing by itself.
    pub(super) fn may_start_alone(&self, cfg: &Config, now: Tick) -> bool {
        let latched =
            cfg.rules.has(Rule::Latch) || self.cause != Cause::ContestLost || !self.witnessed(cfg, now);
        let shared = self.record.mark == Mark::Shared;
        self.owns() || (shared && !latched) || (shared && !cfg.rules.has(Rule::BootAlone))
    }
}
