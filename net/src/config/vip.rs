//! `<vip>`: virtual addresses of a mirror.

use std::net::IpAddr;

use super::{
    cluster::Cluster,
    code,
    module::Vip,
    report::Report,
    value::{self, Resolve},
    xml::Element,
};

/// The kernel's bound on the name of an interface, its final zero excluded.
const LONGEST_INTERFACE: usize = 15;

pub(super) fn read(
    report: &mut Report<'_>,
    element: &Element,
    cluster: &Cluster,
    resolve: Resolve<'_>,
) -> Vec<Vip> {
    let mut vips: Vec<Vip> = Vec::new();
    for interface in element.all("interface_list").flat_map(|list| list.all("interface")) {
        let name = interface_name(report, interface);
        for child in interface.all("real_interface").flat_map(|real| real.all("virtual_addr")) {
            let Some(vip) = virtual_address(report, child, name.clone(), resolve) else { continue };
            if let Some(node) = cluster.owner(vip.addr) {
                let message = format!("virtual address {} is the address of node \"{node}\"", vip.addr);
                let help = "take an address of the same network that no machine has";
                report.error(code::VIRTUAL_ADDRESS, child.place("addr"), message).help(help);
            }
            if vips.iter().any(|other| other.addr == vip.addr) {
                let message = format!("virtual address {} is given twice", vip.addr);
                report.error(code::VIRTUAL_ADDRESS, child.place("addr"), message);
            }
            vips.push(vip);
        }
    }
    // With another error the address may be there and unreadable.
    if vips.is_empty() && !report.has_errors() {
        let message = "<vip> contains no <virtual_addr>";
        let help = "its place is <interface_list><interface><real_interface>; or remove <vip>";
        report.error(code::MISSING_ELEMENT, element.at, message).help(help);
    }
    vips
}

fn virtual_address(
    report: &mut Report<'_>,
    element: &Element,
    interface: Option<String>,
    resolve: Resolve<'_>,
) -> Option<Vip> {
    // One meaning today; reading it says so for the others.
    let _ = value::choice(report, element, "where", &[("one_side_alias", ())], &["one_side", "alias"]);
    let addr = value::address(report, element, "addr", resolve)?;
    let whole = if addr.is_ipv4() { 32 } else { 128 };
    let prefix = netmask(report, element, addr).unwrap_or(whole);
    Some(Vip { addr, prefix, interface })
}

/// Length of the prefix that `netmask` describes.
fn netmask(report: &mut Report<'_>, element: &Element, addr: IpAddr) -> Option<u8> {
    let attribute = element.attribute("netmask")?;
    let given = attribute.value.trim();
    let mask: Option<IpAddr> = given.parse().ok();
    let (ones, contiguous) = match (addr, mask) {
        (IpAddr::V4(_), Some(IpAddr::V4(mask))) => {
            let bits = mask.to_bits();
            (bits.leading_ones(), bits.leading_ones() == bits.count_ones())
        }
        (IpAddr::V6(_), Some(IpAddr::V6(mask))) => {
            let bits = mask.to_bits();
            (bits.leading_ones(), bits.leading_ones() == bits.count_ones())
        }
        _ => (0, false),
    };
    if !contiguous || ones == 0 {
        let example = if addr.is_ipv4() { "such as 255.255.255.0" } else { "such as ffff:ffff:ffff:ffff::" };
        let message = format!("\"{given}\" is not a netmask for {addr}");
        report.error(code::VALUE, attribute.value_at, message).allowed(example);
        return None;
    }
    Some(ones as u8)
}

fn interface_name(report: &mut Report<'_>, element: &Element) -> Option<String> {
    let attribute = element.attribute("name")?;
    let given = attribute.value.trim();
    let fits = !given.is_empty()
        && given.len() <= LONGEST_INTERFACE
        && given != "."
        && given != ".."
        && !given.contains(|c: char| c.is_whitespace() || c == '/');
    if !fits {
        let message = format!("\"{given}\" cannot be the name of a network interface");
        let allowed = format!("1 to {LONGEST_INTERFACE} bytes without spaces and slashes");
        report.error(code::VALUE, attribute.value_at, message).allowed(allowed);
    }
    fits.then(|| given.to_owned())
}
