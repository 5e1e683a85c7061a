//! What has to be copied: a world around [`safetui_core::since`].
//!
//! Two nodes with two zones of data each, caches that a crash loses, and a stream that breaks. Any node may be made to
//! serve whenever nothing is streamed, whatever it has: what has to be copied must be right even then.

use safetui_core::since::{Changes, Cut, Since};
use stateright::{Model, Property};

/// Zones of data.
const ZONES: usize = 2;
/// Frames on their way.
const FRAMES: usize = 3;

/// Some of the zones, one bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Zones(u8);

impl Zones {
    const ALL: Self = Self((1 << ZONES) - 1);

    const fn of(zone: usize) -> Self {
        Self(1 << zone)
    }

    const fn has(self, zone: usize) -> bool {
        self.0 & 1 << zone != 0
    }
}

impl Changes for Zones {
    fn add(&mut self, later: Self) {
        self.0 |= later.0;
    }
}

/// What a node does for the set to be right, each of which is left out in one mutant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// What is to be changed is noted, durably, before it is changed.
    NoteFirst,
    /// Nothing is being changed while the stream is cut.
    CutAlone,
    /// A node holds a cut only when its data up to there are durable.
    Durable,
    /// A cut that a node did not hold when it crashed will never be held.
    Restarted,
    /// What was noted before a cut is forgotten only when the other node holds it too.
    BothHold,
    /// What the receiver has noted is compared as well.
    BothNoted,
}

