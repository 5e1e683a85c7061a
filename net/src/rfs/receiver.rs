//! The receiver: connects to the source until told otherwise, applies in order, acknowledges.

use std::convert::Infallible;
use std::io;
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::mpsc::{self, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use safetui_core::since::Cut;

use super::Shared;
use super::aside::Aside;
use super::epochs;
use super::frame::{Answer, Frame, Reader};
use super::queue::Hello;
use super::replica::{Effect, Replica};
use super::session::Expected;
use super::settings::Report;
use super::space::Space;
use super::stop::Stop;
use super::stream::{self, Receiver, Sender};

const CONNECT: Duration = Duration::from_secs(1);
/// How long a peer that can be reached on the first of its networks, but does not listen there yet, is waited for
/// before another network carries the stream: several times what a source needs to listen on all of them.
const GRACE: Duration = Duration::from_secs(1);
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// Threads that wait for the disk on behalf of synchronisations.
const SYNCERS: usize = 4;
/// How often the source is told what room there is, while it sends.
const SPACE: Duration = Duration::from_millis(100);

/// What the receiver was told to receive.
pub(super) struct Job {
    pub(super) named: Expected,
    pub(super) keep_aside: bool,
    pub(super) stop: Arc<Stop<TcpStream>>,
}

/// Why a connection ended.
enum End {
    /// Try again, the first network first.
    Broken(String),
    /// Nothing comes through on this network: try another.
    Unreachable(String),
    /// The copy here is of no use any more.
    Failed(String),
}

impl From<io::Error> for End {
    fn from(error: io::Error) -> Self {
        use io::ErrorKind::{HostUnreachable, NetworkDown, NetworkUnreachable, TimedOut};
        let why = error.to_string();
        match error.kind() {
            TimedOut | HostUnreachable | NetworkUnreachable | NetworkDown => Self::Unreachable(why),
            _ => Self::Broken(why),
        }
    }
}

/// What outlives a connection.
struct Receiving {
    shared: Arc<Shared>,
    job: Job,
    replica: Replica,
    session: u64,
    applied: u64,
}

/// A connection on which the source has answered.
struct Greeted {
    socket: TcpStream,
    sender: Sender,
    receiver: Receiver,
    welcome: Vec<Vec<u8>>,
}

/// There is a way to the peer, and nobody at its end: not yet, or not any more.
fn is_early(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionRefused, ConnectionReset, UnexpectedEof};
    matches!(error.kind(), BrokenPipe | ConnectionRefused | ConnectionReset | UnexpectedEof)
}

