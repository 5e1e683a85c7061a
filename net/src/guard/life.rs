//! One life of the agent, watched from its start to its end.

use std::{
    io::{self, Read, Write},
    os::fd::AsFd,
    time::{Duration, Instant},
};

use nix::{
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::{
        signal::{SigSet, Signal},
        signalfd::{SfdFlags, SignalFd},
    },
};
use safetui_core::Boot;

use super::{child::Child, estate::Estate, wait};
use crate::agent::{ALIVE, RELOAD, STOP};

/// An agent that starts reads files and runs `nft` before its first sign.
const START: Duration = Duration::from_secs(30);
/// How long a killed process may take to be gone before its addresses are taken from under it.
const DEATH: Duration = Duration::from_secs(2);
/// How long modules may take to stop in good order.
const STOPPING: Duration = Duration::from_secs(90);

/// How a life ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// As the guard was asked.
    Asked,
    /// Before the first sign of life.
    Never,
    Died,
}

/// The signals that concern the guard.
pub(super) struct Signals(SignalFd);

impl Signals {
    /// From now on they are read, and interrupt nothing.
    pub(super) fn block() -> nix::Result<Self> {
        let mut set = SigSet::empty();
        for signal in [Signal::SIGCHLD, Signal::SIGTERM, Signal::SIGINT] {
            set.add(signal);
        }
        set.thread_block()?;
        SignalFd::with_flags(&set, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK).map(Self)
    }

    /// Reads what has come: was the guard asked to end?
    fn asked(&self) -> bool {
        let mut asked = false;
        while let Ok(Some(signal)) = self.0.read_signal() {
            asked |= signal.ssi_signo != Signal::SIGCHLD as u32;
        }
        asked
    }

    /// Waits, but not on after having been asked to end.
    pub(super) fn asked_within(&self, span: Duration) -> bool {
        let until = Instant::now() + span;
        loop {
            if self.asked() {
                return true;
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            _ = poll(&mut [PollFd::new(self.0.as_fd(), PollFlags::POLLIN)], millis(left));
        }
    }
}

pub(super) struct Life {
    child: Child,
    signs: bool,
    deadline: Instant,
    asked: Option<Instant>,
}

impl Life {
    pub(super) fn begin(boot: Boot) -> io::Result<Self> {
        Ok(Self { child: Child::start(boot)?, signs: false, deadline: Instant::now() + START, asked: None })
    }

    /// Returns when the agent is gone.
    pub(super) fn watch(mut self, signals: &Signals, estate: &mut Estate) -> End {
        loop {
            if self.child.is_gone() {
                return self.end();
            }
            if Instant::now() >= self.deadline {
                self.bury(estate);
                return self.end();
            }
            self.sleep(signals);
            self.listen(estate);
            if signals.asked() {
                self.ask();
            }
        }
    }

    fn end(&self) -> End {
        match (self.asked, self.signs) {
            (Some(_), _) => End::Asked,
            (None, false) => End::Never,
            (None, true) => End::Died,
        }
    }

    fn sleep(&self, signals: &Signals) {
        let left = self.deadline.saturating_duration_since(Instant::now());
        let mut fds =
            [&signals.0.as_fd(), &self.child.socket.as_fd()].map(|fd| PollFd::new(*fd, PollFlags::POLLIN));
        _ = poll(&mut fds, millis(left));
    }

    /// Each sign of life moves the deadline, until the modules are to stop.
    fn listen(&mut self, estate: &mut Estate) {
        let mut buffer = [0; 256];
        let read = self.child.socket.read(&mut buffer).unwrap_or(0);
        if read == 0 {
            // Its end of the socket is closed: it ends, and a signal will say so.
            wait(Duration::from_millis(1));
            return;
        }
        if buffer[..read].contains(&RELOAD) {
            estate.reload();
        }
        if buffer[..read].contains(&ALIVE) {
            self.signs = true;
            let patience = Instant::now() + estate.patience();
            self.deadline = self.asked.map_or(patience, |asked| patience.min(asked + STOPPING));
        }
    }

    fn ask(&mut self) {
        if self.asked.is_some() {
            // Asked twice: the operator does not want to wait.
            self.deadline = Instant::now();
            return;
        }
        self.asked = Some(Instant::now());
        _ = self.child.socket.write(&[STOP]);
    }

    /// Kills it. What cannot be killed loses its addresses, and nothing is said about it.
    fn bury(&self, estate: &Estate) {
        let killed = Instant::now();
        let mut muted = false;
        self.child.kill();
        while !self.child.is_gone() {
            if !muted && killed.elapsed() > DEATH {
                estate.mute();
                muted = true;
            }
            wait(Duration::from_millis(2));
        }
    }
}

fn millis(span: Duration) -> PollTimeout {
    // Rounded up, so that what is waited for is due afterwards.
    PollTimeout::try_from(span.as_millis() as i32 + 1).unwrap_or(PollTimeout::MAX)
}
