//! Heartbeats under way, and which ways there are.

use safetui_core::Beat;

use super::Settings;

/// Which ways are cut. With reflected heartbeats, or on one and the same network, who reaches the same router
/// reaches each other; only [`Cut::Direct`] breaks that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cut {
    #[default]
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
    /// The nodes do not reach each other, and each reaches a machine with the router's address; only that node
    /// still reaches the one that it knows.
    Twins(usize),
    /// The nodes do not reach each other, and each reaches these of three routers.
    Views([u8; 2]),
}

impl Cut {
    /// Do the nodes reach each other with data?
    pub const fn data(self) -> bool {
        matches!(self, Self::None | Self::Router)
    }

    /// Do heartbeats reach that node?
    pub const fn beats(self, settings: &Settings, to: usize) -> bool {
        match self {
            Self::Direct => settings.relay,
            Self::Deaf(deaf) => deaf != to,
            Self::Views([one, other]) => settings.relay && one & other != 0,
            _ => self.data(),
        }
    }

    /// Does the router, or do enough routers, answer that node? Does the arbiter hear it?
    pub const fn router(self, settings: &Settings, node: usize) -> bool {
        match self {
            Self::None | Self::Direct | Self::Deaf(_) => true,
            Self::Off(off) => off != node,
            Self::Router | Self::All => false,
            Self::Twins(known) => known == node || !settings.pins,
            Self::Views(views) => views[node].count_ones() >= settings.quorum,
        }
    }
}

/// A heartbeat under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Flight {
    pub beat: Beat,
    /// Ticks since it was sent.
    pub age: u8,
}

/// The heartbeats under way to one node, oldest first; they may arrive in any order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Wire {
    flights: [Option<Flight>; 2],
    /// A copy that will arrive much later, or never.
    pub detained: Option<Beat>,
}

impl Wire {
    /// One more is under way; when there are more than `room`, the oldest is lost.
    pub fn push(&mut self, beat: Beat, room: usize) {
        if self.len() >= room {
            self.take(0);
        }
        let free = usize::from(self.flights[0].is_some());
        self.flights[free] = Some(Flight { beat, age: 0 });
    }

    pub fn take(&mut self, at: usize) -> Option<Flight> {
        let taken = self.flights[at].take();
        if at == 0 {
            self.flights.swap(0, 1);
        }
        taken
    }

    /// A copy of that heartbeat goes astray.
    pub fn detain(&mut self, at: usize) -> Option<()> {
        self.detained = Some(self.flights[at]?.beat);
        Some(())
    }

    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Every heartbeat that may still arrive.
    pub fn beats_mut(&mut self) -> impl Iterator<Item = &mut Beat> {
        self.flights.iter_mut().flatten().map(|flight| &mut flight.beat).chain(&mut self.detained)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Flight> {
        self.flights.iter().flatten()
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Flight> {
        self.flights.iter_mut().flatten()
    }

    pub fn len(&self) -> usize {
        self.iter().count()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
