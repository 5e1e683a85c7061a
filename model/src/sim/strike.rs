//! Faults as they strike, and as they end.

use safetui_core::{Beat, Boot, Command, Event, Generation, Kin, Role, Status, Tick, Witness, rule::Set};

use super::{
    World,
    clock::{Clock, MS, Moment, SECOND},
    fault::Kind,
    network::{Cut, Letter, Weather},
    node::{Hands, Pending, Trap},
    queue::{Mend, What},
};

/// The last word of a dead agent is said so often, so far apart.
const WORDS: u32 = 5;
const APART: Moment = 40 * MS;
/// What a guard needs before the next agent.
const WIND_UP: Moment = 300 * MS;

/// Which faults are the newest of their kind, and what they changed.
#[derive(Debug, Default)]
pub(super) struct Mends {
    network: u32,
    weather: u32,
    pause: [u32; 2],
    witness: [u32; 2],
    hands: [u32; 2],
    link: [u32; 2],
    unlinked: [bool; 2],
    /// When the router's side last changed, the newest first.
    changes: [Moment; CHANGES],
}

/// The protocol is made for one change of the router's side within a window. It takes far more to bring it to a
/// fork, since each side must miss the other for a whole window and the router never for longer than the gap; the
/// simulation allows one only from here on.
const CHANGES: usize = 8;

impl Mends {
    pub(super) const fn linked(&self, node: usize) -> bool {
        !self.unlinked[node]
    }
}

impl World {
    /// A fault strikes.
    pub(super) fn strike(&mut self, kind: Kind) {
        self.tally.faults += 1;
        self.tell(|| kind.text());
        self.numbers += 1;
        let number = self.numbers;
        match kind {
            Kind::Power { node, down } => self.lose_power(node, None, down),
            Kind::PowerAtNextStep { node, after, down } => self.nodes[node].trap = Some(Trap { after, down }),
            Kind::Agent { node, down } => self.kill_agent(node, down),
            Kind::Pause { node, lasts, clock_stands } => self.pause(node, lasts, clock_stands, number),
            Kind::Cut { cut, lasts } => {
                self.mends.network = number;
                self.cut(cut);
                self.queue.push(self.now + lasts, What::Mend(Mend::Network { number }));
            }
            Kind::Weather { weather, lasts } => {
                self.mends.weather = number;
                self.weather(weather);
                self.queue.push(self.now + lasts, What::Mend(Mend::Weather { number }));
            }
            Kind::Stray { to, later } => self.network.stray[to] = Some(later),
            Kind::Witness { node, lasts } => {
                self.mends.witness[node] = number;
                self.network.answers[node] = false;
                self.queue.push(self.now + lasts, What::Mend(Mend::Witness { node, number }));
            }
            Kind::Hands { node, disk, script, fails, lasts } => {
                self.mends.hands[node] = number;
                self.nodes[node].hands = Hands { disk, script, fails };
                self.queue.push(self.now + lasts, What::Mend(Mend::Hands { node, number }));
            }
            Kind::CannotApply { node } => {
                if self.nodes[node].runs() && self.nodes[node].sink.named.is_some() {
                    self.cannot_apply(node);
                }
            }
            Kind::Reset => self.reset_connections(),
            Kind::Link { node, lasts } => {
                self.mends.link[node] = number;
                self.link(node, false);
                self.queue.push(self.now + lasts, What::Mend(Mend::Link { node, number }));
            }
            Kind::Drift { node, gains } => self.nodes[node].clock.drift(self.now, gains),
            Kind::Order { node, command } => self.order(node, command),
        }
        self.send(0);
        self.send(1);
        self.check();
    }

    /// A fault ends, unless a newer one has taken its place.
    pub(super) fn mend(&mut self, mend: Mend) {
        match mend {
            Mend::Start { node, life } if self.nodes[node].life == life => self.start(node),
            Mend::Resume { node, number } if self.mends.pause[node] == number => self.resume_node(node),
            Mend::Network { number } if self.mends.network == number => self.cut(Cut::None),
            Mend::Weather { number } if self.mends.weather == number => self.weather(Weather::FAIR),
            Mend::Witness { node, number } if self.mends.witness[node] == number => {
                self.network.answers[node] = true;
            }
            Mend::Hands { node, number } if self.mends.hands[node] == number => {
                self.nodes[node].hands = Hands::QUICK;
            }
            Mend::Link { node, number } if self.mends.link[node] == number => self.link(node, true),
            _ => {}
        }
    }