/// How much may happen in one run.
#[derive(Clone, Copy, Debug)]
pub struct Differing {
    pub writes: u8,
    pub crashes: u8,
    pub breaks: u8,
    /// Cuts besides the one at the end of each copy.
    pub cuts: u8,
    /// Times that the other node is made to serve.
    pub turns: u8,
    pub without: Option<Rule>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Node {
    down: bool,
    /// What a reader sees, and what a crash leaves: the number of the write in each zone.
    cache: [u8; ZONES],
    disk: [u8; ZONES],
    /// The log of changes; it is durable.
    since: Since<Zones>,
    /// A zone that is about to be changed, and to what.
    changing: Option<(usize, u8)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Frame {
    Write {
        zone: usize,
        value: u8,
    },
    /// With what the source has at this place.
    Cut {
        at: Cut,
        equal_to: [u8; ZONES],
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Stream {
    session: u64,
    /// Zones that still have to be copied; `None` once that is over.
    todo: Option<Zones>,
    epoch: u64,
    frames: [Option<Frame>; FRAMES],
}

/// Both nodes, and the stream from the one that serves to the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct World {
    nodes: [Node; 2],
    server: usize,
    stream: Option<Stream>,
    sessions: u64,
    writes: u8,
    crashes: u8,
    breaks: u8,
    cuts: u8,
    turns: u8,
    /// Zones that differed when the last copy began, and those that it was to compare.
    differed: Zones,
    compared: Zones,
    /// Both nodes had the same at every cut.
    equal: bool,
    /// Both have held the same cut at some time.
    met: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The application writes: the zone is noted, then changed.
    Begin(usize),
    End(usize),
    /// The stream: it begins, copies a zone, is cut, and arrives.
    Attach,
    Copy(usize),
    Cut,
    Arrive,
    /// All of a node's data become durable; one zone does by itself.
    Settle(usize),
    WriteBack(usize, usize),
    /// A node says which cut it holds.
    Say(usize),
    Crash(usize),
    Start(usize),
    Break,
    /// The other node serves from now on.
    Turn,
}

impl World {
    const fn receiver(&self) -> usize {
        1 - self.server
    }

    fn change(&mut self, at: usize, zone: usize, value: u8) {
        self.nodes[at].cache[zone] = value;
        if at == self.server
            && let Some(stream) = &mut self.stream
        {
            stream.send(Frame::Write { zone, value });
        }
    }

    /// The cut from which a copy would begin now.
    fn common(&self) -> Option<Cut> {
        let theirs: Vec<Cut> = self.nodes[self.receiver()].since.held().collect();
        self.nodes[self.server].since.common(&theirs)
    }

    fn differing(&self) -> Zones {
        let [one, other] = &self.nodes;
        let mut zones = Zones::default();
        (0..ZONES).filter(|&z| one.cache[z] != other.cache[z]).for_each(|z| zones.add(Zones::of(z)));
        zones
    }
}

impl Stream {
    fn send(&mut self, frame: Frame) {
        let free = self.frames.iter_mut().find(|place| place.is_none());
        *free.expect("a step that sends is possible only with room") = Some(frame);
    }

    const fn has_room(&self) -> bool {
        self.frames[FRAMES - 1].is_none()
    }
}

impl Node {
    fn note(&mut self, zone: usize) {
        if let Some(changes) = self.since.changes() {
            changes.add(Zones::of(zone));
        }
    }

    fn noted_since(&self, cut: Cut) -> Zones {
        let mut zones = Zones::default();
        self.since.since(cut).into_iter().flatten().for_each(|noted| zones.add(*noted));
        zones
    }

    const fn is_still(&self) -> bool {
        !self.down && self.changing.is_none()
    }
}

impl Differing {
    fn has(self, rule: Rule) -> bool {
        self.without != Some(rule)
    }

    fn begin(self, world: &mut World, zone: usize) {
        world.writes += 1;
        let (at, value) = (world.server, world.writes);
        world.nodes[at].changing = Some((zone, value));
        if self.has(Rule::NoteFirst) {
            world.nodes[at].note(zone);
        } else {
            world.change(at, zone, value);
        }
    }

    fn end(self, world: &mut World, at: usize) {
        let Some((zone, value)) = world.nodes[at].changing.take() else { return };
        if self.has(Rule::NoteFirst) {
            world.change(at, zone, value);
        } else {
            world.nodes[at].note(zone);
        }
    }

    fn attach(self, world: &mut World) {
        let (source, receiver) = (&world.nodes[world.server], &world.nodes[world.receiver()]);
        let todo = world.common().map_or(Zones::ALL, |cut| {
            let mut zones = source.noted_since(cut);
            if self.has(Rule::BothNoted) {
                zones.add(receiver.noted_since(cut));
            }
            zones
        });
        world.differed = world.differing();
        world.compared = todo;
        world.sessions += 1;
        world.stream =
            Some(Stream { session: world.sessions, todo: Some(todo), epoch: 0, frames: [None; FRAMES] });
    }

    fn cut(self, world: &mut World) {
        let Some(stream) = &mut world.stream else { return };
        if stream.todo.take().is_none() {
            world.cuts += 1;
            stream.epoch += 1;
        }
        let at = Cut { session: stream.session, epoch: stream.epoch };
        let source = &mut world.nodes[world.server];
        source.since.cut(at);
        if !self.has(Rule::Durable) {
            source.since.settled_here(at);
        }
        stream.send(Frame::Cut { at, equal_to: source.cache });
    }

    fn arrive(self, world: &mut World) {
        let receiver = world.receiver();
        let Some(stream) = &mut world.stream else { return };
        let Some(frame) = stream.frames[0].take() else { return };
        stream.frames.rotate_left(1);
        let node = &mut world.nodes[receiver];
        match frame {
            Frame::Write { zone, value } => {
                node.note(zone);
                node.cache[zone] = value;
            }
            Frame::Cut { at, equal_to } => {
                world.equal &= node.cache == equal_to;
                node.since.cut(at);
                if !self.has(Rule::Durable) {
                    node.since.settled_here(at);
                }
            }
        }
    }

    fn settle(self, node: &mut Node) {
        node.disk = node.cache;
        if let Some(at) = node.since.newest() {
            node.since.settled_here(at);
            if !self.has(Rule::BothHold) {
                node.since.settled_there(at);
            }
        }
    }
}

impl Model for Differing {
    type State = World;
    type Action = Step;

    fn init_states(&self) -> Vec<World> {
        vec![World {
            nodes: [Node::default(); 2],
            server: 0,
            stream: None,
            sessions: 0,
            writes: 0,
            crashes: 0,
            breaks: 0,
            cuts: 0,
            turns: 0,
            differed: Zones::default(),
            compared: Zones::ALL,
            equal: true,
            met: false,
        }]
    }

    fn actions(&self, world: &World, steps: &mut Vec<Step>) {
        let (source, receiver) = (&world.nodes[world.server], &world.nodes[world.receiver()]);
        let has_room = world.stream.is_none_or(|stream| stream.has_room());
        if source.is_still() && world.writes < self.writes && (has_room || self.has(Rule::NoteFirst)) {
            steps.extend((0..ZONES).map(Step::Begin));
        }
        for (at, node) in world.nodes.iter().enumerate() {
            if node.changing.is_some() && has_room {
                steps.push(Step::End(at));
            }
            if node.down {
                steps.push(Step::Start(at));
                continue;
            }
            if node.since.newest().is_some_and(|at| node.since.held().next() != Some(at)) {
                steps.push(Step::Settle(at));
            }
            let unwritten = (0..ZONES).filter(|&zone| node.disk[zone] != node.cache[zone]);
            steps.extend(unwritten.map(|zone| Step::WriteBack(at, zone)));
            if world.crashes < self.crashes {
                steps.push(Step::Crash(at));
            }
            if world.stream.is_some() && node.since.held().next().is_some() {
                steps.push(Step::Say(at));
            }
        }
        let Some(stream) = &world.stream else {
            if source.is_still() && receiver.is_still() {
                steps.push(Step::Attach);
            }
            if world.turns < self.turns {
                steps.push(Step::Turn);
            }
            return;
        };
        if stream.frames[0].is_some() {
            steps.push(Step::Arrive);
        }
        if world.breaks < self.breaks {
            steps.push(Step::Break);
        }
        if !has_room || (source.changing.is_some() && self.has(Rule::CutAlone)) {
            return;
        }
        let todo = stream.todo.unwrap_or_default();
        steps.extend((0..ZONES).filter(|&zone| todo.has(zone)).map(Step::Copy));
        if todo == Zones::default() && (stream.todo.is_some() || world.cuts < self.cuts) {
            steps.push(Step::Cut);
        }
    }

    fn next_state(&self, world: &World, step: Step) -> Option<World> {
        let mut next = *world;
        match step {
            Step::Begin(zone) => self.begin(&mut next, zone),
            Step::End(at) => self.end(&mut next, at),
            Step::Attach => self.attach(&mut next),
            Step::Copy(zone) => {
                let value = next.nodes[next.server].cache[zone];
                let stream = next.stream.as_mut()?;
                stream.todo.as_mut()?.0 &= !Zones::of(zone).0;
                stream.send(Frame::Write { zone, value });
            }
            Step::Cut => self.cut(&mut next),
            Step::Arrive => self.arrive(&mut next),
            Step::Settle(at) => self.settle(&mut next.nodes[at]),
            Step::WriteBack(at, zone) => next.nodes[at].disk[zone] = next.nodes[at].cache[zone],
            Step::Say(at) => {
                let held = next.nodes[at].since.held().next()?;
                next.nodes[1 - at].since.settled_there(held);
            }
            Step::Crash(at) => {
                next.crashes += 1;
                next.stream = None;
                let node = &mut next.nodes[at];
                *node = Node { down: true, cache: node.disk, changing: None, ..*node };
                if self.has(Rule::Restarted) {
                    node.since.restarted();
                }
            }
            Step::Start(at) => next.nodes[at].down = false,
            Step::Break => {
                next.breaks += 1;
                next.stream = None;
            }
            Step::Turn => {
                next.turns += 1;
                next.server = next.receiver();
            }
        }
        next.met |= next.common().is_some();
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("what differs is compared", |_, world: &World| {
                world.differed.0 & !world.compared.0 == 0
            }),
            Property::always("at a cut both have the same", |_, world: &World| world.equal),
            Property::always("who has held the same cut does again", |_, world: &World| {
                !world.met || world.common().is_some()
            }),
            Property::sometimes("after a crash less than all is compared", |_, world: &World| {
                world.crashes > 0 && world.differed != Zones::default() && world.compared != Zones::ALL
            }),
            Property::sometimes("what does not differ is not compared", |_, world: &World| {
                world.turns > 0 && world.compared == Zones::default()
            }),
        ]
    }
}
