//! The agent as a child process.

use std::{
    env, io,
    os::unix::{net::UnixStream, process::CommandExt},
    process::{Command, Stdio},
};

use nix::{
    errno::Errno,
    sys::{
        signal::{Signal, kill},
        wait::{WaitPidFlag, WaitStatus, waitpid},
    },
    unistd::Pid,
};
use safetui_core::Boot;

/// The hidden verb by which this program becomes the agent.
pub(super) const VERB: &str = "agent-child";

/// A running agent, or one that was not yet seen to end.
pub(super) struct Child {
    pid: Pid,
    pub(super) socket: UnixStream,
}

impl Child {
    pub(super) fn start(boot: Boot) -> io::Result<Self> {
        let (socket, theirs) = UnixStream::pair()?;
        socket.set_nonblocking(true)?;
        // A process group of its own: an interrupt from the keyboard is for the guard.
        let child = Command::new("/proc/self/exe")
            .arg0(env::current_exe().unwrap_or_default())
            .args([VERB, &boot.0.to_string()])
            .stdin(Stdio::from(std::os::fd::OwnedFd::from(theirs)))
            .process_group(0)
            .spawn()?;
        Ok(Self { pid: Pid::from_raw(child.id() as i32), socket })
    }

    pub(super) fn kill(&self) {
        // Not yet waited for, so the number is still this child's.
        _ = kill(self.pid, Signal::SIGKILL);
    }

    /// Has the kernel nothing left of it?
    pub(super) fn is_gone(&self) -> bool {
        match waitpid(self.pid, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::Exited(..) | WaitStatus::Signaled(..)) | Err(Errno::ECHILD) => true,
            Ok(_) | Err(_) => false,
        }
    }
}
