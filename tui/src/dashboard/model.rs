//! What the dashboard knows: the last state, how old it is, and where the operator looks. Plain data.

use safetui_net::api::shape::{Instance, Module, Offer, Problem, State};

use super::badge;
use super::keys::Place;
use super::theme::Tone;
use super::{Load, Options};

/// A state older than this is not live any more; agents send one at least every second.
const STALE_AFTER_MS: u64 = 3_000;

#[derive(Clone, Debug)]
pub(crate) struct Model {
    pub(crate) options: Options,
    /// The last state, kept when the agent is lost.
    pub(crate) state: Option<State>,
    /// Why the agent is lost and since when, while it is.
    pub(crate) lost: Option<(String, u64)>,
    /// Milliseconds since the start; moves with ticks only.
    pub(crate) now: u64,
    /// `now` when the last state came.
    pub(crate) heard: u64,
    /// Pages that Esc leads back through; the last one is on the screen, none is the overview.
    pub(crate) trail: Vec<Page>,
    pub(crate) overlay: Option<Overlay>,
    /// Selected module, by its place in the state.
    pub(crate) row: usize,
    /// Selected node, by its place in the state.
    pub(crate) column: usize,
    /// Lines that a page or the help is scrolled down.
    pub(crate) scroll: usize,
    /// Show events of the selected module only.
    pub(crate) filtered: bool,
    pub(crate) notice: Option<Notice>,
    /// What a demo's client sees.
    pub(crate) load: Option<Load>,
    /// The screen does not show this model any more.
    pub(crate) dirty: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Page {
    Mirror,
    Why,
    Events,
}

/// What lies over the page and takes the keys.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Overlay {
    Help,
    Menu(Menu),
    Confirm(Confirm),
    Problem(Box<Problem>),
}

/// The offers of one module, of one node or of all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Menu {
    pub(crate) module: String,
    pub(crate) node: Option<String>,
    pub(crate) row: usize,
}

/// One offer, waiting for the operator's word.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Confirm {
    pub(crate) module: String,
    /// What the core said when the operator was last shown it.
    pub(crate) offer: Offer,
    /// State number that the offer belongs to.
    pub(crate) seq: u64,
    pub(crate) typed: String,
    /// Nothing counts that was typed before this was on the screen.
    pub(crate) painted: bool,
    /// The core changed its answer while the dialog was open.
    pub(crate) moved: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Notice {
    pub(crate) tone: Tone,
    pub(crate) text: String,
    /// `now` when it goes away.
    pub(crate) until: u64,
}

/// How far the screen can be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Freshness {
    /// Nothing was heard yet.
    Waiting,
    Live,
    /// Connected, but silent for so long (ms).
    Stale(u64),
    /// Not connected for so long (ms).
    Lost(u64),
}

impl Model {
    pub(crate) fn new(options: Options) -> Self {
        Self {
            options,
            state: None,
            lost: None,
            now: 0,
            heard: 0,
            trail: Vec::new(),
            overlay: None,
            row: 0,
            column: 0,
            scroll: 0,
            filtered: false,
            notice: None,
            load: None,
            dirty: true,
        }
    }

    pub(crate) fn place(&self) -> Place {
        match (&self.overlay, self.trail.last()) {
            (Some(Overlay::Help), _) => Place::Help,
            (Some(Overlay::Menu(_)), _) => Place::Menu,
            (Some(Overlay::Confirm(_)), _) => Place::Confirm,
            (Some(Overlay::Problem(_)), _) => Place::Problem,
            (None, page) => Self::place_of(page),
        }
    }

    /// The page that is on the screen, whatever lies over it.
    pub(crate) fn page(&self) -> Place {
        Self::place_of(self.trail.last())
    }

    fn place_of(page: Option<&Page>) -> Place {
        match page {
            None => Place::Overview,
            Some(Page::Mirror) => Place::Mirror,
            Some(Page::Why) => Place::Why,
            Some(Page::Events) => Place::Events,
        }
    }

    pub(crate) fn freshness(&self) -> Freshness {
        match (&self.lost, &self.state) {
            (Some((_, since)), _) => Freshness::Lost(self.now.saturating_sub(*since)),
            (None, None) => Freshness::Waiting,
            (None, Some(_)) if self.silence() > STALE_AFTER_MS => Freshness::Stale(self.silence()),
            (None, Some(_)) => Freshness::Live,
        }
    }

    /// Milliseconds since the last state.
    pub(crate) fn silence(&self) -> u64 {
        self.now.saturating_sub(self.heard)
    }

    /// Was this value learnt too long ago to be shown as a fact?
    pub(crate) fn aged(&self, instance: &Instance, module: &Module) -> bool {
        self.freshness() != Freshness::Live || instance.age_ms > module.timeout_ms
    }

    pub(crate) fn module(&self) -> Option<&Module> {
        self.state.as_ref()?.modules.get(self.row)
    }

    /// Name of the selected node.
    pub(crate) fn node(&self) -> Option<&str> {
        Some(self.state.as_ref()?.nodes.get(self.column)?.name.as_str())
    }

    /// What a menu lists now.
    pub(crate) fn offers(&self, menu: &Menu) -> Vec<&Offer> {
        let module =
            self.state.iter().flat_map(|state| &state.modules).find(|module| module.name == menu.module);
        let listed = |offer: &&Offer| menu.node.as_ref().is_none_or(|node| *node == offer.node);
        module.iter().flat_map(|module| &module.actions).filter(listed).collect()
    }

    /// Why an offer cannot be taken from here, if it cannot.
    pub(crate) fn refusal<'a>(&self, offer: &'a Offer) -> Option<&'a str> {
        let read_only = self.options.read_only.then_some("needs role control (this dashboard is read-only)");
        offer.refused.as_deref().or(read_only)
    }
}

impl Confirm {
    /// The text that takes the offer. The core names it; a grave offer without one still asks for the module.
    pub(crate) fn expected(&self) -> &str {
        match (self.offer.confirm.as_deref(), self.offer.severity.as_str()) {
            (Some(text), _) => text,
            (None, "safe" | "mild") => "y",
            (None, _) => &self.module,
        }
    }
}

/// The module that needs the operator most: the first of the worst.
pub(crate) fn worst(state: &State) -> usize {
    let concern = |module: &Module| module.instances.iter().map(badge::concern).max();
    let mut worst = 0;
    for (row, module) in state.modules.iter().enumerate() {
        if concern(module) > concern(&state.modules[worst]) {
            worst = row;
        }
    }
    worst
}
