//! A node: a host with the product on it, used as an operator uses it.

use std::{
    ffi::OsStr,
    fmt,
    ops::Deref,
    path::{Path, PathBuf},
    process::{Child, Output, Stdio},
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread,
    time::Duration,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;

use super::{
    LOOK, Programs,
    config::{MODULE, PORT, VIP},
};
use crate::{Error, Host, Result, wait};

/// No command of the product may take longer; it has a limit of its own, which is shorter.
const HANGS: Duration = Duration::from_secs(180);

/// What a node reports of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// STOP, WAIT, ALONE, PRIM, SECOND.
    pub role: String,
    /// NotReady, Transient, Ready.
    pub readiness: String,
}

impl Seen {
    /// Is this `state`: a role alone (then ready, or stopped), or a role and a readiness?
    pub fn is(&self, state: &str) -> bool {
        let wanted = match state.split_once(' ') {
            Some((role, readiness)) => (role, readiness),
            None if state == "STOP" || state == "WAIT" => (state, self.readiness.as_str()),
            None => (state, "Ready"),
        };
        self.role.eq_ignore_ascii_case(wanted.0) && self.readiness.eq_ignore_ascii_case(wanted.1)
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.role, self.readiness)
    }
}

/// How a command ended, and what it said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// `None` when a signal ended it.
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

pub struct Node {
    host: Host,
    programs: Arc<Programs>,
    agent: Mutex<Option<Child>>,
    log: PathBuf,
}

impl Deref for Node {
    type Target = Host;

    fn deref(&self) -> &Host {
        &self.host
    }
}

impl Node {
    pub(super) fn new(host: Host, programs: Arc<Programs>, logs: &Path) -> Self {
        let log = logs.join(format!("{}.log", host.name()));
        Self { host, programs, agent: Mutex::default(), log }
    }

    /// Starts the agent, unless it runs.
    pub fn start_agent(&self) -> Result<()> {
        let mut agent = self.agent.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(child) = agent.as_mut()
            && matches!(child.try_wait(), Ok(None))
        {
            return Ok(());
        }
        let mut command = self.programs.product(&self.host)?;
        *agent = Some(self.host.daemon(command.arg("agent"), &self.log)?);
        Ok(())
    }

    /// Switches the power on and starts the agent, if either is off.
    pub fn boot(&self) -> Result<()> {
        self.host.power_on()?;
        self.start_agent()
    }

    pub(super) fn wait_for_agent(&self, limit: Duration) -> Result<()> {
        wait::until(format!("the agent of {}", self.name()), limit, LOOK, || {
            self.state().map(drop).map_err(|error| format!("{error}; its last words: {}", self.last_words()))
        })
    }

    /// What the agent said on its standard output and error.
    pub fn agent_log(&self) -> String {
        std::fs::read(&self.log)
            .map_or_else(|_| String::new(), |text| String::from_utf8_lossy(&text).into_owned())
    }

    pub(super) fn last_words(&self) -> String {
        let log = self.agent_log();
        let lines: Vec<_> = log.lines().rev().take(5).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join(" | ")
    }

    /// Runs the product's command line on the node to its end; an exit code other than 0 is an error.
    pub fn safetui<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Result<String> {
        let (line, output) = self.run_product(args)?;
        Error::check(&line, &output)
    }

