//! Addresses and interfaces of this node, through rtnetlink.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use nix::sys::socket::SockProtocol;

use super::{
    Mac, VipError,
    netlink::{Received, Socket, attributes, u32_at},
};

/// A network interface as the kernel describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// The kernel's number for it.
    pub index: u32,
    /// Its name.
    pub name: String,
    /// Its hardware address; zero for interfaces that have none.
    pub mac: Mac,
    /// Switched on, and with a carrier.
    pub up: bool,
}

/// An address on an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Address {
    /// The address.
    pub ip: IpAddr,
    /// Length of its network prefix in bits.
    pub prefix: u8,
    /// Index of the interface.
    pub interface: u32,
}

impl Address {
    /// A virtual address by itself, without a network: `/32` or `/128`.
    pub fn host(ip: IpAddr, interface: u32) -> Self {
        Self { ip, prefix: if ip.is_ipv4() { 32 } else { 128 }, interface }
    }

    /// Whether `ip` is in the network of this address.
    pub fn covers(&self, ip: IpAddr) -> bool {
        let same = match (self.ip, ip) {
            (IpAddr::V4(own), IpAddr::V4(other)) => (own.to_bits() ^ other.to_bits()).leading_zeros(),
            (IpAddr::V6(own), IpAddr::V6(other)) => (own.to_bits() ^ other.to_bits()).leading_zeros(),
            _ => return false,
        };
        same >= u32::from(self.prefix)
    }

    /// `struct ifaddrmsg`.
    fn fixed(&self, flags: u32) -> [u8; 8] {
        let mut fixed = [family(self.ip), self.prefix, flags as u8, libc::RT_SCOPE_UNIVERSE, 0, 0, 0, 0];
        fixed[4..].copy_from_slice(&self.interface.to_ne_bytes());
        fixed
    }
}

/// A socket for questions and orders about addresses. Keep it open: orders then take microseconds.
#[derive(Debug)]
pub struct Route {
    socket: Socket,
}

impl Route {
    /// Opens the socket in the network namespace of this thread.
    pub fn open() -> Result<Self, VipError> {
        let socket = Socket::open(SockProtocol::NetlinkRoute, 0)
            .map_err(|source| VipError::kernel("open a route netlink socket", source))?;
        Ok(Self { socket })
    }

    /// Adds an address. One that is there already stays: no error.
    pub fn add(&mut self, address: &Address) -> Result<(), VipError> {
        let flags = if address.ip.is_ipv6() { libc::IFA_F_NODAD } else { 0 };
        let flags_create = libc::NLM_F_CREATE | libc::NLM_F_REPLACE;
        self.socket
            .request(libc::RTM_NEWADDR, flags_create, |message| {
                message.put(&address.fixed(flags));
                message.attribute(libc::IFA_LOCAL, &octets(address.ip));
                message.attribute(libc::IFA_ADDRESS, &octets(address.ip));
                if address.ip.is_ipv6() {
                    message.attribute(libc::IFA_CACHEINFO, &never_chosen_as_source());
                }
            })
            .map_err(|source| {
                VipError::kernel(format!("add address {}/{}", address.ip, address.prefix), source)
            })
    }

    /// Deletes an address; `false` if it was not there.
    pub fn delete(&mut self, address: &Address) -> Result<bool, VipError> {
        let result = self.socket.request(libc::RTM_DELADDR, 0, |message| {
            message.put(&address.fixed(0)).attribute(libc::IFA_LOCAL, &octets(address.ip));
        });
        match result {
            Ok(()) => Ok(true),
            Err(error) if absent(&error) => Ok(false),
            Err(source) => {
                Err(VipError::kernel(format!("delete address {}/{}", address.ip, address.prefix), source))
            }
        }
    }

    /// All addresses of this node.
    pub fn addresses(&mut self) -> Result<Vec<Address>, VipError> {
        let mut found = Vec::new();
        self.socket
            .dump(libc::RTM_GETADDR, &[0; 8], |message| found.extend(parse_address(message)))
            .map_err(|source| VipError::kernel("list the addresses of this node", source))?;
        Ok(found)
    }

