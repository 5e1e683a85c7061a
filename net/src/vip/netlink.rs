//! Netlink messages and sockets, just enough for addresses, links and nftables sets.
//!
//! Numbers are in the machine's byte order, except inside nftables attributes, which are big-endian.

use std::{
    io,
    os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
    time::Duration,
};

use nix::sys::{
    socket::{
        AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, recv, send, setsockopt,
        socket, sockopt,
    },
    time::{TimeVal, TimeValLike},
};

/// Length of `struct nlmsghdr`.
const HEADER: usize = 16;
/// The kernel's dumps come in pieces of at most 32 KiB.
const BUFFER: usize = 64 * 1024;
/// The kernel answers in microseconds; a missing answer must not hang a failover.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// One netlink message under construction, or several in a row.
#[derive(Default)]
pub struct Message {
    bytes: Vec<u8>,
    start: usize,
}

impl Message {
    /// Begins a message; what was built before it stays in front of it.
    pub fn begin(&mut self, kind: u16, flags: i32, sequence: u32) -> &mut Self {
        self.start = self.bytes.len();
        self.bytes.extend(0u32.to_ne_bytes());
        self.bytes.extend(kind.to_ne_bytes());
        self.bytes.extend((flags as u16).to_ne_bytes());
        self.bytes.extend(sequence.to_ne_bytes());
        self.bytes.extend(0u32.to_ne_bytes());
        self.seal()
    }

    /// Appends a fixed part: `ifaddrmsg`, `nfgenmsg` and the like.
    pub fn put(&mut self, bytes: &[u8]) -> &mut Self {
        self.bytes.extend(bytes);
        self.seal()
    }

    /// Appends one attribute.
    pub fn attribute(&mut self, kind: u16, value: &[u8]) -> &mut Self {
        self.bytes.extend((4 + value.len() as u16).to_ne_bytes());
        self.bytes.extend(kind.to_ne_bytes());
        self.put(value)
    }

    /// Appends an attribute that contains attributes.
    pub fn nest(&mut self, kind: u16, fill: impl FnOnce(&mut Self)) -> &mut Self {
        let at = self.bytes.len();
        self.attribute(kind | libc::NLA_F_NESTED as u16, &[]);
        fill(self);
        let length = (self.bytes.len() - at) as u16;
        self.bytes[at..at + 2].copy_from_slice(&length.to_ne_bytes());
        self
    }

    /// Everything built so far.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Pads to the alignment of the next part and writes the length so far into the header.
    fn seal(&mut self) -> &mut Self {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
        let length = (self.bytes.len() - self.start) as u32;
        self.bytes[self.start..self.start + 4].copy_from_slice(&length.to_ne_bytes());
        self
    }
}

/// One message from the kernel.
#[derive(Clone, Copy, Debug)]
pub struct Received<'a> {
    /// Message type, such as `RTM_NEWADDR`.
    pub kind: u16,
    /// Sequence number of the request that it answers.
    pub sequence: u32,
    /// What follows the header.
    pub body: &'a [u8],
}

impl Received<'_> {
    /// The result of a request when this message is one.
    pub fn result(&self) -> Option<io::Result<()>> {
        (i32::from(self.kind) == libc::NLMSG_ERROR).then(|| match i32_at(self.body, 0) {
            Some(0) => Ok(()),
            Some(error) => Err(io::Error::from_raw_os_error(-error)),
            None => Err(io::ErrorKind::UnexpectedEof.into()),
        })
    }
}

/// The messages in one datagram.
pub fn messages(mut bytes: &[u8]) -> impl Iterator<Item = Received<'_>> {
    std::iter::from_fn(move || {
        let length = u32_at(bytes, 0)? as usize;
        let message = bytes.get(..length).filter(|message| message.len() >= HEADER)?;
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some(Received { kind: u16_at(message, 4)?, sequence: u32_at(message, 8)?, body: &message[HEADER..] })
    })
}

