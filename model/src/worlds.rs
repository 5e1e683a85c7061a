//! The worlds that are checked each time, and what each is for.

use safetui_core::{
    Command, Rule, Rules, Timing, Witness,
    rule::{Book, Order, Pace, Read, Set, State, Term},
};

use crate::world::{Budget, Cut, Settings, Start};

/// A world, and how many states it has: a pinned number proves that the run was complete, and makes every
/// change of the state space a change that somebody has looked at.
#[derive(Clone, Debug)]
pub struct Entry {
    pub settings: Settings,
    pub states: usize,
}

const NO_FAULT: Budget = Budget {
    crashes: 0,
    cuts: 0,
    losses: 0,
    detours: 0,
    pauses: 0,
    skews: 0,
    lapses: 0,
    orders: 0,
    backups: 0,
    wipes: 0,
    unplugs: 0,
    failures: 0,
    amnesias: 0,
    writes: Budget::ANY,
};

/// Who reaches the router reaches whoever else does.
pub const PLAIN: &[Cut] = &[Cut::Off(0), Cut::Off(1), Cut::Router, Cut::All];

/// And the way between the nodes alone.
const DIRECT_TOO: &[Cut] = &[Cut::Off(0), Cut::Off(1), Cut::Router, Cut::All, Cut::Direct];

/// And one direction of it.
pub const ONE_WAY: &[Cut] = &[Cut::Off(0), Cut::Off(1), Cut::Router, Cut::All, Cut::Deaf(0), Cut::Deaf(1)];

/// Heartbeats arrive within the period in which they are sent, in any order.
const PROMPT: Timing =
    Timing { period: 1, timeout: 6, guard: 2, gap: 1, delay: 0, late: 0, drift: 0, losses: 0 };

/// Heartbeats may take a period longer.
const SLOW: Timing = Timing { timeout: 8, guard: 2, delay: 1, ..PROMPT };

/// The clocks drift two ticks apart within a window.
const DRIFTING: Timing = Timing { timeout: 10, guard: 3, gap: 2, late: 1, drift: 2, ..PROMPT };

/// A world without any fault, to be completed.
pub const CALM: Settings = Settings {
    name: "calm",
    timing: PROMPT,
    witness: Witness::Router,
    rules: [Rules::ALL; 2],
    book: Book::EMPTY,
    checked: Set::EMPTY,
    budget: NO_FAULT,
    faults: u8::MAX,
    failover: true,
    strict: false,
    delay: 0,
    relay: true,
    cuts: PLAIN,
    pins: true,
    quorum: 2,
    grants_once: true,
    untimed: false,
    frozen: false,
    leases: true,
    orders: &[],
    torn: true,
    start: Start::Ready,
};

pub const TWO_CRASHES: Settings =
    Settings { name: "two crashes", budget: Budget { crashes: 2, ..NO_FAULT }, ..CALM };

pub const CRASH_AND_CUT: Settings =
    Settings { name: "a crash and a cut", budget: Budget { crashes: 1, cuts: 1, ..NO_FAULT }, ..CALM };

pub const TWO_CUTS: Settings = Settings {
    name: "two cuts, also one-way",
    budget: Budget { cuts: 2, ..NO_FAULT },
    cuts: ONE_WAY,
    ..CALM
};

pub const ONE_WAY_AND_CRASH: Settings = Settings {
    name: "a one-way cut and a crash",
    budget: Budget { crashes: 1, cuts: 1, ..NO_FAULT },
    cuts: ONE_WAY,
    ..CALM
};

pub const PAUSE_AND_CRASH: Settings =
    Settings { name: "a pause and a crash", budget: Budget { crashes: 1, pauses: 1, ..NO_FAULT }, ..CALM };

pub const PAUSE_AND_CUT: Settings =
    Settings { name: "a pause and a cut", budget: Budget { cuts: 1, pauses: 1, ..NO_FAULT }, ..CALM };

pub const DELAYS: Settings = Settings {
    name: "delays and a loss",
    timing: Timing { timeout: 10, losses: 1, ..SLOW },
    budget: Budget { losses: 1, ..NO_FAULT },
    delay: 1,
    ..CALM
};

pub const DUPLICATES: Settings = Settings {
    name: "a duplicate that comes at any later time, and a loss",
    timing: Timing { timeout: 8, losses: 1, ..PROMPT },
    budget: Budget { losses: 1, detours: 1, ..NO_FAULT },
    ..CALM
};