    /// All interfaces of this node.
    pub fn interfaces(&mut self) -> Result<Vec<Interface>, VipError> {
        let mut found = Vec::new();
        self.socket
            .dump(libc::RTM_GETLINK, &[0; 16], |message| found.extend(parse_interface(message)))
            .map_err(|source| VipError::kernel("list the interfaces of this node", source))?;
        Ok(found)
    }

    /// The interface of this name.
    pub fn interface_named(&mut self, name: &str) -> Result<Interface, VipError> {
        let found = self.interfaces()?.into_iter().find(|interface| interface.name == name);
        found.ok_or_else(|| VipError::NoInterface(name.into()))
    }

    /// The interface with an address in whose network `ip` is: the one with the longest prefix.
    pub fn interface_towards(&mut self, ip: IpAddr) -> Result<Interface, VipError> {
        let networks = self.addresses()?.into_iter();
        // An address without a network, like the virtual IP itself, says nothing about where others are.
        let network = networks
            .filter(|address| address.prefix < Address::host(address.ip, 0).prefix && address.covers(ip))
            .max_by_key(|address| address.prefix)
            .ok_or(VipError::NoNetwork(ip))?;
        let found = self.interfaces()?.into_iter().find(|interface| interface.index == network.interface);
        found.ok_or(VipError::NoNetwork(ip))
    }
}

/// Reads an `RTM_NEWADDR` or `RTM_DELADDR` message.
pub(super) fn parse_address(message: Received<'_>) -> Option<Address> {
    let prefix = *message.body.get(1)?;
    let interface = u32_at(message.body, 4)?;
    let value = |wanted| attributes(message.body.get(8..)?).find(|(kind, _)| *kind == wanted);
    let (_, bytes) = value(libc::IFA_LOCAL).or_else(|| value(libc::IFA_ADDRESS))?;
    let ip = match *message.body.first()? as i32 {
        libc::AF_INET => Ipv4Addr::from(<[u8; 4]>::try_from(bytes).ok()?).into(),
        libc::AF_INET6 => Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?).into(),
        _ => return None,
    };
    Some(Address { ip, prefix, interface })
}

/// Reads an `RTM_NEWLINK` or `RTM_DELLINK` message.
pub(super) fn parse_interface(message: Received<'_>) -> Option<Interface> {
    const UP: i32 = libc::IFF_UP | libc::IFF_LOWER_UP;
    // A bridge reports its ports once more under its own family: the same interface, with less in it.
    if i32::from(*message.body.first()?) != libc::AF_UNSPEC {
        return None;
    }
    let index = u32_at(message.body, 4)?;
    let up = u32_at(message.body, 8)?.cast_signed() & UP == UP;
    let value = |wanted| attributes(message.body.get(16..)?).find(|(kind, _)| *kind == wanted);
    let (_, name) = value(libc::IFLA_IFNAME)?;
    let name = String::from_utf8_lossy(name.strip_suffix(&[0]).unwrap_or(name)).into_owned();
    let mac = value(libc::IFLA_ADDRESS).and_then(|(_, mac)| mac.try_into().ok()).map(Mac);
    Some(Interface { index, name, mac: mac.unwrap_or_default(), up })
}

/// `struct ifa_cacheinfo` of an address that lives for ever but is not used for the node's own connections,
/// as those would break when it moves.
fn never_chosen_as_source() -> [u8; 16] {
    let (preferred, valid) = (0u32, u32::MAX);
    let mut info = [0; 16];
    info[..4].copy_from_slice(&preferred.to_ne_bytes());
    info[4..8].copy_from_slice(&valid.to_ne_bytes());
    info
}

fn absent(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EADDRNOTAVAIL | libc::ENODEV))
}

fn family(ip: IpAddr) -> u8 {
    if ip.is_ipv4() { libc::AF_INET as u8 } else { libc::AF_INET6 as u8 }
}

/// The address in network byte order.
pub(super) fn octets(ip: IpAddr) -> Vec<u8> {
    match ip {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    }
}
