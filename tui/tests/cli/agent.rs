//! A node to talk to: the real control API over a real socket, with a small control in memory behind it. It
//! changes its state as its script says and decides nothing; what is tried is the command line before it.

use std::{
    path::Path,
    process::{Command as Process, Output, Stdio},
    sync::{Arc, Mutex},
};

use safetui_net::api::{
    server::{Control, bind, serve},
    shape::{
        Accepted, Command, Guard, Happened, Health, Instance, Module, Node, Offer, Problem, STATE_SCHEMA,
        State, Vip, WayOut, Why,
    },
};
use tokio::{runtime::Runtime, sync::watch};

/// What a command does to the state.
pub(crate) type Script = fn(&Kept, &Command) -> Taken;

pub(crate) type Taken = Result<Accepted, Box<Problem>>;

pub(crate) struct Kept {
    state: Mutex<Arc<State>>,
    newest: watch::Sender<u64>,
    log: Mutex<Vec<Happened>>,
    script: Script,
}

impl Kept {
    /// Changes the state; its new number.
    pub(crate) fn change(&self, how: impl FnOnce(&mut State)) -> u64 {
        let mut kept = self.state.lock().unwrap();
        let mut state = State::clone(&kept);
        how(&mut state);
        state.seq += 1;
        let seq = state.seq;
        *kept = Arc::new(state);
        self.newest.send_replace(seq);
        seq
    }

    /// Gives the local instance of a module a role and readiness; the state's new number.
    pub(crate) fn turn(&self, module: &str, role: &str, readiness: &str) -> u64 {
        self.change(|state| {
            let module = state.modules.iter_mut().find(|known| known.name == module).unwrap();
            module.instances[0].role = role.into();
            module.instances[0].readiness = readiness.into();
            module.instances[0].since = Some("2026-01-01T00:00:59.000Z".into());
        })
    }

    /// Adds a record to the log and to the state.
    pub(crate) fn happen(&self, level: &str, text: &str) {
        self.change(|state| {
            let record = Happened {
                seq: state.seq + 1,
                time: state.time.clone(),
                node: state.node.clone(),
                module: Some("db".into()),
                level: level.into(),
                text: text.into(),
            };
            self.log.lock().unwrap().push(record.clone());
            state.events.push(record);
        });
    }

    pub(crate) fn now(&self) -> Arc<State> {
        self.state.lock().unwrap().clone()
    }
}

impl Control for Kept {
    fn state(&self) -> Arc<State> {
        self.now()
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.newest.subscribe()
    }

    async fn command(&self, command: Command) -> Result<Accepted, Problem> {
        let now = self.now().seq;
        if command.if_state.is_some_and(|seen| seen != now) {
            return Err(Problem {
                code: "E0302".into(),
                exit: 9,
                summary: "the state has changed".into(),
                what: format!("{} of {}", command.verb, command.module),
                why: format!("the state has number {now}"),
                now: "nothing was changed".into(),
                fix: vec!["safetui state".into()],
            });
        }
        (self.script)(self, &command).map_err(|problem| *problem)
    }

    fn log(&self, module: Option<&str>, lines: usize) -> Vec<Happened> {
        let log = self.log.lock().unwrap();
        let meant = log.iter().filter(|record| module.is_none() || record.module.as_deref() == module);
        let mut newest: Vec<Happened> = meant.rev().take(lines).cloned().collect();
        newest.reverse();
        newest
    }
}

/// A node with folders of its own, and an agent when one was started.
pub(crate) struct Home {
    pub(crate) folder: tempfile::TempDir,
    agent: Mutex<Option<Runtime>>,
}

impl Home {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), agent: Mutex::new(None) }
    }

    /// A node whose agent knows these modules, all stopped.
    pub(crate) fn with_agent(modules: &[&str], script: Script) -> (Self, Arc<Kept>) {
        let home = Self::new();
        let kept = home.start_agent(modules, script);
        (home, kept)
    }

    pub(crate) fn start_agent(&self, modules: &[&str], script: Script) -> Arc<Kept> {
        let state = state(modules);
        let kept = Arc::new(Kept {
            newest: watch::channel(state.seq).0,
            state: Mutex::new(Arc::new(state)),
            log: Mutex::default(),
            script,
        });
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let _inside = runtime.enter();
        runtime.spawn(serve(bind(&self.folder.path().join("control.sock")).unwrap(), kept.clone()));
        *self.agent.lock().unwrap() = Some(runtime);
        kept
    }

    /// Ends the agent with all its connections.
    pub(crate) fn kill_agent(&self) {
        self.agent.lock().unwrap().take().unwrap().shutdown_background();
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The built binary, with this node's folders and no terminal.
    pub(crate) fn command(&self, line: &str) -> Process {
        let mut process = Process::new(env!("CARGO_BIN_EXE_safetui"));
        process.args(line.split_whitespace()).env_clear().env("LANG", "C").stdin(Stdio::null());
        for root in ["ETC", "VAR", "RUN", "LOG"] {
            process.env(format!("SAFETUI_{root}"), self.folder.path());
        }
        process
    }

    /// Runs a command line to its end.
    pub(crate) fn run(&self, line: &str) -> Ran {
        let Output { status, stdout, stderr } = self.command(line).output().unwrap();
        let text = |bytes: Vec<u8>| {
            String::from_utf8(bytes).unwrap().replace(self.folder.path().to_str().unwrap(), "[node]")
        };
        Ran { exit: status.code().unwrap(), out: text(stdout), err: text(stderr) }
    }
}

