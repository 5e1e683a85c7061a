//! ARP and neighbour-discovery frames, written and read byte by byte.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::Mac;

/// Protocol numbers in an Ethernet header.
pub(super) const ARP: u16 = libc::ETH_P_ARP as u16;
pub(super) const IPV6: u16 = libc::ETH_P_IPV6 as u16;

const BROADCAST: [u8; 6] = [0xff; 6];
pub(super) const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
const ICMPV6: u8 = 58;
const SOLICITATION: u8 = 135;
const ADVERTISEMENT: u8 = 136;

/// What an ARP packet is.
#[derive(Clone, Copy)]
enum Operation {
    Request = 1,
    Reply = 2,
}

/// The Ethernet protocol in which `ip` is claimed.
pub(super) fn protocol(ip: IpAddr) -> u16 {
    if ip.is_ipv4() { ARP } else { IPV6 }
}

/// The frames that tell everybody on the network that `ip` is at `mac`.
pub(super) fn announcements(ip: IpAddr, mac: Mac) -> Vec<Vec<u8>> {
    match ip {
        // Some systems learn only from requests, some only from replies. Linux takes a reply for gratuitous
        // only if it is addressed to its sender.
        IpAddr::V4(ip) => vec![
            arp(Operation::Request, (mac, ip), (Mac::default(), ip)),
            arp(Operation::Reply, (mac, ip), (mac, ip)),
        ],
        IpAddr::V6(ip) => vec![advertisement(ip, mac)],
    }
}

/// The frame that asks whether anybody has `ip`, without teaching anybody who asks.
pub(super) fn question(ip: IpAddr, mac: Mac) -> Vec<u8> {
    match ip {
        IpAddr::V4(ip) => arp(Operation::Request, (mac, Ipv4Addr::UNSPECIFIED), (Mac::default(), ip)),
        IpAddr::V6(ip) => solicitation(ip, mac),
    }
}

/// The hardware address that claims `ip` in this frame, if the frame is such a claim.
pub(super) fn claimant(frame: &[u8], ip: IpAddr) -> Option<Mac> {
    let protocol = u16::from_be_bytes(frame.get(12..14)?.try_into().ok()?);
    let mac = match ip {
        IpAddr::V4(ip) => {
            let claims = protocol == ARP && *frame.get(28..32)? == ip.octets();
            claims.then_some(frame.get(22..28)?)?
        }
        IpAddr::V6(ip) => {
            let advertises =
                protocol == IPV6 && *frame.get(20)? == ICMPV6 && *frame.get(54)? == ADVERTISEMENT;
            let claims = advertises && *frame.get(62..78)? == ip.octets();
            claims.then_some(frame.get(6..12)?)?
        }
    };
    mac.try_into().ok().map(Mac)
}

/// The comparisons that pick the claims of `ip` out of the traffic: (offset, width in bytes, value).
pub(super) fn claim_pattern(ip: IpAddr) -> Vec<(u32, u16, u32)> {
    match ip {
        IpAddr::V4(ip) => vec![(28, 4, ip.to_bits())],
        IpAddr::V6(ip) => {
            let word = |at: u32| (ip.to_bits() >> (96 - 32 * at)) as u32;
            let target = (0..4).map(|at| (62 + 4 * at, 4, word(at)));
            [(20, 1, ICMPV6.into()), (54, 1, ADVERTISEMENT.into())].into_iter().chain(target).collect()
        }
    }
}

fn ethernet(to: [u8; 6], from: Mac, protocol: u16) -> Vec<u8> {
    [&to[..], &from.0, &protocol.to_be_bytes()].concat()
}

fn arp(operation: Operation, sender: (Mac, Ipv4Addr), target: (Mac, Ipv4Addr)) -> Vec<u8> {
    const ETHERNET_AND_IPV4: [u8; 6] = [0, 1, 8, 0, 6, 4];
    let mut frame = ethernet(BROADCAST, sender.0, ARP);
    frame.extend(ETHERNET_AND_IPV4);
    frame.extend((operation as u16).to_be_bytes());
    frame.extend(sender.0.0);
    frame.extend(sender.1.octets());
    frame.extend(target.0.0);
    frame.extend(target.1.octets());
    frame
}

fn advertisement(ip: Ipv6Addr, mac: Mac) -> Vec<u8> {
    const OVERRIDE: u32 = 0x2000_0000;
    const TARGET_MAC: [u8; 2] = [2, 1];
    let mut body = vec![ADVERTISEMENT, 0, 0, 0];
    body.extend(OVERRIDE.to_be_bytes());
    body.extend(ip.octets());
    body.extend(TARGET_MAC);
    body.extend(mac.0);
    icmpv6(mac, ip, ALL_NODES, body)
}

fn solicitation(ip: Ipv6Addr, mac: Mac) -> Vec<u8> {
    let mut body = vec![SOLICITATION, 0, 0, 0, 0, 0, 0, 0];
    body.extend(ip.octets());
    let [.., a, b, c] = ip.octets();
    let group = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 1, 0xff00 | u16::from(a), u16::from_be_bytes([b, c]));
    icmpv6(mac, Ipv6Addr::UNSPECIFIED, group, body)
}

fn icmpv6(mac: Mac, from: Ipv6Addr, group: Ipv6Addr, mut body: Vec<u8>) -> Vec<u8> {
    // Neighbour discovery from beyond a router is recognised by a lower value.
    const HOPS: u8 = 255;
    let length = body.len() as u16;
    let pseudo = [&from.octets()[..], &group.octets(), &[0, 0], &length.to_be_bytes(), &[0, 0, 0, ICMPV6]];
    let sum = checksum(&[&pseudo.concat()[..], &body].concat());
    body[2..4].copy_from_slice(&sum.to_be_bytes());

    let mut frame = ethernet(multicast_mac(group).0, mac, IPV6);
    frame.extend([0x60, 0, 0, 0]);
    frame.extend(length.to_be_bytes());
    frame.extend([ICMPV6, HOPS]);
    frame.extend(from.octets());
    frame.extend(group.octets());
    frame.extend(body);
    frame
}

/// The hardware address on which a multicast group is received.
pub(super) fn multicast_mac(group: Ipv6Addr) -> Mac {
    let [.., a, b, c, d] = group.octets();
    Mac([0x33, 0x33, a, b, c, d])
}

/// The Internet checksum of an even number of bytes.
fn checksum(bytes: &[u8]) -> u16 {
    let sum: u32 = bytes.chunks_exact(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(pair[1])).sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    !((folded & 0xffff) + (folded >> 16)) as u16
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzz;

    const IPS: [IpAddr; 2] =
        [IpAddr::V4(Ipv4Addr::new(10, 0, 0, 9)), IpAddr::V6(Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 9))];

    fuzz::target!(
        any_frame_is_a_claim_or_none,
        IPS.into_iter().flat_map(|ip| announcements(ip, Mac([2, 0, 0, 0, 0, 1]))),
        |frame| {
            for ip in IPS {
                if let Some(mac) = claimant(frame, ip) {
                    assert!(frame.windows(6).any(|bytes| bytes == mac.0));
                }
            }
        }
    );
}
