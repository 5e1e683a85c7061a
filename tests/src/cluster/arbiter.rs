//! The third machine: `safetui witness` on a host in the nodes' network.

use std::{
    fs,
    ops::Deref,
    path::{Path, PathBuf},
    process::Child,
    sync::{Arc, Mutex, PoisonError},
};

use super::{LIMIT, LOOK, Programs, config::ARBITER};
use crate::{Error, Host, Result, wait};

pub struct Arbiter {
    host: Host,
    programs: Arc<Programs>,
    server: Mutex<Option<Child>>,
    log: PathBuf,
}

impl Deref for Arbiter {
    type Target = Host;

    fn deref(&self) -> &Host {
        &self.host
    }
}

impl Arbiter {
    pub(super) fn new(host: Host, programs: Arc<Programs>, logs: &Path) -> Self {
        let log = logs.join(format!("{}.log", host.name()));
        Self { host, programs, server: Mutex::default(), log }
    }

    /// Starts the server, which must not run, and waits until it listens.
    pub fn start(&self) -> Result<()> {
        let mut server = self.server.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.listening();
        let mut command = self.programs.product(&self.host)?;
        *server =
            Some(self.host.daemon(command.args(["witness", "--listen", &ARBITER.to_string()]), &self.log)?);
        wait::until("the arbiter to listen", LIMIT, LOOK, || {
            if self.listening() > before { Ok(()) } else { Err(self.said()) }
        })
    }

    /// SIGKILL.
    pub fn kill(&self) -> Result<()> {
        let mut server = self.server.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(mut child) = server.take() else { return Ok(()) };
        child.kill().and_then(|()| child.wait()).map(drop).map_err(Error::os("kill the arbiter"))
    }

    /// What it has said.
    pub fn said(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    fn listening(&self) -> usize {
        self.said().matches("listening on").count()
    }
}

impl Drop for Arbiter {
    fn drop(&mut self) {
        _ = self.kill();
    }
}
