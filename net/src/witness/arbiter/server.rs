//! The server: one socket, one ledger, the keys of one or several clusters.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    fs::{self, File, OpenOptions},
    io,
    net::{IpAddr, SocketAddr, UdpSocket},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use nix::fcntl::{Flock, FlockArg};

use super::{
    ledger::{Judgement, Ledger, LedgerError},
    message::{ANSWER, Answer, Claim, QUESTION, Question, Said},
};
use crate::{
    store::{StoreError, next_boot},
    wire::{ARBITER, ClusterKey, Header, KeyError, Opener, Packet, Reject, Sealer},
};

/// Larger than any question.
const BUFFER: usize = 2048;
/// The same trouble is told once in this time, and so many different ones at most.
const QUIET: Duration = Duration::from_secs(60);
const TROUBLES: usize = 64;

/// What an arbiter is told once.
#[derive(Clone, Debug)]
pub struct Setup {
    pub listen: SocketAddr,
    /// Directory of the ledger.
    pub state: PathBuf,
    /// Files with the keys of the clusters that may ask.
    pub keys: Vec<PathBuf>,
}

/// Why this machine cannot be an arbiter.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error("cannot write {}: {source}", path.display())]
    State { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Boot(#[from] StoreError),
    #[error("another one keeps {} already", .0.display())]
    Second(PathBuf),
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error("cannot listen on UDP {listen}: {source}")]
    Listen { listen: SocketAddr, source: io::Error },
    #[error("cannot receive on UDP {listen} any more: {source}")]
    Receive { listen: SocketAddr, source: io::Error },
}

/// An arbiter that is ready.
pub struct Server {
    socket: UdpSocket,
    listen: SocketAddr,
    desks: Vec<Desk>,
    ledger: Ledger,
    troubles: BTreeMap<String, Instant>,
    _only: Flock<File>,
}

/// Understands the holders of one key.
struct Desk {
    opener: Opener,
    sealer: Sealer,
}

impl Server {
    /// Opens everything, or says what is wrong before anything is changed but its own directory.
    pub fn open(setup: &Setup) -> Result<Self, ServeError> {
        let keys = setup.keys.iter().map(|file| ClusterKey::load(file)).collect::<Result<Vec<_>, _>>()?;
        let listen = setup.listen;
        let socket = UdpSocket::bind(listen).map_err(|source| ServeError::Listen { listen, source })?;
        let only = lock(&setup.state)?;
        let boot = next_boot(&setup.state)?;
        let ledger = Ledger::open(&setup.state)?;
        let desk = |key: &ClusterKey| Desk {
            opener: Opener::new(key, "", ARBITER).of_any_name(),
            sealer: Sealer::new(key, "", ARBITER, boot).scattered(),
        };
        let listen = socket.local_addr().unwrap_or(listen);
        let desks = keys.iter().map(desk).collect();
        Ok(Self { socket, listen, desks, ledger, troubles: BTreeMap::new(), _only: only })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.listen
    }

    /// How many grants it remembers.
    pub fn grants(&self) -> usize {
        self.ledger.grants()
    }

    /// Answers until the socket fails. What happens goes to `say`, a line each.
    pub fn run(mut self, say: &mut dyn FnMut(&str)) -> Result<Infallible, ServeError> {
        let mut buffer = [0; BUFFER];
        loop {
            let (length, from) = match self.socket.recv_from(&mut buffer) {
                Ok(received) => received,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(source) => return Err(ServeError::Receive { listen: self.listen, source }),
            };
            if let Some(answer) = self.answer(&buffer[..length], from.ip(), say) {
                // Whoever does not get it asks again.
                _ = self.socket.send_to(&answer, from);
            }
        }
    }

