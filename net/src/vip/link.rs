//! Carrier changes and vanished addresses, as the kernel reports them.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    net::IpAddr,
    os::fd::{AsFd, BorrowedFd},
};

use nix::sys::socket::SockProtocol;

use super::{
    Address, Interface, VipError,
    address::{Route, parse_address, parse_interface},
    netlink::{Socket, messages},
};

/// Something that changed on this node's network side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkEvent {
    /// An interface got or lost its carrier (or was switched, or vanished).
    Carrier {
        /// Its name.
        interface: String,
        /// Usable now.
        up: bool,
    },
    /// A watched address is no longer on any interface of this node, whoever took it away.
    AddressGone(IpAddr),
}

/// Follows all interfaces and some addresses. Readable (`as_fd`) when there is something to drain.
#[derive(Debug)]
pub struct LinkMonitor {
    socket: Socket,
    /// For questions: answers must not mix with events. Open from the start, so that it stays in the same
    /// network namespace whichever thread drains.
    route: Route,
    watched: BTreeSet<IpAddr>,
    interfaces: BTreeMap<u32, Interface>,
    present: BTreeSet<(IpAddr, u32)>,
    /// How often the kernel had more to say than the socket holds.
    pub overruns: u64,
}

impl LinkMonitor {
    /// Starts to follow; what is the case now is no event ([`Self::is_up`] tells it).
    pub fn open(watched: &[IpAddr]) -> Result<Self, VipError> {
        let groups = libc::RTMGRP_LINK | libc::RTMGRP_IPV4_IFADDR | libc::RTMGRP_IPV6_IFADDR;
        let socket = Socket::open(SockProtocol::NetlinkRoute, groups.cast_unsigned())
            .map_err(|source| VipError::kernel("follow the links of this node", source))?;
        let mut monitor = Self {
            socket,
            route: Route::open()?,
            watched: watched.iter().copied().collect(),
            interfaces: BTreeMap::new(),
            present: BTreeSet::new(),
            overruns: 0,
        };
        monitor.read_all()?;
        Ok(monitor)
    }

    /// Whether the interface of this name is up; `None` if there is none.
    pub fn is_up(&self, interface: &str) -> Option<bool> {
        self.interfaces.values().find(|known| known.name == interface).map(|known| known.up)
    }

    /// What changed since the last call. Never blocks. After an overrun of the socket the changes are found
    /// by comparison, so what went and came back in between is not reported.
    pub fn drain(&mut self) -> Result<Vec<LinkEvent>, VipError> {
        let mut events = Vec::new();
        let mut buffer = Vec::new();
        loop {
            match self.socket.receive(&mut buffer, true) {
                Ok(Some(())) => self.apply(&buffer, &mut events),
                Ok(None) => return Ok(events),
                Err(error) if overrun(&error) => {
                    self.overruns += 1;
                    self.discard(&mut buffer)?;
                    events.extend(self.read_all()?);
                }
                Err(source) => return Err(VipError::kernel("follow the links of this node", source)),
            }
        }
    }

    /// Throws away what the socket still holds: it is older than what will be read anew.
    fn discard(&self, buffer: &mut Vec<u8>) -> Result<(), VipError> {
        loop {
            match self.socket.receive(buffer, true) {
                Ok(None) => return Ok(()),
                Ok(Some(())) => {}
                Err(error) if overrun(&error) => {}
                Err(source) => return Err(VipError::kernel("follow the links of this node", source)),
            }
        }
    }

    fn apply(&mut self, datagram: &[u8], events: &mut Vec<LinkEvent>) {
        for message in messages(datagram) {
            let event = match message.kind {
                libc::RTM_NEWLINK => parse_interface(message).and_then(|interface| self.saw(interface)),
                libc::RTM_DELLINK => {
                    parse_interface(message).and_then(|interface| self.lost(interface.index))
                }
                libc::RTM_NEWADDR => {
                    self.present.extend(parse_address(message).and_then(|address| self.key(&address)));
                    None
                }
                libc::RTM_DELADDR => parse_address(message).and_then(|address| self.removed(&address)),
                _ => None,
            };
            events.extend(event);
        }
    }

    /// Reads everything anew and reports what differs from what was known.
    fn read_all(&mut self) -> Result<Vec<LinkEvent>, VipError> {
        let interfaces = self.route.interfaces()?;
        let addresses: BTreeSet<_> =
            self.route.addresses()?.iter().filter_map(|address| self.key(address)).collect();

        let mut events = Vec::new();
        let vanished: Vec<_> = self.interfaces.keys().copied().collect();
        for index in vanished.into_iter().filter(|index| interfaces.iter().all(|now| now.index != *index)) {
            events.extend(self.lost(index));
        }
        for interface in interfaces {
            events.extend(self.saw(interface));
        }
        let gone: BTreeSet<_> = self.present.difference(&addresses).map(|(ip, _)| *ip).collect();
        self.present = addresses;
        let really = gone.into_iter().filter(|ip| !self.holds(*ip)).map(LinkEvent::AddressGone);
        events.extend(really);
        Ok(events)
    }

    /// An interface as it is now: an event if its carrier changed. A new one that is up is no change.
    fn saw(&mut self, interface: Interface) -> Option<LinkEvent> {
        let now = interface.clone();
        let before = self.interfaces.insert(interface.index, interface)?;
        (before.up != now.up).then_some(LinkEvent::Carrier { interface: now.name, up: now.up })
    }

    fn lost(&mut self, index: u32) -> Option<LinkEvent> {
        let before = self.interfaces.remove(&index)?;
        before.up.then_some(LinkEvent::Carrier { interface: before.name, up: false })
    }

    fn removed(&mut self, address: &Address) -> Option<LinkEvent> {
        let was_here = self.present.remove(&self.key(address)?);
        (was_here && !self.holds(address.ip)).then_some(LinkEvent::AddressGone(address.ip))
    }

    fn holds(&self, ip: IpAddr) -> bool {
        self.present.iter().any(|(present, _)| *present == ip)
    }

    fn key(&self, address: &Address) -> Option<(IpAddr, u32)> {
        self.watched.contains(&address.ip).then_some((address.ip, address.interface))
    }
}

fn overrun(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::ENOBUFS)
}

impl AsFd for LinkMonitor {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