pub(super) fn run(shared: Arc<Shared>, job: Job) {
    shared.drop_kernel_caches();
    let several = shared.trees.len() > 1;
    let aside = job.keep_aside.then(|| Aside::new(&shared.settings.aside, job.named.generation, several));
    let replica = Replica::new(Arc::clone(&shared), aside, shared.settings.durable);
    let mut receiving = Receiving { shared, job, replica, session: 0, applied: 0 };
    let mut pause = FIRST_PAUSE;
    let mut said = String::new();
    while !receiving.job.stop.is_stopped() {
        let before = receiving.applied;
        let end = receiving.connect_somewhere();
        receiving.job.stop.let_go();
        if receiving.job.stop.is_stopped() {
            return;
        }
        match end {
            End::Failed(why) => return receiving.shared.report(Report::ReceiveFailed { why }),
            End::Broken(why) | End::Unreachable(why) => {
                if receiving.applied != before {
                    pause = FIRST_PAUSE;
                    said.clear();
                }
                if why != said {
                    receiving.shared.report(Report::ReceiveLost { why: why.clone() });
                    said = why;
                }
            }
        }
        receiving.job.stop.pause(pause);
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

impl Receiving {
    /// Over the first network that leads to the peer, until that connection ends. What the source itself says, or a
    /// connection that it closes, is no reason to take another network.
    fn connect_somewhere(&mut self) -> End {
        let mut last = End::Broken("no address of the peer is configured".into());
        let mut patience = GRACE;
        for address in self.shared.settings.peer.clone() {
            last = self.receive_over(address, Instant::now() + patience);
            if !matches!(last, End::Unreachable(_)) {
                break;
            }
            // No waiting on the others: the source may begin to listen meanwhile, on the first as well.
            patience = Duration::ZERO;
        }
        last
    }

    /// A peer that does not listen yet is tried again until `deadline`.
    fn receive_over(&mut self, address: SocketAddr, deadline: Instant) -> End {
        loop {
            let error = match self.greet(address) {
                Ok(greeted) => return self.follow(address, greeted),
                Err(error) => error,
            };
            self.job.stop.let_go();
            if !is_early(&error) || Instant::now() >= deadline || self.job.stop.is_stopped() {
                return End::Unreachable(error.to_string());
            }
            self.job.stop.pause(FIRST_PAUSE);
        }
    }

    /// Connects, and hears what the source says to it.
    fn greet(&self, address: SocketAddr) -> io::Result<Greeted> {
        let socket = TcpStream::connect_timeout(&address, CONNECT).map_err(|error| {
            let peer = &self.shared.settings.peer_name;
            io::Error::new(error.kind(), format!("{peer} does not answer on {address}"))
        })?;
        self.job.stop.hold(socket.try_clone()?);
        let (mut sender, mut receiver) = stream::secure(&socket, &self.shared.party(), true)?;
        let wants = self.replica.wants();
        let (named, session, applied) = (self.job.named, self.session, self.applied);
        let hello = Hello { named, session, applied, wants, held: self.shared.notes.held() };
        sender.send(&[hello.encode()])?;
        let welcome = receiver.receive()?;
        Ok(Greeted { socket, sender, receiver, welcome })
    }

    fn follow(&mut self, from: SocketAddr, greeted: Greeted) -> End {
        let Greeted { socket, sender, mut receiver, welcome } = greeted;
        if let Err(end) = self.read_welcome(&welcome) {
            return end;
        }
        self.shared.report(Report::ReceiveUp { from });
        let sender = Arc::new(Mutex::new(sender));
        let syncers = start_syncers(&self.shared, &sender, &socket);
        let Err(end) = self.apply_all(&mut receiver, &sender, &syncers);
        if let End::Failed(why) = &end {
            let _ = say(&sender, &[Answer::Failed(why.clone())]);
        }
        let _ = socket.shutdown(Shutdown::Both);
        end
    }

    fn read_welcome(&mut self, messages: &[Vec<u8>]) -> Result<(), End> {
        let strange = || End::Broken("the source sent a welcome that means nothing".into());
        let mut r = Reader(messages.first().ok_or_else(strange)?);
        match r.u8() {
            Some(0) => {
                let session = r.u64().ok_or_else(strange)?;
                self.applied = r.u64().ok_or_else(strange)?;
                let since = r.optional(Reader::cut).ok_or_else(strange)?.pop();
                if session != self.session {
                    self.replica.since = since;
                }
                self.session = session;
                Ok(())
            }
            Some(kind @ (1 | 2)) => {
                let why = String::from_utf8_lossy(&r.bytes().ok_or_else(strange)?).into_owned();
                let why = format!("{} refuses: {why}", self.shared.settings.peer_name);
                Err(if kind == 1 { End::Broken(why) } else { End::Failed(why) })
            }
            _ => Err(strange()),
        }
    }

    fn apply_all(
        &mut self,
        receiver: &mut Receiver,
        sender: &Mutex<Sender>,
        syncers: &SyncSender<Slow>,
    ) -> Result<Infallible, End> {
        let mut answers = vec![self.space()?];
        let mut told = Instant::now();
        say(sender, &answers)?;
        answers.clear();
        loop {
            for message in receiver.receive()? {
                self.shared.count(message.len());
                let frame = Frame::decode(&message)
                    .ok_or_else(|| End::Failed("a frame that means nothing".into()))?;
                self.apply(frame, &mut answers, syncers)?;
            }
            answers.push(Answer::Applied(self.applied));
            if told.elapsed() > SPACE {
                answers.push(self.space()?);
                told = Instant::now();
            }
            // With more at hand the acknowledgement can wait for it, unless it gets long.
            if !receiver.has_more() || answers.len() > 64 {
                say(sender, &answers)?;
                answers.clear();
            }
        }
    }

    fn space(&self) -> io::Result<Answer> {
        let spaces = self.shared.trees.iter().map(|tree| Ok(Space::of(tree)?.0));
        Ok(Answer::Space(spaces.collect::<io::Result<_>>()?))
    }

    fn apply(
        &mut self,
        frame: Frame,
        answers: &mut Vec<Answer>,
        syncers: &SyncSender<Slow>,
    ) -> Result<(), End> {
        let Expected { generation, term, .. } = self.job.named;
        if (frame.generation, frame.term) != (generation, term) {
            return Err(End::Failed(format!(
                "an operation of generation {:x}, term {}, where {generation:x}, {term} was agreed",
                frame.generation, frame.term
            )));
        }
        let effect = {
            let _alone = self.shared.flow.enter_alone();
            if self.job.stop.is_stopped() {
                return Err(End::Broken("stopped".into()));
            }
            self.replica.apply(frame.op)
        };
        match effect.map_err(|error| End::Failed(format!("applying failed: {error}")))? {
            Effect::None => {}
            Effect::Say(answer) => answers.push(answer),
            Effect::Sync(file) => {
                let _ = syncers.send(Slow::Sync { seq: frame.seq, file });
            }
            Effect::Settle(at) => {
                let _ = syncers.send(Slow::Settle(at));
            }
        }
        // A synchronisation that is repeated after a reconnection is older than what is applied.
        self.applied = self.applied.max(frame.seq);
        Ok(())
    }
}

/// What takes its time, and need not be waited for.
enum Slow {
    Sync { seq: u64, file: std::fs::File },
    Settle(Cut),
}

impl Slow {
    fn carry_out(self, shared: &Shared) -> io::Result<Answer> {
        match self {
            Self::Sync { seq, file } => file.sync_all().map(|()| Answer::Synced(seq)),
            Self::Settle(at) => {
                epochs::sync_trees(shared)?;
                shared.notes.settled_here(at)?;
                Ok(Answer::Settled(at))
            }
        }
    }
}

fn say(sender: &Mutex<Sender>, answers: &[Answer]) -> io::Result<()> {
    let messages: Vec<Vec<u8>> = answers.iter().map(Answer::encode).collect();
    sender.lock().unwrap_or_else(PoisonError::into_inner).send(&messages)
}

/// Threads that end when the connection does.
fn start_syncers(shared: &Arc<Shared>, sender: &Arc<Mutex<Sender>>, socket: &TcpStream) -> SyncSender<Slow> {
    let (queue, jobs) = mpsc::sync_channel::<Slow>(1024);
    let jobs = Arc::new(Mutex::new(jobs));
    for _ in 0..SYNCERS {
        let (jobs, sender, socket) = (Arc::clone(&jobs), Arc::clone(sender), socket.try_clone());
        let shared = Arc::clone(shared);
        thread::spawn(move || {
            loop {
                let next = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
                let Ok(slow) = next else { return };
                let answer = slow.carry_out(&shared);
                let answer =
                    answer.unwrap_or_else(|error| Answer::Failed(format!("synchronising failed: {error}")));
                let failed = matches!(answer, Answer::Failed(_));
                if say(&sender, &[answer]).is_err() || failed {
                    let _ = socket.as_ref().map(|socket| socket.shutdown(Shutdown::Both));
                    return;
                }
            }
        });
    }
    queue
}
