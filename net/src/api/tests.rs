//! Server and client over a real socket. The control behind them is a small one in memory: it really changes its
//! state, but decides nothing; what is tried here is the way between.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt,
    path::Path,
    sync::{Arc, Mutex},
};

use futures_util::StreamExt;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{UnixListener, UnixStream},
    sync::watch,
};

use super::{
    client::{Client, ClientError},
    exit::Exit,
    server::{Control, bind, serve},
    shape::{Accepted, Command, Happened, Health, Problem, STATE_SCHEMA, State},
};

/// Keeps a state; takes the verb `rename`, which changes the cluster's name, and refuses all others.
struct Kept {
    state: Mutex<Arc<State>>,
    newest: watch::Sender<u64>,
    log: Mutex<Vec<Happened>>,
}

impl Kept {
    fn new() -> Arc<Self> {
        let state = State {
            schema: STATE_SCHEMA.into(),
            seq: 1,
            time: "2026-01-01T00:00:00.000Z".into(),
            cluster: "first".into(),
            node: "node1".into(),
            health: Health::Ok,
            nodes: vec![],
            witness: None,
            networks: vec![],
            modules: vec![],
            events: vec![],
            warnings: vec![],
        };
        Arc::new(Self {
            state: Mutex::new(Arc::new(state)),
            newest: watch::channel(1).0,
            log: Mutex::default(),
        })
    }

    fn rename(&self, name: &str) -> u64 {
        let mut kept = self.state.lock().unwrap();
        let mut state = State::clone(&kept);
        state.cluster = name.into();
        state.seq += 1;
        let seq = state.seq;
        *kept = Arc::new(state);
        self.newest.send_replace(seq);
        seq
    }
}

impl Control for Kept {
    fn state(&self) -> Arc<State> {
        self.state.lock().unwrap().clone()
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.newest.subscribe()
    }

    async fn command(&self, command: Command) -> Result<Accepted, Problem> {
        if command.verb != "rename" {
            return Err(problem(Exit::Unsafe));
        }
        let seq = self.rename(&command.args[0]);
        self.log.lock().unwrap().push(Happened {
            seq,
            time: self.state().time.clone(),
            node: "node1".into(),
            module: Some(command.module),
            level: "U".into(),
            text: format!("renamed by {}", command.by),
        });
        Ok(Accepted { seq, until: vec!["STOP".into()] })
    }

    fn log(&self, module: Option<&str>, lines: usize) -> Vec<Happened> {
        let log = self.log.lock().unwrap();
        let meant = log.iter().filter(|record| module.is_none() || record.module.as_deref() == module);
        let mut newest: Vec<Happened> = meant.rev().take(lines).cloned().collect();
        newest.reverse();
        newest
    }
}

fn problem(exit: Exit) -> Problem {
    Problem {
        code: "E0301".into(),
        exit: exit.code(),
        summary: "refused".into(),
        what: "a".into(),
        why: "b".into(),
        now: "c".into(),
        fix: vec!["d".into(), "e".into()],
    }
}

fn order(verb: &str, module: &str, word: &str) -> Command {
    Command {
        module: module.into(),
        verb: verb.into(),
        args: vec![word.into()],
        if_state: None,
        confirm: None,
        by: "tui".into(),
    }
}

/// A served control in a folder of its own.
fn served() -> (tempfile::TempDir, Arc<Kept>, Client) {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("control.sock");
    let kept = Kept::new();
    tokio::spawn(serve(bind(&socket).unwrap(), kept.clone()));
    (folder, kept, Client::new(socket))
}

