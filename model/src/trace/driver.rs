//! What the driver of one life was ordered, as far as it matters to what can happen next.

use safetui_core::{
    Action, Boot, Event, Gate, Generation, Job, Mirror, Role, Tick,
    mirror::{Flow, Step},
};

/// One end of a stream.
pub(super) type End = (Boot, Generation, u64);

#[derive(Clone, Debug, Default)]
pub(super) struct Driver {
    pub(super) gate: Gate,
    pub(super) lease: Tick,
    pub(super) address: bool,
    pub(super) source: Option<End>,
    pub(super) receive: Option<End>,
    /// Lives of the peer that it was ever ordered to stream to, and to copy from.
    pub(super) streamed: Vec<Boot>,
    pub(super) copied: Vec<Boot>,
    pub(super) drains: bool,
    /// The arbiter was ever asked.
    pub(super) asked: bool,
    /// The newest job, unless it has ended.
    pub(super) job: Option<Job>,
    /// The record begins in the middle: what was ordered before is not known.
    pub(super) partial: bool,
}

impl Driver {
    /// The driver of a core in its present state.
    pub(super) fn of<const H: usize>(core: &Mirror<H>, partial: bool) -> Self {
        let mut driver = Self { partial, ..Self::default() };
        let (generation, term) = (core.record().generation, core.record().term);
        driver.address = core.role().serves();
        driver.gate = match (core.role(), core.flow()) {
            (Role::Prim, _) | (Role::Alone, Flow::Level) => Gate::Both { generation, term },
            (Role::Alone, _) => Gate::Alone { generation, term },
            _ if core.step() == Step::Leaving => Gate::Held,
            _ => Gate::Closed,
        };
        driver
    }

    /// The process is gone: nothing is acknowledged. The addresses stay until they expire or somebody takes them away.
    pub(super) fn dies(&mut self) {
        *self = Self { lease: self.lease, address: self.address, ..Self::default() };
    }

    /// Reports end what they report.
    pub(super) fn told(&mut self, event: &Event) {
        match event {
            Event::Done { .. } => self.job = None,
            Event::Drained { .. } => self.drains = false,
            Event::Woke
            | Event::Heard(_)
            | Event::Answered { .. }
            | Event::Granted { .. }
            | Event::Denied { .. }
            | Event::Copied { .. }
            | Event::StreamLost { .. }
            | Event::StreamUp { .. }
            | Event::ReceiveFailed
            | Event::AddressTaken
            | Event::Linked(_)
            | Event::Resource { .. }
            | Event::Ordered(_) => {}
        }
    }

    pub(super) fn ordered<const H: usize>(&mut self, order: &Action<H>) {
        match *order {
            Action::Gate(gate) => self.gate = gate,
            Action::Lease(until) => self.lease = until,
            Action::Begin(job) => {
                self.job = Some(job);
                match job {
                    Job::Enter { to, .. } => self.address = to.serves(),
                    Job::Open | Job::Leave { .. } | Job::Close { .. } => self.address = false,
                    Job::Restart { .. } => {}
                }
            }
            Action::Source { to, generation, term } => {
                self.source = Some((to, generation, term));
                self.streamed.push(to);
                self.drains = false;
            }
            Action::SourceStop => self.source = None,
            Action::Drain => self.drains = true,
            Action::Receive { from, generation, term, .. } => {
                self.receive = Some((from, generation, term));
                self.copied.push(from);
            }
            Action::ReceiveStop => self.receive = None,
            Action::Ask { .. } => self.asked = true,
            Action::Persist(_)
            | Action::Send(_)
            | Action::Probe
            | Action::Answer { .. }
            | Action::Became { .. }
            | Action::Note(_) => {}
        }
    }
}
