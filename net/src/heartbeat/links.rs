//! One UDP socket per network.

use std::{
    io,
    net::{IpAddr, SocketAddr, UdpSocket},
    os::fd::{AsFd, BorrowedFd},
    time::Duration,
};

use super::boottime;

/// Larger than any datagram, so that none is cut.
const BUFFER: usize = 65_536;
/// Most datagrams taken in a row from one socket: a flood must not keep a real-time thread from its timers.
pub(crate) const BURST: usize = 256;

/// One network of the cluster as this node sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lan {
    /// Its name in the cluster's configuration.
    pub name: String,
    /// The address of this node on it; behind address translation the local one (`laddr`).
    pub local: IpAddr,
    /// The other nodes on it: index in the cluster, address.
    pub peers: Vec<(u8, IpAddr)>,
}

/// Something that arrived; nothing about it is proven yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received<'a> {
    /// Index of the network: a lan's position in [`Links::new`], or what a relay was given.
    pub network: usize,
    pub from: SocketAddr,
    pub bytes: &'a [u8],
    /// When it was taken from the socket, in [`boottime`].
    pub at: Duration,
}

/// The heartbeat sockets of a node. A network whose address or interface is missing is silent, nothing more;
/// each sending tries to open the socket of an address that was missing.
pub struct Links {
    lans: Vec<Link>,
    port: u16,
    buffer: Box<[u8]>,
}

struct Link {
    lan: Lan,
    socket: Result<UdpSocket, io::Error>,
    /// Why the last sending failed, while the socket itself is good.
    unsent: Option<io::Error>,
}

impl Links {
    /// Opens what can be opened now, on the same UDP `port` for all networks and nodes.
    pub fn new(lans: Vec<Lan>, port: u16) -> Self {
        let link = |lan: Lan| Link { socket: bind(lan.local, port), lan, unsent: None };
        Self { lans: lans.into_iter().map(link).collect(), port, buffer: vec![0; BUFFER].into() }
    }

    /// The open sockets, to poll for reading. They change when networks come and go: ask before each poll.
    pub fn fds(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.lans.iter().filter_map(|link| link.socket.as_ref().ok()).map(AsFd::as_fd)
    }

    /// Sends to node `peer` over one network. Failing is ordinary, see [`Self::trouble`]. Never blocks.
    pub fn send(&mut self, network: usize, peer: u8, bytes: &[u8]) {
        if let Some(link) = self.lans.get_mut(network) {
            link.send(peer, self.port, bytes);
        }
    }

    /// Sends to node `peer` over every network that it is on.
    pub fn send_all(&mut self, peer: u8, bytes: &[u8]) {
        for link in &mut self.lans {
            link.send(peer, self.port, bytes);
        }
    }

    /// Hands over what has arrived, at most 256 datagrams of each network. Never blocks.
    pub fn drain(&mut self, mut take: impl FnMut(Received<'_>)) {
        for (network, link) in self.lans.iter_mut().enumerate() {
            let Ok(socket) = &link.socket else { continue };
            for _ in 0..BURST {
                let Some((len, from)) = receive(socket, &mut self.buffer) else { break };
                take(Received { network, from, bytes: &self.buffer[..len], at: boottime() });
            }
        }
    }

    /// Why nothing can be sent over a network at the moment, as a sentence for the operator.
    pub fn trouble(&self, network: usize) -> Option<String> {
        let Link { lan, socket, unsent } = self.lans.get(network)?;
        let (name, local) = (&lan.name, lan.local);
        if !is_here(local) {
            return Some(format!(
                "network {name}: this machine does not have the address {local}; set it, or correct cluster.xml"
            ));
        }
        match (socket, unsent) {
            (Err(error), _) if error.kind() == io::ErrorKind::AddrInUse => Some(format!(
                "network {name}: another program uses UDP port {} of {local}; stop it, or give the cluster another port",
                self.port
            )),
            (Err(error), _) => Some(format!("network {name}: cannot use the address {local}: {error}")),
            (Ok(_), Some(error)) => Some(format!(
                "network {name}: cannot send from {local}: {error}; look at the interface, its cable and the firewall"
            )),
            (Ok(_), None) => None,
        }
    }
}

impl Link {
    fn send(&mut self, peer: u8, port: u16, bytes: &[u8]) {
        if self.socket.is_err() {
            self.socket = bind(self.lan.local, port);
        }
        let Ok(socket) = &self.socket else { return };
        for (_, addr) in self.lan.peers.iter().filter(|(node, _)| *node == peer) {
            match socket.send_to(bytes, (*addr, port)) {
                Ok(_) => self.unsent = None,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => self.unsent = Some(error),
            }
        }
    }
}

/// Does this machine have the address now? A socket that is bound to it survives its loss and works again
/// when it returns, but not every kernel tells the sender in between.
fn is_here(local: IpAddr) -> bool {
    UdpSocket::bind((local, 0)).is_ok()
}

fn bind(local: IpAddr, port: u16) -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind((local, port))?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// The next datagram, if there is one.
pub(crate) fn receive(socket: &UdpSocket, buffer: &mut [u8]) -> Option<(usize, SocketAddr)> {
    // An error concerns an earlier sending, and reading it clears it; a socket that keeps failing is left.
    for _ in 0..8 {
        match socket.recv_from(buffer) {
            Ok(received) => return Some(received),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return None,
            Err(_) => {}
        }
    }
    None
}

#[cfg(test)]
mod tests;
