//! Simulation: two real cores in real milliseconds, with production timers, and everything around them simulated.
//!
//! ```text
//!  script (faults as data, from the seed)
//!     │ strikes
//!     ▼
//!  World ── queue of what will happen ──▶ driver ──▶ core, core      the agent's own code
//!     ▲                                     │
//!     └──── network, disk, scripts, stream ◀┘ orders
//! ```
//!
//! The model exhausts small worlds in ticks; this walks one way through a large one at a time, with what the model
//! leaves out: work that takes time, disks that are slow, orders that wait for one another, streams that break and
//! go on, clocks that drift all the time. A seed decides everything, so that any run can be repeated.

mod clock;
mod dice;
mod driver;
mod fault;
mod ledger;
mod network;
mod node;
mod peace;
mod profile;
mod property;
mod queue;
mod run;
mod shrink;
mod story;
mod stream;
mod strike;

pub use profile::Profile;
pub use property::PROPERTIES;
pub use run::{Options, Report, Surroundings, TIMING, Tally, run};
pub use story::Violation;

use safetui_core::{Actions, Command, Config, Event, Generation, Witness};

use clock::{Clock, MS, Moment, SECOND};
use dice::Dice;
use ledger::Ledger;
use network::Network;
use node::{H, Node};
use queue::{Queue, What};

/// So many writes follow each other closely, now and then.
const BURST: u32 = 20;

/// Everything at one moment.
struct World {
    now: Moment,
    queue: Queue,
    dice: Dice,
    nodes: [Node; 2],
    network: Network,
    ledger: Ledger,
    configs: [Config; 2],
    /// Longest time of a copy.
    copy_takes: Moment,
    /// Connections, sessions and faults are numbered.
    numbers: u32,
    mends: strike::Mends,
    /// The core's buffer of orders.
    out: Option<Box<Actions<H>>>,
    /// What the arbiter has granted to whom.
    grants: Vec<(Generation, usize)>,
    /// A clock has stood still since the pair was last ready.
    stood: bool,
    /// How the surroundings have gone beyond what the protocol assumes, since the pair was last ready.
    strained: Option<&'static str>,
    broken: Option<property::Broken>,
    tally: Tally,
    /// The story, when somebody wants to hear it.
    lines: Option<Vec<story::Line>>,
}

impl World {
    /// A pair that has just been installed and started: the first node forced to serve.
    fn new(options: &Options, tells: bool) -> Self {
        let surroundings = Surroundings::of(options.seed);
        let mut dice = Dice::new(options.seed, 0);
        let mut clock = || Clock::new(0, dice.between(20, 400) * SECOND, dice.between(0, 600) as i64 - 300);
        let nodes = [Node::new(clock()), Node::new(clock())];
        let mut world = Self {
            now: 0,
            queue: Queue::default(),
            dice,
            nodes,
            network: Network::new(surroundings.reflects),
            ledger: Ledger::default(),
            configs: [0, 1].map(|node| surroundings.config(node, options.rules)),
            copy_takes: 300 * MS,
            numbers: 0,
            mends: strike::Mends::default(),
            out: Some(Box::default()),
            grants: Vec::new(),
            stood: false,
            strained: None,
            broken: None,
            tally: Tally::default(),
            lines: tells.then(Vec::new),
        };
        world.boot(0, Some(Command::Prim));
        world.boot(1, Some(Command::Start));
        world.queue.push(SECOND, What::Write);
        world
    }

    /// The agent of that node starts.
    fn boot(&mut self, node: usize, command: Option<Command>) {
        let nonce = self.dice.next();
        let it = &mut self.nodes[node];
        if it.core.is_some() {
            return;
        }
        it.boot.0 += 1;
        let now = it.clock.tick(self.now);
        it.core = Some(Box::new(node::Core::new(now, it.boot, nonce, *it.disk)));
        it.letters = 0;
        let linked = self.mends.linked(node);
        self.ask(node, self.now);
        self.happened(node, Event::Linked(linked));
        if self.configs[node].witness == Witness::Arbiter {
            self.happened(node, Event::Ledger(safetui_core::Ledger(1)));
        }
        if let Some(command) = command {
            self.happened(node, Event::Ordered(command));
        }
        self.send(node);
    }

