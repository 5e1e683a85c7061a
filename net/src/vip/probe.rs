//! Asking the network whether somebody holds an address: the last veto before it is claimed.
//!
//! An owner's kernel answers within a fraction of a millisecond, even if every process there is stopped.
//! No answer proves nothing when the network itself is cut.

use std::{
    io,
    net::IpAddr,
    time::{Duration, Instant},
};

use super::{Interface, Mac, VipError, frame, packet::ClaimSocket};

/// How carefully to ask: how many questions, and how long to wait for the answer to each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Care {
    pub count: u32,
    pub wait: Duration,
}

impl Care {
    /// For an address that anybody may have.
    pub const FULL: Self = Self { count: 2, wait: Duration::from_millis(20) };
    /// For an address whose last owner has said that it gave it up: for surprises alone.
    pub const BRIEF: Self = Self { count: 1, wait: Duration::from_millis(2) };
}

/// Asks who has `ip`: the hardware address of the first who answers, or `None`. Blocks for at most
/// `count * wait`.
pub fn probe(ip: IpAddr, interface: &Interface, care: Care) -> Result<Option<Mac>, VipError> {
    ask(ip, interface, care)
        .map_err(|source| VipError::kernel(format!("probe for {ip} on {}", interface.name), source))
}

fn ask(ip: IpAddr, interface: &Interface, care: Care) -> io::Result<Option<Mac>> {
    let socket = ClaimSocket::open(ip, interface.index)?;
    let question = frame::question(ip, interface.mac);
    for _ in 0..care.count {
        socket.send(&question)?;
        let owner = answer(&socket, ip, interface.mac, Instant::now() + care.wait)?;
        if owner.is_some() {
            return Ok(owner);
        }
    }
    Ok(None)
}

fn answer(socket: &ClaimSocket, ip: IpAddr, own: Mac, deadline: Instant) -> io::Result<Option<Mac>> {
    let mut buffer = [0; 128];
    loop {
        while let Some(frame) = socket.receive(&mut buffer)? {
            let owner = frame::claimant(frame, ip).filter(|mac| *mac != own);
            if owner.is_some() {
                return Ok(owner);
            }
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(None);
        }
        // The kernel waits whole milliseconds: rounded up, so that the last one is not spent spinning.
        socket.wait(left.max(Duration::from_millis(1)))?;
    }
}
