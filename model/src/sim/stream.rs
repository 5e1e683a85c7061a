//! The stream that carries the client's writes from the source to its receiver, as replication runs it: a session
//! that survives connections, one ordered tail, acknowledgements, and a copy of the whole tree before all else.

use std::collections::VecDeque;

use safetui_core::{Boot, Event, Gate, Generation};

use super::{
    BURST, World,
    clock::{MS, Moment, SECOND},
    node::{Carried, Hands, Named, Op, Session, Sink},
    property::OVERWRITTEN,
    queue::What,
};

const FIRST_PAUSE: Moment = 20 * MS;
const LONGEST_PAUSE: Moment = SECOND;
/// Between two looks of a connection whose way is cut.
const AGAIN: Moment = 100 * MS;

impl World {
    /// Do the nodes reach each other with data?
    fn way(&self) -> bool {
        self.network.cut.data() && self.nodes[0].runs() && self.nodes[1].runs()
    }

    /// Is there a receiver that applies what that node sends?
    pub(super) fn connected(&self, node: usize) -> bool {
        let session = self.nodes[node].source.session.as_ref();
        let sink = &self.nodes[1 - node].sink;
        session.is_some_and(|session| sink.named == Some(session.named) && sink.session == session.id)
    }

    pub(super) fn gate(&mut self, node: usize, gate: Gate) {
        self.nodes[node].gate = gate;
        match gate {
            Gate::Held => {}
            Gate::Closed => {
                while let Some((_, write)) = self.nodes[node].source.waiting.pop_front() {
                    self.ledger.leave_open(write);
                }
            }
            Gate::Alone { .. } => self.release(node, u64::MAX),
            Gate::Both { .. } => {
                let applied = self.nodes[node].source.session.as_ref().map_or(0, |session| session.applied);
                self.release(node, applied);
            }
        }
    }

    /// Acknowledges what has waited for the peer to apply so much.
    fn release(&mut self, node: usize, upto: u64) {
        while let Some((_, write)) =
            self.nodes[node].source.waiting.front().copied().filter(|(number, _)| *number <= upto)
        {
            self.nodes[node].source.waiting.pop_front();
            self.acknowledge(node, write);
        }
    }

    /// The application writes.
    pub(super) fn write(&mut self, node: usize) {
        let write = self.ledger.begin(node);
        let number = self.append(node, Carried::Write(write));
        if matches!(self.nodes[node].gate, Gate::Alone { .. }) {
            self.acknowledge(node, write);
        } else {
            self.nodes[node].source.waiting.push_back((number.unwrap_or(u64::MAX), write));
        }
    }

    /// A place in the stream, if there is one.
    fn append(&mut self, node: usize, carried: Carried) -> Option<u64> {
        let it = &mut self.nodes[node];
        let stamp = match it.gate {
            Gate::Alone { generation, term } | Gate::Both { generation, term } => (generation, term),
            Gate::Closed | Gate::Held => (Generation::NONE, 0),
        };
        let session = it.source.session.as_mut()?;
        session.last += 1;
        let (number, named) = (session.last, session.named);
        let stamp =
            if matches!(carried, Carried::Tree { .. }) { (named.generation, named.term) } else { stamp };
        if matches!(carried, Carried::Tree { .. }) {
            session.copied = Some(number);
        }
        session.tail.push_back(Op { number, carried, stamp });
        self.hurry(node);
        Some(number)
    }

    /// Something is to be carried.
    fn hurry(&mut self, node: usize) {
        let Some(session) = &mut self.nodes[node].source.session else { return };
        if let Some(connection) = session.connection.filter(|_| !session.carrying && !session.tail.is_empty())
        {
            session.carrying = true;
            // A slow disk is slow for the data too.
            let slow = self.nodes[1 - node].hands.disk.saturating_sub(Hands::QUICK.disk) / 4;
            let takes = self.dice.between(MS / 5, self.network.weather.delay + slow);
            self.queue.push(self.now + takes, What::Carry { node, connection });
        }
    }

    /// What is in the tail reaches the receiver, in order.
    pub(super) fn carry(&mut self, node: usize, connection: u32) {
        let way = self.way();
        let Some(session) = self.nodes[node].source.session.as_mut() else { return };
        if session.connection != Some(connection) {
            return;
        }
        if !way {
            self.queue.push(self.now + AGAIN, What::Carry { node, connection });
            return;
        }
        session.carrying = false;
        let (named, tail) = (session.named, std::mem::take(&mut session.tail));
        let sink = 1 - node;
        for op in &tail {
            let it = &self.nodes[sink].sink;
            if it.connection != Some(connection) || op.number <= it.applied {
                continue;
            }
            if op.stamp != (named.generation, named.term) {
                self.cannot_apply(sink);
                break;
            }
            self.apply(sink, *op);
        }
        let upto = self.nodes[sink].sink.applied;
        let connected = self.nodes[sink].sink.connection == Some(connection);
        if let Some(session) = &mut self.nodes[node].source.session {
            session.tail = tail;
        }
        if connected {
            let takes = self.dice.between(MS / 5, self.network.weather.delay);
            self.queue.push(self.now + takes, What::Applied { node, connection, upto });
        }
    }