/// How a command line ended; the node's folder reads `[node]`.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) exit: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    /// Everything, for a snapshot.
    pub(crate) fn all(&self) -> String {
        format!("exit {}\n--- out\n{}--- err\n{}", self.exit, self.out, self.err)
    }
}

/// Takes `start` to ALONE, by way of WAIT.
#[expect(clippy::unnecessary_wraps, reason = "other scripts refuse")]
pub(crate) fn starts(kept: &Kept, command: &Command) -> Taken {
    let seq = kept.turn(&command.module, "WAIT", "Transient");
    kept.turn(&command.module, "ALONE", "Ready");
    Ok(accepted(seq, "ALONE Ready"))
}

/// Takes the command and stays in WAIT, as the core explains.
#[expect(clippy::unnecessary_wraps, reason = "other scripts refuse")]
pub(crate) fn waits(kept: &Kept, command: &Command) -> Taken {
    let seq = kept.change(|state| {
        let module = state.modules.iter_mut().find(|module| module.name == command.module).unwrap();
        module.why = Some(why());
    });
    kept.turn(&command.module, "WAIT", "NotReady");
    Ok(accepted(seq, "ALONE Ready"))
}

pub(crate) fn accepted(seq: u64, until: &str) -> Accepted {
    Accepted { seq, until: vec![until.into()] }
}

fn why() -> Why {
    Why {
        headline: "data may be older than node2's".into(),
        causes: vec!["node1 stopped while node2 went on".into()],
        guards: vec![Guard {
            name: "peer heard".into(),
            holds: Some(false),
            evidence: "node2 is silent".into(),
        }],
        ways_out: vec![
            WayOut { text: "start node2".into(), command: None },
            WayOut { text: "give up node2's data".into(), command: Some("safetui prim -m db".into()) },
        ],
    }
}

fn state(modules: &[&str]) -> State {
    let node = |name: &str, me| Node {
        name: name.into(),
        me,
        addresses: vec![format!("10.0.0.{}", if me { 1 } else { 2 })],
        reachable: true,
        last_seen_ms: Some(if me { 0 } else { 80 }),
        version: me.then(|| "0.1.0".into()),
    };
    State {
        schema: STATE_SCHEMA.into(),
        seq: 41,
        time: "2026-01-01T00:01:00.000Z".into(),
        cluster: "prod".into(),
        node: "node1".into(),
        health: Health::Ok,
        nodes: vec![node("node1", true), node("node2", false)],
        witness: None,
        networks: vec![],
        modules: modules.iter().map(|name| module(name)).collect(),
        events: vec![],
        warnings: vec![],
    }
}

fn module(name: &str) -> Module {
    let instance = |node: &str| Instance {
        node: node.into(),
        role: "STOP".into(),
        readiness: "NotReady".into(),
        since: Some("2026-01-01T00:00:00.000Z".into()),
        age_ms: 0,
        rule: None,
        resources: [("rfs.uptodate".to_string(), "UP".to_string())].into(),
        mark: Some("Exclusive".into()),
        term: Some(3),
        generation: Some("9f".into()),
    };
    let offer = |verb: &str, severity: &str| Offer {
        verb: verb.into(),
        node: "node1".into(),
        severity: severity.into(),
        refused: None,
        steps: vec![format!("{verb} the application")],
        confirm: (severity != "safe" && severity != "mild").then(|| name.to_string()),
    };
    let mut actions = vec![
        offer("start", "safe"),
        offer("restart", "mild"),
        offer("stop", "moderate"),
        offer("swap", "safe"),
    ];
    actions[3].refused = Some("node2 is not SECOND Ready".into());
    Module {
        name: name.into(),
        kind: "MIRROR".into(),
        timeout_ms: 1000,
        guard_ms: 500,
        instances: vec![instance("node1"), instance("node2")],
        vips: vec![Vip {
            address: "10.0.0.50".into(),
            interface: None,
            holder: Some("node1".into()),
            lease_ms: None,
        }],
        replication: None,
        why: None,
        if_node_lost: vec![],
        actions,
        timeline: vec![],
    }
}
