//! A script that runs: waiting for it with a bound, and from another thread, ending it.

use std::{
    io,
    os::{
        fd::{AsFd, AsRawFd, FromRawFd, OwnedFd},
        unix::process::ExitStatusExt,
    },
    path::{Path, PathBuf},
    process::{Child, ExitStatus},
    sync::Arc,
    time::{Duration, Instant},
};

use nix::{
    errno::Errno,
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::{
        eventfd::{EfdFlags, EventFd},
        signal::{Signal, killpg},
    },
    unistd::Pid,
};

use super::{Outcome, ScriptError};

/// How long a process may take to die of SIGKILL before it is given up.
const DEATH_WITHIN: Duration = Duration::from_secs(5);

/// Ends a run from another thread. Once cancelled, it stays so: runs that start with it end at once.
#[derive(Clone, Debug)]
pub struct Cancel {
    event: Arc<EventFd>,
}

impl Cancel {
    /// Not cancelled.
    pub fn new() -> Self {
        let event = EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)
            .expect("the kernel has an event and a descriptor left");
        Self { event: Arc::new(event) }
    }

    /// Kills the running script at once.
    pub fn cancel(&self) {
        // The one possible failure is a counter that cannot count further: it is not zero then.
        let _ = self.event.write(1);
    }

    /// Whether it was cancelled.
    pub fn is_cancelled(&self) -> bool {
        let mut fds = [PollFd::new(self.event.as_fd(), PollFlags::POLLIN)];
        poll(&mut fds, PollTimeout::ZERO).is_ok_and(|ready| ready > 0)
    }
}

impl Default for Cancel {
    fn default() -> Self {
        Self::new()
    }
}

/// A script that was started. Dropping it leaves the script to itself.
#[derive(Debug)]
pub struct Running {
    child: Child,
    /// Becomes readable when the process ends.
    ended: OwnedFd,
    script: String,
    log: PathBuf,
    pub(super) deadline: Instant,
}

impl Running {
    pub(super) fn new(
        mut child: Child,
        script: &str,
        log: PathBuf,
        deadline: Instant,
    ) -> Result<Self, ScriptError> {
        let script = script.to_string();
        match open_process(child.id()) {
            Ok(ended) => Ok(Self { child, ended, script, log, deadline }),
            Err(source) => {
                // A script that cannot be followed must not run on unseen.
                let _ = killpg(group(&child), Signal::SIGKILL);
                let _ = child.wait();
                Err(ScriptError::Follow { script, source })
            }
        }
    }

    /// The file that receives its output.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Its process id, and that of its process group.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// How it ended, if it has; kills it if its time is over. Does not wait.
    pub fn try_wait(&mut self) -> Result<Option<Outcome>, ScriptError> {
        if let Some(status) = self.child.try_wait().map_err(|source| self.lost(source))? {
            return Ok(Some(outcome(status)));
        }
        if Instant::now() < self.deadline {
            return Ok(None);
        }
        self.kill()?;
        Ok(Some(Outcome::TimedOut))
    }

    /// Waits until it ends, its time is over or `cancel` is called.
    pub fn wait(&mut self, cancel: &Cancel) -> Result<Outcome, ScriptError> {
        loop {
            if let Some(outcome) = self.try_wait()? {
                return Ok(outcome);
            }
            if cancel.is_cancelled() {
                self.kill()?;
                return Ok(Outcome::Cancelled);
            }
            let left = self.deadline.saturating_duration_since(Instant::now());
            self.await_end(left, Some(cancel)).map_err(|source| self.lost(source))?;
        }
    }

    /// Kills it and its process group, and waits for its death. A background process that has left the
    /// group goes on.
    pub fn kill(&mut self) -> Result<(), ScriptError> {
        // The group's number cannot belong to another one yet: the script's end was not collected.
        let _ = killpg(group(&self.child), Signal::SIGKILL);
        self.await_end(DEATH_WITHIN, None).map_err(|source| self.lost(source))?;
        self.child.try_wait().map_err(|source| self.lost(source))?;
        Ok(())
    }

    fn await_end(&self, at_most: Duration, cancel: Option<&Cancel>) -> io::Result<()> {
        // Whole milliseconds, rounded up: a wait of zero would spin until the deadline.
        let timeout = at_most.saturating_add(Duration::from_millis(1));
        let timeout = PollTimeout::try_from(timeout).unwrap_or(PollTimeout::MAX);
        let mut fds = vec![PollFd::new(self.ended.as_fd(), PollFlags::POLLIN)];
        fds.extend(cancel.map(|cancel| PollFd::new(cancel.event.as_fd(), PollFlags::POLLIN)));
        match poll(&mut fds, timeout) {
            Ok(_) | Err(Errno::EINTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn lost(&self, source: io::Error) -> ScriptError {
        ScriptError::Follow { script: self.script.clone(), source }
    }
}

fn group(child: &Child) -> Pid {
    Pid::from_raw(child.id().cast_signed())
}

fn outcome(status: ExitStatus) -> Outcome {
    match (status.code(), status.signal()) {
        (Some(0), _) => Outcome::Ok,
        (Some(code), _) => Outcome::Failed(code),
        (None, signal) => Outcome::Killed(signal.unwrap_or_default()),
    }
}

/// A descriptor that means this process for ever, whoever gets its number later.
#[expect(unsafe_code, reason = "neither std nor nix open process descriptors")]
pub(super) fn open_process(pid: u32) -> io::Result<OwnedFd> {
    // SAFETY: pidfd_open takes two integers and touches no memory.
    let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
    Errno::result(fd)?;
    // SAFETY: the kernel has just given us this descriptor, and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as i32) })
}

/// Kills the process that a descriptor means.
#[expect(unsafe_code, reason = "neither std nor nix signal process descriptors")]
pub(super) fn kill_process(process: &OwnedFd) {
    let no_info = std::ptr::null::<libc::siginfo_t>();
    // SAFETY: the descriptor is open, and a null pointer asks for the information that kill(2) would send. A
    // failure means that the process is gone, or may not be signalled, which the next look shows.
    unsafe { libc::syscall(libc::SYS_pidfd_send_signal, process.as_raw_fd(), libc::SIGKILL, no_info, 0) };
}