    fn apply(&mut self, sink: usize, op: Op) {
        self.nodes[sink].sink.applied = op.number;
        match op.carried {
            Carried::Write(write) => self.ledger.apply(write, sink),
            Carried::Tree { newest } => self.ledger.end_copy(sink, newest),
        }
    }

    /// This node could not apply what it was sent.
    pub(super) fn cannot_apply(&mut self, sink: usize) {
        self.hang_up(sink);
        self.nodes[sink].sink = Sink { token: self.nodes[sink].sink.token + 1, ..Sink::default() };
        self.happened(sink, Event::ReceiveFailed);
    }

    /// An acknowledgement reaches the source.
    pub(super) fn applied(&mut self, node: usize, connection: u32, upto: u64) {
        if !self.way() {
            self.queue.push(self.now + AGAIN, What::Applied { node, connection, upto });
            return;
        }
        self.note_applied(node, connection, upto);
        self.hurry(node);
    }

    fn note_applied(&mut self, node: usize, connection: u32, upto: u64) {
        let gate = self.nodes[node].gate;
        let Some(session) = &mut self.nodes[node].source.session else { return };
        if session.connection != Some(connection) {
            return;
        }
        session.applied = session.applied.max(upto);
        while session.tail.front().is_some_and(|op| op.number <= upto) {
            session.tail.pop_front();
        }
        let boot = session.named.boot;
        let copied = session.copied.take_if(|number| *number <= upto).is_some();
        let drained = session.drain.take_if(|number| *number <= upto).is_some();
        if matches!(gate, Gate::Alone { .. } | Gate::Both { .. }) {
            self.release(node, upto);
        }
        if copied {
            self.happened(node, Event::Copied { boot });
        }
        if drained {
            self.happened(node, Event::Drained { boot });
        }
    }

    pub(super) fn source(&mut self, node: usize, boot: Boot, generation: Generation, term: u64) {
        let named = Named { boot, generation, term };
        let source = &mut self.nodes[node].source;
        if source.expected != Some(named) {
            (source.expected, source.session) = (Some(named), None);
        }
    }

    pub(super) fn source_stop(&mut self, node: usize) {
        let source = &mut self.nodes[node].source;
        source.expected = None;
        if let Some(connection) = source.session.take().and_then(|session| session.connection) {
            self.closed(1 - node, connection);
        }
    }

    pub(super) fn drain(&mut self, node: usize) {
        let Some(session) = &mut self.nodes[node].source.session else { return };
        if session.applied >= session.last {
            let boot = session.named.boot;
            self.nodes[node]
                .events
                .push_back((self.nodes[node].clock.tick(self.now), Event::Drained { boot }));
        } else {
            session.drain = Some(session.last);
        }
    }

    pub(super) fn receive(&mut self, node: usize, generation: Generation, term: u64, aside: bool) {
        self.receive_stop(node);
        let it = &mut self.nodes[node];
        it.sink.named = Some(Named { boot: it.boot, generation, term });
        (it.sink.aside, it.sink.pause) = (aside, FIRST_PAUSE);
        let token = it.sink.token;
        self.queue.push(self.now + MS, What::Connect { node, token });
    }

    pub(super) fn receive_stop(&mut self, node: usize) {
        self.hang_up(node);
        let sink = &mut self.nodes[node].sink;
        *sink = Sink { token: sink.token + 1, ..Sink::default() };
    }

    /// The receiver closes its connection.
    fn hang_up(&mut self, sink: usize) {
        if let Some(connection) = self.nodes[sink].sink.connection.take() {
            self.closed(1 - sink, connection);
        }
    }

    /// The other end of that node's connection is closed: it notices at once, or when its patience ends.
    fn closed(&mut self, node: usize, connection: u32) {
        let takes = if self.network.cut.data() { MS } else { self.patience(node) };
        self.queue.push(self.now + takes, What::Noticed { node, connection });
    }

    /// How long it takes until a node notices that its way is cut.
    fn patience(&mut self, node: usize) -> Moment {
        self.configs[node].timing.timeout * MS + self.dice.below(SECOND)
    }

    /// The way between the nodes, or one of the nodes, has gone: connections die of it in time.
    pub(super) fn connections_falter(&mut self) {
        for node in 0..2 {
            let sent = self.nodes[node].source.session.as_ref().and_then(|session| session.connection);
            for connection in sent.into_iter().chain(self.nodes[node].sink.connection) {
                let takes = self.patience(node);
                self.queue.push(self.now + takes, What::Noticed { node, connection });
            }
        }
    }

