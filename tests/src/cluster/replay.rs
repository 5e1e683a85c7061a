//! What the nodes' cores were given is decided again at the end, by the product itself.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    fs,
    path::PathBuf,
    process::Command,
};

use super::{Cluster, Node};
use crate::{Error, Result};

impl Cluster {
    /// Proves that on each node, for each module, the recorded inputs lead to the recorded orders, and that what both
    /// nodes did together is a behaviour that the model allows. The nodes may run.
    pub fn replay(&self) -> Result<()> {
        let [one, other] = self.nodes().map(flights);
        let (one, other) = (one?, other?);
        for flight in one.values().chain(other.values()) {
            self.check(&[flight])?;
        }
        let both = one.iter().filter_map(|(module, flight)| Some((flight, other.get(module)?)));
        for (flight, peer) in both {
            self.check(&[flight, peer])?;
        }
        Ok(())
    }

    fn check(&self, flights: &[&PathBuf]) -> Result<()> {
        let mut command = Command::new(&self.programs.safetui);
        command.arg("replay").args(flights).arg("--check");
        let words: Vec<_> = command.get_args().map(OsStr::to_string_lossy).collect();
        let line = format!("safetui {}", words.join(" "));
        let output = command.output().map_err(Error::os(format!("start {line}")))?;
        tracing::info!("{}", String::from_utf8_lossy(&output.stdout));
        Error::check(line, &output).map(drop)
    }
}

/// The flight records on a node's disk, by module. A module whose record of decisions is there and whose flight record is not
/// was not recorded.
fn flights(node: &Node) -> Result<BTreeMap<OsString, PathBuf>> {
    let modules = node.on_disk("/var/lib/safetui/modules");
    let mut found = BTreeMap::new();
    for module in fs::read_dir(&modules).into_iter().flatten().flatten() {
        let state = module.path().join("state");
        if !state.join("record").exists() {
            continue;
        }
        let flight = state.join("flight");
        let recorded = fs::read_dir(&flight).into_iter().flatten().flatten();
        if !recorded.into_iter().any(|file| file.path().extension() == Some(OsStr::new("flight"))) {
            return Err(Error::setup(
                format!("{} decided and recorded nothing in {}", node.name(), flight.display()),
                "look at the log of its agent",
            ));
        }
        found.insert(module.file_name(), flight);
    }
    Ok(found)
}

impl Drop for Cluster {
    /// Every test ends with this, whatever it is about. A difference is a failure of the product.
    fn drop(&mut self) {
        if !self.options.replay {
            return;
        }
        for node in self.nodes() {
            // From here on nothing is recorded any more.
            let _ = node.power_cut();
        }
        if let Err(error) = self.replay() {
            assert!(std::thread::panicking(), "{error}");
            tracing::error!(%error, "and what was recorded is not what comes out");
        }
    }
}