    /// The same for a command that may fail: how it ended and what it said.
    pub fn ask<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Result<Said> {
        let (_, output) = self.run_product(args)?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok(Said { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) })
    }

    /// Orders a verb for the module, confirmed, and waits until it is done.
    pub fn order(&self, verb: &str) -> Result<String> {
        self.safetui([verb, "-m", MODULE, "--confirm", MODULE])
    }

    fn run_product<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Result<(String, Output)> {
        let mut command = self.programs.product(&self.host)?;
        command.args(args).stdout(Stdio::piped()).stderr(Stdio::piped());
        let words: Vec<_> = command.get_args().map(OsStr::to_string_lossy).collect();
        let line = format!("{}: safetui {}", self.name(), words.join(" "));
        let child = command.spawn().map_err(Error::os(format!("start {line}")))?;
        let pid = Pid::from_raw(child.id() as i32);
        let (send, receive) = mpsc::channel();
        thread::spawn(move || send.send(child.wait_with_output()));
        if let Ok(output) = receive.recv_timeout(HANGS) {
            let output = output.map_err(Error::os(format!("wait for {line}")))?;
            return Ok((line, output));
        }
        let _ = kill(pid, Signal::SIGKILL);
        Err(Error::Late { what: line, seconds: HANGS.as_secs_f64(), last: "it was killed".into() })
    }

    /// `safetui state -o json`.
    pub fn state(&self) -> Result<Value> {
        let text = self.safetui(["state", "-o", "json"])?;
        serde_json::from_str(&text).map_err(Error::os(format!("read the state of {}", self.name())))
    }

    /// The module in the node's own `state -o json`; `null` when there is none.
    pub fn module(&self) -> Result<Value> {
        let state = self.state()?;
        Ok(named(&state["modules"], "name", MODULE).unwrap_or_default())
    }

    /// The node's own instance in [`Self::module`]; `null` when there is none.
    pub fn instance(&self) -> Result<Value> {
        Ok(named(&self.module()?["instances"], "node", self.name()).unwrap_or_default())
    }

    /// The node's own instance of the module, as it reports it.
    pub fn seen(&self) -> Result<Seen> {
        let state = self.state()?;
        own_instance(&state, self.name()).ok_or_else(|| {
            Error::setup(format!("{} reports no module {MODULE}: {state}", self.name()), "configure it first")
        })
    }

    /// Process of the agent. Its parent, the guard, is the process that was started.
    pub fn agent_pid(&self) -> Result<Pid> {
        self.agent_and_guard().map(|[agent, _]| agent)
    }

    pub fn guard_pid(&self) -> Result<Pid> {
        self.agent_and_guard().map(|[_, guard]| guard)
    }

    fn agent_and_guard(&self) -> Result<[Pid; 2]> {
        // The application may be the same program under another verb.
        let name = format!("{} agent", self.programs.safetui.display());
        let all = self.host.processes()?;
        let ours: Vec<_> = all.iter().filter(|process| process.command.starts_with(&name)).collect();
        let child = ours.iter().find(|process| ours.iter().any(|parent| parent.pid == process.parent));
        child.map(|process| [process.pid, process.parent]).ok_or_else(|| {
            Error::setup(format!("no agent runs on {}: {all:?}", self.name()), "start it with start_agent()")
        })
    }

    /// Process of the application, when it runs.
    pub fn service_pid(&self) -> Option<Pid> {
        let service = format!(" {VIP}:{PORT} ");
        let all = self.host.processes().ok()?;
        all.into_iter().find(|process| process.command.contains(&service)).map(|process| process.pid)
    }

    /// The orderly shutdown of the machine, as far as the product sees it: SIGTERM, and time to end.
    pub fn shut_down(&self, limit: Duration) -> Result<()> {
        let mut agent = self.agent.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(mut child) = agent.take() else { return Ok(()) };
        let pid = Pid::from_raw(child.id() as i32);
        kill(pid, Signal::SIGTERM)
            .map_err(Error::os(format!("send SIGTERM to the guard of {}", self.name())))?;
        let status = wait::until(format!("the agent of {} to end", self.name()), limit, LOOK, || {
            child.try_wait().map_err(|error| error.to_string())?.ok_or_else(|| "it runs".to_owned())
        })?;
        if status.success() {
            return Ok(());
        }
        Err(Error::Tool {
            command: "safetui agent".into(),
            status: status.to_string(),
            stderr: self.last_words(),
        })
    }

    /// The module's log, with what was said before the newest boot; readable while the power is off.
    pub fn log(&self) -> String {
        let file = self.on_disk(format!("/var/log/safetui/{MODULE}/module.log"));
        std::fs::read(file).map_or_else(|_| String::new(), |text| String::from_utf8_lossy(&text).into_owned())
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.host.power_cut();
        if let Some(mut child) = self.agent.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let _ = child.wait();
        }
    }
}

fn named(list: &Value, key: &str, name: &str) -> Option<Value> {
    list.as_array()?.iter().find(|item| item[key] == name).cloned()
}

fn own_instance(state: &Value, node: &str) -> Option<Seen> {
    let module = named(&state["modules"], "name", MODULE)?;
    let instance = named(&module["instances"], "node", node)?;
    let text = |key: &str| instance[key].as_str().map(ToOwned::to_owned);
    Some(Seen { role: text("role")?, readiness: text("readiness")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state() -> Value {
        serde_json::json!({ "modules": [ { "name": "other", "instances": [] }, { "name": "demo", "instances": [
            { "node": "n1", "role": "PRIM", "readiness": "Ready" },
            { "node": "n2", "role": "SECOND", "readiness": "Transient" } ] } ] })
    }

    #[test]
    fn a_node_is_believed_about_itself() {
        let seen = own_instance(&state(), "n2").unwrap();
        assert_eq!(seen.to_string(), "SECOND Transient");
        assert!(!seen.is("SECOND"));
        assert!(seen.is("SECOND Transient"));
        assert_eq!(own_instance(&state(), "n3"), None);
    }

    #[test]
    fn stopped_and_waiting_need_no_readiness() {
        let seen = |role: &str, readiness: &str| Seen { role: role.into(), readiness: readiness.into() };
        assert!(seen("STOP", "NotReady").is("STOP"));
        assert!(seen("WAIT", "NotReady").is("WAIT"));
        assert!(seen("PRIM", "READY").is("PRIM"));
        assert!(!seen("PRIM", "Transient").is("PRIM"));
    }
}
