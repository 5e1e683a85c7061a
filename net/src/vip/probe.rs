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

/// Questions that a probe asks.
pub const COUNT: u32 = 2;
/// How long it waits for the answer to each.
pub const WAIT: Duration = Duration::from_millis(20);

/// Asks `count` times who has `ip` and waits `wait` for an answer each time: the hardware address of the
/// first who answers, or `None`. Blocks for at most `count * wait`.
pub fn probe(ip: IpAddr, interface: &Interface, count: u32, wait: Duration) -> Result<Option<Mac>, VipError> {
    ask(ip, interface, count, wait)
        .map_err(|source| VipError::kernel(format!("probe for {ip} on {}", interface.name), source))
}

fn ask(ip: IpAddr, interface: &Interface, count: u32, wait: Duration) -> io::Result<Option<Mac>> {
    let socket = ClaimSocket::open(ip, interface.index)?;
    let question = frame::question(ip, interface.mac);
    for _ in 0..count {
        socket.send(&question)?;
        let owner = answer(&socket, ip, interface.mac, Instant::now() + wait)?;
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
