//! What the agent's drivers do without deciding anything: events into the core one after the other, its orders
//! carried out in order, the later ones held back until an earlier one is in force.

use safetui_core::{
    Action, Cause, Command, Event, Gate, Generation, Job, Record, Refusal, Role, Tick, Witness,
};

use super::{
    World,
    clock::{MS, Moment},
    network::Letter,
    node::{H, Pending},
    property::{BELIEVED, NOTHING_DUE},
    queue::What,
    run::ASK_EVERY,
};

/// The kernel's lease is moved only by more than its own precision, in milliseconds.
const LEASE_STEP: u64 = 20;

impl World {
    /// Something happened to that node.
    pub(super) fn happened(&mut self, node: usize, event: Event) {
        let it = &mut self.nodes[node];
        if it.core.is_none() {
            return;
        }
        let at = it.clock.tick(self.now);
        if it.idle() {
            self.handle(node, at, event);
        } else {
            it.events.push_back((at, event));
        }
        self.run(node);
    }

    /// Handles all that happened, unless an order is not yet in force.
    pub(super) fn run(&mut self, node: usize) {
        loop {
            while self.nodes[node].pending.is_none()
                && let Some(action) = self.nodes[node].orders.pop_front()
            {
                self.perform(node, &action);
            }
            if self.nodes[node].pending.is_some() {
                return;
            }
            let Some((at, event)) = self.nodes[node].events.pop_front() else { break };
            self.handle(node, at, event);
        }
        self.believes(node);
        self.sleep(node);
    }

    fn handle(&mut self, node: usize, at: Tick, event: Event) {
        let it = &mut self.nodes[node];
        let (config, tick) = (&self.configs[node], it.clock.tick(self.now));
        // As the agent does: a heartbeat that waited here is one that the network lost.
        if matches!(event, Event::Heard(_)) && tick.since(at) > config.timing.late {
            return;
        }
        let (Some(core), Some(mut out)) = (&mut it.core, self.out.take()) else { return };
        core.handle(config, tick, event, &mut out);
        let life = it.life;
        self.tally.events += 1;
        if event == Event::Woke {
            self.nothing_stays_due(node, tick);
        }
        for action in out.iter() {
            if self.nodes[node].life != life {
                break;
            }
            if self.nodes[node].pending.is_some() {
                self.nodes[node].orders.push_back(action);
            } else {
                self.perform(node, &action);
            }
        }
        out.clear();
        self.out = Some(out);
    }

    /// Sets the alarm for the core's next moment.
    fn sleep(&mut self, node: usize) {
        let it = &mut self.nodes[node];
        let Some(core) = &it.core else { return };
        let at = it.clock.moment(self.now, core.next_wake(&self.configs[node]).0);
        if at < it.wake.0 {
            it.wake = (at, it.wake.1 + 1);
            // A thread is never woken to the microsecond.
            let late = self.dice.below(MS);
            self.queue.push(at + late, What::Wake { node, version: it.wake.1 });
        }
    }

    pub(super) fn wake(&mut self, node: usize, version: u32) {
        let it = &mut self.nodes[node];
        if it.wake.1 != version {
            return;
        }
        it.wake.0 = Moment::MAX;
        let Some(core) = it.core.as_ref().filter(|_| it.pending.is_none()) else { return };
        if it.clock.tick(self.now) >= core.next_wake(&self.configs[node]).0 {
            self.happened(node, Event::Woke);
        } else {
            self.sleep(node);
        }
    }

    fn perform(&mut self, node: usize, action: &Action<H>) {
        match *action {
            Action::Persist(ref record) => self.persist(node, record),
            Action::Send(beat) => self.nodes[node].beat = Some(beat),
            Action::Gate(_)
            | Action::Source { .. }
            | Action::SourceStop
            | Action::Drain
            | Action::Receive { .. }
            | Action::ReceiveStop => self.replicate(node, action),
            Action::Lease(until) => self.lease(node, until),
            Action::Begin(job) => self.begin(node, job),
            Action::Probe => {
                let takes = self.dice.between(50 * MS, 300 * MS);
                let life = self.nodes[node].life;
                self.queue.push(self.now + takes, What::Probed { node, life });
            }
            Action::Ask { generation, .. } => self.ask_arbiter(node, generation),
            Action::Answer { command, refused } => self.answered(node, command, refused),
            Action::Became { from, to, cause } => {
                self.became(node, from, to, cause);
            }
            Action::Note(_) => {}
        }
    }

