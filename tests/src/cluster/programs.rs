//! Where the programs are that run on the nodes.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use super::Options;
use crate::{Error, Host, Result};

pub struct Programs {
    pub safetui: PathBuf,
    /// Program and first arguments.
    pub ledger: Vec<String>,
}

impl Programs {
    /// The product on a host, which must find its own things: no setting of this process counts.
    pub(super) fn product(&self, host: &Host) -> Result<Command> {
        let mut command = host.command(&self.safetui)?;
        for (name, _) in env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("SAFETUI_") || text.starts_with("SAFEMODULE") {
                command.env_remove(&name);
            }
        }
        Ok(command)
    }

    pub(super) fn find(options: &Options) -> Result<Self> {
        let named = options.safetui.clone().or_else(|| env::var_os("SAFETUI_BIN").map(PathBuf::from));
        let safetui = match named {
            Some(path) => existing(&path)?,
            None => near("safetui", "SAFETUI_BIN or Options::safetui")?,
        };
        let ledger = match &options.ledger[..] {
            [] => vec![near("ledger", "Options::ledger")?.to_string_lossy().into_owned()],
            given => given.to_vec(),
        };
        Ok(Self { safetui, ledger })
    }
}

/// Relative paths mean nothing on a host, whose working directory is `/`.
fn existing(path: &Path) -> Result<PathBuf> {
    path.canonicalize().map_err(Error::os(format!("find the program {}", path.display())))
}

/// Beside this program, or one folder above it, where Cargo puts binaries relative to tests and examples.
fn near(name: &str, setting: &str) -> Result<PathBuf> {
    let this = env::current_exe().map_err(Error::os("find this program"))?;
    let folders = this.ancestors().skip(1).take(2);
    let found = folders.map(|folder| folder.join(name)).find(|path| path.is_file());
    found.ok_or_else(|| {
        let place = this.parent().unwrap_or(Path::new("/")).display();
        Error::setup(
            format!("there is no program {name} in {place} or above"),
            format!("`cargo build --workspace` builds it; or name it with {setting}"),
        )
    })
}
