//! Two cores and the shortest way between them: enough to read a behaviour like a scene.

use safetui_core::{
    Action, Actions, Beat, Boot, Command, Config, Event, Job, Ledger, Mirror, Record, Role, Rules, Status,
    Tick, Timing, Witness,
    mirror::Flow,
    rule::{Book, Order, Pace, Read, Set, State, Term},
};

pub(crate) type Core = Mirror<4>;

pub(crate) const TIMING: Timing =
    Timing { period: 100, timeout: 1000, guard: 500, gap: 150, delay: 20, late: 50, drift: 2, losses: 2 };

pub(crate) fn config(first: bool) -> Config {
    Config {
        timing: TIMING,
        witness: Witness::Router,
        failover: true,
        first,
        rules: Rules::ALL,
        book: Book::EMPTY,
    }
}

/// A resource that is watched in every started state, two that are about the running application.
pub(crate) const LINK: u8 = 0;
pub(crate) const PORT: u8 = 1;
pub(crate) const ADDRESS: u8 = 2;

/// For each of them the rule of the same number.
pub(crate) fn book() -> Book {
    let rules = [(LINK, Order::Wait), (PORT, Order::Restart), (ADDRESS, Order::StopStart)];
    let book = rules.into_iter().try_fold(Book::EMPTY, |book, (id, order)| {
        book.with(&[Term::Read(Read::one(id, State::Down))], order)
    });
    let roled = Set::of(PORT).with(Set::of(ADDRESS));
    book.unwrap().followed(roled, Pace { act: 100, wake: 1000, maxloop: 3, interval: 86_400_000 })
}

/// What an arbiter keeps, if there is one.
pub(crate) const LEDGER: Ledger = Ledger(77);

/// One node with what its driver would hold.
#[derive(Clone)]
pub(crate) struct Node {
    pub(crate) core: Core,
    pub(crate) cfg: Config,
    /// Every order since the last look, in order.
    pub(crate) orders: Vec<Action<4>>,
    /// Does its slow work take until [`Pair::ends`]? Else it ends at once.
    pub(crate) slow: bool,
    pub(crate) work: Option<Job>,
}

impl Node {
    pub(crate) fn new(index: u32) -> Self {
        let record = Record::default();
        let core = Core::new(Tick(10_000), Boot(1), u64::from(index + 1) << 40, record);
        Self { core, cfg: config(index == 0), orders: Vec::new(), slow: false, work: None }
    }

    /// Handles an event, and what follows from it at once.
    pub(crate) fn event(&mut self, now: Tick, event: Event) -> Vec<Beat> {
        let mut out = Actions::default();
        let mut beats = Vec::new();
        let mut next = Some(event);
        while let Some(event) = next.take() {
            self.core.handle(&self.cfg, now, event, &mut out);
            for action in out.drain() {
                self.orders.push(action);
                match action {
                    Action::Send(beat) => beats.push(beat),
                    Action::Begin(job) if self.slow => self.work = Some(job),
                    Action::Begin(job) => next = Some(Event::Done { job, ok: true }),
                    _ => {}
                }
            }
        }
        beats
    }

    /// The orders since the last call, without heartbeats and leases.
    pub(crate) fn decisions(&mut self) -> Vec<Action<4>> {
        let all = std::mem::take(&mut self.orders);
        all.into_iter()
            .filter(|it| !matches!(it, Action::Send(_) | Action::Lease(_) | Action::Note(_)))
            .collect()
    }

    pub(crate) fn state(&self) -> (Role, Status) {
        (self.core.role(), self.core.status())
    }
}

/// A pair on one clock, with a network that can be cut.
#[derive(Clone)]
pub(crate) struct Pair {
    pub(crate) nodes: [Node; 2],
    pub(crate) now: Tick,
    /// Does what node `n` sends reach its peer?
    pub(crate) speaks: [bool; 2],
    /// Does the router answer node `n`?
    pub(crate) router: [bool; 2],
    /// Is node `n` running?
    pub(crate) runs: [bool; 2],
    /// Do copies come to their end?
    pub(crate) streams: bool,
}

