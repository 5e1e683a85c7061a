//! What the operator last wished for a module: it survives reboots.

use std::path::Path;

use super::{Loaded, Store, StoreError};

const FILE: &str = "wish";

/// Whether the module should run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wish {
    /// Run it, also after a reboot.
    Started,
    /// Leave it alone: also the wish of who never wished anything.
    #[default]
    Stopped,
}

impl Wish {
    /// Reads the wish from a module's state directory.
    pub fn load(dir: &Path) -> Result<Self, StoreError> {
        let store = Store::open_file(dir, FILE)?;
        let why = match store.load()? {
            Loaded::Fresh => return Ok(Self::default()),
            Loaded::Record(bytes) if bytes == b"started" => return Ok(Self::Started),
            Loaded::Record(bytes) if bytes == b"stopped" => return Ok(Self::Stopped),
            Loaded::Record(_) => "it holds neither `started` nor `stopped`".into(),
            Loaded::Corrupt { why } => why,
        };
        Err(StoreError::Corrupt { path: dir.join(FILE), why })
    }

    /// Writes the wish; durable when this returns.
    pub fn save(self, dir: &Path) -> Result<(), StoreError> {
        let bytes: &[u8] = match self {
            Self::Started => b"started",
            Self::Stopped => b"stopped",
        };
        Store::open_file(dir, FILE)?.save(bytes)
    }
}