pub const DELAYS_AND_CUT: Settings = Settings {
    name: "delays and a cut",
    timing: SLOW,
    budget: Budget { cuts: 1, ..NO_FAULT },
    delay: 1,
    ..CALM
};

pub const DRIFT: Settings = Settings {
    name: "clocks that drift, and a cut",
    timing: DRIFTING,
    budget: Budget { cuts: 1, skews: 2, ..NO_FAULT },
    ..CALM
};

pub const DIRECT: Settings = Settings {
    name: "only the way between the nodes cut, and a crash",
    budget: Budget { crashes: 1, cuts: 1, ..NO_FAULT },
    cuts: DIRECT_TOO,
    ..CALM
};

pub const ASTRAY: Settings = Settings {
    name: "a heartbeat of an earlier life astray, and a cut",
    budget: Budget { cuts: 1, ..NO_FAULT },
    start: Start::Stray,
    ..CALM
};

pub const FIRST_START: Settings = Settings {
    name: "first start, and a crash",
    budget: Budget { crashes: 1, ..NO_FAULT },
    start: Start::First,
    ..CALM
};

pub const SWAP: Settings = Settings {
    name: "a swap, and a cut",
    budget: Budget { cuts: 1, orders: 1, ..NO_FAULT },
    orders: &[Command::Swap],
    ..CALM
};

pub const UNPLUGGED: Settings = Settings {
    name: "a service link lost, and a cut",
    budget: Budget { cuts: 1, unplugs: 1, ..NO_FAULT },
    ..CALM
};

pub const NO_WITNESS: Settings = Settings {
    name: "no witness: a pause",
    witness: Witness::None,
    budget: Budget { pauses: 1, ..NO_FAULT },
    ..CALM
};

/// One rule over one resource.
const fn book(condition: Read, order: Order, book: &Book) -> Book {
    match book.with(&[Term::Read(condition)], order) {
        Ok(book) => book,
        Err(_) => panic!("one comparison is a condition"),
    }
}

const DOWN: [Read; 2] = [Read::one(0, State::Down), Read::one(1, State::Down)];

/// Nothing is counted.
const UNCOUNTED: Pace = Pace { act: 1, wake: 3, maxloop: 3, interval: 0 };

/// The second automatic action stops the module, however late it comes.
const COUNTED: Pace = Pace { maxloop: 1, interval: u64::MAX, ..UNCOUNTED };

pub const WAITING: Settings = Settings {
    name: "an external check fails, a rule makes wait",
    book: book(DOWN[0], Order::Wait, &Book::EMPTY).followed(Set::EMPTY, UNCOUNTED),
    checked: Set::of(0),
    budget: Budget { failures: 2, ..NO_FAULT },
    ..CALM
};

pub const RESTARTING: Settings = Settings {
    name: "an application fails, rules restart it",
    book: book(DOWN[1], Order::StopStart, &book(DOWN[0], Order::Restart, &Book::EMPTY))
        .followed(Set::of(0).with(Set::of(1)), COUNTED),
    checked: Set::of(0).with(Set::of(1)),
    budget: Budget { failures: 2, ..NO_FAULT },
    ..CALM
};

pub const FORKS: Settings = Settings {
    name: "no witness: a cut forks",
    witness: Witness::None,
    budget: Budget { cuts: 1, ..NO_FAULT },
    ..CALM
};

/// Twins of the router, of which only one is the one that the nodes know.
pub const TWINS: Settings = Settings {
    name: "two machines with the router's address",
    budget: Budget { cuts: 1, ..NO_FAULT },
    cuts: &[Cut::Twins(0), Cut::Twins(1), Cut::Off(0), Cut::Off(1)],
    ..CALM
};

/// Each node reaches some of three routers, and the peer at most by their reflection.
pub const THREE_ROUTERS: Settings = Settings {
    name: "three routers, of which two must answer",
    budget: Budget { cuts: 1, ..NO_FAULT },
    cuts: &[
        Cut::Views([0b011, 0b100]),
        Cut::Views([0b100, 0b011]),
        Cut::Views([0b011, 0b110]),
        Cut::Views([0b001, 0b010]),
        Cut::Views([0b011, 0b000]),
    ],
    ..CALM
};