/// The attributes in `bytes`, without the nesting and byte-order flags in their kinds.
pub fn attributes(mut bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    const FLAGS: u16 = 0xc000;
    std::iter::from_fn(move || {
        let length = usize::from(u16_at(bytes, 0)?);
        let kind = u16_at(bytes, 2)? & !FLAGS;
        let value = bytes.get(4..length)?;
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((kind, value))
    })
}

/// The number at `at`, in the machine's byte order.
pub fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

/// The number at `at`, in the machine's byte order.
pub fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

/// The number at `at`, in the machine's byte order.
pub fn i32_at(bytes: &[u8], at: usize) -> Option<i32> {
    u32_at(bytes, at).map(u32::cast_signed)
}

/// A netlink socket of the network namespace of the thread that opened it.
#[derive(Debug)]
pub struct Socket {
    fd: OwnedFd,
    sequence: u32,
}

impl Socket {
    /// Opens a socket that receives the given multicast groups (a bit mask; 0 for requests only).
    pub fn open(protocol: SockProtocol, groups: u32) -> io::Result<Self> {
        let fd = socket(AddressFamily::Netlink, SockType::Raw, SockFlag::SOCK_CLOEXEC, protocol)?;
        setsockopt(&fd, sockopt::ReceiveTimeout, &TimeVal::milliseconds(ANSWER_WITHIN.as_millis() as i64))?;
        bind(fd.as_raw_fd(), &NetlinkAddr::new(0, groups))?;
        Ok(Self { fd, sequence: 0 })
    }

    /// A sequence number for the next message.
    pub fn next_sequence(&mut self) -> u32 {
        self.sequence = self.sequence.wrapping_add(1);
        self.sequence
    }

    /// Sends messages to the kernel.
    pub fn send(&self, message: &Message) -> io::Result<()> {
        send(self.fd.as_raw_fd(), message.bytes(), MsgFlags::empty())?;
        Ok(())
    }

    /// Receives one datagram; `None` when `now` and nothing is there.
    pub fn receive(&self, buffer: &mut Vec<u8>, now: bool) -> io::Result<Option<()>> {
        let flags = if now { MsgFlags::MSG_DONTWAIT } else { MsgFlags::empty() };
        buffer.resize(BUFFER, 0);
        loop {
            match recv(self.fd.as_raw_fd(), buffer, flags) {
                Ok(length) => {
                    buffer.truncate(length);
                    return Ok(Some(()));
                }
                Err(nix::Error::EINTR) => {}
                Err(nix::Error::EAGAIN) if now => return Ok(None),
                Err(nix::Error::EAGAIN) => return Err(io::ErrorKind::TimedOut.into()),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Sends one request and waits for its result.
    pub fn request(&mut self, kind: u16, flags: i32, fill: impl FnOnce(&mut Message)) -> io::Result<()> {
        let sequence = self.next_sequence();
        let mut message = Message::default();
        fill(message.begin(kind, libc::NLM_F_REQUEST | libc::NLM_F_ACK | flags, sequence));
        self.send(&message)?;
        let mut buffer = Vec::new();
        loop {
            self.receive(&mut buffer, false)?;
            let answer = messages(&buffer).find(|message| message.sequence == sequence);
            if let Some(result) = answer.and_then(|message| message.result()) {
                return result;
            }
        }
    }

    /// Asks for all objects of a kind and hands each to `each`.
    pub fn dump(&mut self, kind: u16, fixed: &[u8], mut each: impl FnMut(Received<'_>)) -> io::Result<()> {
        let sequence = self.next_sequence();
        let mut message = Message::default();
        message.begin(kind, libc::NLM_F_REQUEST | libc::NLM_F_DUMP, sequence).put(fixed);
        self.send(&message)?;
        let mut buffer = Vec::new();
        loop {
            self.receive(&mut buffer, false)?;
            for message in messages(&buffer).filter(|message| message.sequence == sequence) {
                if i32::from(message.kind) == libc::NLMSG_DONE {
                    return Ok(());
                }
                match message.result() {
                    Some(result) => return result,
                    None => each(message),
                }
            }
        }
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}
