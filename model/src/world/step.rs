//! What can happen next, and what then does.

use safetui_core::{
    Action, Actions, Boot, Command, Config, Event, Gate, Job, Record, Role, Tick, Witness, rule::Set,
};

use super::{
    Arbiter, BASE, Backup, Budget, Core, Cut, Given, H, LAPSE, Node, Question, Wire, World, Write, node::Link,
};

/// One thing that happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// The clocks move on by these ticks, and who runs wakes.
    Tick {
        by: [u8; 2],
    },
    /// The heartbeat at that place of the wire to that node arrives.
    Deliver {
        to: usize,
        at: usize,
    },
    /// It is lost.
    Lose {
        to: usize,
        at: usize,
    },
    /// A copy of it goes astray.
    Detain {
        to: usize,
        at: usize,
    },
    /// What had gone astray arrives after all.
    DeliverDetained(usize),
    /// The network changes.
    Cut(Cut),
    Heal,
    Crash(usize),
    /// As `Tick`, `Deliver` and `Report`, but the node loses power at its first durable step.
    TickThenCrash(usize, Torn),
    DeliverThenCrash {
        to: usize,
        at: usize,
        torn: Torn,
    },
    ReportThenCrash(usize, Torn),
    Restart(usize),
    Pause(usize),
    Resume(usize),
    /// The client writes to that node.
    Write(usize),
    /// The operation at the source is applied by its secondary.
    Apply(usize),
    Acknowledge(usize),
    /// The source's data are on the secondary.
    Copy(usize),
    /// The source's driver reports.
    Report(usize),
    /// An operator's command on that node.
    Order(usize, Command),
    /// The arbiter hears that node's question.
    Arbitrate(usize),
    /// That node hears the arbiter's answer.
    Verdict(usize),
    /// The answer is lost.
    LoseVerdict(usize),
    /// The arbiter loses its memory.
    Amnesia,
    /// The disk of that node is written to a backup.
    Backup(usize),
    /// The backup is written to the disk of that node, which is down.
    Restore(usize),
    /// That node, which is down, gets an empty disk.
    Wipe(usize),
    /// The link that the node's clients come by is lost.
    Unplug(usize),
    /// A resource of that node is down from now on.
    Fail(usize, u8),
    /// It is up again.
    Mend(usize, u8),
}

/// On which side of a durable step a node loses power.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Torn {
    /// The orders before it are carried out, the step itself is not.
    Before,
    /// It is durable, and nothing after it is done.
    After,
}

/// Which nodes, and which wires, may have changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reach {
    pub nodes: [bool; 2],
    pub wires: [bool; 2],
}

impl Reach {
    const ALL: Self = Self { nodes: [true; 2], wires: [true; 2] };
    const NONE: Self = Self { nodes: [false; 2], wires: [false; 2] };

    const fn node(node: usize) -> Self {
        Self { nodes: [node == 0, node == 1], ..Self::NONE }
    }

    const fn wire(to: usize) -> Self {
        Self { wires: [to == 0, to == 1], ..Self::NONE }
    }

    /// That node has handled something, and may have sent.
    const fn handled(node: usize) -> Self {
        Self { wires: [true; 2], ..Self::node(node) }
    }
}

impl Step {
    /// What it may change, as long as no name does.
    const fn reach(self) -> Reach {
        match self {
            Self::Tick { .. } | Self::TickThenCrash(..) => Reach::ALL,
            Self::Lose { to, .. } | Self::Detain { to, .. } => Reach::wire(to),
            Self::Deliver { to, .. } | Self::DeliverThenCrash { to, .. } | Self::DeliverDetained(to) => {
                Reach::handled(to)
            }
            Self::Restart(node)
            | Self::Resume(node)
            | Self::Report(node)
            | Self::ReportThenCrash(node, _)
            | Self::Order(node, _)
            | Self::Verdict(node)
            | Self::Unplug(node) => Reach::handled(node),
            Self::Crash(node)
            | Self::Arbitrate(node)
            | Self::LoseVerdict(node)
            | Self::Restore(node)
            | Self::Wipe(node) => Reach::node(node),
            Self::Copy(node) => Reach::node(1 - node),
            Self::Cut(_)
            | Self::Heal
            | Self::Pause(_)
            | Self::Write(_)
            | Self::Apply(_)
            | Self::Acknowledge(_)
            | Self::Amnesia
            | Self::Backup(_)
            | Self::Fail(..)
            | Self::Mend(..) => Reach::NONE,
        }
    }