/// A virtual machine whose clock stands still with it.
pub const FROZEN: Settings = Settings {
    name: "a pause in which the clock stands still",
    budget: Budget { pauses: 1, ..NO_FAULT },
    frozen: true,
    ..CALM
};

pub const OPERATOR: Settings = Settings {
    name: "an operator's order, and a crash",
    budget: Budget { crashes: 1, orders: 1, ..NO_FAULT },
    orders: ORDERS,
    ..CALM
};

pub const TWO_ORDERS: Settings = Settings {
    name: "two orders, also on both nodes at once",
    budget: Budget { orders: 2, ..NO_FAULT },
    orders: ORDERS,
    ..CALM
};

pub const FORCED: Settings = Settings {
    name: "an order by force, and a crash",
    budget: Budget { crashes: 1, orders: 1, ..NO_FAULT },
    orders: &[Command::Prim, Command::Failover, Command::Second],
    ..CALM
};

/// All that takes nothing from anybody.
const ORDERS: &[Command] =
    &[Command::Stop, Command::StopStart, Command::Restart, Command::Swap, Command::ForceStop];

pub const WIPED: Settings = Settings {
    name: "a crash, and an empty disk",
    budget: Budget { crashes: 1, wipes: 1, ..NO_FAULT },
    ..CALM
};

pub const BACKUP: Settings = Settings {
    name: "a crash, and a disk that is put back to an older backup",
    budget: Budget { crashes: 1, backups: 1, ..NO_FAULT },
    ..CALM
};

/// One node already has the rule Yield, the other does not yet.
pub const UPGRADE: Settings = Settings {
    name: "two rule sets side by side, and a cut",
    budget: Budget { cuts: 1, ..NO_FAULT },
    rules: [Rules::without(Rule::Yield), Rules::ALL],
    ..CALM
};

pub const ARBITER: Settings = Settings {
    name: "an arbiter: a cut of any kind, no reflection",
    witness: Witness::Arbiter,
    budget: Budget { cuts: 1, ..NO_FAULT },
    relay: false,
    cuts: ANY,
    ..CALM
};

pub const ARBITER_AND_CRASH: Settings =
    Settings { name: "an arbiter: a crash", budget: Budget { crashes: 1, ..NO_FAULT }, cuts: &[], ..ARBITER };

pub const ARBITER_AND_CUTS: Settings = Settings {
    name: "an arbiter: two cuts of any kind, no reflection",
    budget: Budget { cuts: 2, ..NO_FAULT },
    ..ARBITER
};

/// A third machine that is installed anew at the worst moment.
pub const ARBITER_ANEW: Settings = Settings {
    name: "an arbiter that loses its memory, and the nodes parted",
    budget: Budget { cuts: 1, amnesias: 1, ..NO_FAULT },
    cuts: &[Cut::Direct],
    ..ARBITER
};

/// Every kind of cut in which one and the same machine is asked.
pub const ANY: &[Cut] =
    &[Cut::Off(0), Cut::Off(1), Cut::Router, Cut::All, Cut::Direct, Cut::Deaf(0), Cut::Deaf(1)];

/// And those in which a node reaches too few of several routers, though by one of them it may still hear its peer.
/// Whoever reaches more than half of them reaches one that any other such node does, so three stand for any number.
pub const SEVERAL: &[Cut] = &[
    Cut::Off(0),
    Cut::Off(1),
    Cut::Router,
    Cut::All,
    Cut::Direct,
    Cut::Deaf(0),
    Cut::Deaf(1),
    Cut::Views([0b111, 0b001]),
    Cut::Views([0b001, 0b111]),
    Cut::Views([0b001, 0b001]),
];

/// Windows that never end by the heartbeats that pass, and nobody notices that time has leapt.
const PATIENT: Timing = Timing { timeout: 10, guard: 10, late: 100, ..PROMPT };

/// Timers run out twice, at any moment, while heartbeats and the arbiter's answers take as long as they like.
pub const UNTIMED_TWICE: Settings = Settings {
    name: "an arbiter, and no assumption about time, twice",
    budget: Budget { lapses: 2, ..NO_FAULT },
    ..UNTIMED
};

pub const UNTIMED: Settings = Settings {
    name: "an arbiter, and no assumption about time",
    timing: PATIENT,
    witness: Witness::Arbiter,
    budget: Budget { lapses: 1, ..NO_FAULT },
    untimed: true,
    leases: false,
    ..CALM
};

