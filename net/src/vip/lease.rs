//! The lease of a virtual IP, kept by the kernel.
//!
//! Traffic from and to the address passes only while the address is an element of an nftables set, and the
//! element has a timeout. Whoever holds the lease renews it; if that process hangs, is stopped or dies, the
//! kernel takes the element away and the node no longer answers for the address: no ARP, no neighbour
//! advertisement, no packet in or out. The address itself may still be configured.

use std::{
    io::{self, Write},
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    process::{Command, Stdio},
};

use nix::sys::socket::SockProtocol;

use super::{
    VipError,
    address::octets,
    netlink::{Message, Socket, messages},
};

const NFNL_SUBSYS_NFTABLES: u16 = libc::NFNL_SUBSYS_NFTABLES as u16;
const NFTA_TABLE_NAME: u16 = 1;
const NFTA_SET_ELEM_LIST_TABLE: u16 = 1;
const NFTA_SET_ELEM_LIST_SET: u16 = 2;
const NFTA_SET_ELEM_LIST_ELEMENTS: u16 = 3;
const NFTA_LIST_ELEM: u16 = 1;
const NFTA_SET_ELEM_KEY: u16 = 1;
const NFTA_SET_ELEM_TIMEOUT: u16 = 4;
const NFTA_DATA_VALUE: u16 = 1;

/// The kernel counts lease time in ticks of up to 10 ms, and takes a timeout of no tick for "for ever".
const SHORTEST_MS: u32 = 20;

/// One set in the kernel whose elements are the addresses that may be served now.
#[derive(Debug)]
struct LeaseSet {
    family: u8,
    name: &'static str,
    addresses: Vec<IpAddr>,
}

/// The right of this node to answer for the virtual addresses of one module.
///
/// Keep it open: renewing takes a fraction of a millisecond, closing the socket after a change up to 16.
#[derive(Debug)]
pub struct Lease {
    socket: Socket,
    module: String,
    table: String,
    sets: Vec<LeaseSet>,
}

impl Lease {
    /// Installs the rules in the kernel, with no lease: from now on the addresses are mute. Replaces rules
    /// (and a lease) that an earlier life of this module left behind. Runs `nft`.
    pub fn install(module: &str, addresses: &[IpAddr]) -> Result<Self, VipError> {
        let lease = Self::attach(module, addresses)?;
        run_nft(module, &rules(&lease.table, addresses))?;
        Ok(lease)
    }

    /// A second handle on rules that another process of this node installed, with the same addresses.
    pub fn attach(module: &str, addresses: &[IpAddr]) -> Result<Self, VipError> {
        let socket = Socket::open(SockProtocol::NetlinkNetFilter, 0)
            .map_err(|source| VipError::kernel("open a netfilter netlink socket", source))?;
        let (v4, v6): (Vec<_>, Vec<_>) = addresses.iter().copied().partition(IpAddr::is_ipv4);
        let sets = [
            (libc::NFPROTO_ARP, "lease4", v4.clone()),
            (libc::NFPROTO_INET, "lease4", v4),
            (libc::NFPROTO_INET, "lease6", v6),
        ];
        let sets = sets
            .into_iter()
            .filter(|(_, _, addresses)| !addresses.is_empty())
            .map(|(family, name, addresses)| LeaseSet { family: family as u8, name, addresses })
            .collect();
        Ok(Self { socket, module: module.into(), table: table_name(module), sets })
    }

    /// Lets the addresses be served for `for_ms` from now, instead of what was granted before. One
    /// transaction: no packet meets the moment between. Less than 20 ms drops the lease.
    pub fn renew(&mut self, for_ms: u32) -> Result<(), VipError> {
        if for_ms < SHORTEST_MS {
            return self.drop_now();
        }
        self.replace(Some(for_ms))
            .map_err(|source| VipError::kernel(format!("renew the address lease of {}", self.module), source))
    }

    /// Makes the addresses mute at once.
    pub fn drop_now(&mut self) -> Result<(), VipError> {
        self.replace(None)
            .map_err(|source| VipError::kernel(format!("drop the address lease of {}", self.module), source))
    }

