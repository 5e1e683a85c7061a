//! The boot counter: each life of the agent has a number greater than all before.

use std::{
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

use super::{Loaded, Store, StoreError};

const FILE: &str = "boot";

/// The number of this life: greater than every earlier one, also if the clock went back. It is near the Unix
/// time in seconds, so that a node that lost its disk still numbers its lives upwards. Durable when this
/// returns.
pub fn next_boot(dir: &Path) -> Result<u32, StoreError> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    next_boot_at(dir, u32::try_from(now.as_secs()).unwrap_or(u32::MAX))
}

pub(super) fn next_boot_at(dir: &Path, now: u32) -> Result<u32, StoreError> {
    let path = dir.join(FILE);
    let mut store = Store::open_file(dir, FILE)?;
    let last = match store.load()? {
        Loaded::Fresh => 0,
        Loaded::Record(bytes) => {
            let bytes = bytes.try_into().map_err(|_| StoreError::Corrupt {
                path: path.clone(),
                why: "it does not hold a 32-bit number".into(),
            })?;
            u32::from_le_bytes(bytes)
        }
        Loaded::Corrupt { why } => return Err(StoreError::Corrupt { path, why }),
    };
    let boot = last.checked_add(1).ok_or(StoreError::BootsExhausted { path })?.max(now);
    store.save(&boot.to_le_bytes())?;
    Ok(boot)
}
