//! What can happen to a host, and how it is repaired.

use std::time::Duration;

use nix::{
    errno::Errno,
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::{Error, Host, Moment, Result, Switch};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The switches lose all of the host's frames. Its interfaces stay up: nobody is told.
    Silence,
    /// The interface loses its carrier.
    Unplugged { interface: String },
    /// What host `from` sends no longer arrives here; the other direction works.
    Deaf { from: String },
    /// UDP to this port is lost at all of the host's switches, for everybody on them.
    Blocked { udp_port: u16 },
    /// The power goes; the host is silent first.
    PowerCut,
    /// SIGKILL.
    Killed(Pid),
    /// SIGSTOP until repaired.
    Paused(Pid),
}

impl Fault {
    /// Makes it happen on `host`, and says when it began: just before, so that a measured time may be too long
    /// by what the injection took (some ten milliseconds), never too short.
    pub fn inject(&self, host: &Host) -> Result<Moment> {
        let began = Moment::now();
        match self {
            Self::Silence => each(host, Switch::silence)?,
            Self::Unplugged { interface } => host.port(interface)?.down()?,
            Self::Deaf { from } => each(host, |switch, port| switch.cut(&Switch::port_of(from), port))?,
            Self::Blocked { udp_port } => each(host, |switch, _| switch.block(*udp_port))?,
            Self::PowerCut => host.power_cut()?,
            Self::Killed(pid) => signal(*pid, Signal::SIGKILL)?,
            Self::Paused(pid) => signal(*pid, Signal::SIGSTOP)?,
        }
        Ok(began)
    }

    /// Undoes it. A killed process stays dead; a host whose power was cut boots, and starts nothing.
    pub fn repair(&self, host: &Host) -> Result<()> {
        match self {
            Self::Silence => each(host, Switch::hear),
            Self::Unplugged { interface } => host.port(interface)?.up(),
            Self::Deaf { from } => each(host, |switch, port| switch.mend(&Switch::port_of(from), port)),
            Self::Blocked { udp_port } => each(host, |switch, _| switch.unblock(*udp_port)),
            Self::PowerCut => host.power_on(),
            Self::Killed(_) => Ok(()),
            // It may have been killed meanwhile, by whoever noticed that it hung.
            Self::Paused(pid) => match kill(*pid, Signal::SIGCONT) {
                Ok(()) | Err(Errno::ESRCH) => Ok(()),
                Err(errno) => Err(Error::os(format!("continue process {pid}"))(errno)),
            },
        }
    }

    /// [`Self::inject`], then [`Self::repair`] after `length`.
    pub fn during(&self, host: &Host, length: Duration) -> Result<Moment> {
        let began = self.inject(host)?;
        std::thread::sleep(length.saturating_sub(Moment::now() - began));
        self.repair(host)?;
        Ok(began)
    }
}

fn each(host: &Host, change: impl Fn(&Switch, &str) -> Result<()>) -> Result<()> {
    host.ports().iter().try_for_each(|port| change(port.switch(), port.name()))
}

fn signal(pid: Pid, signal: Signal) -> Result<()> {
    kill(pid, signal).map_err(Error::os(format!("send {signal} to process {pid}")))
}
