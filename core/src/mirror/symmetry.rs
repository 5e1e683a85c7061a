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

#[cfg(test)]
mod tests {
    use std::{vec, vec::Vec};

    use super::*;
    use crate::{
        config::{Rules, Timing, Witness},
        event::Echo,
        record::{Boot, Record},
        rule::{Book, Order, Pace, Read, Set, State, Term},
    };

    /// No sum of two of these is the product of the same.
    const TIMING: Timing =
        Timing { period: 1, timeout: 10, guard: 3, gap: 4, delay: 1, late: 1, drift: 0, losses: 1 };
    const NOW: Tick = Tick(1000);

    const fn config(witness: Witness) -> Config {
        Config { timing: TIMING, witness, failover: true, first: true, rules: Rules::ALL, book: Book::EMPTY }
    }

    /// As with a failover rule that acts when it has held for three ticks.
    fn ruled() -> Config {
        let condition = [Term::Read(Read::one(0, State::Down))];
        let book = Book::EMPTY.with(&condition, Order::Wait).expect("a condition");
        let pace = Pace { act: 3, wake: 5, maxloop: 3, interval: 7 };
        Config { book: book.followed(Set::EMPTY, pace), ..config(Witness::Router) }
    }

    /// A node that has heard a peer, with every moment of its clock at `tick`.
    fn node(role: Role, tick: Tick) -> Mirror<4> {
        let mut node = Mirror::new(tick, Boot(1), 7, Record::default());
        let echo = Some(Echo { boot: Boot(1), sent: tick });
        let beat = Beat { echo, ..node.as_beat(&config(Witness::Router), tick) };
        node.role = role;
        node.step = Step::Listening { until: tick };
        node.broken = Some(tick);
        node.asking = Some(tick);
        node.peer = Some(Peer { beat, heard: tick });
        node.run = Some(Run { since: tick, last: tick });
        node.moments(|_| tick);
        node
    }

    fn moments(mut node: Mirror<4>) -> Vec<u64> {
        let mut all = vec![];
        node.moments(|tick| {
            all.push(tick.0);
            tick
        });
        all
    }

    #[test]
    fn every_moment_on_a_clock_moves_with_its_origin_and_none_on_the_other() {
        let (mut mine, mut peers) = (node(Role::Wait, Tick(50)), node(Role::Wait, Tick(50)));
        (mine.watch.since, mine.watch.looped) = (Tick(50), Tick(60));
        mine.rebase(20);
        peers.rebase_peer(20);
        assert_eq!(moments(mine), [30; 12]);
        assert_eq!((mine.watch.since, mine.watch.looped), (Tick(30), Tick(40)));
        assert_eq!(moments(peers), [50; 12]);
        assert_eq!([mine, peers].map(|node| node.peer.expect("it is known").beat.sent), [Tick(50), Tick(30)]);
    }

    #[test]
    fn what_is_known_of_the_peer_is_taken_out_and_put_back() {
        let whole = node(Role::Wait, Tick(50));
        let mut rest = whole;
        let peer = rest.exchange_peer(None);
        assert_eq!((peer, rest.peer, rest.heard()), (whole.peer, None, Tick(0)));
        assert_eq!(rest.exchange_peer(peer), None);
        assert_eq!(rest, whole);
    }

    #[test]
    fn what_was_before_every_window_was_long_ago() {
        let forgotten = |ago: u64| {
            let mut node = node(Role::Wait, Tick(NOW.0 - ago));
            node.run = None;
            node.forget(&config(Witness::Router), NOW);
            moments(node)
        };
        let sent_at = 4;
        let mut kept = [985; 10];
        kept[sent_at] = 0;
        assert_eq!(forgotten(15), kept);
        assert_eq!(forgotten(16), [0; 10]);
    }

    #[test]
    fn how_many_heartbeats_were_sent_is_known_of_this_moment_alone() {
        let sent = |ago: u64| {
            let mut node = node(Role::Wait, Tick(NOW.0 - ago));
            node.sent = 3;
            node.forget(&config(Witness::Router), NOW);
            (node.sent_at, node.sent)
        };
        assert_eq!((sent(0), sent(1)), ((NOW, 3), (Tick(0), 0)));
    }

    #[test]
    fn since_when_a_role_holds_matters_to_who_follows_and_until_a_rule_may_act() {
        let since = |cfg: &Config, role, ago: u64| {
            let mut node = node(role, Tick(NOW.0 - ago));
            node.forget(cfg, NOW);
            NOW.since(node.since)
        };
        let (none, long) = (config(Witness::Router), NOW.0);
        for role in [Role::Wait, Role::Second] {
            assert_eq!((since(&none, role, 9), since(&ruled(), role, 9)), (9, 9), "{role:?}");
        }
        for role in [Role::Stop, Role::Alone, Role::Prim] {
            assert_eq!((since(&none, role, 0), since(&ruled(), role, 0)), (long, 0), "{role:?}");
            assert_eq!((since(&ruled(), role, 2), since(&ruled(), role, 3)), (2, long), "{role:?}");
        }
    }