/// Sends bytes as they are; the whole answer.
async fn raw(socket: &Path, request: &str) -> String {
    let mut stream = UnixStream::connect(socket).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn the_state_arrives_as_it_is() {
    let (_folder, kept, client) = served();
    assert_eq!(client.state().await.unwrap(), *kept.state());
    kept.rename("second");
    assert_eq!(client.state().await.unwrap().cluster, "second");
}

#[tokio::test]
async fn a_watch_begins_with_the_newest_state_and_shows_each_change() {
    let (_folder, kept, client) = served();
    kept.rename("second");
    let mut states = client.watch();
    assert_eq!(states.next().await.unwrap().unwrap().cluster, "second");
    for name in ["third", "fourth"] {
        let seq = kept.rename(name);
        let state = states.next().await.unwrap().unwrap();
        assert_eq!((state.cluster.as_str(), state.seq), (name, seq));
    }
}

#[tokio::test]
async fn a_watch_from_a_known_state_skips_it_and_sends_a_newer_one_at_once() {
    let (folder, kept, client) = served();
    let mut missed = client.watch_from(Some(0));
    assert_eq!(missed.next().await.unwrap().unwrap().seq, 1);

    // The head says that the watch has begun; only then is there anything new.
    let mut known = UnixStream::connect(folder.path().join("control.sock")).await.unwrap();
    known.write_all(b"GET /v1/watch HTTP/1.1\r\nhost: x\r\nlast-event-id: 1\r\n\r\n").await.unwrap();
    let mut seen = String::new();
    for part in ["\r\n\r\n", "data:"] {
        while !seen.contains(part) {
            let mut buffer = [0; 4096];
            let length = known.read(&mut buffer).await.unwrap();
            seen.push_str(std::str::from_utf8(&buffer[..length]).unwrap());
        }
        kept.rename("second");
    }
    assert!(seen.contains("id: 2") && !seen.contains("id: 1"), "{seen}");
}

#[tokio::test]
async fn a_state_larger_than_any_buffer_arrives_whole() {
    let (_folder, kept, client) = served();
    let name = "x\n\n\"".repeat(300_000);
    kept.rename(&name);
    assert_eq!(client.state().await.unwrap().cluster, name);
    assert_eq!(client.watch().next().await.unwrap().unwrap().cluster, name);
}

#[tokio::test]
async fn a_command_acts_and_the_kernel_says_who_gave_it() {
    let (_folder, kept, client) = served();
    let mut command = order("rename", "db", "second");
    command.by = "mallory/tui".into();
    let accepted = client.command(&command).await.unwrap();
    assert_eq!(accepted, Accepted { seq: 2, until: vec!["STOP".into()] });
    assert_eq!(kept.state().cluster, "second");
    let me = nix::unistd::User::from_uid(nix::unistd::geteuid()).unwrap().unwrap().name;
    assert_eq!(kept.log(None, 9)[0].text, format!("renamed by {me}/tui"));
}

#[tokio::test]
async fn a_refusal_arrives_whole_with_a_fitting_status() {
    let (folder, _kept, client) = served();
    let error = client.command(&order("swap", "db", "")).await.unwrap_err();
    let ClientError::Problem(refusal) = error else { panic!("{error}") };
    assert_eq!(*refusal, problem(Exit::Unsafe));

    let socket = folder.path().join("control.sock");
    let send = |body: &str| {
        let head = "POST /v1/command HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length";
        format!("{head}: {}\r\n\r\n{body}", body.len())
    };
    let swap = serde_json::to_string(&order("swap", "db", "")).unwrap();
    assert!(raw(&socket, &send(&swap)).await.starts_with("HTTP/1.1 409 "));
    let garbage = raw(&socket, &send("garbage")).await;
    assert!(garbage.starts_with("HTTP/1.1 400 ") && garbage.contains("E0404"), "{garbage}");
    let elsewhere = raw(&socket, "GET /v9 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    assert!(elsewhere.starts_with("HTTP/1.1 404 ") && elsewhere.contains("E0405"), "{elsewhere}");
}

#[tokio::test]
async fn the_log_is_of_one_module_newer_than_a_record_and_bounded() {
    let (_folder, _kept, client) = served();
    for (module, name) in [("db", "2"), ("w&eb", "3"), ("db", "4"), ("db", "5")] {
        client.command(&order("rename", module, name)).await.unwrap();
    }
    let numbers = async |module, since, lines| -> Vec<u64> {
        client.log(module, since, lines).await.unwrap().iter().map(|record| record.seq).collect()
    };
    assert_eq!(numbers(None, 0, 9).await, [2, 3, 4, 5]);
    assert_eq!(numbers(Some("db"), 0, 9).await, [2, 4, 5]);
    assert_eq!(numbers(Some("w&eb"), 0, 9).await, [3]);
    assert_eq!(numbers(None, 3, 9).await, [4, 5]);
    assert_eq!(numbers(None, 0, 2).await, [4, 5]);
}

#[tokio::test]
async fn the_socket_is_its_owners_alone_and_only_a_dead_one_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("control.sock");
    let first = bind(&socket).unwrap();
    assert_eq!(fs::metadata(&socket).unwrap().permissions().mode() & 0o7777, 0o600);

    let second = bind(&socket).unwrap_err();
    assert_eq!(second.kind(), io::ErrorKind::AddrInUse);
    assert!(second.to_string().contains("a second agent"), "{second}");

    drop(first);
    assert!(socket.exists(), "a dead agent leaves its socket behind");
    let _second = bind(&socket).unwrap();
    UnixStream::connect(&socket).await.unwrap();
}

#[tokio::test]
async fn without_an_agent_nothing_was_sent() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("control.sock");
    let client = Client::new(&socket);
    let absent = client.state().await.unwrap_err();
    assert!(matches!(absent, ClientError::NoAgent { .. }), "{absent}");

    drop(bind(&socket).unwrap());
    let dead = client.command(&order("rename", "db", "x")).await.unwrap_err();
    assert!(matches!(dead, ClientError::NoAgent { .. }) && !dead.outcome_unknown(), "{dead}");
    let dead = client.watch().next().await.unwrap().unwrap_err();
    assert!(matches!(dead, ClientError::NoAgent { .. }), "{dead}");
}

