//! A pair whose states are packed: the one that is explored.
//!
//! A world is large, but most of it is the same in many others. So each of its parts is kept once, and a state is the
//! numbers of its parts: a few words, which are hashed, queued and told apart at little cost.

mod parts;
mod print;
mod table;

pub use parts::Packed;
pub(crate) use print::print;

use std::{
    cell::RefCell,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use stateright::{Checker, Expectation, HasDiscoveries, Model, Path, Property};

use self::parts::{Lately, Open, Parts};
use crate::{
    pair::Pair,
    property,
    world::{Step, World},
};

/// A pair in a world, packed.
#[derive(Clone)]
pub struct PackedPair {
    inner: Arc<Inner>,
}

struct Inner {
    pair: Pair,
    properties: Vec<Property<Pair>>,
    /// Are they one to the checker? It spends as much on each as most of them take to judge.
    whole: bool,
    /// One bit for each property that was found possible.
    seen: AtomicU64,
    first: World,
    parts: Parts,
    /// Tells these parts from those of any other pair.
    name: u64,
}

/// What one thread has before it: the checker asks about one state many times in a row, for each property, and for
/// where each step leads.
struct Desk {
    name: u64,
    open: Open,
    lately: Lately,
}

thread_local! {
    static DESK: RefCell<Option<Desk>> = const { RefCell::new(None) };
}

/// All properties that must hold, as the checker sees them in a pair that is judged as a whole.
const WHOLE: &str = "whatever must hold";

impl PackedPair {
    /// To be judged by each property by itself.
    pub fn each(pair: Pair) -> Self {
        Self::new(pair, false)
    }

    /// To be judged by all properties at once.
    pub fn whole(pair: Pair) -> Self {
        Self::new(pair, true)
    }

    fn new(pair: Pair, whole: bool) -> Self {
        static NAMES: AtomicU64 = AtomicU64::new(0);
        let (properties, first) = (pair.properties(), World::start(&pair.settings));
        let (seen, name) = (AtomicU64::new(0), NAMES.fetch_add(1, Ordering::Relaxed));
        let inner = Inner { pair, properties, whole, seen, first, parts: Parts::default(), name };
        Self { inner: Arc::new(inner) }
    }

    /// Looks at the world that is packed.
    fn look<R>(&self, packed: &Packed, at: impl FnOnce(&Inner, &mut Desk) -> R) -> R {
        let inner = &*self.inner;
        DESK.with_borrow_mut(|desk| {
            let desk = match desk {
                Some(desk) if desk.name == inner.name => desk,
                _ => desk.insert(inner.desk()),
            };
            if desk.open.packed != *packed {
                desk.open.change(&inner.parts, packed);
            }
            at(inner, desk)
        })
    }

    fn judge<const N: usize>(&self, packed: &Packed) -> bool {
        self.look(packed, |inner, desk| inner.judge(&inner.properties[N], &desk.open))
    }

    fn judge_whole(&self, packed: &Packed) -> bool {
        self.look(packed, |inner, desk| {
            let mut properties = inner.properties.iter().enumerate();
            properties.all(|(at, property)| {
                if property.expectation == Expectation::Always {
                    inner.judge(property, &desk.open)
                } else {
                    inner.note(at, property, &desk.open)
                }
            })
        })
    }
}

impl Inner {
    fn desk(&self) -> Desk {
        let mut lately = Lately::default();
        let packed = self.parts.pack(&mut lately, &self.first);
        Desk { name: self.name, open: Open::new(packed, &self.first), lately }
    }

    fn judge(&self, property: &Property<Pair>, open: &Open) -> bool {
        let judged = || (property.condition)(&self.pair, &open.world);
        if property.name != property::RECOVERS || open.world.unsettled() {
            return judged();
        }
        // What recovery does not depend on differs in most states that are otherwise the same.
        let Packed { cores, peers, nodes, wires, around: _ } = open.packed;
        let print = print(&(cores, peers, nodes, wires, open.around.lasting()));
        let healing = &self.pair.healing;
        healing.known(print) || judged() && healing.remember(print)
    }

    /// Notes whether what should be possible is seen here for the first time; not seeing it breaks nothing.
    fn note(&self, at: usize, property: &Property<Pair>, open: &Open) -> bool {
        let bit = 1 << at;
        if self.seen.load(Ordering::Relaxed) & bit == 0 && (property.condition)(&self.pair, &open.world) {
            self.seen.fetch_or(bit, Ordering::Relaxed);
        }
        true
    }
}

impl Model for PackedPair {
    type State = Packed;
    type Action = Step;

    fn init_states(&self) -> Vec<Packed> {
        vec![self.inner.desk().open.packed]
    }

    fn actions(&self, packed: &Packed, steps: &mut Vec<Step>) {
        self.look(packed, |inner, desk| desk.open.world.possible(&inner.pair.settings, steps));
    }

    fn next_state(&self, packed: &Packed, step: Step) -> Option<Packed> {
        self.look(packed, |inner, desk| {
            let mut next = desk.open.world.clone();
            let reach = next.take(&inner.pair.settings, step)?;
            Some(inner.parts.repack(&mut desk.lately, &desk.open, &next, reach))
        })
    }

    fn properties(&self) -> Vec<Property<Self>> {
        if self.inner.whole {
            return vec![Property::always(WHOLE, Self::judge_whole)];
        }
        assert!(self.inner.properties.len() <= JUDGES.len(), "there is a judge for each property");
        let judges = self.inner.properties.iter().zip(JUDGES);
        judges
            .map(|(it, condition)| Property { expectation: it.expectation.clone(), name: it.name, condition })
            .collect()
    }
}

/// A condition is a plain function, which cannot know whose it is.
const JUDGES: [fn(&PackedPair, &Packed) -> bool; 24] = [
    PackedPair::judge::<0>,
    PackedPair::judge::<1>,
    PackedPair::judge::<2>,
    PackedPair::judge::<3>,
    PackedPair::judge::<4>,
    PackedPair::judge::<5>,
    PackedPair::judge::<6>,
    PackedPair::judge::<7>,
    PackedPair::judge::<8>,
    PackedPair::judge::<9>,
    PackedPair::judge::<10>,
    PackedPair::judge::<11>,
    PackedPair::judge::<12>,
    PackedPair::judge::<13>,
    PackedPair::judge::<14>,
    PackedPair::judge::<15>,
    PackedPair::judge::<16>,
    PackedPair::judge::<17>,
    PackedPair::judge::<18>,
    PackedPair::judge::<19>,
    PackedPair::judge::<20>,
    PackedPair::judge::<21>,
    PackedPair::judge::<22>,
    PackedPair::judge::<23>,
];

/// What became of an exploration.
pub struct Explored {
    /// States that were generated, most of them more than once.
    pub generated: usize,
    pub states: usize,
    /// The properties that were found possible.
    pub seen: Vec<&'static str>,
    /// The first property found broken, and the way there; it ended the exploration.
    pub fallen: Option<(&'static str, Path<World, Step>)>,
}

/// Explores every state of a pair, breadth first, until one breaks a property that must hold.
pub fn explore(pair: &Pair, threads: usize) -> Explored {
    let packed = PackedPair::whole(pair.clone());
    let builder = packed.clone().checker().threads(threads).finish_when(HasDiscoveries::AnyFailures);
    let checker = builder.spawn_bfs().join();
    let seen = packed.inner.seen.load(Ordering::Relaxed);
    let properties = packed.inner.properties.iter().enumerate();
    Explored {
        generated: checker.state_count(),
        states: checker.unique_state_count(),
        seen: properties.filter(|(at, _)| seen & 1 << at != 0).map(|(_, property)| property.name).collect(),
        fallen: checker.discovery(WHOLE).map(|path| retrace(pair, &path.into_actions())),
    }
}

/// Takes the way again, in worlds, to what is broken at its end.
fn retrace(pair: &Pair, steps: &[Step]) -> (&'static str, Path<World, Step>) {
    let path =
        Path::from_actions(pair, World::start(&pair.settings), steps).expect("what was taken can be taken");
    let properties = pair.properties().into_iter().filter(|it| it.expectation == Expectation::Always);
    let broken = properties.into_iter().find(|it| !(it.condition)(pair, path.last_state()));
    (broken.expect("the way leads to where a property is broken").name, path)
}
