//! The loop of one module: what happened goes into the core, and what the core orders is carried out, in
//! order, before the next event.
//!
//! [`Driver::run`] never waits. An order that must be in force before the next one, such as a durable record,
//! is given to [`hands`]; until it ends, the later orders and the events of this module queue. Slow work
//! (scripts, addresses, mounts) is done by [`worker`] and reported as an event.

pub mod address;
mod hands;
mod lease;
mod open;
mod plan;
pub mod record;
mod steps;
#[cfg(test)]
mod tests;
mod timing;
pub mod wording;
mod worker;

use std::{
    collections::VecDeque,
    sync::Arc,
    thread::{self, JoinHandle},
};

use safetui_core::{
    Action, Actions, Beat, Boot, Cause, Command, Event, Generation, Job, Ledger, Mirror, Note, Refusal, Role,
    Status, Tick,
};
use tokio::sync::oneshot;

pub use open::{open, runner};
pub use plan::{Plan, id_of, witness};
pub use timing::{asked_every, spans, timing};

use address::{Addresses, Owner};
use hands::{Hands, Order, Stream};
use record::HISTORY;
use worker::Worker;

use crate::{
    heartbeat::boottime,
    journal::{Journal, Level},
    recorder::Recorder,
    rfs::{self, Rfs},
    vip::probe::Care,
};

/// What the threads of a module report to the thread that runs its core.
#[derive(Debug)]
pub enum News {
    /// A job ended; stale unless its number is the newest.
    Done {
        number: u64,
        job: Job,
        ok: bool,
    },
    /// The order that [`hands`] was given is in force.
    InForce,
    /// The record cannot be made durable; it is tried again.
    NotDurable {
        why: String,
    },
    /// Somebody answers for a virtual address.
    Taken(Owner),
    Replication(rfs::Report),
}

/// How those threads report.
pub type Tell = Arc<dyn Fn(News) + Send + Sync>;

/// Where the core's answer to a command goes: why it was refused, or nothing.
pub type Reply = oneshot::Sender<Option<Refusal>>;

/// Most events that wait for an order to be in force; beyond, heartbeats and answers are dropped, as a network
/// drops them.
const WAITING: usize = 256;

/// Something that happened, when, and who waits for the answer.
struct Arrived {
    at: Tick,
    event: Event,
    reply: Option<Reply>,
}

/// What an operator should know beside the state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trouble {
    pub record: Option<String>,
    pub lease: Option<String>,
    pub replication: Option<String>,
    pub differs: bool,
}

/// One module: its core, and all that carries out what the core orders.
pub struct Driver {
    pub plan: Arc<Plan>,
    core: Mirror<HISTORY>,
    /// The core as it was when all that it had ordered was in force: what is not yet durable is not shown.
    settled: Mirror<HISTORY>,
    recorder: Recorder,
    out: Actions<HISTORY>,
    orders: VecDeque<Action<HISTORY>>,
    events: VecDeque<Arrived>,
    /// An order is not yet in force.
    blocked: bool,
    replies: VecDeque<Option<Reply>>,
    beat: Option<Beat>,
    /// What the arbiter is to be asked.
    question: Option<(Generation, Ledger)>,
    heard: Option<(Beat, Tick)>,
    /// The life of the peer that is streamed to.
    sink: Boot,
    said: Option<(Role, Status)>,
    /// Why the module was last said to wait.
    waits: Option<&'static str>,
    remote: Option<(Role, Status)>,
    trouble: Trouble,
    /// A role or readiness has changed since [`Self::take_changed`].
    changed: bool,
    hands: Hands,
    worker: Worker,
    lease: lease::Keeper,
    addresses: Addresses,
    rfs: Option<Arc<Rfs>>,
    journal: Journal,
    tell: Tell,
}

/// Now, as the core counts.
pub fn now() -> Tick {
    Tick(boottime().as_millis() as u64)
}

impl Driver {
    /// Something happened.
    pub fn happened(&mut self, event: Event) {
        let repeats = matches!(
            event,
            Event::Heard(_) | Event::Answered { .. } | Event::Granted { .. } | Event::Denied { .. }
        );
        if repeats && self.events.len() >= WAITING {
            return;
        }
        self.events.push_back(Arrived { at: now(), event, reply: None });
    }

    /// An operator's command; `reply` gets the core's answer.
    pub fn ordered(&mut self, command: Command, reply: Option<Reply>) {
        self.events.push_back(Arrived { at: now(), event: Event::Ordered(command), reply });
    }

    /// A heartbeat of the peer, and whether it runs the same configuration.
    pub fn heard(&mut self, signature: u64, beat: Beat) {
        let differs = signature != self.plan.signature;
        if differs && !self.trouble.differs {
            self.say(
                "heart",
                Level::Critical,
                "the peer runs another configuration of this module: not heard",
            );
        }
        self.trouble.differs = differs;
        if !differs {
            self.heard = Some((beat, now()));
            self.happened(Event::Heard(beat));
        }
    }