    /// Everything that is broken is mended now.
    pub(super) fn mend_all(&mut self) {
        self.tell(|| "everything is mended".into());
        self.network.answers = [true; 2];
        self.network.stray = [None; 2];
        self.cut(Cut::None);
        self.weather(Weather::FAIR);
        for node in 0..2 {
            self.nodes[node].hands = Hands::QUICK;
            self.nodes[node].trap = None;
            self.resume_node(node);
            self.start(node);
            self.link(node, true);
        }
    }

    /// The machine is off; whether a durable step that was under way became durable is `durable`, or chance.
    pub(super) fn lose_power(&mut self, node: usize, durable: Option<bool>, down: Moment) {
        if self.nodes[node].core.is_none() {
            return;
        }
        let name = Self::name(node);
        self.tell(|| format!("{name} is off"));
        let durable = durable.unwrap_or_else(|| self.dice.below(2) == 0);
        if let Some(Pending::Durable(record)) = self.nodes[node].pending.take().map(|pending| *pending)
            && durable
        {
            *self.nodes[node].disk = record;
        }
        self.connections_falter();
        self.lose_agent(node);
        let drift = self.dice.between(0, 600) as i64 - 300;
        let it = &mut self.nodes[node];
        (it.address, it.lease, it.claims) = (false, Tick(0), 0);
        // Its clock begins anew with the machine.
        it.clock = Clock::new(self.now, 2 * SECOND, drift);
        self.queue.push(self.now + down, What::Mend(Mend::Start { node, life: it.life }));
    }

    fn lose_agent(&mut self, node: usize) {
        while let Some((_, write)) = self.nodes[node].source.waiting.pop_front() {
            self.ledger.leave_open(write);
        }
        self.nodes[node].die();
    }

    /// The agent is gone; addresses and application are not, until the guard has seen to it.
    fn kill_agent(&mut self, node: usize, down: Moment) {
        if !self.nodes[node].runs() {
            return;
        }
        let connection = self.nodes[node].source.session.as_ref().and_then(|session| session.connection);
        let connections = [connection, self.nodes[node].sink.connection];
        self.nodes[node].pending = None;
        self.lose_agent(node);
        let life = self.nodes[node].life;
        for connection in connections.into_iter().flatten() {
            self.queue.push(self.now + MS, What::Noticed { node: 1 - node, connection });
        }
        let takes = self.dice.between(2 * MS, 30 * MS);
        self.queue.push(self.now + takes, What::LastWord { node, life, left: WORDS });
        self.queue.push(self.now + down.max(WIND_UP), What::Mend(Mend::Start { node, life }));
    }

    /// The guard has taken everything away, and says for the dead agent what it would say itself.
    pub(super) fn last_word(&mut self, node: usize, left: u32) {
        let it = &mut self.nodes[node];
        // The next agent has been started: its guard has cleared away before.
        if it.core.is_some() || left == 0 {
            return;
        }
        (it.address, it.lease) = (false, Tick(0));
        it.letters += 1;
        let record = &it.disk;
        let beat = Beat {
            boot: it.boot,
            sent: it.clock.tick(self.now),
            nth: 0,
            role: Role::Stop,
            status: Status::NotReady,
            fenced: true,
            term: record.term,
            generation: record.generation,
            parent: record.parent(),
            mark: record.mark,
            side: record.side,
            echo: None,
            proof: u64::MAX,
            kin: Kin::Unknown,
            kin_of: Generation::NONE,
            partner: Boot(0),
            linked: true,
            ask_swap: false,
            dismiss: false,
            witness: false,
            down: Set::EMPTY,
            held: false,
        };
        let letter = Letter { beat, number: it.letters };
        let life = it.life;
        self.post(1 - node, letter);
        self.queue.push(self.now + APART, What::LastWord { node, life, left: left - 1 });
    }