    #[test]
    fn a_run_of_answers_matters_until_it_has_a_gap_and_its_beginning_after_the_last_contact() {
        let forgotten = |since: Tick, last: Tick, proven: Tick, heard: Tick| {
            let mut node = node(Role::Wait, heard);
            node.proven = proven;
            node.run = Some(Run { since, last });
            node.forget(&config(Witness::Router), NOW);
            node.run
        };
        let at = |ago: u64| Tick(NOW.0 - ago);
        assert_eq!(forgotten(at(5), at(4), at(8), at(7)), Some(Run { since: at(5), last: at(4) }));
        assert_eq!(forgotten(at(6), at(5), at(8), at(7)), None, "a gap");
        for (proven, heard) in [(at(8), at(7)), (at(7), at(8))] {
            assert_eq!(forgotten(at(7), NOW, proven, heard), Some(Run { since: at(7), last: NOW }));
            assert_eq!(forgotten(at(8), NOW, proven, heard), Some(Run { since: Tick(0), last: NOW }));
        }
    }

    #[test]
    fn a_proof_that_is_too_old_is_as_any_other_and_an_arbiter_does_not_ask_for_it() {
        let limit = TIMING.echo();
        let forgotten = |witness, proof| {
            let mut node = node(Role::Wait, NOW);
            let peer = node.peer.as_mut().expect("it is known");
            (peer.beat.proof, peer.beat.witness) = (proof, true);
            node.forget(&config(witness), NOW);
            let beat = node.peer.expect("it is known").beat;
            assert!(!beat.witness);
            beat.proof
        };
        for (proof, kept) in [(0, 0), (limit, limit), (limit + 1, limit + 1), (limit + 2, limit + 1)] {
            assert_eq!((forgotten(Witness::Router, proof), forgotten(Witness::Arbiter, proof)), (kept, 0));
        }
    }

    /// The ancestor of that name is nobody's generation any more.
    struct Hundreds {
        forgotten: u64,
    }

    impl Names for Hundreds {
        fn generation(&mut self, generation: &mut Generation) {
            generation.0 += 100;
        }

        fn ancestor(&mut self, generation: &mut Generation) {
            let known = generation.0 != self.forgotten;
            generation.0 = if known { generation.0 + 100 } else { 0 };
        }

        fn term(&mut self, term: &mut u64) {
            *term += 1000;
        }
    }

    fn history(names: [u64; 4]) -> [Generation; 4] {
        names.map(Generation)
    }

    #[test]
    fn a_record_is_renamed_and_closes_the_gap_of_a_forgotten_ancestor() {
        let record = |term, generation, names| Record::<4> {
            term,
            generation: Generation(generation),
            history: history(names),
            ..Record::default()
        };
        for (forgotten, names) in
            [(0, [103, 102, 101, 0]), (3, [102, 101, 0, 0]), (2, [103, 101, 0, 0]), (1, [103, 102, 0, 0])]
        {
            let mut renamed = record(9, 4, [3, 2, 1, 0]);
            renamed.rename(&mut Hundreds { forgotten });
            assert_eq!(renamed, record(1009, 104, names), "without {forgotten}");
        }
        let mut full = record(9, 5, [4, 3, 2, 1]);
        full.rename(&mut Hundreds { forgotten: 4 });
        assert_eq!(full.history, history([103, 102, 101, 0]));
    }

    #[test]
    fn everything_that_a_node_knows_is_renamed() {
        let mut node = node(Role::Wait, NOW);
        (node.record.generation, node.record.term, node.copying) = (Generation(1), 1, Generation(2));
        let peer = node.peer.as_mut().expect("it is known");
        (peer.beat.generation, peer.beat.kin_of) = (Generation(3), Generation(4));
        (peer.beat.parent, peer.beat.term) = (Generation(5), 2);
        let before = peer.beat;
        node.rename(&mut Hundreds { forgotten: 5 });
        assert_eq!((node.record.generation, node.record.term), (Generation(101), 1001));
        assert_eq!(node.copying, Generation(102));
        let after = Beat {
            generation: Generation(103),
            kin_of: Generation(104),
            parent: Generation::NONE,
            term: 1002,
            ..before
        };
        assert_eq!(node.peer.map(|peer| peer.beat), Some(after));
    }
}
