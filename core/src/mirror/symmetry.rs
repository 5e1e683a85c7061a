//! What the decisions do not depend on: the origin of a clock, and the names of generations and terms.
//!
//! The model uses this to see that two states are the same but for such names, which is how finitely many
//! states cover "for ever".

use core::mem;

use super::{Mirror, Peer, Run, Step};
use crate::{config::Config, event::Beat, record::Generation, role::Role, time::Tick};

/// Renames what only its equality, or only its order, gives a meaning.
pub trait Names {
    /// A generation that somebody has.
    fn generation(&mut self, generation: &mut Generation);
    /// A generation of which somebody only remembers that it came before.
    fn ancestor(&mut self, generation: &mut Generation);
    fn term(&mut self, term: &mut u64);
}

impl Beat {
    /// A proof that is too old is too old.
    pub fn forget(&mut self, cfg: &Config) {
        // The arbiter's word does not depend on it.
        self.proof = if cfg.arbitrates() { 0 } else { self.proof.min(cfg.timing.echo() + 1) };
        self.witness = false;
    }

    /// Passes every name in this heartbeat through `names`.
    pub fn rename(&mut self, names: &mut impl Names) {
        names.generation(&mut self.generation);
        names.generation(&mut self.kin_of);
        names.ancestor(&mut self.parent);
        names.term(&mut self.term);
    }
}

impl<const H: usize> super::Record<H> {
    /// Passes every name in this record through `names`, and closes the gaps that forgotten ancestors leave.
    pub fn rename(&mut self, names: &mut impl Names) {
        names.generation(&mut self.generation);
        names.term(&mut self.term);
        let mut kept = 0;
        for at in 0..H {
            let mut ancestor = self.history[at];
            if ancestor == Generation::NONE {
                break;
            }
            names.ancestor(&mut ancestor);
            self.history[at] = Generation::NONE;
            if ancestor != Generation::NONE {
                self.history[kept] = ancestor;
                kept += 1;
            }
        }
    }
}

impl<const H: usize> Mirror<H> {
    /// Moves the origin of this node's clock forward by `by`.
    pub fn rebase(&mut self, by: u64) {
        self.moments(|tick| tick.rebased(by));
        self.watch.rebase(by);
    }

    /// Moves the origin of the peer's clock forward by `by`.
    pub fn rebase_peer(&mut self, by: u64) {
        self.moments_of_peer(|tick| tick.rebased(by));
    }

    /// Passes every moment of the peer's clock that this node knows through `change`.
    pub fn moments_of_peer(&mut self, mut change: impl FnMut(Tick) -> Tick) {
        if let Some(peer) = &mut self.peer {
            peer.beat.sent = change(peer.beat.sent);
        }
    }

    /// Blurs what no decision can tell apart any more, so that the model sees one state where there is one.
    pub fn forget(&mut self, cfg: &Config, now: Tick) {
        let timing = &cfg.timing;
        let before = Tick(now.0.saturating_sub(timing.timeout + timing.guard + 2));
        self.moments(|tick| if tick < before { Tick(0) } else { tick });
        self.watch.forget(&cfg.book, now);
        if self.sent_at < now {
            (self.sent_at, self.sent) = (Tick(0), 0);
        }
        let acted = cfg.book.is_empty() || now.since(self.since) >= cfg.book.pace.act.max(1);
        if !matches!(self.role, Role::Wait | Role::Second) && acted {
            self.since = Tick(0);
        }
        // Contact only moves on: a run that is unbroken since then stays so however old it is.
        let contact = self.proven.min(self.heard());
        self.run = self.run.filter(|run| now.since(run.last) <= timing.gap);
        if let Some(run) = self.run.as_mut().filter(|run| run.since <= contact) {
            run.since = Tick(0);
        }
        if let Some(peer) = &mut self.peer {
            peer.beat.forget(cfg);
        }
    }

    /// Passes every moment of this node's own clock through `change`, but for those of its failover rules.
    pub fn moments(&mut self, mut change: impl FnMut(Tick) -> Tick) {
        for tick in [&mut self.proven, &mut self.since, &mut self.woke, &mut self.beat_due, &mut self.sent_at]
        {
            *tick = change(*tick);
        }
        if let Step::Listening { until } = &mut self.step {
            *until = change(*until);
        }
        self.broken = self.broken.map(&mut change);
        self.asking = self.asking.map(&mut change);
        if let Some(run) = &mut self.run {
            *run = Run { since: change(run.since), last: change(run.last) };
        }
        if let Some(peer) = &mut self.peer {
            peer.heard = change(peer.heard);
            if let Some(echo) = &mut peer.beat.echo {
                echo.sent = change(echo.sent);
            }
        }
    }

    /// Passes every generation and term that this node knows through `names`.
    pub fn rename(&mut self, names: &mut impl Names) {
        self.record.rename(names);
        names.generation(&mut self.copying);
        if let Some(peer) = &mut self.peer {
            peer.beat.rename(names);
        }
    }

    /// What is known of the peer, taken out or put back: the model keeps it apart, since many nodes know the same.
    pub const fn exchange_peer(&mut self, peer: Option<Peer>) -> Option<Peer> {
        mem::replace(&mut self.peer, peer)
    }

    /// The moment at which this node last heard its peer; `Tick(0)` when never.
    pub fn heard(&self) -> Tick {
        self.peer.map_or(Tick(0), |peer| peer.heard)
    }
}