    /// Machine and agent start again.
    fn start(&mut self, node: usize) {
        if self.nodes[node].core.is_none() {
            let name = Self::name(node);
            self.tell(|| format!("{name} starts"));
            // A guard that had not come so far clears away before a new agent.
            (self.nodes[node].address, self.nodes[node].lease) = (false, Tick(0));
            let wish = self.nodes[node].wish.then_some(Command::Start);
            self.boot(node, wish);
        }
    }

    fn pause(&mut self, node: usize, lasts: Moment, clock_stands: bool, number: u32) {
        if !self.nodes[node].runs() {
            return;
        }
        self.mends.pause[node] = number;
        self.nodes[node].paused = true;
        if clock_stands {
            self.nodes[node].clock.stand(self.now, true);
            self.stood = true;
            if !self.arbitrated() {
                self.strain("a machine's clock stood still");
            }
        }
        self.connections_falter();
        self.queue.push(self.now + lasts, What::Mend(Mend::Resume { node, number }));
    }

    /// The node goes on, and finds everything that has happened meanwhile.
    fn resume_node(&mut self, node: usize) {
        let it = &mut self.nodes[node];
        if !it.paused {
            return;
        }
        it.paused = false;
        it.clock.stand(self.now, false);
        let name = Self::name(node);
        self.tell(|| format!("{name} goes on"));
        let mut backlog = std::mem::take(&mut self.nodes[node].backlog);
        for what in backlog.drain(..) {
            self.take(what);
        }
        self.nodes[node].backlog = backlog;
    }

    fn cut(&mut self, cut: Cut) {
        let before = std::mem::replace(&mut self.network.cut, cut);
        if before == cut {
            return;
        }
        if cut == Cut::None {
            self.tell(|| "the network heals".into());
        }
        if !cut.data() {
            self.connections_falter();
        }
        if (0..2).any(|node| before.router(node) != cut.router(node)) {
            self.router_changes();
        }
        if cut != Cut::None && self.witnessless() {
            self.strain("the network was cut, and there is no witness");
        }
        if matches!(cut, Cut::Direct | Cut::Deaf(_)) && !self.network.reflects && !self.arbitrated() {
            self.strain("only the way between the nodes was cut, and the router does not reflect");
        }
    }

    /// Who reaches the router has changed.
    fn router_changes(&mut self) {
        let timing = &self.configs[0].timing;
        let window = (timing.timeout + timing.guard) * MS;
        let oldest = self.mends.changes[CHANGES - 1];
        if oldest > 0 && self.now - oldest <= window && !self.arbitrated() {
            self.strain("who reaches the router changed again and again within a window");
        }
        self.mends.changes.copy_within(0..CHANGES - 1, 1);
        self.mends.changes[0] = self.now;
    }

    fn weather(&mut self, weather: Weather) {
        self.network.weather = weather;
        if weather.loss > 0 && self.witnessless() {
            self.strain("heartbeats were lost, and there is no witness");
        }
    }

    fn link(&mut self, node: usize, linked: bool) {
        if self.mends.unlinked[node] == linked {
            self.mends.unlinked[node] = !linked;
            self.happened(node, Event::Linked(linked));
        }
    }

    pub(super) fn order(&mut self, node: usize, command: Command) {
        if self.nodes[node].runs() {
            self.happened(node, Event::Ordered(command));
        }
    }

    fn witnessless(&self) -> bool {
        self.configs[0].witness == Witness::None
    }

    /// With an arbiter nothing that concerns writes depends on time, or on who reaches whom.
    fn arbitrated(&self) -> bool {
        self.configs[0].witness == Witness::Arbiter
    }

    /// Somebody else is asked whether it has the address.
    pub(super) fn probed(&mut self, node: usize) {
        if self.network.cut.data() && self.nodes[1 - node].answers(self.now) {
            self.happened(node, Event::AddressTaken);
        }
    }
}