    /// May a name be new after it, or forgotten?
    const fn names(self) -> bool {
        !matches!(
            self,
            Self::Cut(_)
                | Self::Heal
                | Self::Pause(_)
                | Self::Write(_)
                | Self::Apply(_)
                | Self::Acknowledge(_)
                | Self::Copy(_)
                | Self::Fail(..)
                | Self::Mend(..)
        )
    }
}

const TORN: [Torn; 2] = [Torn::Before, Torn::After];

impl World {
    /// A pair that has just been installed and started: the first node forced to serve.
    pub fn begin(settings: &Given) -> Self {
        let mut world = Self {
            nodes: [Node::new(), Node::new()],
            wires: [Wire::default(); 2],
            cut: Cut::None,
            write: Write::None,
            left: Budget::default(),
            skew: 0,
            down: [Set::EMPTY; 2],
            arbiter: Arbiter::default(),
            backups: [None; 2],
            forced: false,
            overwritten: false,
        };
        world.boot(settings, 0, Command::Prim);
        world.boot(settings, 1, Command::Start);
        world.canonize();
        world
    }

    /// Everything that can happen next.
    pub fn possible(&self, settings: &Given, steps: &mut Vec<Step>) {
        for node in 0..2 {
            self.possible_heartbeats(settings, node, steps);
            self.possible_data(settings, node, steps);
            self.possible_arbitration(settings, node, steps);
            self.possible_faults(node, steps);
            self.possible_failures(settings, node, steps);
            self.possible_orders(settings, node, steps);
        }
        self.possible_cuts(settings, steps);
        if self.left.amnesias > 0 {
            steps.push(Step::Amnesia);
        }
        if settings.untimed {
            steps.extend([[1, 0], [0, 1]].map(|by| Step::Tick { by }));
            let lapses = [[LAPSE, 0], [0, LAPSE]].into_iter().filter(|_| self.left.lapses > 0);
            steps.extend(lapses.map(|by| Step::Tick { by }));
        } else if self.time_may_pass(settings) {
            steps.push(Step::Tick { by: [1, 1] });
            for (by, skew) in [([2, 1], self.skew + 1), ([1, 2], self.skew - 1)] {
                if self.left.skews > 0 && skew.unsigned_abs() as u64 <= settings.timing.drift {
                    steps.push(Step::Tick { by });
                }
            }
            for node in (0..2).filter(|node| self.may_tear(settings) && self.nodes[*node].runs()) {
                steps.extend(TORN.map(|torn| Step::TickThenCrash(node, torn)));
            }
        }
    }

    fn possible_heartbeats(&self, settings: &Given, to: usize, steps: &mut Vec<Step>) {
        if self.wires[to].detained.is_some() && self.nodes[to].runs() {
            steps.push(Step::DeliverDetained(to));
        }
        for at in 0..self.wires[to].len() {
            if self.nodes[to].runs() {
                steps.push(Step::Deliver { to, at });
                if self.may_tear(settings) {
                    steps.extend(TORN.map(|torn| Step::DeliverThenCrash { to, at, torn }));
                }
            }
            if self.left.detours > 0 && self.wires[to].detained.is_none() {
                steps.push(Step::Detain { to, at });
            }
            if self.left.losses > 0 || self.loses_freely(settings, to) {
                steps.push(Step::Lose { to, at });
            }
        }
    }

