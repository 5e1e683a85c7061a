//! Heartbeats by reflection: when the path between the nodes is cut but both reach the router, they still
//! hear each other.
//!
//! A node sends the router an echo request whose source is the peer's address and whose payload is a sealed
//! frame; the router's reply goes to the peer. Nothing needs to run on the router. The peer's kernel sees a
//! reply that it did not ask for and ignores it. IPv4 only: it needs the source address to be written by
//! hand, and IPv6 routers and switches commonly refuse that.
//!
//! It fails, and then merely stays silent, where a router checks source addresses per interface and the
//! nodes are on different ones, and where a node's firewall drops ICMP that belongs to no connection.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    os::fd::{AsFd, BorrowedFd},
};

use super::icmp;
use crate::{
    heartbeat::{BURST, Received, boottime, receive},
    wire,
};

const IP_HEADER_LEN: usize = 20;
/// Identifier of the echo requests; makes them easy to find in a packet trace.
const ID: u16 = 0x5354;

/// A path to one peer by way of one router.
pub struct Relay {
    router: Ipv4Addr,
    me: Ipv4Addr,
    peer: Ipv4Addr,
    network: usize,
    socket: UdpSocket,
    seq: u16,
    buffer: Box<[u8]>,
}

impl Relay {
    /// The name under which this path is shown.
    pub const NAME: &str = "relay";

    /// Between the addresses `me` and `peer` by way of `router`; what arrives is marked with the index
    /// `network`. Needs CAP_NET_RAW.
    pub fn new(router: Ipv4Addr, me: Ipv4Addr, peer: Ipv4Addr, network: usize) -> io::Result<Self> {
        let socket = icmp::raw_socket(false)
            .and_then(|socket| icmp::include_header(&socket).map(|()| socket))
            .map_err(|error| not_permitted(router, &error))?;
        Ok(Self { router, me, peer, network, socket, seq: 0, buffer: vec![0; 65_536].into() })
    }

    /// Sends a sealed frame to the peer. An error means that it did not leave this machine.
    pub fn send(&mut self, frame: &[u8]) -> io::Result<()> {
        self.seq = self.seq.wrapping_add(1);
        let echo = icmp::echo_request(false, ID, self.seq, frame);
        let packet = [&ip_header(self.peer, self.router, echo.len()), echo.as_slice()].concat();
        self.socket.send_to(&packet, icmp::address(self.router.into())).map(drop)
    }

    /// Hands over the frames that the router has reflected to this node. Never blocks.
    pub fn drain(&mut self, mut take: impl FnMut(Received<'_>)) {
        for _ in 0..BURST {
            let Some((len, from)) = receive(&self.socket, &mut self.buffer) else { break };
            if let Some(bytes) = self.frame(&self.buffer[..len], from) {
                take(Received { network: self.network, from, bytes, at: boottime() });
            }
        }
    }

    /// To poll for reading. Wakes for every echo reply to this machine, those of other pings too.
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    fn frame<'a>(&self, packet: &'a [u8], from: SocketAddr) -> Option<&'a [u8]> {
        let (to, echo) = icmp::strip_ipv4(packet)?;
        let frame = icmp::echo_reply(false, echo)?;
        (from.ip() == self.router && to == self.me && wire::is_frame(frame)).then_some(frame)
    }
}

/// The kernel fills in the identification, the total length and the checksum.
fn ip_header(source: Ipv4Addr, to: Ipv4Addr, payload: usize) -> [u8; IP_HEADER_LEN] {
    const VERSION_AND_WORDS: u8 = 0x45;
    /// A reflected frame that wanders about is worth nothing.
    const HOPS: u8 = 64;
    const ICMP: u8 = 1;
    let mut header = [0; IP_HEADER_LEN];
    header[0] = VERSION_AND_WORDS;
    header[2..4].copy_from_slice(&((IP_HEADER_LEN + payload) as u16).to_be_bytes());
    header[8] = HOPS;
    header[9] = ICMP;
    header[12..16].copy_from_slice(&source.octets());
    header[16..20].copy_from_slice(&to.octets());
    header
}

fn not_permitted(router: Ipv4Addr, error: &io::Error) -> io::Error {
    io::Error::new(
        error.kind(),
        format!(
            "cannot send heartbeats by way of the router {router}: {error}; run the agent as root, give it \
             CAP_NET_RAW, or set relay=\"off\""
        ),
    )
}