impl Pair {
    /// Both just started as agents, nothing ordered yet.
    pub(crate) fn fresh() -> Self {
        let nodes = [Node::new(0), Node::new(1)];
        Self {
            nodes,
            now: Tick(10_000),
            speaks: [true; 2],
            router: [true; 2],
            runs: [true; 2],
            streams: true,
        }
    }

    /// PRIM and SECOND, for a while.
    pub(crate) fn ready() -> Self {
        let mut pair = Self::fresh();
        pair.order(0, Command::Prim);
        pair.order(1, Command::Start);
        (0..2).for_each(|node| pair.event(node, Event::Ledger(LEDGER)));
        pair.pass(3000);
        assert_eq!([pair.nodes[0].state(), pair.nodes[1].state()], [PRIM, SECOND]);
        pair.nodes.iter_mut().for_each(|node| node.orders.clear());
        pair
    }

    /// As `ready`, with rules and everything up.
    pub(crate) fn watched() -> Self {
        let mut pair = Self::fresh();
        pair.nodes.iter_mut().for_each(|node| node.cfg.book = book());
        pair.order(0, Command::Prim);
        pair.order(1, Command::Start);
        (0..2).for_each(|node| pair.finds(node, LINK, State::Up));
        pair.pass(3000);
        assert_eq!(pair.states(), [PRIM, SECOND]);
        pair.nodes.iter_mut().for_each(|node| node.orders.clear());
        pair
    }

    pub(crate) fn finds(&mut self, node: usize, id: u8, state: State) {
        self.event(node, Event::Resource { id, state });
    }

    pub(crate) fn order(&mut self, node: usize, command: Command) {
        self.event(node, Event::Ordered(command));
    }

    /// The slow work of a node comes to its end.
    pub(crate) fn ends(&mut self, node: usize, ok: bool) {
        let job = self.nodes[node].work.take().expect("something is under way");
        self.event(node, Event::Done { job, ok });
    }

    pub(crate) fn event(&mut self, node: usize, event: Event) {
        let beats = self.nodes[node].event(self.now, event);
        for beat in beats {
            if self.speaks[node] && self.runs[1 - node] {
                self.event(1 - node, Event::Heard(beat));
            }
        }
    }

    /// Lets time pass in steps of ten milliseconds.
    pub(crate) fn pass(&mut self, span: u64) {
        for _ in 0..span / 10 {
            self.now = self.now.plus(10);
            for node in (0..2).filter(|node| self.runs[*node]).collect::<Vec<_>>() {
                if self.router[node] && self.now.0.is_multiple_of(50) {
                    self.event(node, Event::Answered { asked: self.now });
                }
                self.event(node, Event::Woke);
                self.bring_level(node);
            }
        }
    }

    /// Lets time pass until it has come to that.
    pub(crate) fn until(&mut self, what: impl Fn(&Self) -> bool) {
        for _ in 0..1000 {
            if what(self) {
                return;
            }
            self.pass(10);
        }
        panic!("it never comes to that: {:?}", self.states());
    }

    fn bring_level(&mut self, node: usize) {
        let boot = self.nodes[1 - node].core.boot();
        let alone = self.streams && self.nodes[node].core.role() == Role::Alone;
        match self.nodes[node].core.flow() {
            Flow::Copying if alone => self.event(node, Event::Copied { boot }),
            Flow::Level if alone => self.event(node, Event::Drained { boot }),
            _ => {}
        }
    }

    pub(crate) fn states(&self) -> [(Role, Status); 2] {
        [self.nodes[0].state(), self.nodes[1].state()]
    }
}

pub(crate) const PRIM: (Role, Status) = (Role::Prim, Status::Ready);
pub(crate) const SECOND: (Role, Status) = (Role::Second, Status::Ready);
pub(crate) const ALONE: (Role, Status) = (Role::Alone, Status::Ready);
pub(crate) const WAIT: (Role, Status) = (Role::Wait, Status::NotReady);
pub(crate) const STOP: (Role, Status) = (Role::Stop, Status::NotReady);
