//! The source's connections: who may connect, what is sent, what comes back.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::Shared;
use super::copy;
use super::epochs;
use super::frame::{Answer, Writer};
use super::queue::Hello;
use super::settings::Report;
use super::stop::Stop;
use super::stream::{self, Receiver, Sender};

/// How often a listening address that is not there yet is tried.
const RETRY: Duration = Duration::from_millis(200);

/// The listeners of a source; dropping it closes them.
pub(super) struct Listening(Arc<Stop<TcpListener>>);

impl Listening {
    pub(super) fn start(shared: &Arc<Shared>) -> Self {
        let stop = Arc::new(Stop::new());
        for &address in &shared.settings.listen {
            let (shared, stop) = (Arc::clone(shared), Arc::clone(&stop));
            thread::spawn(move || listen(&shared, address, &stop));
        }
        Self(stop)
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        // Wakes `accept`; the threads close the sockets.
        self.0.stop();
    }
}

fn listen(shared: &Arc<Shared>, address: SocketAddr, stop: &Stop<TcpListener>) {
    while !stop.is_stopped() {
        let socket = TcpListener::bind(address).and_then(|socket| Ok((socket.try_clone()?, socket)));
        let Ok((kept, socket)) = socket else {
            stop.pause(RETRY);
            continue;
        };
        stop.hold(kept);
        while !stop.is_stopped() {
            let Ok((connection, _)) = socket.accept() else {
                stop.pause(Duration::from_millis(10));
                continue;
            };
            let shared = Arc::clone(shared);
            thread::spawn(move || {
                if let Err(error) = serve(&shared, &connection) {
                    tracing::debug!(%error, "a connection to the replication stream was not accepted");
                }
                let _ = connection.shutdown(Shutdown::Both);
            });
        }
        stop.let_go();
    }
}

/// One connection from its handshake to its end.
fn serve(shared: &Arc<Shared>, socket: &TcpStream) -> io::Result<()> {
    let (mut sender, mut receiver) = stream::secure(socket, &shared.party(), false)?;
    let first = receiver.receive()?;
    let hello =
        first.first().and_then(|bytes| Hello::decode(bytes)).ok_or_else(|| io::Error::other("no hello"))?;
    let boot = hello.named.boot;
    let since = shared.notes.common(&hello.held);
    let attached = match shared.flow.attach(hello, since) {
        Ok(attached) => attached,
        Err((again, why)) => {
            let mut refusal = Writer::default();
            refusal.u8(if again { 1 } else { 2 }).bytes(why.as_bytes());
            sender.send(&[refusal.0])?;
            return Ok(());
        }
    };
    let mut welcome = Writer::default();
    welcome.u8(0).u64(attached.session).u64(attached.base);
    welcome.option(since, |w, cut| {
        w.cut(cut);
    });
    let connection = attached.connection;
    let sent = sender.send(&[welcome.0]);
    let up = sent.is_ok();
    if up {
        shared.report(Report::SourceUp { boot });
    }
    attached.reports.into_iter().for_each(|report| shared.report(report));
    if attached.fresh {
        let shared = Arc::clone(shared);
        thread::spawn(move || {
            let session = attached.session;
            if let Err(error) = copy::run(&shared, session).and_then(|()| epochs::run(&shared, session)) {
                shared.report(Report::LocalFailed {
                    why: format!("the tree cannot be read for the copy: {error}"),
                });
            }
        });
    }
    let (socket, writer) = (socket.try_clone()?, Arc::clone(shared));
    thread::spawn(move || {
        write_frames(&writer, connection, &mut sender);
        let _ = socket.shutdown(Shutdown::Both);
    });
    let why = match sent.and_then(|()| read_answers(shared, connection, &mut receiver)) {
        Ok(why) => why,
        Err(error) => error.to_string(),
    };
    if let Some(boot) = shared.flow.lost(connection).filter(|_| up) {
        shared.report(Report::SourceLost { boot, why });
    }
    Ok(())
}

fn write_frames(shared: &Shared, connection: u64, sender: &mut Sender) {
    while let Some(batch) = shared.flow.next_batch(connection) {
        shared.count(batch.iter().map(|frame| frame.len()).sum());
        let messages: Vec<&[u8]> = batch.iter().map(|frame| frame.as_slice()).collect();
        if sender.send(&messages).is_err() {
            return;
        }
    }
}

/// Until the receiver says that it failed, or the connection breaks.
fn read_answers(shared: &Shared, connection: u64, receiver: &mut Receiver) -> io::Result<String> {
    loop {
        for message in receiver.receive()? {
            match Answer::decode(&message) {
                Some(Answer::Applied(upto)) => {
                    for report in shared.flow.applied(connection, upto) {
                        shared.report(report);
                    }
                }
                Some(Answer::Synced(seq)) => shared.flow.synced(connection, seq),
                Some(Answer::Want(want)) => {
                    shared.flow.with_session(|session| {
                        if session.connection == Some(connection) {
                            session.wants.push_back(want);
                        }
                    });
                }
                Some(Answer::Doubt { node, size, zones }) => {
                    shared.flow.with_session(|session| {
                        if session.connection == Some(connection) {
                            session.compare(node, size, &zones);
                        }
                    });
                }
                Some(Answer::Settled(at)) => shared.notes.settled_there(at)?,
                Some(Answer::Space(space)) => {
                    shared.flow.with_session(|session| {
                        if session.connection == Some(connection) {
                            session.space = space;
                        }
                    });
                }
                Some(Answer::Failed(why)) => {
                    return Ok(format!("{} cannot apply: {why}", shared.settings.peer_name));
                }
                None => return Err(io::Error::other("the peer sent an answer that means nothing")),
            }
        }
    }
}
