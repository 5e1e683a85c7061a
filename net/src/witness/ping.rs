//! Continuous ping of one router.

use std::{
    io,
    net::{IpAddr, UdpSocket},
    os::fd::{AsFd, BorrowedFd},
};

use super::icmp;
use crate::heartbeat::{BURST, boottime, receive};

/// Pings one address, IPv4 or IPv6. Each request carries when it was asked, so that an answer, however late,
/// says for which moment it speaks.
pub struct Ping {
    router: IpAddr,
    socket: UdpSocket,
    /// The kernel delivers the replies with the IPv4 header.
    raw_ipv4: bool,
    /// Random for each run: answers to other programs and to earlier runs are not ours.
    tag: [u8; 8],
    seq: u16,
}

/// The router answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What [`Ping::send`] was given for the ping that this answers.
    pub asked_ms: u64,
    pub rtt_us: u64,
}

impl Ping {
    /// Opens a socket; the router need not be reachable yet.
    pub fn open(router: IpAddr) -> io::Result<Self> {
        let ipv6 = router.is_ipv6();
        let (socket, raw) = match icmp::ping_socket(ipv6) {
            Ok(socket) => (socket, false),
            Err(_) => (icmp::raw_socket(ipv6).map_err(|error| not_permitted(router, &error))?, true),
        };
        let mut tag = [0; 8];
        getrandom::fill(&mut tag).expect("every Linux that can run this has a random source");
        Ok(Self { router, socket, raw_ipv4: raw && !ipv6, tag, seq: 0 })
    }

    /// Asks once. `now_ms` comes back with the answer. An error means that this ping did not leave, as when
    /// there is no route; the next one may.
    pub fn send(&mut self, now_ms: u64) -> io::Result<()> {
        self.seq = self.seq.wrapping_add(1);
        let mut payload = [0; 24];
        payload[..8].copy_from_slice(&self.tag);
        payload[8..16].copy_from_slice(&now_ms.to_be_bytes());
        payload[16..].copy_from_slice(&now_us().to_be_bytes());
        let id = u16::from_be_bytes([self.tag[0], self.tag[1]]);
        let packet = icmp::echo_request(self.router.is_ipv6(), id, self.seq, &payload);
        self.socket.send_to(&packet, icmp::address(self.router)).map(drop)
    }

    /// Hands over the answers that have arrived. Never blocks.
    pub fn drain(&mut self, mut take: impl FnMut(Answer)) {
        let mut buffer = [0; 512];
        for _ in 0..BURST {
            let Some((len, from)) = receive(&self.socket, &mut buffer) else { break };
            if from.ip() == self.router
                && let Some(answer) = self.answer(&buffer[..len])
            {
                take(answer);
            }
        }
    }

    /// To poll for reading.
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// The address that is asked.
    pub fn router(&self) -> IpAddr {
        self.router
    }

    fn answer(&self, packet: &[u8]) -> Option<Answer> {
        let packet = if self.raw_ipv4 { icmp::strip_ipv4(packet)?.1 } else { packet };
        let payload = icmp::echo_reply(self.router.is_ipv6(), packet)?;
        let (asked_ms, asked_us) = payload.strip_prefix(&self.tag)?.split_first_chunk()?;
        let asked_us = u64::from_be_bytes(asked_us.try_into().ok()?);
        Some(Answer { asked_ms: u64::from_be_bytes(*asked_ms), rtt_us: now_us().saturating_sub(asked_us) })
    }
}

fn now_us() -> u64 {
    boottime().as_micros() as u64
}

fn not_permitted(router: IpAddr, error: &io::Error) -> io::Error {
    io::Error::new(
        error.kind(),
        format!("cannot ping {router}: {error}; run the agent as root, or give it CAP_NET_RAW"),
    )
}