    /// A durable step, with a trap that may lie there.
    fn persist(&mut self, node: usize, record: &Record<H>) {
        let disk = self.nodes[node].hands.disk;
        let takes = self.dice.between(disk / 20, disk);
        self.block(node, Box::new(Pending::Durable(*record)), takes);
        if let Some(trap) = self.nodes[node].trap.take() {
            self.lose_power(node, Some(trap.after), trap.down);
        }
    }

    /// Most orders to replication are in force at once; a few take a moment.
    fn replicate(&mut self, node: usize, action: &Action<H>) {
        if self.dice.below(8) == 0 {
            let takes = self.dice.between(MS / 10, 5 * MS);
            self.block(node, Box::new(Pending::Replicated(*action)), takes);
        } else {
            self.obey(node, action);
        }
    }

    fn block(&mut self, node: usize, pending: Box<Pending>, takes: Moment) {
        let it = &mut self.nodes[node];
        it.pending = Some(pending);
        self.queue.push(self.now + takes, What::InForce { node, life: it.life });
    }

    pub(super) fn in_force(&mut self, node: usize) {
        match self.nodes[node].pending.take().map(|pending| *pending) {
            Some(Pending::Durable(record)) => {
                *self.nodes[node].disk = record;
            }
            Some(Pending::Replicated(action)) => self.obey(node, &action),
            None => {}
        }
        self.run(node);
    }

    fn obey(&mut self, node: usize, action: &Action<H>) {
        match *action {
            Action::Gate(gate) => self.gate(node, gate),
            Action::Source { to, generation, term } => self.source(node, to, generation, term),
            Action::SourceStop => self.source_stop(node),
            Action::Drain => self.drain(node),
            Action::Receive { generation, term, aside, .. } => self.receive(node, generation, term, aside),
            Action::ReceiveStop => self.receive_stop(node),
            _ => unreachable!("only orders to replication come here"),
        }
    }

    fn lease(&mut self, node: usize, until: Tick) {
        let it = &mut self.nodes[node];
        if until.since(it.clock.tick(self.now)) < LEASE_STEP {
            it.lease = Tick(0);
        } else if it.lease.0.abs_diff(until.0) > LEASE_STEP {
            it.lease = until;
        }
    }

    /// Slow work begins, in place of any that is under way.
    fn begin(&mut self, node: usize, job: Job) {
        let it = &mut self.nodes[node];
        it.jobs += 1;
        it.job = Some(job);
        let (life, number, hands) = (it.life, it.jobs, it.hands);
        // One at a time: an address that the job before is about to claim is claimed before this one begins.
        let begins = self.now.max(it.claims) + self.dice.between(MS / 10, MS);
        let takes = self.dice.between(2 * MS, hands.script);
        let may_fail = matches!(job, Job::Open | Job::Enter { .. } | Job::Restart { .. });
        let ok = !(may_fail && hands.fails > 0 && self.dice.often(hands.fails));
        match job {
            Job::Enter { to, .. } if to.serves() => {
                let it = &mut self.nodes[node];
                it.claims = begins + self.dice.between(MS, takes / 2 + MS);
                self.queue.push(it.claims, What::Claimed { node, life });
            }
            Job::Leave { .. } | Job::Close { .. } => {
                self.queue.push(begins, What::Released { node, life });
            }
            Job::Enter { .. } | Job::Open | Job::Restart { .. } => {}
        }
        self.queue.push(begins + takes + 2 * MS, What::Done { node, life, number, ok });
    }

    pub(super) fn done(&mut self, node: usize, number: u32, ok: bool) {
        let it = &mut self.nodes[node];
        if it.jobs == number
            && let Some(job) = it.job.take()
        {
            self.happened(node, Event::Done { job, ok });
        }
    }

    /// The operator's word is noted where it stands in for what the data alone would not allow.
    fn answered(&mut self, node: usize, command: Command, refused: Option<Refusal>) {
        if refused.is_some() {
            return;
        }
        self.tally.orders += 1;
        let name = Self::name(node);
        self.tell(|| format!("{name} obeys: {}", command.verb()));
        match command {
            Command::Prim | Command::Failover => self.strain("an operator forced a node to serve"),
            Command::Second => self.nodes[node].gives_up = true,
            _ => {}
        }
    }

    fn became(&mut self, node: usize, from: Role, to: Role, cause: Cause) {
        let name = Self::name(node);
        self.tell(|| format!("{name} becomes {}: {}", to.word(), cause.text()));
        if matches!((from, to), (Role::Second, Role::Alone)) {
            self.tally.takeovers += 1;
        }
        if cause == Cause::ContestLost {
            self.tally.contests_lost += 1;
        }
    }