    /// What is under way when its way is cut or its receiver down may be lost, or arrive late.
    fn loses_freely(&self, settings: &Given, to: usize) -> bool {
        settings.untimed || !self.cut.beats(settings, to) || self.nodes[to].core.is_none()
    }

    fn may_tear(&self, settings: &Given) -> bool {
        settings.torn && self.left.crashes > 0
    }

    fn possible_data(&self, settings: &Given, node: usize, steps: &mut Vec<Step>) {
        let can = [
            (self.can_write(settings, node), Step::Write(node)),
            (self.can_apply(node), Step::Apply(node)),
            (self.can_acknowledge(node), Step::Acknowledge(node)),
            (self.can_copy(node), Step::Copy(node)),
            (self.report(node).is_some(), Step::Report(node)),
        ];
        steps.extend(can.into_iter().filter(|(can, _)| *can).map(|(_, step)| step));
        if self.report(node).is_some() && self.may_tear(settings) {
            steps.extend(TORN.map(|torn| Step::ReportThenCrash(node, torn)));
        }
    }

    fn possible_faults(&self, node: usize, steps: &mut Vec<Step>) {
        let it = &self.nodes[node];
        let can = [
            (it.core.is_some() && self.left.crashes > 0, Step::Crash(node)),
            (it.core.is_none(), Step::Restart(node)),
            (it.runs() && self.left.pauses > 0, Step::Pause(node)),
            (it.paused, Step::Resume(node)),
            (it.runs() && self.left.unplugs > 0, Step::Unplug(node)),
            (self.left.backups > 0, Step::Backup(node)),
            (it.core.is_none() && self.backups[node].is_some(), Step::Restore(node)),
            (it.core.is_none() && self.left.wipes > 0, Step::Wipe(node)),
        ];
        steps.extend(can.into_iter().filter(|(can, _)| *can).map(|(_, step)| step));
    }

    /// What an operator may ask now: what is refused changes nothing.
    fn possible_orders(&self, settings: &Given, node: usize, steps: &mut Vec<Step>) {
        let Some(core) = self.nodes[node].core.as_ref().filter(|_| self.nodes[node].runs()) else { return };
        let obeyed = |command: &Command| core.judge(settings.config(node), BASE, *command).is_none();
        if self.left.orders > 0 {
            let orders = settings.orders.iter().copied().filter(obeyed);
            steps.extend(orders.map(|command| Step::Order(node, command)));
        }
        // A module that an operator has stopped is started again by him, in the end.
        if !settings.orders.is_empty() && core.role() == Role::Stop && obeyed(&Command::Start) {
            steps.push(Step::Order(node, Command::Start));
        }
    }

    fn possible_arbitration(&self, settings: &Given, node: usize, steps: &mut Vec<Step>) {
        let heard = self.nodes[node].verdict.is_some();
        let can = [
            (self.can_arbitrate(settings, node), Step::Arbitrate(node)),
            (heard && self.nodes[node].runs(), Step::Verdict(node)),
            (heard && (settings.untimed || !self.cut.router(settings, node)), Step::LoseVerdict(node)),
        ];
        steps.extend(can.into_iter().filter(|(can, _)| *can).map(|(_, step)| step));
    }

    fn possible_cuts(&self, settings: &Given, steps: &mut Vec<Step>) {
        if self.cut != Cut::None {
            steps.push(Step::Heal);
        }
        if self.left.cuts > 0 {
            steps.extend(settings.cuts.iter().copied().filter(|cut| *cut != self.cut).map(Step::Cut));
        }
    }

    /// Time stands still while a heartbeat that must arrive has not.
    fn time_may_pass(&self, settings: &Given) -> bool {
        (0..2).all(|to| {
            !self.nodes[to].runs() || self.wires[to].iter().all(|flight| flight.age < settings.delay)
        })
    }