    /// Takes the rules away. An address that is still configured is then served without any lease: delete
    /// the addresses first.
    pub fn remove(mut self) -> Result<(), VipError> {
        let mut families: Vec<_> = self.sets.iter().map(|set| set.family).collect();
        families.dedup();
        let table = c_string(&self.table);
        let result = self.transact(|batch, sequence| {
            for family in &families {
                batch
                    .begin(kind(libc::NFT_MSG_DELTABLE), ACKNOWLEDGED, sequence())
                    .put(&generation(*family, 0))
                    .attribute(NFTA_TABLE_NAME, &table);
            }
        });
        match result {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            result => result.map_err(|source| {
                VipError::kernel(format!("remove the address rules of {}", self.module), source)
            }),
        }
    }

    /// Empties all sets and fills them again, as one transaction.
    fn replace(&mut self, for_ms: Option<u32>) -> io::Result<()> {
        let table = c_string(&self.table);
        let sets = std::mem::take(&mut self.sets);
        let result = self.transact(|batch, sequence| {
            for set in &sets {
                let name = c_string(set.name);
                batch
                    .begin(kind(libc::NFT_MSG_DELSETELEM), ACKNOWLEDGED, sequence())
                    .put(&generation(set.family, 0))
                    .attribute(NFTA_SET_ELEM_LIST_TABLE, &table)
                    .attribute(NFTA_SET_ELEM_LIST_SET, &name);
                let Some(for_ms) = for_ms else { continue };
                batch
                    .begin(kind(libc::NFT_MSG_NEWSETELEM), ACKNOWLEDGED | libc::NLM_F_CREATE, sequence())
                    .put(&generation(set.family, 0))
                    .attribute(NFTA_SET_ELEM_LIST_TABLE, &table)
                    .attribute(NFTA_SET_ELEM_LIST_SET, &name)
                    .nest(NFTA_SET_ELEM_LIST_ELEMENTS, |list| put_elements(list, &set.addresses, for_ms));
            }
        });
        self.sets = sets;
        result
    }

    /// Sends what `fill` builds as one batch, all or nothing, and waits until every message is answered.
    fn transact(&mut self, fill: impl FnOnce(&mut Message, &mut dyn FnMut() -> u32)) -> io::Result<()> {
        let first = self.socket.next_sequence();
        let mut last = first;
        let mut batch = Message::default();
        batch
            .begin(libc::NFNL_MSG_BATCH_BEGIN as u16, libc::NLM_F_REQUEST, first)
            .put(&generation(0, NFNL_SUBSYS_NFTABLES));
        fill(&mut batch, &mut || {
            last = self.socket.next_sequence();
            last
        });
        let end = self.socket.next_sequence();
        batch
            .begin(libc::NFNL_MSG_BATCH_END as u16, libc::NLM_F_REQUEST, end)
            .put(&generation(0, NFNL_SUBSYS_NFTABLES));
        if last == first {
            return Ok(());
        }
        self.socket.send(&batch)?;
        self.await_results(first..=last)
    }

    fn await_results(&self, of: std::ops::RangeInclusive<u32>) -> io::Result<()> {
        let mut buffer = Vec::new();
        loop {
            self.socket.receive(&mut buffer, false)?;
            for message in messages(&buffer).filter(|message| of.contains(&message.sequence)) {
                match message.result() {
                    Some(Ok(())) if message.sequence == *of.end() => return Ok(()),
                    Some(Err(error)) => return Err(error),
                    _ => {}
                }
            }
        }
    }
}

const ACKNOWLEDGED: i32 = libc::NLM_F_REQUEST | libc::NLM_F_ACK;

fn kind(message: i32) -> u16 {
    NFNL_SUBSYS_NFTABLES << 8 | message as u16
}

/// `struct nfgenmsg`.
fn generation(family: u8, resource: u16) -> [u8; 4] {
    let [high, low] = resource.to_be_bytes();
    [family, libc::NFNETLINK_V0 as u8, high, low]
}

fn put_elements(list: &mut Message, addresses: &[IpAddr], for_ms: u32) {
    for ip in addresses {
        list.nest(NFTA_LIST_ELEM, |element| {
            element.nest(NFTA_SET_ELEM_KEY, |key| {
                key.attribute(NFTA_DATA_VALUE, &octets(*ip));
            });
            element.attribute(NFTA_SET_ELEM_TIMEOUT, &u64::from(for_ms).to_be_bytes());
        });
    }
}

fn c_string(text: &str) -> Vec<u8> {
    [text.as_bytes(), &[0]].concat()
}

