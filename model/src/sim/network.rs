//! The ways between the two nodes and the router, and what they do to what is sent.

use safetui_core::{Beat, Boot};

use super::{
    clock::{MS, Moment},
    dice::Dice,
};

/// Which ways are cut. The client, the router and the arbiter are on one side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    None,
    /// That node reaches nobody.
    Off(usize),
    /// Nobody reaches the router.
    Router,
    /// Everybody is alone.
    All,
    /// The nodes do not reach each other; both reach the router.
    Direct,
    /// That node hears nothing of the other, which hears it; both reach the router.
    Deaf(usize),
}

impl Cut {
    /// Do the nodes reach each other with data?
    pub(super) const fn data(self) -> bool {
        matches!(self, Self::None | Self::Router)
    }

    /// Do heartbeats reach that node without the router?
    pub(super) const fn direct(self, to: usize) -> bool {
        match self {
            Self::Deaf(deaf) => deaf != to,
            _ => self.data(),
        }
    }

    /// Do they by the router, if it reflects?
    const fn reflected(self, to: usize) -> bool {
        match self {
            Self::None | Self::Direct => true,
            Self::Deaf(deaf) => deaf != to,
            Self::Off(_) | Self::Router | Self::All => false,
        }
    }

    /// Does that node reach the router?
    pub(super) const fn router(self, node: usize) -> bool {
        match self {
            Self::None | Self::Direct | Self::Deaf(_) => true,
            Self::Off(off) => off != node,
            Self::Router | Self::All => false,
        }
    }
}

/// How the network treats what it carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Weather {
    /// Longest time under way.
    pub(super) delay: Moment,
    /// Lost so often in a million.
    pub(super) loss: u64,
}

impl Weather {
    pub(super) const FAIR: Self = Self { delay: 2 * MS, loss: 0 };
}

/// Heartbeats under way, each in a place of its own.
#[derive(Debug, Default)]
pub(super) struct Letters {
    places: Vec<Letter>,
    free: Vec<u32>,
}

/// A sealed heartbeat.
#[derive(Clone, Copy, Debug)]
pub(super) struct Letter {
    pub(super) beat: Beat,
    /// The sender's number for it.
    pub(super) number: u64,
}

impl Letters {
    pub(super) fn put(&mut self, letter: Letter) -> u32 {
        if let Some(place) = self.free.pop() {
            self.places[place as usize] = letter;
            return place;
        }
        self.places.push(letter);
        self.places.len() as u32 - 1
    }

    pub(super) fn take(&mut self, place: u32) -> Letter {
        self.free.push(place);
        self.places[place as usize]
    }
}

/// What a node has opened of its peer's newest life: each letter once, and none that is far behind, as the
/// window of the wire has it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Opened {
    boot: Boot,
    newest: u64,
    taken: u64,
}

impl Opened {
    const WIDTH: u64 = 64;

    /// Is it taken?
    pub(super) const fn take(&mut self, letter: &Letter) -> bool {
        if letter.beat.boot.0 < self.boot.0 {
            return false;
        }
        if letter.beat.boot.0 > self.boot.0 {
            *self = Self { boot: letter.beat.boot, newest: letter.number, taken: 1 };
            return true;
        }
        if letter.number > self.newest {
            let ahead = letter.number - self.newest;
            self.taken = if ahead < Self::WIDTH { self.taken << ahead | 1 } else { 1 };
            self.newest = letter.number;
            return true;
        }
        let behind = self.newest - letter.number;
        if behind >= Self::WIDTH || self.taken & (1 << behind) != 0 {
            return false;
        }
        self.taken |= 1 << behind;
        true
    }
}

/// All ways.
#[derive(Debug)]
pub(super) struct Network {
    pub(super) cut: Cut,
    pub(super) weather: Weather,
    /// Does the router reflect heartbeats?
    pub(super) reflects: bool,
    /// Does the router answer that node, if it is reached?
    pub(super) answers: [bool; 2],
    /// A copy of the next heartbeat to that node arrives so much later.
    pub(super) stray: [Option<Moment>; 2],
    pub(super) letters: Letters,
}

impl Network {
    pub(super) fn new(reflects: bool) -> Self {
        Self {
            cut: Cut::None,
            weather: Weather::FAIR,
            reflects,
            answers: [true; 2],
            stray: [None; 2],
            letters: Letters::default(),
        }
    }

    /// How long what is sent now to that node is under way, by the faster of its ways; `None`: it is lost.
    pub(super) fn beat_takes(&self, to: usize, dice: &mut Dice) -> Option<Moment> {
        let direct = if self.cut.direct(to) { self.passes(dice) } else { None };
        let reflected = self.reflects && self.cut.reflected(to);
        let reflected = if reflected { self.passes(dice) } else { None };
        match (direct, reflected) {
            (Some(one), Some(other)) => Some(if one < other { one } else { other }),
            (one, other) => one.or(other),
        }
    }

    /// Does the question that this node has asked come back answered?
    pub(super) fn answered(&self, node: usize, dice: &mut Dice) -> bool {
        let lost = self.weather.loss > 0 && (dice.often(self.weather.loss) || dice.often(self.weather.loss));
        self.cut.router(node) && self.answers[node] && !lost
    }

    /// One way, once.
    pub(super) fn passes(&self, dice: &mut Dice) -> Option<Moment> {
        if self.weather.loss > 0 && dice.often(self.weather.loss) {
            return None;
        }
        // Most are fast, a few take as long as they may.
        let slow = dice.below(16) == 0;
        Some(dice.between(100, if slow { self.weather.delay } else { self.weather.delay / 4 + 100 }))
    }
}