    /// A thread of this module reports.
    pub fn news(&mut self, news: News) {
        match news {
            News::Done { number, job, ok } => {
                if self.worker.is_newest(number) {
                    self.happened(Event::Done { job, ok });
                }
            }
            News::InForce => {
                self.blocked = false;
                self.trouble.record = None;
            }
            News::NotDurable { why } => {
                if self.trouble.record.is_none() {
                    self.say("agent", Level::Critical, format!("nothing is decided until this works: {why}"));
                }
                self.trouble.record = Some(why);
            }
            News::Taken(owner) => {
                let text = format!("{} answers for the virtual IP {}", owner.mac, owner.ip);
                self.say("vipd", Level::Critical, text);
                self.happened(Event::AddressTaken);
            }
            News::Replication(report) => self.replication(report),
        }
    }

    fn replication(&mut self, report: rfs::Report) {
        match report {
            rfs::Report::Copied { boot } => {
                self.trouble.replication = None;
                self.happened(Event::Copied { boot: Boot(boot) });
            }
            rfs::Report::Drained { boot } => self.happened(Event::Drained { boot: Boot(boot) }),
            rfs::Report::ReceiveFailed { why } => {
                self.troubled(Level::Critical, format!("the copy on this node cannot be trusted: {why}"));
                self.happened(Event::ReceiveFailed);
            }
            rfs::Report::SourceUp { boot } => {
                self.trouble.replication = None;
                self.happened(Event::StreamUp { boot: Boot(boot) });
            }
            rfs::Report::SourceLost { boot, why } => {
                self.troubled(Level::Event, format!("the stream to the secondary broke: {why}"));
                self.happened(Event::StreamLost { boot: Boot(boot) });
            }
            rfs::Report::ReceiveUp { from } => {
                self.say("rfsplug", Level::Event, format!("the stream from the primary comes from {from}"));
                self.trouble.replication = None;
            }
            rfs::Report::ReceiveLost { why } => {
                self.troubled(Level::Event, format!("the stream from the primary broke: {why}"));
            }
            rfs::Report::LocalFailed { why } => {
                self.troubled(Level::Critical, format!("the disk of this node failed: {why}"));
            }
        }
    }

    fn troubled(&mut self, level: Level, text: String) {
        self.say("rfsplug", level, text.clone());
        self.trouble.replication = Some(text);
    }

    /// When this module wants to run again; never while an order is not in force.
    pub fn next_wake(&self) -> Tick {
        if self.blocked { Tick::NEVER } else { self.core.next_wake(&self.plan.core).0 }
    }

    /// Handles all that happened, and what is due.
    pub fn run(&mut self) {
        if !self.blocked && self.events.is_empty() && now() >= self.next_wake() {
            self.happened(Event::Woke);
        }
        loop {
            while !self.blocked
                && let Some(action) = self.orders.pop_front()
            {
                self.perform(&action);
            }
            if self.blocked {
                return;
            }
            let Some(arrived) = self.events.pop_front() else { break };
            self.handle(arrived);
        }
        self.observe();
    }

    fn handle(&mut self, Arrived { at, event, reply }: Arrived) {
        let now = now();
        // The core counts on heartbeats that are not older than it was told; a network may lose them.
        if matches!(event, Event::Heard(_)) && now.since(at) > self.plan.core.timing.late {
            return;
        }
        if matches!(event, Event::Ordered(_)) {
            self.replies.push_back(reply);
        }
        self.core.handle(&self.plan.core, now, event, &mut self.out);
        self.recorder.note(now, event, &self.out, &self.core);
        self.orders.extend(self.out.drain());
    }

    fn perform(&mut self, action: &Action<HISTORY>) {
        match *action {
            Action::Persist(record) => self.order(Order::Persist(Box::new(record))),
            Action::Send(beat) => self.beat = Some(beat),
            Action::Gate(gate) => self.replicated(Stream::Gate(gate)),
            Action::Lease(until) => self.lease(until),
            Action::Begin(job) => self.worker.begin(job),
            Action::Source { to, generation, term } => {
                self.sink = to;
                let order = Stream::Source { to: to.0, generation: generation.0, term };
                self.replicated_or(order, Event::Copied { boot: to });
            }
            Action::SourceStop => self.replicated(Stream::SourceStop),
            Action::Drain => self.replicated_or(Stream::Drain, Event::Drained { boot: self.sink }),
            Action::Receive { from, generation, term, aside } => {
                let (from, generation) = (from.0, generation.0);
                self.replicated(Stream::Receive { from, generation, term, aside });
            }
            Action::ReceiveStop => self.replicated(Stream::ReceiveStop),
            Action::Probe => self.probe(),
            Action::Ask { generation, ledger } => self.question = Some((generation, ledger)),
            Action::Answer { command, refused } => self.answer(command, refused),
            Action::Became { from, to, cause } => self.became(from, to, cause),
            Action::Note(note) => self.note(note),
        }
    }

    fn order(&mut self, order: Order) {
        self.blocked = true;
        self.hands.give(order);
    }

    fn replicated(&mut self, order: Stream) {
        if self.rfs.is_some() {
            self.order(Order::Replicate(order));
        }
    }