/// An agent that takes each connection, says `greeting` once asked, and then nothing or the end.
fn half_dead(folder: &Path, greeting: &'static str, hangs: bool) -> Client {
    let socket = folder.join("control.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 1024];
            _ = stream.read(&mut request).await;
            _ = stream.write_all(greeting.as_bytes()).await;
            if hangs {
                held.push(stream);
            }
        }
    });
    Client::new(socket)
}

#[tokio::test(start_paused = true)]
async fn a_hung_agent_leaves_the_outcome_unknown() {
    let folder = tempfile::tempdir().unwrap();
    let client = half_dead(folder.path(), "", true);
    let error = client.command(&order("rename", "db", "x")).await.unwrap_err();
    assert!(matches!(error, ClientError::Timeout { .. }) && error.outcome_unknown(), "{error}");
}

#[tokio::test]
async fn an_agent_that_dies_after_the_request_leaves_the_outcome_unknown() {
    let folder = tempfile::tempdir().unwrap();
    let client = half_dead(folder.path(), "", false);
    let error = client.command(&order("rename", "db", "x")).await.unwrap_err();
    assert!(matches!(error, ClientError::Lost(_)) && error.outcome_unknown(), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_stream_without_a_pulse_is_an_error_and_then_ends() {
    let folder = tempfile::tempdir().unwrap();
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    let client = half_dead(folder.path(), head, true);
    let mut states = client.watch();
    let error = states.next().await.unwrap().unwrap_err();
    assert!(matches!(error, ClientError::Timeout { .. }), "{error}");
    assert!(states.next().await.is_none());
}

#[tokio::test]
async fn an_answer_in_another_form_is_garbled() {
    let folder = tempfile::tempdir().unwrap();
    let client = half_dead(folder.path(), "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}", false);
    let error = client.state().await.unwrap_err();
    assert!(matches!(error, ClientError::Garbled(_)), "{error}");
}
