//! A running machine: the init of a set of namespaces, and the only thing that keeps them alive.

use std::{
    ffi::{CString, OsString},
    fs::File,
    io::Read,
    os::fd::{AsFd, OwnedFd},
    sync::Arc,
};

use nix::{
    errno::Errno,
    fcntl::OFlag,
    mount::MsFlags,
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::{
        signal::{Signal, kill},
        wait::waitpid,
    },
    unistd::{Pid, pipe2},
};

use crate::{Error, Result, sys};

/// What the init of a machine does before the machine is ready, in order. Prepared completely before the fork,
/// because the forked init must not allocate.
#[derive(Default)]
pub(crate) struct Plan {
    pub(crate) steps: Vec<Step>,
}

pub(crate) enum Step {
    Hostname(OsString),
    /// No mount made here may appear outside.
    Private,
    Mkdir(CString),
    Mount {
        source: CString,
        target: CString,
        kind: Option<CString>,
        flags: MsFlags,
        data: Option<CString>,
    },
}

impl Step {
    fn describe(&self) -> String {
        match self {
            Self::Hostname(name) => format!("set the host name {}", name.display()),
            Self::Private => "make all mounts private".into(),
            Self::Mkdir(path) => format!("create {}", path.to_string_lossy()),
            Self::Mount { source, target, .. } => {
                format!("mount {} on {}", source.to_string_lossy(), target.to_string_lossy())
            }
        }
    }
}

pub(crate) struct Machine {
    pid: Pid,
    pidfd: Arc<OwnedFd>,
    /// The init ends when the last writer of this pipe is gone: with this process, however it ends.
    _lifeline: OwnedFd,
}

impl Machine {
    pub(crate) fn boot(name: &str, plan: &Plan) -> Result<Self> {
        let pipe = || pipe2(OFlag::O_CLOEXEC).map_err(Error::os("create a pipe"));
        let ((lifeline, hold), (report, ready)) = (pipe()?, pipe()?);
        let pid = sys::boot(plan, &lifeline, &ready).map_err(|errno| match errno {
            Errno::EPERM => Error::setup(
                format!("this user may not create the namespaces of host {name}"),
                "run as root, or call become_root_in_userns() first (`unshare -Urnm` does the same for a test)",
            ),
            other => Error::os(format!("create the namespaces of host {name}"))(other),
        })?;
        drop((lifeline, ready));
        let pidfd = sys::pidfd(pid).map_err(Error::os("watch an init"))?;
        let machine = Self { pid, pidfd: Arc::new(pidfd), _lifeline: hold };
        let mut said = Vec::new();
        File::from(report).read_to_end(&mut said).map_err(Error::os("hear from an init"))?;
        match said[..] {
            [step, errno] => {
                let what = format!("host {name}: {}", plan.steps[usize::from(step)].describe());
                Err(Error::os(what)(Errno::from_raw(i32::from(errno))))
            }
            [] => {
                Err(Error::setup(format!("the init of host {name} died at once"), "look at the kernel's log"))
            }
            _ => Ok(machine),
        }
    }

    pub(crate) fn pid(&self) -> Pid {
        self.pid
    }

    pub(crate) fn init(&self) -> Arc<OwnedFd> {
        Arc::clone(&self.pidfd)
    }
}

impl Drop for Machine {
    /// Kills everything on the machine and returns when nothing of it runs any more: the kernel lets an init
    /// end only after all processes of its PID namespace.
    fn drop(&mut self) {
        let _ = kill(self.pid, Signal::SIGKILL);
        let mut ended = [PollFd::new(self.pidfd.as_fd(), PollFlags::POLLIN)];
        let limit = PollTimeout::try_from(10_000_u32).unwrap_or(PollTimeout::MAX);
        if poll(&mut ended, limit) == Ok(1) {
            let _ = waitpid(self.pid, None);
        } else {
            tracing::warn!(
                pid = self.pid.as_raw(),
                "a killed host does not end: a process in it cannot be killed"
            );
        }
    }
}