    /// Sends what the core wants to be sent: the newest only, as the agent's loop does.
    pub(super) fn send(&mut self, node: usize) {
        let it = &mut self.nodes[node];
        let Some(beat) = it.beat.take() else { return };
        it.letters += 1;
        let letter = Letter { beat, number: it.letters };
        self.post(1 - node, letter);
    }

    /// A heartbeat goes out to that node, and perhaps a copy astray.
    pub(super) fn post(&mut self, to: usize, letter: Letter) {
        if let Some(takes) = self.network.beat_takes(to, &mut self.dice) {
            let place = self.network.letters.put(letter);
            self.queue.push(self.now + takes, What::Beat { to, letter: place });
        }
        if let Some(later) = self.network.stray[to].take() {
            let place = self.network.letters.put(letter);
            self.queue.push(self.now + later, What::Beat { to, letter: place });
        }
    }

    pub(super) fn hear(&mut self, node: usize, place: u32) {
        let letter = self.network.letters.take(place);
        let it = &mut self.nodes[node];
        if it.core.is_some() && it.opened.take(&letter) {
            self.happened(node, Event::Heard(letter.beat));
        }
    }

    /// The next question to the witness is asked when it is due, after the one that was asked at `last`.
    pub(super) fn ask(&mut self, node: usize, last: Moment) {
        let at = self.now.max(last + ASK_EVERY * MS);
        let takes = self.dice.between(MS / 5, 2 * self.network.weather.delay);
        let it = &self.nodes[node];
        // Read on the clock as it goes now.
        let asked = it.clock.tick(at);
        self.queue.push(at + takes, What::Asked { node, life: it.life, at, asked });
    }

    /// Here the answer arrives, if one does.
    pub(super) fn asked(&mut self, node: usize, at: Moment, asked: Tick) {
        if self.configs[node].witness != Witness::None && self.network.answered(node, &mut self.dice) {
            let asked = asked.min(self.nodes[node].clock.tick(self.now));
            self.happened(node, Event::Answered { asked });
        }
        self.ask(node, at);
    }

    /// A question goes to the arbiter, which writes down its answer before it gives it.
    fn ask_arbiter(&mut self, node: usize, generation: Generation) {
        if !self.network.answered(node, &mut self.dice) {
            return;
        }
        let known = self.grants.iter().find(|(known, _)| *known == generation).map(|(_, to)| *to);
        if known.is_none() {
            self.grants.push((generation, node));
        }
        let granted = known.is_none_or(|to| to == node);
        let takes = self.dice.between(MS, 10 * MS + 2 * self.network.weather.delay);
        let life = self.nodes[node].life;
        self.queue.push(self.now + takes, What::Ruled { node, life, generation, granted });
    }

    /// The arbiter's answer arrives, if it is not lost on its way.
    pub(super) fn ruled(&mut self, node: usize, generation: Generation, granted: bool) {
        if self.network.answered(node, &mut self.dice) {
            let event = if granted { Event::Granted { generation } } else { Event::Denied { generation } };
            self.happened(node, event);
        }
    }

    /// Between its events, a node's disk holds what its core believes.
    fn believes(&mut self, node: usize) {
        let it = &self.nodes[node];
        let Some(core) = it.core.as_ref().filter(|_| it.idle()) else { return };
        let (core, disk) = (core.record(), &*it.disk);
        let same = core.mark == disk.mark && core.generation == disk.generation && core.term == disk.term;
        if !same {
            let name = Self::name(node);
            let text = format!("{name} believes {:?}, its disk says {:?}", core.mark, disk.mark);
            self.violated(BELIEVED, text);
        }
    }

    fn nothing_stays_due(&mut self, node: usize, tick: Tick) {
        let Some(core) = &self.nodes[node].core else { return };
        let (next, due) = core.next_wake(&self.configs[node]);
        if next <= tick {
            let name = Self::name(node);
            self.violated(NOTHING_DUE, format!("{name}: {due:?} stays due"));
        }
    }

    /// Does an unacknowledged stream make this node's gate wait for the other?
    pub(super) fn may_acknowledge(&self, node: usize) -> bool {
        match self.nodes[node].gate {
            Gate::Alone { .. } => true,
            Gate::Both { .. } => self.connected(node),
            Gate::Closed | Gate::Held => false,
        }
    }
}