/// Clocks that stand still with their machines: the arbiter's word does not depend on them.
pub const FROZEN_ARBITER: Settings = Settings {
    name: "an arbiter: a pause in which the clock stands still, and a cut",
    budget: Budget { cuts: 1, pauses: 1, ..NO_FAULT },
    frozen: true,
    leases: false,
    ..ARBITER
};

/// An operator chooses between two forks, and the copy that he wanted breaks off.
pub const CHOSEN: Settings = Settings {
    name: "no witness: a fork, a choice, and a crash",
    budget: Budget { crashes: 1, cuts: 1, orders: 1, ..NO_FAULT },
    orders: &[Command::Second],
    ..FORKS
};

/// What is too large for every day: explored by `safetui verify --nightly`.
pub fn nightly() -> Vec<Entry> {
    let with =
        |settings, budget, name, states| Entry { settings: Settings { name, budget, ..settings }, states };
    let crash_and_cut = CRASH_AND_CUT.budget;
    vec![
        with(
            ONE_WAY_AND_CRASH,
            Budget { cuts: 2, ..crash_and_cut },
            "two cuts, also one-way, and a crash",
            59_269_202,
        ),
        with(TWINS, crash_and_cut, "two machines with the router's address, and a crash", 881_572),
        with(THREE_ROUTERS, crash_and_cut, "three routers, of which two must answer, and a crash", 1_177_398),
        with(TWO_ORDERS, TWO_ORDERS.budget, TWO_ORDERS.name, 262_775),
        with(UPGRADE, TWO_CUTS.budget, "two rule sets side by side, and two cuts", 939_111),
        with(ARBITER, crash_and_cut, "an arbiter: a cut of any kind and a crash, no reflection", 13_772_946),
        with(ARBITER_AND_CRASH, TWO_CRASHES.budget, "an arbiter: two crashes", 1_310_299),
        with(ARBITER_AND_CUTS, ARBITER_AND_CUTS.budget, ARBITER_AND_CUTS.name, 19_556_803),
        with(FROZEN_ARBITER, FROZEN_ARBITER.budget, FROZEN_ARBITER.name, 29_857_450),
        with(UNTIMED_TWICE, UNTIMED_TWICE.budget, UNTIMED_TWICE.name, 10_793_533),
        with(
            Settings { cuts: ANY, ..ARBITER_ANEW },
            ARBITER_ANEW.budget,
            "an arbiter that loses its memory, and a cut of any kind",
            2_227_191,
        ),
    ]
}

/// Every world that the check exhausts each time.
pub fn all() -> Vec<Entry> {
    let pinned = |settings, states| Entry { settings, states };
    vec![
        pinned(TWO_CRASHES, 276_589),
        pinned(CRASH_AND_CUT, 1_097_198),
        pinned(TWO_CUTS, 1_533_965),
        pinned(ONE_WAY_AND_CRASH, 1_422_531),
        pinned(PAUSE_AND_CRASH, 1_033_664),
        pinned(PAUSE_AND_CUT, 2_276_604),
        pinned(DELAYS, 17_388),
        pinned(DELAYS_AND_CUT, 1_873_800),
        pinned(DRIFT, 280_391),
        pinned(DIRECT, 1_185_260),
        pinned(ASTRAY, 24_644),
        pinned(FIRST_START, 58_843),
        pinned(SWAP, 258_502),
        pinned(UNPLUGGED, 267_563),
        pinned(NO_WITNESS, 9_723),
        pinned(FORKS, 5_217),
        pinned(CHOSEN, 679_617),
        pinned(WAITING, 194_939),
        pinned(RESTARTING, 66_742),
        pinned(DUPLICATES, 6_144),
        pinned(TWINS, 8_691),
        pinned(THREE_ROUTERS, 13_328),
        pinned(FROZEN, 4_257),
        pinned(OPERATOR, 950_007),
        pinned(FORCED, 16_960),
        pinned(WIPED, 13_116),
        pinned(BACKUP, 68_129),
        pinned(UPGRADE, 12_158),
        pinned(ARBITER, 400_516),
        pinned(ARBITER_AND_CRASH, 37_796),
        pinned(UNTIMED, 451_315),
        pinned(ARBITER_ANEW, 1_679_762),
    ]
}