    /// Does what `step` says, and says what that may have changed; `None` if it turns out to be another step.
    pub fn take(&mut self, settings: &Given, step: Step) -> Option<Reach> {
        self.act(settings, step)?;
        self.cap(settings);
        if settings.untimed {
            (0..2).for_each(|node| self.keep_order_alone(node));
        }
        self.forget_write();
        let renamed = step.names() && self.canonize();
        Some(if renamed || settings.untimed { Reach::ALL } else { step.reach() })
    }

    /// As [`Self::take`], leaving names behind that are not canonical.
    pub(super) fn act(&mut self, settings: &Given, step: Step) -> Option<()> {
        match step {
            Step::Tick { by } => self.tick(settings, by, None)?,
            Step::TickThenCrash(node, torn) => self.tick(settings, [1, 1], Some((node, torn)))?,
            Step::Deliver { to, at } => {
                let flight = self.wires[to].take(at)?;
                self.event(settings, to, Event::Heard(flight.beat), None);
            }
            Step::DeliverThenCrash { to, at, torn } => {
                let flight = self.wires[to].take(at)?;
                self.crashing(settings, to, Event::Heard(flight.beat), torn)?;
            }
            Step::Lose { to, at } => {
                self.wires[to].take(at)?;
                if !self.loses_freely(settings, to) {
                    self.left.losses -= 1;
                }
            }
            Step::Detain { to, at } => {
                self.left.detours -= 1;
                self.wires[to].detain(at)?;
            }
            Step::DeliverDetained(to) => {
                let beat = self.wires[to].detained.take()?;
                self.event(settings, to, Event::Heard(beat), None);
            }
            Step::Cut(cut) => {
                self.left.cuts -= 1;
                self.cut = cut;
            }
            Step::Heal => self.cut = Cut::None,
            Step::Crash(node) => self.crash(node),
            Step::Restart(node) => self.boot(settings, node, Command::Start),
            Step::Pause(node) => {
                self.left.pauses -= 1;
                self.nodes[node].paused = true;
            }
            Step::Resume(node) => {
                self.nodes[node].paused = false;
                self.event(settings, node, Event::Woke, None);
            }
            Step::Write(node) => self.client_writes(node),
            Step::Apply(node) => self.nodes[1 - node].data = true,
            Step::Acknowledge(_) => self.write = Write::Acknowledged,
            Step::Copy(node) => self.copy(node),
            Step::Report(node) => {
                let event = self.report(node)?;
                self.event(settings, node, event, None);
            }
            Step::ReportThenCrash(node, torn) => {
                let event = self.report(node)?;
                self.crashing(settings, node, event, torn)?;
            }
            Step::Order(node, command) => {
                self.left.orders -= u8::from(command != Command::Start);
                self.forced |= matches!(command, Command::Prim | Command::Failover | Command::Second);
                self.event(settings, node, Event::Ordered(command), None);
            }
            Step::Arbitrate(node) => self.arbitrate(settings, node)?,
            Step::Verdict(node) => {
                let event = self.verdict(node)?;
                self.event(settings, node, event, None);
            }
            Step::LoseVerdict(node) => self.nodes[node].verdict = None,
            Step::Amnesia => {
                self.left.amnesias -= 1;
                self.arbiter.forget();
            }
            Step::Backup(node) => {
                self.left.backups -= 1;
                let it = &self.nodes[node];
                self.backups[node] = Some(Backup { record: it.disk, data: it.data });
            }
            Step::Restore(node) => {
                let backup = self.backups[node].take()?;
                (self.nodes[node].disk, self.nodes[node].data) = (backup.record, backup.data);
            }
            Step::Wipe(node) => {
                self.left.wipes -= 1;
                (self.nodes[node].disk, self.nodes[node].data) = (Record::default(), false);
            }
            Step::Fail(node, id) => {
                self.left.failures -= 1;
                self.down[node] = self.down[node].with(Set::of(id));
            }
            Step::Mend(node, id) => self.down[node] = self.down[node].without(Set::of(id)),
            Step::Unplug(node) => {
                self.left.unplugs -= 1;
                self.event(settings, node, Event::Linked(false), None);
            }
        }
        Some(())
    }

