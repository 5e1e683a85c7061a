//! Who copies from whom, when the copy is complete, and what two histories say of each other.

use super::{After, Flow, Force, Mirror, Step};
use crate::{
    action::{Action, Actions, Job},
    config::{Config, Rule},
    event::Beat,
    record::{Boot, Kin, Mark, Record, Side},
    role::{Cause, Role},
    time::Tick,
};

/// Windows that a node which could not apply what it was sent waits before it copies again.
const RETRY_WINDOWS: u64 = 10;

/// What two nodes' data are to each other, seen from this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// The peer has not said yet how it sees this node's generation.
    Unsaid,
    /// The peer has all that this node ever had, and more.
    Behind,
    /// This node has all that the peer ever had, and more.
    Ahead,
    Same,
    /// Each has what the other has not.
    Forked,
}

impl<const H: usize> Mirror<H> {
    /// Started, and neither serving nor following: what may this node become?
    pub(super) fn settle_waiting(&mut self, cfg: &Config, now: Tick, out: &mut Actions<H>) {
        if !matches!(self.step, Step::Steady | Step::Listening { .. }) || self.is_kept(cfg) {
            return;
        }
        if self.force == Force::Serve {
            return self.serve(cfg, now, Cause::Forced, out);
        }
        match self.recent(cfg, now) {
            Some(beat) if beat.role == Role::Alone => self.consider_following(cfg, now, &beat, out),
            Some(beat) if beat.fenced && !beat.role.serves() && beat.role != Role::Second => {
                self.consider_serving(cfg, now, &beat, out);
            }
            Some(_) => {}
            None if self.listening_until().is_none() && self.may_start_alone(cfg, now) => {
                self.serve(cfg, now, Cause::Owner, out);
            }
            None => {}
        }
    }

    /// How this node's data and the peer's are related, by both records.
    pub fn relation(&self, beat: &Beat) -> Relation {
        let theirs = self.record.kin(beat.generation);
        if theirs == Kin::Same {
            Relation::Same
        } else if beat.kin_of != self.record.generation {
            Relation::Unsaid
        } else {
            match (theirs, beat.kin) {
                (Kin::Ancestor, _) => Relation::Ahead,
                (_, Kin::Ancestor) => Relation::Behind,
                _ => Relation::Forked,
            }
        }
    }

    /// Nobody copies over data that the source does not have, unless an operator said so.
    fn consider_following(&mut self, cfg: &Config, now: Tick, beat: &Beat, out: &mut Actions<H>) {
        let nothing_to_lose = matches!(self.record.mark, Mark::New | Mark::Copying);
        let relation = self.relation(beat);
        let ordered = self.force == Force::Follow || !cfg.rules.has(Rule::Fork);
        // What it said before it can have heard of this start proves nothing: it may be gone, and data that are
        // marked as half copied are of no use to anybody.
        let said_to_me = self.answers_this_role(beat);
        // A full disk does not empty itself at once, and each attempt reads everything.
        let pause = RETRY_WINDOWS * cfg.timing.timeout;
        if self.cause == Cause::CannotApply && self.force == Force::None && now.since(self.since) < pause {
            return;
        }
        if beat.mark != Mark::Exclusive || !said_to_me || (relation == Relation::Unsaid && !nothing_to_lose) {
            return;
        }
        if nothing_to_lose || relation == Relation::Behind || ordered {
            // Half copied over a fork: what the copy had not reached is still what only this node has.
            let known = matches!(relation, Relation::Behind | Relation::Same);
            let aside = self.record.mark == Mark::New || !known;
            self.follow(now, beat, aside, out);
        } else if relation == Relation::Forked {
            self.cause = Cause::Forked;
            self.persist_mark(Mark::Stale, out);
        }
    }

    fn follow(&mut self, now: Tick, beat: &Beat, aside: bool, out: &mut Actions<H>) {
        self.force = Force::None;
        self.flow = Flow::Copying;
        self.partner = beat.boot;
        self.copying = beat.generation;
        self.paired_by = self.ledger;
        self.persist(
            Record { mark: Mark::Copying, term: beat.term.max(self.record.term), ..self.record },
            out,
        );
        let (generation, term) = (beat.generation, beat.term);
        out.push(Action::Receive { from: beat.boot, generation, term, aside });
        self.turn(now, Cause::Followed, out);
        self.begin(Job::Enter { from: Role::Wait, to: Role::Second }, Step::Entering, out);
    }

