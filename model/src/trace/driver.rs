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
    /// What it was ever ordered to stream, and when.
    pub(super) streamed: Vec<(End, Tick)>,
    /// Connections to these lives of the peer work.
    pub(super) up: Vec<Boot>,
    /// Whom it is to say of when all is applied.
    pub(super) drains: Option<Boot>,
    /// A copy was begun here, and has not been said to have failed.
    pub(super) may_fail: bool,
    /// It looks for others with the virtual IP, and has not found any.
    pub(super) probes: bool,
    /// A role was ever taken up, so the application may run.
    pub(super) entered: bool,
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
            Event::Drained { .. } => self.drains = None,
            Event::StreamUp { boot } => self.up.push(*boot),
            Event::StreamLost { boot } => {
                if let Some(at) = self.up.iter().position(|up| up == boot) {
                    self.up.remove(at);
                }
            }
            Event::ReceiveFailed => self.may_fail = false,
            Event::AddressTaken => self.probes = false,
            Event::Woke
            | Event::Heard(_)
            | Event::Answered { .. }
            | Event::Granted { .. }
            | Event::Denied { .. }
            | Event::Copied { .. }
            | Event::Linked(_)
            | Event::Resource { .. }
            | Event::Ordered(_)
            | Event::Ledger(_) => {}
        }
    }

    pub(super) fn ordered<const H: usize>(&mut self, now: Tick, order: &Action<H>) {
        match *order {
            Action::Gate(gate) => self.gate = gate,
            Action::Lease(until) => self.lease = until,
            Action::Begin(job) => {
                self.job = Some(job);
                match job {
                    Job::Enter { to, .. } => {
                        self.address = to.serves();
                        self.entered = true;
                    }
                    Job::Open | Job::Leave { .. } | Job::Close { .. } => self.address = false,
                    Job::Restart { .. } => {}
                }
            }
            Action::Source { to, generation, term } => {
                self.source = Some((to, generation, term));
                self.streamed.push(((to, generation, term), now));
                self.drains = None;
            }
            Action::SourceStop => self.source = None,
            Action::Drain => self.drains = self.source.map(|(to, ..)| to),
            Action::Receive { from, generation, term, .. } => {
                self.receive = Some((from, generation, term));
                self.may_fail = true;
            }
            Action::ReceiveStop => self.receive = None,
            Action::Probe => self.probes = true,
            Action::Persist(_)
            | Action::Send(_)
            | Action::Ask { .. }
            | Action::Answer { .. }
            | Action::Became { .. }
            | Action::Note(_) => {}
        }
    }
}
