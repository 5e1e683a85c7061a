//! Packet sockets: whole frames to and from one interface.

use std::{
    ffi::c_int,
    io,
    net::IpAddr,
    os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
    thread,
    time::Duration,
};

use nix::{
    errno::Errno,
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::socket::{AddressFamily, MsgFlags, SockFlag, SockType, recv, send, socket},
};

use super::{frame, frame::claim_pattern};

/// All of it is locked in memory: no more than a call needs.
const CLOSER_STACK: usize = 64 * 1024;

/// A socket on which exactly the frames arrive in which somebody claims one address.
#[derive(Debug)]
pub(super) struct ClaimSocket {
    /// Always there, until it is dropped.
    fd: Option<OwnedFd>,
}

impl ClaimSocket {
    /// Opens the socket on an interface.
    pub(super) fn open(ip: IpAddr, interface: u32) -> io::Result<Self> {
        let fd = socket(AddressFamily::Packet, SockType::Raw, SockFlag::SOCK_CLOEXEC, None)?;
        // A packet socket receives nothing before it is bound: no frame gets past the filter.
        attach(&fd, &filter(ip))?;
        if ip.is_ipv6() {
            join(&fd, interface)?;
        }
        bind(&fd, interface, frame::protocol(ip))?;
        Ok(Self { fd: Some(fd) })
    }

    /// Sends one frame.
    pub(super) fn send(&self, frame: &[u8]) -> io::Result<()> {
        send(self.as_fd().as_raw_fd(), frame, MsgFlags::empty())?;
        Ok(())
    }

    /// The next frame that arrived, if any; only its first bytes are kept.
    pub(super) fn receive<'a>(&self, buffer: &'a mut [u8; 128]) -> io::Result<Option<&'a [u8]>> {
        match recv(self.as_fd().as_raw_fd(), buffer, MsgFlags::MSG_DONTWAIT) {
            Ok(length) => Ok(Some(&buffer[..length])),
            Err(Errno::EAGAIN) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Waits for a frame; `false` when none came.
    pub(super) fn wait(&self, at_most: Duration) -> io::Result<bool> {
        let timeout = PollTimeout::try_from(at_most).unwrap_or(PollTimeout::MAX);
        match poll(&mut [PollFd::new(self.as_fd(), PollFlags::POLLIN)], timeout) {
            Ok(ready) => Ok(ready > 0),
            Err(Errno::EINTR) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

impl AsFd for ClaimSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_ref().expect("only dropping takes it").as_fd()
    }
}

impl Drop for ClaimSocket {
    /// Closes it on a thread of its own: the kernel waits there until no processor looks at the socket any more,
    /// some 15 ms, during which an address must move.
    fn drop(&mut self) {
        let fd = self.fd.take();
        let close = thread::Builder::new().name("close".into()).stack_size(CLOSER_STACK);
        // Without a thread it is closed here: a closure that was not run is dropped.
        _ = close.spawn(move || drop(fd));
    }
}

/// The kernel's filter program: each comparison continues with the next one or leaves for the last line.
fn filter(ip: IpAddr) -> Vec<libc::sock_filter> {
    let pattern = claim_pattern(ip);
    let line = |code: u32, jf: usize, k: u32| libc::sock_filter { code: code as u16, jt: 0, jf: jf as u8, k };
    let mut program = Vec::new();
    for (at, (offset, width, value)) in pattern.iter().enumerate() {
        let width = if *width == 1 { libc::BPF_B } else { libc::BPF_W };
        let refuse = 2 * (pattern.len() - at) - 1;
        program.push(line(libc::BPF_LD | libc::BPF_ABS | width, 0, *offset));
        program.push(line(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, refuse, *value));
    }
    program.push(line(libc::BPF_RET | libc::BPF_K, 0, u32::MAX));
    program.push(line(libc::BPF_RET | libc::BPF_K, 0, 0));
    program
}

fn attach(fd: &OwnedFd, program: &[libc::sock_filter]) -> io::Result<()> {
    let program = libc::sock_fprog { len: program.len() as u16, filter: program.as_ptr().cast_mut() };
    set_option(fd, libc::SOL_SOCKET, libc::SO_ATTACH_FILTER, &program)
}

/// Makes the interface receive the group to which answers to an anonymous question are sent.
fn join(fd: &OwnedFd, interface: u32) -> io::Result<()> {
    let mut address = [0; 8];
    address[..6].copy_from_slice(&frame::multicast_mac(frame::ALL_NODES).0);
    let request = libc::packet_mreq {
        mr_ifindex: interface.cast_signed(),
        mr_type: libc::PACKET_MR_MULTICAST as u16,
        mr_alen: 6,
        mr_address: address,
    };
    set_option(fd, libc::SOL_PACKET, libc::PACKET_ADD_MEMBERSHIP, &request)
}

#[expect(unsafe_code, reason = "nix knows neither of these socket options")]
fn set_option<T>(fd: &OwnedFd, level: c_int, name: c_int, value: &T) -> io::Result<()> {
    let length = size_of::<T>() as libc::socklen_t;
    // SAFETY: `value` is a live, initialised `T`, `length` its size; the kernel copies it (and the filter
    // program that it points to) before the call returns.
    let result = unsafe { libc::setsockopt(fd.as_raw_fd(), level, name, (&raw const *value).cast(), length) };
    Errno::result(result)?;
    Ok(())
}

#[expect(unsafe_code, reason = "nix cannot make a packet socket address")]
fn bind(fd: &OwnedFd, interface: u32, protocol: u16) -> io::Result<()> {
    let address = libc::sockaddr_ll {
        sll_family: libc::AF_PACKET as u16,
        sll_protocol: protocol.to_be(),
        sll_ifindex: interface.cast_signed(),
        sll_hatype: 0,
        sll_pkttype: 0,
        sll_halen: 0,
        sll_addr: [0; 8],
    };
    let length = size_of_val(&address) as libc::socklen_t;
    // SAFETY: `address` is a live, initialised `sockaddr_ll` and `length` its size.
    let result = unsafe { libc::bind(fd.as_raw_fd(), (&raw const address).cast(), length) };
    Errno::result(result)?;
    Ok(())
}