    /// Both are here and neither serves: the owner goes first, else the former primary.
    fn consider_serving(&mut self, cfg: &Config, now: Tick, beat: &Beat, out: &mut Actions<H>) {
        let relation = self.relation(beat);
        if self.owns() {
            if beat.mark != Mark::Exclusive || relation == Relation::Ahead {
                self.serve(cfg, now, Cause::Owner, out);
            } else if relation == Relation::Behind
                || (relation == Relation::Forked && !self.goes_first(cfg, beat))
            {
                self.cause = Cause::Forked;
                self.persist_mark(Mark::Stale, out);
            } else if relation == Relation::Forked {
                self.serve(cfg, now, Cause::Owner, out);
            }
            return;
        }
        let primary = self.record.mark == Mark::Shared && self.record.side == Side::Prim;
        let same = beat.mark == Mark::Shared && relation == Relation::Same && beat.side == Side::Second;
        if primary && (same || beat.mark == Mark::Copying) && self.answers_this_role(beat) {
            self.serve(cfg, now, Cause::Reunited, out);
        } else if relation == Relation::Same && self.may_stand_in(cfg, beat) && self.answers_this_role(beat) {
            self.serve(cfg, now, Cause::PeerHeld, out);
        }
    }

    /// Of two that went on alone, the former primary keeps serving while an operator decides.
    pub(super) const fn goes_first(&self, cfg: &Config, beat: &Beat) -> bool {
        match (self.record.side, beat.side) {
            (Side::Prim, Side::Second) => true,
            (Side::Second, Side::Prim) => false,
            _ => cfg.first,
        }
    }

    /// Following: is the source still the one that this node copies, or has copied?
    pub(super) fn settle_second(&mut self, cfg: &Config, now: Tick, out: &mut Actions<H>) {
        let Some(beat) = self.recent(cfg, now) else { return };
        match self.flow {
            Flow::Copying => self.settle_copying(cfg, now, &beat, out),
            _ => self.settle_level(cfg, now, &beat, out),
        }
    }

    fn settle_copying(&mut self, cfg: &Config, now: Tick, beat: &Beat, out: &mut Actions<H>) {
        let source = beat.boot == self.partner && beat.generation == self.copying;
        let confirmed = source && beat.partner == self.boot;
        if beat.role == Role::Prim && (confirmed || !cfg.rules.has(Rule::FreshPair)) {
            self.flow = Flow::Level;
            self.persist(self.record.joined(beat.generation, beat.parent, beat.term), out);
            self.beat_due = now;
        } else if !(source && beat.role.serves()) {
            self.stop_following(now, Cause::CopyBroken, out);
        }
    }

    fn settle_level(&mut self, cfg: &Config, now: Tick, beat: &Beat, out: &mut Actions<H>) {
        let same = beat.generation == self.record.generation && beat.mark == Mark::Shared;
        match beat.role {
            Role::Prim if same && (beat.dismiss || self.is_unknown_to_arbiter(cfg)) => {
                self.stop_following(now, Cause::Dismissed, out);
            }
            Role::Prim if same => {}
            Role::Wait | Role::Stop if same && !beat.fenced => {}
            Role::Wait | Role::Stop if same => self.take_over(cfg, now, Cause::PeerLeft, out),
            _ => self.stop_following(now, Cause::Superseded, out),
        }
    }

    /// Serving without a secondary: one that copies is brought level; one that serves too is a dispute.
    pub(super) fn settle_alone(&mut self, cfg: &Config, now: Tick, out: &mut Actions<H>) {
        let Some(beat) = self.recent(cfg, now) else { return };
        if beat.role.serves() {
            return self.dispute(cfg, now, &beat, out);
        }
        let copies = beat.role == Role::Second
            && beat.mark == Mark::Copying
            && beat.generation == self.record.generation
            && beat.partner == self.boot;
        if self.flow != Flow::None && (beat.boot != self.partner || !copies) {
            self.stop_copying(cfg, out);
        }
        if self.flow == Flow::None && copies && now < self.contact(cfg).plus(cfg.timing.timeout) {
            self.flow = Flow::Copying;
            self.partner = beat.boot;
            let (generation, term) = (self.record.generation, self.record.term);
            out.push(Action::Source { to: beat.boot, generation, term });
        }
    }

