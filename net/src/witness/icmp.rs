//! ICMP echo packets and the sockets for them.

use std::{
    io,
    net::{IpAddr, SocketAddr, UdpSocket},
    os::fd::AsFd,
};

use nix::{
    libc,
    sys::socket::{AddressFamily, SockFlag, SockProtocol, SockType, socket},
};

pub(super) const HEADER_LEN: usize = 8;

const ECHO_REPLY_V4: u8 = 0;
const ECHO_REQUEST_V4: u8 = 8;
const ECHO_REQUEST_V6: u8 = 128;
const ECHO_REPLY_V6: u8 = 129;

/// Option of raw ICMP sockets: a bit for each type that is to be dropped. Same number for both families.
const ICMP_FILTER: libc::c_int = 1;

/// An echo request. On ping sockets the kernel sets the identifier and the checksum itself.
pub(super) fn echo_request(ipv6: bool, id: u16, seq: u16, payload: &[u8]) -> Vec<u8> {
    let kind = if ipv6 { ECHO_REQUEST_V6 } else { ECHO_REQUEST_V4 };
    let mut out = Vec::with_capacity(HEADER_LEN + payload.len());
    out.extend([kind, 0, 0, 0]);
    out.extend(id.to_be_bytes());
    out.extend(seq.to_be_bytes());
    out.extend(payload);
    // The checksum of ICMPv6 covers the addresses and is the kernel's.
    if !ipv6 {
        let sum = checksum(&out);
        out[2..4].copy_from_slice(&sum.to_be_bytes());
    }
    out
}

/// The payload of an echo reply.
pub(super) fn echo_reply(ipv6: bool, packet: &[u8]) -> Option<&[u8]> {
    let kind = if ipv6 { ECHO_REPLY_V6 } else { ECHO_REPLY_V4 };
    let (header, payload) = packet.split_at_checked(HEADER_LEN)?;
    (header[0] == kind && header[1] == 0).then_some(payload)
}

/// What follows the header of an IPv4 packet, and the address that it was sent to.
pub(super) fn strip_ipv4(packet: &[u8]) -> Option<(std::net::Ipv4Addr, &[u8])> {
    let words = usize::from(packet.first()? & 0x0f);
    let header = packet.get(..(4 * words).max(20))?;
    let to: [u8; 4] = header[16..20].try_into().ok()?;
    Some((to.into(), &packet[header.len()..]))
}

/// The internet checksum (RFC 1071).
pub(super) fn checksum(bytes: &[u8]) -> u16 {
    let words = bytes.chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0)));
    let mut sum: u32 = words.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

/// A ping socket of the kernel: needs no privilege where `ping_group_range` admits us, and gets only the
/// answers to its own requests. The standard library's UDP socket is the type that sends and receives
/// datagrams with addresses, whatever their protocol.
pub(super) fn ping_socket(ipv6: bool) -> io::Result<UdpSocket> {
    open(ipv6, SockType::Datagram)
}

/// A raw ICMP socket that sees all echo replies which this machine gets, and nothing else.
pub(super) fn raw_socket(ipv6: bool) -> io::Result<UdpSocket> {
    let socket = open(ipv6, SockType::Raw)?;
    if ipv6 {
        let mut dropped = [u32::MAX; 8];
        dropped[usize::from(ECHO_REPLY_V6 / 32)] &= !(1 << (ECHO_REPLY_V6 % 32));
        set_option(&socket, libc::IPPROTO_ICMPV6, ICMP_FILTER, &dropped)?;
    } else {
        set_option(&socket, libc::SOL_RAW, ICMP_FILTER, &[!(1 << ECHO_REPLY_V4)])?;
    }
    Ok(socket)
}

/// Lets the sender write the IPv4 header itself, its own address included.
pub(super) fn include_header(socket: &UdpSocket) -> io::Result<()> {
    set_option(socket, libc::IPPROTO_IP, libc::IP_HDRINCL, &[1])
}

fn open(ipv6: bool, kind: SockType) -> io::Result<UdpSocket> {
    let (family, protocol) = if ipv6 {
        (AddressFamily::Inet6, SockProtocol::IcmpV6)
    } else {
        (AddressFamily::Inet, SockProtocol::Icmp)
    };
    Ok(socket(family, kind, SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK, protocol)?.into())
}

#[expect(unsafe_code, reason = "nix knows neither ICMP_FILTER nor IP_HDRINCL")]
fn set_option(socket: &impl AsFd, level: libc::c_int, name: libc::c_int, value: &[u32]) -> io::Result<()> {
    use std::os::fd::AsRawFd;
    let len = size_of_val(value) as libc::socklen_t;
    // SAFETY: the kernel reads `len` bytes from `value`, which is exactly that long and outlives the call.
    let done =
        unsafe { libc::setsockopt(socket.as_fd().as_raw_fd(), level, name, value.as_ptr().cast(), len) };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Raw and ping sockets have no ports.
pub(super) fn address(ip: IpAddr) -> SocketAddr {
    SocketAddr::new(ip, 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzz;

    fuzz::target!(
        any_packet_has_a_payload_or_none,
        [echo_request(false, 1, 2, b"payload"), [&[0x46; 24], b"rest" as &[u8]].concat()],
        |packet| {
            let within = |payload: &[u8]| assert!(packet.ends_with(payload));
            [false, true].into_iter().filter_map(|ipv6| echo_reply(ipv6, packet)).for_each(within);
            if let Some((_, rest)) = strip_ipv4(packet) {
                within(rest);
            }
        }
    );

    #[test]
    fn the_checksum_is_the_one_of_rfc_1071() {
        assert_eq!(checksum(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]), !0xddf2);
        assert_eq!(checksum(&[0x12]), !0x1200);
        let packet = echo_request(false, 1, 2, b"odd");
        assert_eq!(checksum(&packet), 0, "a packet with its checksum sums to zero");
    }

    #[test]
    fn only_whole_echo_replies_have_a_payload() {
        let mut packet = echo_request(false, 1, 2, b"x");
        assert_eq!(echo_reply(false, &packet), None, "a request is no reply");
        packet[0] = ECHO_REPLY_V4;
        assert_eq!(echo_reply(false, &packet), Some(&b"x"[..]));
        assert_eq!(echo_reply(true, &packet), None);
        assert_eq!(echo_reply(false, &packet[..7]), None);
    }

    #[test]
    fn short_ip_packets_are_nothing() {
        let mut packet = vec![0x46; 24];
        packet.extend(b"rest");
        packet[16..20].copy_from_slice(&[10, 0, 0, 1]);
        assert_eq!(strip_ipv4(&packet), Some(([10, 0, 0, 1].into(), &b"rest"[..])));
        for len in 0..24 {
            assert_eq!(strip_ipv4(&packet[..len]), None);
        }
    }
}