    /// When as many faults have happened as may, none is left of any kind.
    fn cap(&mut self, settings: &Given) {
        if settings.budget.sum() - self.left.sum() >= settings.faults {
            self.left = Budget { writes: self.left.writes, ..Budget::default() };
        }
    }

    fn crash(&mut self, node: usize) {
        self.left.crashes -= 1;
        self.power_off(node);
    }

    pub(super) fn power_off(&mut self, node: usize) {
        if self.write == (Write::Pending { at: node }) {
            self.write = Write::Unknown;
        }
        self.nodes[node].lose_power();
    }

    /// The node handles `event` and loses power at its first durable step, if there is one.
    fn crashing(&mut self, settings: &Given, node: usize, event: Event, torn: Torn) -> Option<()> {
        self.event(settings, node, event, Some(torn)).then(|| self.crash(node))
    }

    pub(super) fn boot(&mut self, settings: &Given, node: usize, command: Command) {
        let it = &mut self.nodes[node];
        it.boot = Boot(it.boot.0 + 1);
        // Far from the canonical names, and different for the two nodes.
        let nonce = (node as u64 + 1) << 40;
        it.core = Some(Core::new(BASE, it.boot, nonce, it.disk));
        if let Some(ledger) = self.new_ledger(settings, node) {
            self.event(settings, node, ledger, None);
        }
        self.event(settings, node, Event::Ordered(command), None);
    }

    /// Time passes, and everybody who runs wakes; the witness answers whoever reaches it.
    pub(super) fn tick(&mut self, settings: &Given, by: [u8; 2], crash: Option<(usize, Torn)>) -> Option<()> {
        let gained = i8::try_from(by[0]).ok()? - i8::try_from(by[1]).ok()?;
        self.left.lapses -= u8::from(by.contains(&LAPSE));
        if gained != 0 && !settings.untimed {
            self.left.skews -= 1;
            self.skew += gained;
        }
        for (node, by) in by.into_iter().enumerate() {
            if !(settings.frozen && self.nodes[node].paused) {
                self.pass(settings, node, u64::from(by));
            }
        }
        for flight in self.wires.iter_mut().flat_map(Wire::iter_mut).filter(|_| !settings.untimed) {
            flight.age = flight.age.saturating_add(1).min(settings.delay + 1);
        }
        for (node, by) in by.into_iter().enumerate() {
            if by == 0 || !self.nodes[node].runs() {
                continue;
            }
            let torn = crash.filter(|(victim, _)| *victim == node).map(|(_, torn)| torn);
            let cfg = settings.config(node);
            let mut crashed = false;
            for event in self.wakes(settings, node) {
                crashed = crashed || self.handle(settings, cfg, (node, event), torn);
            }
            match torn {
                Some(_) if crashed => self.crash(node),
                Some(_) => return None,
                None => {}
            }
        }
        Some(())
    }

    /// What a node that wakes is told: the witness answers whoever reaches it, and the driver of a source notices
    /// within a tick whether its stream works.
    fn wakes(&self, settings: &Given, node: usize) -> impl Iterator<Item = Event> + use<> {
        let boot = self.nodes[1 - node].boot;
        // Where heartbeats pass whenever data do, a broken stream is a silent peer.
        let apart = settings.cuts.iter().any(|cut| !cut.data() && (0..2).any(|to| cut.beats(settings, to)));
        let streams = apart && self.nodes[node].source.is_some();
        let stream = if self.cut.data() { Event::StreamUp { boot } } else { Event::StreamLost { boot } };
        // An arbiter that merely answers decides nothing.
        let asked = settings.witness == Witness::Router && self.cut.router(settings, node);
        let answered = asked.then_some(Event::Answered { asked: BASE });
        let found = self.news(settings, node);
        let ledger = self.new_ledger(settings, node);
        answered.into_iter().chain(ledger).chain(streams.then_some(stream)).chain(found).chain([Event::Woke])
    }