    /// Two that serve have met.
    fn dispute(&mut self, cfg: &Config, now: Tick, beat: &Beat, out: &mut Actions<H>) {
        let yields = match self.relation(beat) {
            Relation::Unsaid | Relation::Ahead | Relation::Same => return,
            Relation::Behind => Cause::Superseded,
            Relation::Forked if self.goes_first(cfg, beat) => return,
            Relation::Forked => Cause::Forked,
        };
        if cfg.rules.has(Rule::Term) {
            self.fence(now, yields, out);
            if cfg.rules.has(Rule::Fork) {
                self.persist_mark(Mark::Stale, out);
            }
        }
    }

    /// Primary of a pair: the partner follows, has left, or has gone on.
    pub(super) fn settle_prim(&mut self, cfg: &Config, now: Tick, out: &mut Actions<H>) {
        let Some(beat) = self.recent(cfg, now) else { return };
        match beat.role {
            Role::Second if beat.boot == self.partner && self.should_swap(&beat) => {
                self.hand_over(cfg, now, out);
            }
            // The life that was copied is over, whatever its successor follows by now.
            Role::Second if beat.boot > self.partner => self.go_alone(cfg, now, Cause::PeerLeft, out),
            Role::Wait | Role::Stop if beat.fenced && beat.mark != Mark::Exclusive => {
                self.go_alone(cfg, now, Cause::PeerLeft, out);
            }
            Role::Wait | Role::Stop if beat.mark != Mark::Exclusive => {}
            Role::Second => {}
            _ if cfg.rules.has(Rule::Term) => self.fence(now, Cause::Superseded, out),
            _ => {}
        }
    }

    /// The secondary asked for it, or clients reach it and no longer this node.
    const fn should_swap(&self, beat: &Beat) -> bool {
        beat.ask_swap || (beat.linked && !self.linked)
    }

    fn hand_over(&mut self, cfg: &Config, now: Tick, out: &mut Actions<H>) {
        if self.step == Step::Steady && self.has_secondary(cfg, now) {
            self.leave(now, After::Wait, out);
        }
    }

    /// No stream any more, in either direction.
    pub(super) fn part(&mut self) {
        self.flow = Flow::None;
        self.broken = None;
    }

    pub(super) fn stream_lost(&mut self, now: Tick, boot: Boot) {
        if self.flow != Flow::None && boot == self.partner {
            self.broken = self.broken.or(Some(now));
        }
    }

    pub(super) fn stream_up(&mut self, boot: Boot) {
        if boot == self.partner {
            self.broken = None;
        }
    }

    /// A primary that hears its secondary but cannot send it data must not wait for ever, and must not go on
    /// by itself either: the secondary steps back first. So it does when the pair has to be made anew.
    pub(super) fn dismisses(&self, cfg: &Config, now: Tick) -> bool {
        let broken = self.broken.is_some_and(|since| now.since(since) >= cfg.timing.timeout);
        self.role == Role::Prim && (broken || self.is_unknown_to_arbiter(cfg))
    }

    /// Is there a secondary that has everything and is heard?
    pub(super) fn has_secondary(&self, cfg: &Config, now: Tick) -> bool {
        self.recent(cfg, now).is_some_and(|beat| {
            beat.role == Role::Second
                && beat.boot == self.partner
                && beat.mark == Mark::Shared
                && beat.generation == self.record.generation
        })
    }

    pub(super) fn copied(&mut self, cfg: &Config, now: Tick, boot: Boot, out: &mut Actions<H>) {
        if self.role != Role::Alone || self.flow != Flow::Copying || boot != self.partner {
            return;
        }
        self.flow = Flow::Level;
        self.broken = None;
        self.open_gate(cfg, out);
        if cfg.rules.has(Rule::PairOrder) {
            out.push(Action::Drain);
        } else {
            self.pair(cfg, now, out);
        }
    }

    pub(super) fn drained(&mut self, cfg: &Config, now: Tick, boot: Boot, out: &mut Actions<H>) {
        if self.role == Role::Alone && self.flow == Flow::Level && boot == self.partner {
            self.pair(cfg, now, out);
        }
    }

    /// From here on this node depends on its secondary.
    fn pair(&mut self, cfg: &Config, now: Tick, out: &mut Actions<H>) {
        self.persist(Record { mark: Mark::Shared, side: Side::Prim, ..self.record }, out);
        self.paired_by = self.ledger;
        self.turn(now, Cause::Paired, out);
        self.lease(cfg, now, out);
    }

    /// The secondary-to-be is gone: this node owes it nothing.
    pub(super) fn stop_copying(&mut self, cfg: &Config, out: &mut Actions<H>) {
        let demanded = self.flow == Flow::Level;
        self.part();
        out.push(Action::SourceStop);
        if demanded {
            self.open_gate(cfg, out);
        }
    }
}
