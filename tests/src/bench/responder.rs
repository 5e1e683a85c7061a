//! A responder that runs on every node all the time, so that whoever has the virtual address answers at once: what
//! is measured with it is how the address moves, and nothing else.

use std::{
    io,
    net::{SocketAddrV4, UdpSocket},
    os::fd::AsRawFd,
};

use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, SockaddrIn, bind, setsockopt, socket, sockopt::IpFreebind,
};

use crate::{Moment, ledger::echo, sys};

/// Answers every datagram to `address` with the name `node` and the time, for ever. The node need not have the
/// address yet: the kernel delivers what is for it once it has.
pub fn respond(address: SocketAddrV4, node: &str) -> io::Result<()> {
    let socket = open(address)?;
    sys::before_others();
    let mut question = [0; echo::LONGEST];
    loop {
        if let Ok((_, from)) = socket.recv_from(&mut question) {
            // It fails while the address is being taken away; the probe counts that as no answer.
            let _ = socket.send_to(&echo::write(node, Moment::now()), from);
        }
    }
}

fn open(address: SocketAddrV4) -> io::Result<UdpSocket> {
    let socket = socket(AddressFamily::Inet, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None)?;
    setsockopt(&socket, IpFreebind, &true)?;
    bind(socket.as_raw_fd(), &SockaddrIn::from(address))?;
    Ok(socket.into())
}
