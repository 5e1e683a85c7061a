//! `<check>`: so far the witness against split brain.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::{
    cluster::Cluster,
    code,
    module::{Splitbrain, Vip, Witness},
    report::Report,
    value::{self, Resolve},
    xml::{Attribute, Element},
};

/// Lost pings that SafeKit's users see on healthy networks.
const GAP: u8 = 3;

/// The witness of a module: the first `<splitbrain>`; a second is reported with the language.
pub(super) fn splitbrain(
    report: &mut Report<'_>,
    service: &Element,
    cluster: &Cluster,
    vips: &[Vip],
    resolve: Resolve<'_>,
) -> Option<Splitbrain> {
    let element = service.first("check")?.first("splitbrain")?;
    let ident = value::word(report, element, "ident").unwrap_or_default().to_owned();
    let gap = value::number(report, element, "gap", 1..=100).map_or(GAP, |gap| gap as u8);
    let relay = value::on_off(report, element, "relay", true);
    let place = Place { cluster, vips };
    if element.attribute("exec").is_some_and(|exec| exec.value.trim() == "arbiter") {
        let witness = Witness::Arbiter(arbiter(report, element, &place, resolve));
        return Some(Splitbrain { ident, witness, gap, relay: false });
    }
    let witness = Witness::Routers(routers(report, element, &place, resolve));
    Some(Splitbrain { ident, witness, gap, relay })
}

/// Whose addresses a witness cannot have.
struct Place<'a> {
    cluster: &'a Cluster,
    vips: &'a [Vip],
}

impl Place<'_> {
    /// A witness that falls silent together with a node decides for the other one, whatever the node does.
    fn apart(&self, report: &mut Report<'_>, attribute: &Attribute, address: IpAddr) {
        let problem = if let Some(node) = self.cluster.owner(address) {
            format!("witness {address} is node \"{node}\" itself")
        } else if self.vips.iter().any(|vip| vip.addr == address) {
            format!("witness {address} is a virtual address of this module")
        } else {
            return;
        };
        refuse(report, attribute, problem);
    }
}

fn refuse(report: &mut Report<'_>, attribute: &Attribute, problem: String) {
    let help = "a witness is a machine apart from the nodes, such as their router";
    report.error(code::WITNESS, attribute.value_at, problem).help(help);
}

fn routers(
    report: &mut Report<'_>,
    element: &Element,
    place: &Place<'_>,
    resolve: Resolve<'_>,
) -> Vec<IpAddr> {
    let Some(attribute) = element.attribute("arg") else { return Vec::new() };
    let mut routers = Vec::new();
    for word in attribute.value.split_whitespace() {
        let Some(address) = value::address_in(report, attribute, word, resolve) else { continue };
        place.apart(report, attribute, address);
        if routers.contains(&address) {
            refuse(report, attribute, format!("witness {address} is given twice"));
        }
        routers.push(address);
    }
    if attribute.value.trim().is_empty() {
        let message = "<splitbrain> names no witness in \"arg\"";
        report.error(code::WITNESS, attribute.value_at, message).allowed("addresses, separated by spaces");
    }
    routers
}

/// One address and a port. Of a value that cannot be read nothing is used.
fn arbiter(
    report: &mut Report<'_>,
    element: &Element,
    place: &Place<'_>,
    resolve: Resolve<'_>,
) -> SocketAddr {
    let nobody = SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), 0);
    if let Some(relay) = element.attribute("relay") {
        let message = "attribute \"relay\" of <splitbrain> has no effect";
        report.warning(code::NO_EFFECT, relay.at, message).help("an arbiter does not reflect heartbeats");
    }
    let Some(attribute) = element.attribute("arg") else { return nobody };
    let given = attribute.value.trim();
    let split = given.rsplit_once(':').filter(|(host, _)| !host.contains(':') || host.ends_with(']'));
    let port = |port: &str| port.parse().ok().filter(|port: &u16| *port > 0);
    let Some((host, port)) = split.and_then(|(host, given)| Some((host, port(given)?))) else {
        let message = format!("\"{given}\" does not say where the arbiter listens");
        let found = report.error(code::WITNESS, attribute.value_at, message);
        found.allowed("one address and a port, such as 10.0.0.3:4802 or [fd00::3]:4802");
        return nobody;
    };
    let Some(address) = value::address_in(report, attribute, host, resolve) else { return nobody };
    place.apart(report, attribute, address);
    SocketAddr::new(address, port)
}
