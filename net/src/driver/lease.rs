//! The lease of the virtual IP in the kernel, renewed no more often than it matters.

use std::net::IpAddr;

use safetui_core::Tick;

use crate::vip::{Lease, VipError};

/// The kernel is told only of moves that are larger than its own precision, in milliseconds.
const STEP: u64 = 20;

/// What the core granted last, and the kernel's copy of it.
pub(super) struct Keeper {
    lease: Option<Lease>,
    until: Option<Tick>,
}

impl Keeper {
    /// Installs the rules: the addresses are mute from now on. Runs `nft`.
    pub(super) fn install(module: &str, addresses: &[IpAddr]) -> Result<Self, VipError> {
        let lease = if addresses.is_empty() { None } else { Some(Lease::install(module, addresses)?) };
        Ok(Self { lease, until: None })
    }

    /// The right to answer ends at `until`; not later than `now`: at once.
    pub(super) fn set(&mut self, now: Tick, until: Tick) -> Result<(), VipError> {
        let left = until.since(now);
        if left < STEP {
            if self.until.take().is_some()
                && let Some(lease) = &mut self.lease
            {
                lease.drop_now()?;
            }
            return Ok(());
        }
        if self.until.is_some_and(|known| known.0.abs_diff(until.0) <= STEP) {
            return Ok(());
        }
        self.until = Some(until);
        match &mut self.lease {
            Some(lease) => lease.renew(u32::try_from(left).unwrap_or(u32::MAX)),
            None => Ok(()),
        }
    }

    /// Until when this node may answer, when it may.
    pub(super) fn until(&self) -> Option<Tick> {
        self.until
    }

    /// Takes the rules away, after the addresses.
    pub(super) fn remove(self) -> Result<(), VipError> {
        self.lease.map_or(Ok(()), Lease::remove)
    }
}
