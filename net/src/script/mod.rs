//! Module scripts: started without a shell, bounded in time, logged one file per run.
//!
//! What a start script leaves running in the background is the application: it stays. [`Runner::kill_all`]
//! finds it again, by the control group that it was born in and by a mark in its environment.

use std::{
    fs, io,
    os::{
        fd::AsRawFd,
        unix::{fs::PermissionsExt, process::CommandExt},
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

mod cgroup;
mod environment;
mod log;
mod running;
mod sweep;
#[cfg(test)]
mod tests;

pub use environment::environment;
pub use running::{Cancel, Running};

use cgroup::Cgroup;

/// The name of the mark in the environment of everything that a module's scripts start.
const MARK: &str = "SAFETUI_MODULE_RUN";

/// How a script ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Exit code 0, or there is no such script.
    Ok,
    /// Another exit code.
    Failed(i32),
    /// A signal that we did not send.
    Killed(i32),
    /// It ran longer than its bound and was killed.
    TimedOut,
    /// [`Cancel::cancel`] was called and it was killed.
    Cancelled,
}

/// A run that is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// How it ended.
    pub outcome: Outcome,
    /// Its output; `None` if nothing was run.
    pub log: Option<PathBuf>,
}

/// Why a script could not be run.
#[derive(Debug, thiserror::Error)]
pub enum ScriptError {
    /// It is there, and the kernel does not start it.
    #[error("cannot start {}: {source}{}", path.display(), start_hint(source))]
    Start {
        /// The script.
        path: PathBuf,
        /// What the kernel answered.
        source: io::Error,
    },
    /// Something around it failed.
    #[error("cannot {what} {}: {source}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// What the kernel answered.
        source: io::Error,
    },
    /// It is started, and cannot be followed.
    #[error("cannot follow the running script {script}: {source}")]
    Follow {
        /// The script.
        script: String,
        /// What the kernel answered.
        source: io::Error,
    },
}

fn start_hint(error: &io::Error) -> &'static str {
    match error.raw_os_error() {
        Some(libc::EACCES) => " (make it executable: chmod +x)",
        Some(libc::ENOEXEC) => " (its first line must name an interpreter, as `#!/bin/sh`)",
        Some(libc::ENOENT) => " (the interpreter in its first line does not exist)",
        _ => "",
    }
}

/// Runs the scripts of one module on this node.
#[derive(Debug)]
pub struct Runner {
    bin: PathBuf,
    log: PathBuf,
    environment: Vec<(String, String)>,
    mark: String,
    cgroup: Option<Cgroup>,
}

impl Runner {
    /// `bin` holds the scripts, `log` receives their output, `state` keeps the identity by which what they
    /// started is found again by a later agent, `environment` is added to the agent's own.
    pub fn new(
        module: &str,
        bin: &Path,
        log: &Path,
        state: &Path,
        environment: Vec<(String, String)>,
    ) -> Result<Self, ScriptError> {
        let identity = environment::identity(state)?;
        let mark = format!("{module}/{identity}");
        let cgroup = Cgroup::of_module(module, &identity);
        Ok(Self { bin: bin.into(), log: log.into(), environment, mark, cgroup })
    }

    /// Whether everything that the scripts start is kept in a control group, out of which no process gets by
    /// changing its environment.
    pub fn has_cgroup(&self) -> bool {
        self.cgroup.is_some()
    }

    /// Runs a script to its end and returns how it ended. `cancel`, called from another thread, kills it at
    /// once. What it left in the background goes on.
    pub fn run(
        &self,
        script: &str,
        arguments: &[&str],
        bound: Duration,
        cancel: &Cancel,
    ) -> Result<Run, ScriptError> {
        if cancel.is_cancelled() {
            return Ok(Run { outcome: Outcome::Cancelled, log: None });
        }
        let Some(mut running) = self.start(script, arguments, bound)? else {
            return Ok(Run { outcome: Outcome::Ok, log: None });
        };
        let outcome = running.wait(cancel)?;
        Ok(Run { outcome, log: Some(running.log().into()) })
    }

    /// Starts a script in a process group of its own; `None` if there is no such script.
    pub fn start(
        &self,
        script: &str,
        arguments: &[&str],
        bound: Duration,
    ) -> Result<Option<Running>, ScriptError> {
        let path = self.bin.join(script);
        match fs::metadata(&path) {
            Ok(found) if found.is_file() && found.permissions().mode() & 0o111 == 0 => {
                return Err(ScriptError::Start { path, source: io::Error::from_raw_os_error(libc::EACCES) });
            }
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(ScriptError::Io { what: "look for", path, source }),
        }
        let (log, output) = log::create(&self.log, script)?;
        let errors = output.try_clone().map_err(|source| ScriptError::Io {
            what: "share",
            path: log.clone(),
            source,
        })?;
        let mut command = Command::new(&path);
        command.args(arguments).stdin(Stdio::null()).stdout(output).stderr(errors);
        command.envs(self.environment.iter().cloned()).env(MARK, &self.mark);
        command.process_group(0);
        let entrance = self.cgroup.as_ref().and_then(Cgroup::entrance);
        if let Some(entrance) = &entrance {
            enter(&mut command, entrance.as_raw_fd());
        }
        let child = command.spawn().map_err(|source| ScriptError::Start { path, source })?;
        Running::new(child, script, log, Instant::now() + bound).map(Some)
    }

    /// Kills whatever the scripts of this module have started and left behind, in this or an earlier life of
    /// the agent, until nothing of it is left or `bound` is over. Returns the processes that survive.
    pub fn kill_all(&self, bound: Duration) -> Vec<i32> {
        sweep::sweep(&self.mark, self.cgroup.as_ref(), Instant::now() + bound)
    }

    /// The processes that the scripts of this module have started and left behind.
    pub fn left_behind(&self) -> Vec<i32> {
        sweep::find(&self.mark, self.cgroup.as_ref())
    }
}

#[expect(unsafe_code, reason = "a process must be in its control group before it can fork")]
fn enter(command: &mut Command, entrance: i32) {
    let join = move || {
        // SAFETY: `entrance` outlives the spawn (the caller holds it), the buffer is one live byte, and
        // write(2) is async-signal-safe. If it fails, the mark in the environment still identifies the process.
        unsafe { libc::write(entrance, b"0".as_ptr().cast(), 1) };
        Ok(())
    };
    // SAFETY: between fork and exec the closure calls only write(2), and allocates nothing.
    unsafe { command.pre_exec(join) };
}