    /// The answer to a datagram, if it gets one.
    fn answer(&mut self, bytes: &[u8], from: IpAddr, say: &mut dyn FnMut(&str)) -> Option<Vec<u8>> {
        let (desk, packet) = match self.open_frame(bytes) {
            Ok(opened) => opened,
            Err(reject) => {
                self.trouble(refusal(&reject, from), say);
                return None;
            }
        };
        let question = Question::decode(&packet.payload).filter(|_| packet.header.kind == QUESTION)?;
        let said = match question.claim {
            None => Said::Here,
            Some(claim) if question.ledger.is_some_and(|ledger| ledger != self.ledger.name()) => {
                self.trouble(format!("{from} asks for the word of another ledger than this one"), say);
                Said::OtherLedger(claim)
            }
            Some(claim) => self.judge(&packet.header, claim, say)?,
        };
        let answer = Answer { echo: question.echo, ledger: self.ledger.name(), said };
        Some(self.desks[desk].sealer.answer(&packet.header, ANSWER, &answer.encode()))
    }

    /// The desk that understands a frame, and what is in it.
    fn open_frame(&self, bytes: &[u8]) -> Result<(usize, Packet), Reject> {
        let mut why = Reject::NotOurs;
        for (at, desk) in self.desks.iter().enumerate() {
            match desk.opener.open_repeatedly(bytes) {
                Ok(packet) => return Ok((at, packet)),
                // Another desk may have the key; what it says then is more to the point.
                Err(Reject::WrongKey { .. }) if at > 0 => {}
                Err(reject) => why = reject,
            }
        }
        Err(why)
    }

    /// What is not on the disk is not answered.
    fn judge(&mut self, header: &Header, claim: Claim, say: &mut dyn FnMut(&str)) -> Option<Said> {
        let cluster = header.cluster.bytes();
        let judgement = match self.ledger.judge(cluster, claim, header.from) {
            Ok(judgement) => judgement,
            Err(error) => {
                self.trouble(format!("not answered, because a grant cannot be kept: {error}"), say);
                return None;
            }
        };
        let what = format!(
            "generation {:016x} of module {:016x}, cluster {:016x}",
            claim.generation,
            claim.module,
            u64::from_be_bytes(cluster)
        );
        match judgement {
            Judgement::Granted => {
                say(&format!("granted to node {}: {what}", header.from));
                if let Err(error) = self.ledger.tidy() {
                    self.trouble(format!("the ledger cannot be written anew: {error}"), say);
                }
                Some(Said::Granted(claim))
            }
            Judgement::GrantedBefore => Some(Said::Granted(claim)),
            Judgement::DeniedFor(owner) => {
                self.trouble(format!("denied to node {}, node {owner} has it: {what}", header.from), say);
                Some(Said::Denied(claim))
            }
        }
    }

    /// Says it unless it was said lately. Strangers can neither fill the log nor the memory.
    fn trouble(&mut self, text: String, say: &mut dyn FnMut(&str)) {
        self.troubles.retain(|_, told| told.elapsed() < QUIET);
        if self.troubles.len() < TROUBLES && !self.troubles.contains_key(&text) {
            say(&text);
            self.troubles.insert(text, Instant::now());
        }
    }
}

/// Held as long as the server lives: two would each grant what the other has granted.
fn lock(state: &Path) -> Result<Flock<File>, ServeError> {
    let path = state.join("lock");
    let open = || OpenOptions::new().create(true).truncate(false).write(true).open(&path);
    let file = fs::create_dir_all(state).and_then(|()| open());
    let file = file.map_err(|source| ServeError::State { path: path.clone(), source })?;
    Flock::lock(file, FlockArg::LockExclusiveNonblock).map_err(|_| ServeError::Second(state.into()))
}

fn refusal(reject: &Reject, from: IpAddr) -> String {
    match reject {
        Reject::WrongKey { .. } => format!(
            "{from} asks with a cluster key that this server does not have: copy cluster.key from a node, and \
             name it with --key"
        ),
        Reject::Elsewhere { .. } => {
            format!("{from} sends what is for a node: compare its cluster.xml with this server's address")
        }
        other => format!("from {from}: {other}"),
    }
}