    /// Every moment on that node's clock moves back.
    fn pass(&mut self, settings: &Given, node: usize, by: u64) {
        let cfg = settings.config(node);
        let it = &mut self.nodes[node];
        it.lease = it.lease.rebased(by);
        if it.lease <= BASE || settings.untimed {
            it.lease = Tick(0);
        }
        if let Some(core) = &mut it.core {
            core.rebase(by);
            core.forget(cfg, BASE);
        }
        if let Some(core) = &mut self.nodes[1 - node].core {
            core.rebase_peer(by);
        }
        for beat in self.wires[1 - node].beats_mut() {
            beat.sent = beat.sent.rebased(by);
            beat.forget(cfg);
        }
        for echo in self.wires[node].beats_mut().filter_map(|beat| beat.echo.as_mut()) {
            echo.sent = echo.sent.rebased(by);
        }
    }

    /// Hands `event` to the core and carries out its orders, with any slow work done at once; up to the first
    /// durable one if it is `torn`. Says whether there was one.
    pub(super) fn event(&mut self, settings: &Given, node: usize, event: Event, torn: Option<Torn>) -> bool {
        self.handle(settings, settings.config(node), (node, event), torn)
    }

    /// As [`Self::event`], for a caller that has the node's configuration at hand.
    fn handle(
        &mut self,
        settings: &Given,
        cfg: &Config,
        (node, event): (usize, Event),
        torn: Option<Torn>,
    ) -> bool {
        let mut out = Actions::default();
        let mut next = Some(event);
        while let Some(event) = next.take() {
            let Some(core) = &mut self.nodes[node].core else { return false };
            core.handle(cfg, BASE, event, &mut out);
            for action in out.drain() {
                let durable = matches!(action, Action::Persist(_));
                if durable && torn == Some(Torn::Before) {
                    return true;
                }
                self.perform(settings, node, action, &mut next);
                if durable && torn == Some(Torn::After) {
                    return true;
                }
            }
        }
        false
    }

    fn perform(&mut self, settings: &Given, node: usize, action: Action<H>, next: &mut Option<Event>) {
        let it = &mut self.nodes[node];
        match action {
            Action::Persist(record) => it.disk = record,
            Action::Send(beat) => {
                if self.cut.beats(settings, 1 - node) && self.nodes[1 - node].core.is_some() {
                    // Without time a single one already arrives as late as it likes.
                    self.wires[1 - node].push(beat, if settings.untimed { 1 } else { 2 });
                }
            }
            Action::Gate(gate) => self.gate(node, gate),
            Action::Lease(until) => it.lease = if until == Tick::NEVER { Tick(BASE.0 + 1000) } else { until },
            Action::Begin(job) => {
                self.work(node, job);
                *next = Some(Event::Done { job, ok: true });
            }
            Action::Source { to, generation, term } => {
                it.source = Some(Link { peer: to, generation, term, aside: false });
            }
            Action::SourceStop => it.source = None,
            Action::Receive { from, generation, term, aside } => {
                let aside = aside && self.forced;
                it.receive = Some(Link { peer: from, generation, term, aside });
                it.level = false;
            }
            Action::ReceiveStop => {
                it.receive = None;
                it.level = false;
            }
            Action::Probe => {
                if self.cut.data() && self.nodes[1 - node].answers() && next.is_none() {
                    *next = Some(Event::AddressTaken);
                }
            }
            Action::Ask { generation, ledger } => it.asked = Some(Question { generation, ledger }),
            Action::Drain | Action::Answer { .. } | Action::Became { .. } | Action::Note(_) => {}
        }
    }

    fn work(&mut self, node: usize, job: Job) {
        let it = &mut self.nodes[node];
        match job {
            Job::Enter { to, .. } => it.address = to.serves(),
            Job::Leave { .. } | Job::Open | Job::Close { .. } => it.address = false,
            Job::Restart { .. } => {}
        }
        debug_assert!(it.address || !matches!(it.gate, Gate::Alone { .. }) || !matches!(job, Job::Open));
    }
}
