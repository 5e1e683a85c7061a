//! The virtual IP: held, announced, guarded by a lease in the kernel, and watched.
//!
//! Netlink and packet sockets are used directly, so nothing on the path of a failover starts a process. Only
//! [`Lease::install`] runs `nft`, once, when a module starts. Sockets belong to the network namespace of the
//! thread that opens them.

use std::{fmt, io, net::IpAddr};

pub mod address;
pub mod announce;
pub mod conflict;
mod frame;
pub mod lease;
#[cfg(test)]
mod lease_tests;
pub mod link;
pub mod netlink;
mod packet;
pub mod probe;
#[cfg(test)]
mod testbed;
#[cfg(test)]
mod tests;

pub use address::{Address, Interface, Route};
pub use announce::{Announcer, Schedule};
pub use conflict::{Conflict, ConflictWatch};
pub use lease::Lease;
pub use link::{LinkEvent, LinkMonitor};
pub use probe::probe;

/// A hardware address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Mac(pub [u8; 6]);

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, byte) in self.0.iter().enumerate() {
            write!(f, "{}{byte:02x}", if at == 0 { "" } else { ":" })?;
        }
        Ok(())
    }
}

/// Why the virtual IP could not be handled.
#[derive(Debug, thiserror::Error)]
pub enum VipError {
    /// The kernel refused.
    #[error("cannot {what}: {source}{}", hint(source))]
    Kernel {
        /// What was tried.
        what: String,
        /// What the kernel answered.
        source: io::Error,
    },
    /// No interface has this name.
    #[error("there is no network interface `{0}`: correct the name, `ip link` lists them")]
    NoInterface(String),
    /// No interface is in the network of this address.
    #[error(
        "no interface has an address in the network of {0}: name the interface, or correct the virtual address"
    )]
    NoNetwork(IpAddr),
    /// `nft` could not be started.
    #[error("cannot run `nft` to guard the virtual addresses of `{module}`: {source}; install nftables")]
    NoNft {
        /// The module.
        module: String,
        /// Why it did not start.
        source: io::Error,
    },
    /// `nft` refused the rules.
    #[error(
        "`nft` refused the rules that guard the virtual addresses of `{module}`: {text}; \
         the kernel needs nf_tables with the arp and inet families and fib expressions"
    )]
    NftRefused {
        /// The module.
        module: String,
        /// What it printed.
        text: String,
    },
}

impl VipError {
    fn kernel(what: impl Into<String>, source: io::Error) -> Self {
        Self::Kernel { what: what.into(), source }
    }
}

fn hint(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::PermissionDenied => " (run as root, or with CAP_NET_ADMIN and CAP_NET_RAW)",
        _ => "",
    }
}