    /// A connection is reset in the middle.
    pub(super) fn reset_connections(&mut self) {
        for sink in 0..2 {
            if let Some(connection) = self.nodes[sink].sink.connection {
                self.drop_end(sink, connection);
                self.drop_end(1 - sink, connection);
            }
        }
    }

    /// This end looks at its connection: is it dead?
    pub(super) fn noticed(&mut self, node: usize, connection: u32) {
        let other = &self.nodes[1 - node];
        let source = other.source.session.as_ref().and_then(|session| session.connection);
        let alive = source == Some(connection) || other.sink.connection == Some(connection);
        if !(alive && self.way()) {
            self.drop_end(node, connection);
        }
    }

    fn drop_end(&mut self, node: usize, connection: u32) {
        if self.nodes[node].sink.connection == Some(connection) {
            let sink = &mut self.nodes[node].sink;
            (sink.connection, sink.pause) = (None, FIRST_PAUSE);
            let token = sink.token;
            self.queue.push(self.now + FIRST_PAUSE, What::Connect { node, token });
        }
        let Some(session) = &mut self.nodes[node].source.session else { return };
        if session.connection == Some(connection) {
            (session.connection, session.carrying) = (None, false);
            let boot = session.named.boot;
            if matches!(self.nodes[node].gate, Gate::Alone { .. }) {
                self.release(node, u64::MAX);
            }
            self.happened(node, Event::StreamLost { boot });
        }
    }

    /// The receiver tries to reach its source.
    pub(super) fn connect(&mut self, node: usize, token: u32) {
        let sink = &self.nodes[node].sink;
        let Some(named) = sink.named.filter(|_| sink.token == token && sink.connection.is_none()) else {
            return;
        };
        let source = 1 - node;
        if !self.way() || self.nodes[source].source.expected != Some(named) {
            let sink = &mut self.nodes[node].sink;
            let pause = sink.pause;
            sink.pause = (pause * 2).min(LONGEST_PAUSE);
            self.queue.push(self.now + pause, What::Connect { node, token });
            return;
        }
        let begun = sink.session;
        let (session, gate) = (&mut self.nodes[source].source.session, self.nodes[source].gate);
        if session.as_ref().is_some_and(|session| session.id == begun) {
            self.resume(node);
        } else if begun != 0 || matches!(gate, Gate::Both { .. }) {
            self.cannot_apply(node);
        } else {
            self.attach(node, named);
        }
    }

    /// The session goes on over a new connection.
    fn resume(&mut self, node: usize) {
        self.numbers += 1;
        let (connection, source) = (self.numbers, 1 - node);
        let sink = &mut self.nodes[node].sink;
        (sink.connection, sink.pause) = (Some(connection), FIRST_PAUSE);
        let applied = sink.applied;
        let Some(session) = &mut self.nodes[source].source.session else { return };
        (session.connection, session.carrying) = (Some(connection), false);
        let boot = session.named.boot;
        self.note_applied(source, connection, applied);
        self.happened(source, Event::StreamUp { boot });
        self.hurry(source);
    }

    /// A new session: everything is copied.
    fn attach(&mut self, node: usize, named: Named) {
        self.numbers += 2;
        let (connection, id, source) = (self.numbers - 1, self.numbers, 1 - node);
        let sink = &mut self.nodes[node].sink;
        (sink.connection, sink.session, sink.applied) = (Some(connection), id, 0);
        self.nodes[source].source.session = Some(Session {
            id,
            named,
            connection: Some(connection),
            tail: VecDeque::new(),
            last: 0,
            applied: 0,
            drain: None,
            copied: None,
            carrying: false,
        });
        self.overwrite(node);
        let takes = self.dice.between(20 * MS, self.copy_takes);
        self.queue.push(self.now + takes, What::Walked { node: source, session: id });
        // The end of a copy is where writes matter most.
        if self.dice.below(4) == 0 {
            self.queue.push(self.now + takes - 10 * MS, What::Burst { left: BURST });
        }
        self.happened(source, Event::StreamUp { boot: named.boot });
    }

    /// The whole tree is in the stream.
    pub(super) fn walked(&mut self, node: usize, session: u32) {
        if self.nodes[node].source.session.as_ref().is_some_and(|it| it.id == session) {
            let newest = self.ledger.newest();
            self.append(node, Carried::Tree { newest });
        }
    }

    /// A copy begins. What only the target has is lost by it: that takes an operator's word, and it is kept aside.
    fn overwrite(&mut self, to: usize) {
        let (ordered, aside) = (self.nodes[to].gives_up, self.nodes[to].sink.aside);
        if ordered && aside {
            self.ledger.give_up(to);
        }
        let lost = self.ledger.begin_copy(to);
        if lost > 0 {
            let but = if ordered { ", without keeping them aside" } else { ", and nobody has said so" };
            let text = format!("a copy to {} overwrites {lost} acknowledged writes{but}", Self::name(to));
            self.violated(OVERWRITTEN, text);
        }
    }
}
