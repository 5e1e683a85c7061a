//! Resources by small numbers, and what has been found out about them.

/// What a checker last said of a resource.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum State {
    /// Not checked yet.
    #[default]
    Init,
    Up,
    Down,
    /// Cannot be asked.
    Unknown,
}

impl State {
    pub const ALL: [Self; 4] = [Self::Init, Self::Up, Self::Down, Self::Unknown];

    /// SafeKit's word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Init => "init",
            Self::Up => "up",
            Self::Down => "down",
            Self::Unknown => "unknown",
        }
    }
}

/// Some of the states.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct States(pub(super) u8);

impl States {
    /// That one.
    pub const fn only(state: State) -> Self {
        Self(1 << state as u8)
    }

    /// Every other one.
    pub const fn but(state: State) -> Self {
        Self(0b1111 & !Self::only(state).0)
    }

    pub const fn has(self, state: State) -> bool {
        self.0 & Self::only(state).0 != 0
    }
}

/// Some of a node's resources.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Set(pub u32);

impl Set {
    pub const EMPTY: Self = Self(0);
    pub const ALL: Self = Self(u32::MAX);
    /// How many resources a node can have.
    pub const MOST: u8 = 32;

    /// That one; empty when there can be none of this number.
    pub const fn of(id: u8) -> Self {
        if id < Self::MOST { Self(1 << id) } else { Self::EMPTY }
    }

    #[must_use]
    pub const fn with(self, more: Self) -> Self {
        Self(self.0 | more.0)
    }

    #[must_use]
    pub const fn without(self, less: Self) -> Self {
        Self(self.0 & !less.0)
    }

    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    pub const fn has(self, id: u8) -> bool {
        !self.and(Self::of(id)).is_empty()
    }

    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The lowest number in it.
    pub const fn first(self) -> Option<u8> {
        if self.is_empty() { None } else { Some(self.0.trailing_zeros() as u8) }
    }

    pub fn iter(self) -> impl Iterator<Item = u8> {
        let mut rest = self;
        core::iter::from_fn(move || {
            let first = rest.first()?;
            rest = rest.without(Self::of(first));
            Some(first)
        })
    }
}

/// The states of a node's resources, two bits each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Found {
    up: Set,
    /// Also those that are unknown, together with `up`.
    down: Set,
}

impl Found {
    /// What a peer's heartbeat says: it names those that are down, and the others count as up.
    pub const fn told(down: Set) -> Self {
        Self { up: Set::ALL.without(down), down }
    }

    /// None has been checked.
    pub const NOTHING: Self = Self { up: Set::EMPTY, down: Set::EMPTY };

    /// Nothing can be said of any.
    pub const UNKNOWN: Self = Self { up: Set::ALL, down: Set::ALL };

    /// Those in that state.
    pub const fn in_state(self, state: State) -> Set {
        match state {
            State::Init => Set::ALL.without(self.up).without(self.down),
            State::Up => self.up.without(self.down),
            State::Down => self.down.without(self.up),
            State::Unknown => self.up.and(self.down),
        }
    }

    /// Those in any of these states.
    pub const fn in_any(self, states: States) -> Set {
        let mut set = Set::EMPTY;
        let mut at = 0;
        while at < State::ALL.len() {
            if states.has(State::ALL[at]) {
                set = set.with(self.in_state(State::ALL[at]));
            }
            at += 1;
        }
        set
    }

    pub fn state(self, id: u8) -> State {
        let is = |state: &State| self.in_state(*state).has(id);
        State::ALL.into_iter().find(is).unwrap_or_default()
    }

    pub fn note(&mut self, id: u8, state: State) {
        let one = Set::of(id);
        self.forget(one);
        if matches!(state, State::Up | State::Unknown) {
            self.up = self.up.with(one);
        }
        if matches!(state, State::Down | State::Unknown) {
            self.down = self.down.with(one);
        }
    }

    /// These have not been checked yet.
    pub fn forget(&mut self, set: Set) {
        self.up = self.up.without(set);
        self.down = self.down.without(set);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_resource_is_in_the_state_that_was_noted_last() {
        let mut found = Found::default();
        for (id, state) in (0..Set::MOST).zip(State::ALL.into_iter().cycle()) {
            found.note(id, State::Unknown);
            found.note(id, state);
        }
        for (id, state) in (0..Set::MOST).zip(State::ALL.into_iter().cycle()) {
            assert_eq!(found.state(id), state);
            assert!(!found.in_any(States::only(state)).and(Set::of(id)).is_empty());
            assert!(found.in_any(States::but(state)).and(Set::of(id)).is_empty());
        }
    }

    #[test]
    fn what_is_in_two_sets_is_in_both_together() {
        assert_eq!(Set(0b011).with(Set(0b110)), Set(0b111));
    }

    #[test]
    fn a_number_that_no_resource_has_is_nothing() {
        let mut found = Found::default();
        found.note(Set::MOST, State::Down);
        assert_eq!(found, Found::default());
    }

    #[test]
    fn a_peer_names_what_is_down_and_the_rest_is_up() {
        let peer = Found::told(Set::of(3));
        assert_eq!((peer.state(3), peer.state(4)), (State::Down, State::Up));
        assert_eq!(Found::UNKNOWN.state(3), State::Unknown);
    }
}
