//! What would happen: the same machine, run ahead from the live state.
//!
//! The peer is rebuilt from its last heartbeat, which says all that decides; then both run on with the witness as it
//! is now, undisturbed except for the one thing that is asked about.

use crate::{
    action::{Action, Actions, Job},
    config::Config,
    event::{Beat, Command, Event},
    mirror::{Flow, Mirror},
    role::{Cause, Role, Status},
    rule::State,
    time::Tick,
};

/// For the names that a rebuilt peer gives: others than this node's, which are random.
const NONCE_OF_PEER: u64 = 0x5555_5555_5555_5555;

/// What is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ahead {
    /// An operator's command on this node.
    Order(Command),
    /// The peer loses power.
    PeerLost,
    /// This node loses power.
    SelfLost,
}

/// One thing that will happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stage {
    /// Time from now, without the time that scripts and copies take.
    pub after: u64,
    /// On the peer, not here?
    pub peer: bool,
    pub what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    Became { from: Role, to: Role, cause: Cause },
    Job(Job),
}

/// Role and status of this node and of the peer; `None` for a node that is lost or not known.
pub type Ends = [Option<(Role, Status)>; 2];

/// The course of events, as far as it fits, and where it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Course {
    pub stages: [Option<Stage>; 12],
    pub begin: Ends,
    pub end: Ends,
    /// How long nobody serves, without the time that scripts take.
    pub gap: u64,
}

/// What becomes of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// A node serves at the end.
    Up,
    /// A node serves now, and none at the end.
    Outage,
    /// No node serves, now or then.
    Idle,
    /// As `Idle`, as far as this node knows: the peer is not heard.
    Unknown,
}

impl Course {
    pub fn service(&self) -> Service {
        let serves = |ends: &Ends| ends.iter().flatten().any(|(role, _)| role.serves());
        match (serves(&self.begin), serves(&self.end)) {
            (_, true) => Service::Up,
            (true, false) => Service::Outage,
            (false, false) if self.begin.contains(&None) => Service::Unknown,
            (false, false) => Service::Idle,
        }
    }

    fn push(&mut self, stage: Stage) {
        if let Some(free) = self.stages.iter_mut().find(|slot| slot.is_none()) {
            *free = Some(stage);
        }
    }
}

/// The two machines, run ahead together.
struct Run<'a, const H: usize> {
    cfg: &'a Config,
    start: Tick,
    nodes: [Option<Mirror<H>>; 2],
    /// Does the witness answer each?
    answers: [bool; 2],
    /// The newest heartbeat on its way to each.
    wires: [Option<Beat>; 2],
    course: Course,
}

impl<const H: usize> Mirror<H> {
    /// Runs the pair ahead from now.
    pub fn foresee(&self, cfg: &Config, now: Tick, ahead: Ahead) -> Course {
        let peer = self.recent(cfg, now);
        let answers = [self.witnessed(cfg, now), peer.is_some_and(|beat| beat.witness)];
        let nodes = [Some(*self), peer.map(|beat| self.rebuild_peer(cfg, now, &beat))];
        let course = Course { stages: [None; 12], begin: ends(&nodes), end: [None; 2], gap: 0 };
        let mut run = Run { cfg, start: now, nodes, answers, wires: [None; 2], course };
        match ahead {
            Ahead::Order(command) => run.event(0, now, Event::Ordered(command)),
            Ahead::PeerLost => run.nodes[1] = None,
            Ahead::SelfLost => run.nodes[0] = None,
        }
        run.ahead(now);
        run.course
    }

    /// The peer as its heartbeat describes it.
    fn rebuild_peer(&self, cfg: &Config, now: Tick, beat: &Beat) -> Self {
        let mut peer = Self::new(now, beat.boot, NONCE_OF_PEER, *self.record());
        peer.adopt(cfg, beat, self, now);
        peer
    }
}

fn ends<const H: usize>(nodes: &[Option<Mirror<H>>; 2]) -> Ends {
    [0, 1].map(|node: usize| nodes[node].as_ref().map(|it| (it.role(), it.status())))
}

impl<const H: usize> Run<'_, H> {
    fn ahead(&mut self, from: Tick) {
        let timing = &self.cfg.timing;
        // Wide enough to be quick, and never so wide that a node takes it for having slept.
        let stride = timing.late.clamp(1, timing.period);
        let span = 2 * (timing.timeout + timing.guard) + 8 * timing.period;
        for stage in 1..=span / stride {
            let now = from.plus(stage * stride);
            for node in 0..2 {
                if self.answers[node] {
                    self.event(node, now, Event::Answered { asked: now });
                }
                self.event(node, now, Event::Woke);
                if let Some(beat) = self.wires[node].take() {
                    self.event(node, now, Event::Heard(beat));
                }
                self.bring_level(node, now);
                self.check(node, now);
            }
            if !self.nodes.iter().flatten().any(|node| node.role().serves()) {
                self.course.gap += stride;
            }
        }
        self.course.end = ends(&self.nodes);
    }

    /// The data flow, with all that it reports, takes no time here.
    fn bring_level(&mut self, node: usize, now: Tick) {
        let Some(boot) = self.nodes[1 - node].as_ref().map(Mirror::boot) else { return };
        let flow =
            |run: &Self| run.nodes[node].as_ref().filter(|it| it.role() == Role::Alone).map(Mirror::flow);
        if flow(self) == Some(Flow::Copying) {
            self.event(node, now, Event::Copied { boot });
        }
        if flow(self) == Some(Flow::Level) {
            self.event(node, now, Event::Drained { boot });
        }
    }

    /// What has not been checked yet will be found to be up.
    fn check(&mut self, node: usize, now: Tick) {
        let unknown = |run: &Self| run.nodes[node].as_ref().and_then(|it| it.unknown(run.cfg));
        while let Some(id) = unknown(self) {
            self.event(node, now, Event::Resource { id, state: State::Up });
        }
    }

    fn event(&mut self, node: usize, now: Tick, event: Event) {
        let mut out = Actions::default();
        let mut next = Some(event);
        while let Some(event) = next.take() {
            // The tie-break matters only where both have gone on alone, which is not foreseen.
            let Some(core) = &mut self.nodes[node] else { return };
            core.handle(self.cfg, now, event, &mut out);
            for action in out.drain() {
                let stage = |what| Stage { after: now.since(self.start), peer: node == 1, what };
                match action {
                    Action::Send(beat) => self.wires[1 - node] = Some(beat),
                    // Of the two, only one can be silent here, so the other is granted what it asks for.
                    Action::Ask { generation, .. } if self.answers[node] => {
                        next = Some(Event::Granted { generation });
                    }
                    Action::Begin(job) => {
                        self.course.push(stage(What::Job(job)));
                        next = Some(Event::Done { job, ok: true });
                    }
                    Action::Became { from, to, cause } => {
                        self.course.push(stage(What::Became { from, to, cause }));
                    }
                    Action::Persist(_)
                    | Action::Gate(_)
                    | Action::Lease(_)
                    | Action::Source { .. }
                    | Action::SourceStop
                    | Action::Drain
                    | Action::Receive { .. }
                    | Action::ReceiveStop
                    | Action::Probe
                    | Action::Ask { .. }
                    | Action::Answer { .. }
                    | Action::Note(_) => {}
                }
            }
        }
    }
}
