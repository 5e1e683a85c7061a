//! Noticing that somebody else claims our address.

use std::{
    net::IpAddr,
    os::fd::{AsFd, BorrowedFd},
};

use super::{Interface, Mac, VipError, frame, packet::ClaimSocket};

/// Another machine says that it has our address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The contested address.
    pub ip: IpAddr,
    /// Who claims it.
    pub mac: Mac,
}

/// Watches one interface for claims of one address. Readable (`as_fd`) when there is something to drain.
#[derive(Debug)]
pub struct ConflictWatch {
    socket: ClaimSocket,
    ip: IpAddr,
    own: Mac,
}

impl ConflictWatch {
    /// Watches from now on.
    pub fn open(ip: IpAddr, interface: &Interface) -> Result<Self, VipError> {
        let socket = ClaimSocket::open(ip, interface.index).map_err(|source| {
            VipError::kernel(format!("watch {} for other owners of {ip}", interface.name), source)
        })?;
        Ok(Self { socket, ip, own: interface.mac })
    }

    /// The claims since the last call, without those from our own hardware address. Never blocks.
    pub fn drain(&self) -> Result<Vec<Conflict>, VipError> {
        let mut found = Vec::new();
        let mut buffer = [0; 128];
        loop {
            let frame = self.socket.receive(&mut buffer).map_err(|source| {
                VipError::kernel(format!("watch for other owners of {}", self.ip), source)
            })?;
            let Some(frame) = frame else { return Ok(found) };
            let claimant = frame::claimant(frame, self.ip).filter(|mac| *mac != self.own);
            found.extend(claimant.map(|mac| Conflict { ip: self.ip, mac }));
        }
    }
}

impl AsFd for ConflictWatch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
