//! The hardware address behind the router's address.

use std::{fmt, fs, io, net::Ipv4Addr};

/// The neighbour table of this thread's network namespace; `/proc/net` would be the main thread's.
const TABLE: &str = "/proc/thread-self/net/arp";
/// Flag of an entry whose hardware address is known.
const COMPLETE: u32 = 0x2;

/// A hardware (Ethernet) address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Mac(pub [u8; 6]);

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.map(|byte| format!("{byte:02x}")).join(":"))
    }
}

/// The hardware address of a router on one of this machine's networks, as the kernel knows it now; nothing
/// if it knows none, as for an address behind another router. A change means that another machine answers
/// for the address.
pub fn router_mac(router: Ipv4Addr) -> io::Result<Option<Mac>> {
    Ok(find(&fs::read_to_string(TABLE)?, router))
}

/// Columns: address, hardware type, flags, hardware address, mask, device.
fn find(table: &str, router: Ipv4Addr) -> Option<Mac> {
    table.lines().skip(1).find_map(|line| {
        let mut columns = line.split_whitespace();
        let address: Ipv4Addr = columns.next()?.parse().ok()?;
        let flags = u32::from_str_radix(columns.nth(1)?.strip_prefix("0x")?, 16).ok()?;
        let mac = parse(columns.next()?)?;
        (address == router && flags & COMPLETE != 0).then_some(mac)
    })
}

fn parse(text: &str) -> Option<Mac> {
    let bytes: Option<Vec<u8>> = text.split(':').map(|byte| u8::from_str_radix(byte, 16).ok()).collect();
    bytes?.try_into().ok().map(Mac)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str = "\
IP address       HW type     Flags       HW address            Mask     Device
10.0.0.3         0x1         0x0         00:00:00:00:00:00     *        eth0
10.0.0.2         0x1         0x0         00:00:00:00:00:00     *        eth1
10.0.0.2         0x1         0x2         02:1a:0b:00:ff:10     *        eth0
10.0.0.4         0x1         0x6         06:00:00:00:00:04     *        eth0
";

    #[test]
    fn only_complete_entries_of_that_address_count() {
        let mac = |last| find(SAMPLE, Ipv4Addr::new(10, 0, 0, last)).map(|mac| mac.to_string());
        assert_eq!(mac(2).as_deref(), Some("02:1a:0b:00:ff:10"));
        assert_eq!(mac(4).as_deref(), Some("06:00:00:00:00:04"), "permanent entries are complete too");
        assert_eq!(mac(3), None);
        assert_eq!(mac(1), None);
    }
}