/// A table name that nft can read, different for different modules.
fn table_name(module: &str) -> String {
    let readable = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' => char::from(byte).to_string(),
        other => format!(".{other:02x}"),
    };
    format!("safetui_vip_{}", module.bytes().map(readable).collect::<String>())
}

/// The rules. `add` before `delete` makes the replacement work whether or not the table exists.
fn rules(table: &str, addresses: &[IpAddr]) -> String {
    let (mut v4, mut v6) = (Vec::new(), Vec::new());
    for ip in addresses {
        match ip {
            IpAddr::V4(ip) => v4.push(*ip),
            IpAddr::V6(ip) => v6.push(*ip),
        }
    }
    let replace = |family: &str, body: String| {
        format!(
            "add table {family} {table}\ndelete table {family} {table}\ntable {family} {table} {{\n{body}}}\n"
        )
    };
    replace("arp", arp_rules(&v4)) + &replace("inet", inet_rules(&v4, &v6))
}

/// Only what this node says about the address is dropped: it must go on learning who has it now.
fn arp_rules(v4: &[Ipv4Addr]) -> String {
    if v4.is_empty() {
        return String::new();
    }
    let guarded = set("guarded4", "ipv4_addr", v4) + &lease_set("lease4", "ipv4_addr");
    let rule = "arp saddr ip @guarded4 arp saddr ip != @lease4 counter drop\n";
    guarded + &format!("chain leaving {{ type filter hook output priority -300; policy accept;\n{rule}}}\n")
}

/// The hooks lie outside address translation, so that a container with a published port is cut off too. The
/// address type tells our own address from the peer's, which this node may talk to or route for.
fn inet_rules(v4: &[Ipv4Addr], v6: &[Ipv6Addr]) -> String {
    let (mut sets, mut arriving, mut leaving) = (String::new(), String::new(), String::new());
    let mut guard = |family: &str, digit: char| {
        let rule = |end: &str| {
            format!(
                "{family} {end} @guarded{digit} {family} {end} != @lease{digit} fib {end} type local counter drop\n"
            )
        };
        arriving += &rule("daddr");
        leaving += &rule("saddr");
    };
    if !v4.is_empty() {
        sets += &(set("guarded4", "ipv4_addr", v4) + &lease_set("lease4", "ipv4_addr"));
        guard("ip", '4');
    }
    if !v6.is_empty() {
        sets += &(set("guarded6", "ipv6_addr", v6) + &lease_set("lease6", "ipv6_addr"));
        guard("ip6", '6');
    }
    for ip in v6 {
        // The kernel advertises an address from that address: from any other source, somebody is a proxy.
        let target = format!("icmpv6 type nd-neighbor-advert @th,64,128 0x{:032x}", ip.to_bits());
        leaving += &(target + " ip6 saddr != @lease6 counter drop\n");
    }
    format!(
        "{sets}chain arriving {{ type filter hook prerouting priority -300; policy accept;\n{arriving}}}\n\
         chain leaving {{ type filter hook postrouting priority 300; policy accept;\n{leaving}}}\n"
    )
}

fn set<T: ToString>(name: &str, kind: &str, addresses: &[T]) -> String {
    let elements: Vec<_> = addresses.iter().map(ToString::to_string).collect();
    format!("set {name} {{ type {kind}; elements = {{ {} }}\n}}\n", elements.join(", "))
}

fn lease_set(name: &str, kind: &str) -> String {
    format!("set {name} {{ type {kind}; flags timeout; }}\n")
}

fn run_nft(module: &str, rules: &str) -> Result<(), VipError> {
    // Administrators' tools are not on every service's search path.
    const WHERE: &str = "/usr/sbin:/sbin:/usr/local/sbin:/usr/bin:/bin";
    let mut command = Command::new("nft");
    command.args(["-f", "-"]).env("PATH", WHERE);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let no_nft = |source| VipError::NoNft { module: module.into(), source };
    let mut child = command.spawn().map_err(no_nft)?;
    let sent = child.stdin.take().expect("stdin is piped").write_all(rules.as_bytes());
    let output = child.wait_with_output().map_err(no_nft)?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr).trim().replace('\n', " ");
        return Err(VipError::NftRefused { module: module.into(), text });
    }
    sent.map_err(no_nft)
}