    /// Where nothing is replicated, everything is always copied.
    fn replicated_or(&mut self, order: Stream, otherwise: Event) {
        if self.rfs.is_some() { self.order(Order::Replicate(order)) } else { self.happened(otherwise) }
    }

    fn lease(&mut self, until: Tick) {
        self.addresses.serve_until(until);
        let done = self.lease.set(now(), until).map_err(|error| error.to_string()).err();
        if done.is_some() && done != self.trouble.lease {
            self.say("vipd", Level::Critical, done.clone().unwrap_or_default());
        }
        self.trouble.lease = done;
    }

    fn probe(&self) {
        let (addresses, tell) = (self.addresses.clone(), self.tell.clone());
        // It waits for answers, and the worker may be busy.
        thread::spawn(move || {
            if let Ok(Some(owner)) = addresses.owner(Care::FULL) {
                tell(News::Taken(owner));
            }
        });
    }

    fn answer(&mut self, command: Command, refused: Option<Refusal>) {
        if let Some(why) = refused {
            let text = format!("{} refused: {}", command.verb(), wording::refusal(why));
            self.say("safekit", Level::User, text);
        }
        if let Some(reply) = self.replies.pop_front().flatten() {
            // Who asked may have gone.
            _ = reply.send(refused);
        }
    }

    fn became(&mut self, from: Role, to: Role, cause: Cause) {
        let (level, text) = wording::cause(cause, to);
        self.say("heart", level, text);
        self.worker.between(from, to);
    }

    fn note(&self, note: Note) {
        let (level, text) = wording::note(note);
        self.say("heart", level, text);
    }

    /// Says what has changed since it was last said.
    fn observe(&mut self) {
        self.settled = self.core;
        let local = (self.core.role(), self.core.status());
        if self.said.replace(local) != Some(local) {
            self.changed = true;
            self.say("heart", Level::Event, format!("Local state {}", wording::state(local.0, local.1)));
        }
        let waits = self.waits_for();
        if self.waits != waits {
            self.waits = waits;
            if let Some(why) = waits {
                self.say("heart", Level::Event, format!("{} waits: {why}", local.0.word()));
            }
        }
        let remote = self.remote_beat().map(|beat| (beat.role, beat.status));
        if remote != self.remote {
            self.remote = remote;
            self.changed = true;
            let word = remote
                .map_or_else(|| "UNKNOWN Unknown".into(), |(role, status)| wording::state(role, status));
            self.say("heart", Level::Event, format!("Remote state {word}"));
        }
    }

    /// What holds a started module for longer than its own work takes.
    fn waits_for(&self) -> Option<&'static str> {
        if self.core.role() == Role::Stop || self.core.status() != Status::NotReady {
            return None;
        }
        self.core.explain(&self.plan.core, now()).map(|explained| explained.block.text())
    }

    /// The peer's newest heartbeat, unless it is older than the window.
    fn remote_beat(&self) -> Option<Beat> {
        let fresh = |(_, at): &(Beat, Tick)| now().since(*at) <= self.plan.core.timing.timeout;
        self.heard.filter(fresh).map(|(beat, _)| beat)
    }

    /// Whether a role or readiness changed since the last call.
    pub fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    /// The heartbeat that the core wants to be sent, once.
    pub fn take_beat(&mut self) -> Option<Beat> {
        self.beat.take()
    }

    /// The generation that the core wants from the arbiter, and by which ledger, once.
    pub fn take_question(&mut self) -> Option<(Generation, Ledger)> {
        self.question.take()
    }

    pub fn role(&self) -> Role {
        self.core.role()
    }

    /// What the screens are made of.
    pub fn shot(&self) -> Shot {
        Shot {
            plan: self.plan.clone(),
            core: self.settled,
            heard: self.heard,
            lease: self.lease.until(),
            trouble: self.trouble.clone(),
            rfs: self.rfs.clone(),
        }
    }

    fn say(&self, origin: &'static str, level: Level, text: impl Into<String>) {
        self.journal.say(Some(&self.plan.module.name), origin, level, text);
    }

    /// Gives up what the kernel keeps for this module. For one that is stopped. What is returned ends when its record is
    /// written.
    pub fn close(self) -> JoinHandle<()> {
        let removed = address::remove(&self.plan.module.vips).and_then(|()| self.lease.remove());
        if let Err(error) = removed {
            self.journal.say(Some(&self.plan.module.name), "vipd", Level::Event, error.to_string());
        }
        self.recorder.close(now(), &self.core)
    }

    /// Another has taken over what the kernel keeps for this module.
    pub fn succeeded(self) {
        self.recorder.close(now(), &self.core);
    }
}

/// A module at one moment.
#[derive(Clone)]
pub struct Shot {
    pub plan: Arc<Plan>,
    pub core: Mirror<HISTORY>,
    /// The peer's newest heartbeat, and when it came.
    pub heard: Option<(Beat, Tick)>,
    /// Until when this node may answer for the virtual IP.
    pub lease: Option<Tick>,
    pub trouble: Trouble,
    pub rfs: Option<Arc<Rfs>>,
}
