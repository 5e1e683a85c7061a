//! A router: a host that forwards between its interfaces.

use std::fs;

use crate::{Error, Host, Result};

/// Makes `host` forward IPv4. To be called again after each boot.
pub fn forward(host: &Host) -> Result<()> {
    // The kernel shows each reader the settings of his own network.
    host.enter(|| fs::write("/proc/sys/net/ipv4/ip_forward", "1"))?
        .map_err(Error::os(format!("make {} forward", host.name())))
}