    /// Goes on until that moment, or until something is wrong.
    fn go_on(&mut self, until: Moment) {
        while self.broken.is_none()
            && let Some((at, what)) = self.queue.pop(until)
        {
            self.now = at;
            self.happens(what);
            self.check();
        }
        if self.broken.is_none() {
            self.now = until;
        }
    }

    /// One thing happens, unless the node that it concerns is paused: then it happens when that goes on.
    fn happens(&mut self, what: What) {
        if let Some(node) = what.concerns().filter(|node| self.nodes[*node].paused) {
            self.nodes[node].backlog.push_back(what);
            return;
        }
        self.take(what);
        self.send(0);
        self.send(1);
    }

    fn take(&mut self, what: What) {
        let lives = |node: usize, life: u32| self.nodes[node].life == life;
        match what {
            What::Wake { node, version } => self.wake(node, version),
            What::Beat { to, letter } => self.hear(to, letter),
            What::Asked { node, life, at, asked } if lives(node, life) => self.asked(node, at, asked),
            What::Ruled { node, life, generation, granted } if lives(node, life) => {
                self.ruled(node, generation, granted);
            }
            What::InForce { node, life } if lives(node, life) => self.in_force(node),
            What::Claimed { node, life } if lives(node, life) => self.nodes[node].address = true,
            What::Released { node, life } if lives(node, life) => self.nodes[node].address = false,
            What::Done { node, life, number, ok } if lives(node, life) => self.done(node, number, ok),
            What::Probed { node, life } if lives(node, life) => self.probed(node),
            What::LastWord { node, life, left } if lives(node, life) => self.last_word(node, left),
            What::Asked { .. }
            | What::Ruled { .. }
            | What::InForce { .. }
            | What::Claimed { .. }
            | What::Released { .. }
            | What::Done { .. }
            | What::Probed { .. }
            | What::LastWord { .. } => {}
            What::Connect { node, token } => self.connect(node, token),
            What::Carry { node, connection } => self.carry(node, connection),
            What::Applied { node, connection, upto } => self.applied(node, connection, upto),
            What::Walked { node, session } => self.walked(node, session),
            What::Noticed { node, connection } => self.noticed(node, connection),
            What::Write => self.client_writes(),
            What::Burst { left } => self.burst(left),
            What::Mend(mend) => self.mend(mend),
        }
    }

    /// The client's next write goes to whoever answers; an application also writes by itself.
    fn client_writes(&mut self) {
        let next = self.dice.between(20 * MS, SECOND);
        self.queue.push(self.now + next, What::Write);
        if self.dice.below(32) == 0 {
            self.queue.push(self.now, What::Burst { left: BURST });
        }
        self.write_somewhere();
    }

    /// Very many writes in a short time.
    fn burst(&mut self, left: u32) {
        if left > 0 {
            let next = self.dice.between(MS, 4 * MS);
            self.queue.push(self.now + next, What::Burst { left: left - 1 });
        }
        self.write_somewhere();
    }

    fn write_somewhere(&mut self) {
        for node in 0..2 {
            let inside = self.dice.below(2) == 0;
            let it = &self.nodes[node];
            let reached = it.answers(self.now) && self.network.cut.router(node);
            // An application that has come to wait for so many writes makes no more.
            let patient = it.source.waiting.len() < 64;
            if it.address && it.runs() && it.writable() && patient && (inside || reached) {
                self.write(node);
            }
        }
    }

    fn acknowledge(&mut self, node: usize, write: u64) {
        self.ledger.acknowledge(write);
        let name = Self::name(node);
        self.tell(|| format!("{name} acknowledges write {write}"));
    }

    const fn name(node: usize) -> &'static str {
        if node == 0 { "node1" } else { "node2" }
    }
}

impl What {
    /// Whose agent has to do with it.
    const fn concerns(self) -> Option<usize> {
        match self {
            Self::Wake { node, .. }
            | Self::Asked { node, .. }
            | Self::Ruled { node, .. }
            | Self::InForce { node, .. }
            | Self::Claimed { node, .. }
            | Self::Released { node, .. }
            | Self::Done { node, .. }
            | Self::Probed { node, .. }
            | Self::Connect { node, .. }
            | Self::Carry { node, .. }
            | Self::Applied { node, .. }
            | Self::Walked { node, .. }
            | Self::Noticed { node, .. } => Some(node),
            Self::Beat { to, .. } => Some(to),
            Self::LastWord { .. } | Self::Write | Self::Burst { .. } | Self::Mend(_) => None,
        }
    }
}
