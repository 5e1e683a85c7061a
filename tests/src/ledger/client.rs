//! The client: appends numbered entries all the time and remembers what was promised.

use std::{
    collections::BTreeSet,
    io,
    net::{SocketAddrV4, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use nix::sched::{CloneFlags, setns};

use super::http;
use crate::{Error, Host, Result, wait};

const CONNECT: Duration = Duration::from_millis(200);
/// A service may wait for its disk; a client that gave up at once would only add load.
const ANSWER: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(2);

/// What was acknowledged, and what became of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Entries that the service promised to have.
    pub acked: BTreeSet<u64>,
    /// Entries that were sent and whose answer never came: they may be there or not.
    pub unknown: BTreeSet<u64>,
}

impl Account {
    /// Acknowledged entries that are not in `ledger`, the text of `GET /all`, in entries of `writer`.
    pub fn missing(&self, writer: &str, ledger: &str) -> BTreeSet<u64> {
        let own = ledger.lines().filter_map(|line| line.strip_prefix(writer)?.strip_prefix(' '));
        let present: BTreeSet<u64> = own.filter_map(|number| number.parse().ok()).collect();
        self.acked.difference(&present).copied().collect()
    }
}

/// What a finished client can prove.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    pub account: Account,
    pub lost: BTreeSet<u64>,
}

/// Appends entries `<writer> <number>` until it is finished or dropped: each on a connection of its own, each
/// repeated until it is acknowledged.
pub struct Client {
    writer: String,
    target: SocketAddrV4,
    account: Arc<Mutex<Account>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Client {
    /// Starts on `host`. `writer` tells its entries from those of others; it contains no blank.
    pub fn start(host: &Host, target: SocketAddrV4, writer: &str) -> Result<Self> {
        let account = Arc::new(Mutex::new(Account::default()));
        let stop = Arc::new(AtomicBool::new(false));
        let (name, notes, ended) = (writer.to_owned(), Arc::clone(&account), Arc::clone(&stop));
        let network = host.init()?;
        let work = move || {
            if setns(&*network, CloneFlags::CLONE_NEWNET).is_err() {
                return;
            }
            drop(network);
            for number in 1.. {
                insist(target, &name, number, &notes, &ended);
                if ended.load(Ordering::Relaxed) {
                    return;
                }
            }
        };
        let thread = Some(thread::spawn(work));
        Ok(Self { writer: writer.into(), target, account, stop, thread })
    }

    /// Acknowledged so far.
    pub fn acked(&self) -> usize {
        self.account.lock().unwrap_or_else(PoisonError::into_inner).acked.len()
    }

    /// Stops, reads the whole ledger from `host` (which has `limit` to succeed), and compares.
    pub fn finish(mut self, host: &Host, limit: Duration) -> Result<Proof> {
        self.end();
        let text = all(host, self.target, limit)?;
        let account = self.account.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let lost = account.missing(&self.writer, &text);
        Ok(Proof { account, lost })
    }

    fn end(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.end();
    }
}

/// The whole ledger, tried again until `limit`.
pub fn all(host: &Host, target: SocketAddrV4, limit: Duration) -> Result<String> {
    host.enter(|| {
        wait::until(format!("the ledger at {target}"), limit, Duration::from_millis(20), || {
            ask(target, "GET /all HTTP/1.1", b"")
        })
    })?
    .and_then(|text| {
        String::from_utf8(text).map_err(|_| Error::setup("the ledger is not text", "write only text into it"))
    })
}

fn insist(target: SocketAddrV4, writer: &str, number: u64, account: &Mutex<Account>, stop: &AtomicBool) {
    let line = format!("{writer} {number}\n");
    loop {
        let outcome = ask(target, "POST /append HTTP/1.1", line.as_bytes());
        {
            let mut account = account.lock().unwrap_or_else(PoisonError::into_inner);
            if outcome.is_ok() {
                account.unknown.remove(&number);
                account.acked.insert(number);
                return;
            }
            account.unknown.insert(number);
        }
        if stop.load(Ordering::Relaxed) {
            return;
        }
        thread::sleep(PAUSE);
    }
}

/// One question and the body of its answer, on a connection of its own; any answer but 200 is an error.
fn ask(target: SocketAddrV4, start: &str, body: &[u8]) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect_timeout(&target.into(), CONNECT)?;
    stream.set_read_timeout(Some(ANSWER))?;
    stream.set_write_timeout(Some(ANSWER))?;
    http::write(&mut stream, start, body)?;
    let answer = http::read(&stream)?;
    match answer.start.split(' ').nth(1) {
        Some("200") => Ok(answer.body),
        _ => Err(io::Error::other(answer.start)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_acknowledged_entry_that_is_not_there_is_missing() {
        let account = Account { acked: BTreeSet::from([1, 2, 3]), unknown: BTreeSet::from([4]) };
        assert_eq!(account.missing("a", "a 1\na 1\nb 2\na 3\n"), BTreeSet::from([2]));
        assert_eq!(account.missing("a", "a 3\na 2\na 1\n"), BTreeSet::new());
    }

    #[test]
    fn a_torn_entry_is_missing() {
        let account = Account { acked: BTreeSet::from([12]), ..Account::default() };
        assert_eq!(account.missing("a", "a 1\na 2"), BTreeSet::from([12]));
    }
}
