//! `<check>`: so far the witness against split brain.

use std::net::IpAddr;

use super::{
    cluster::Cluster,
    code,
    module::{Splitbrain, Vip},
    report::Report,
    value::{self, Resolve},
    xml::Element,
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
    let witnesses = witnesses(report, element, cluster, vips, resolve);
    Some(Splitbrain { ident, witnesses, gap, relay })
}

fn witnesses(
    report: &mut Report<'_>,
    element: &Element,
    cluster: &Cluster,
    vips: &[Vip],
    resolve: Resolve<'_>,
) -> Vec<IpAddr> {
    let Some(attribute) = element.attribute("arg") else { return Vec::new() };
    let mut witnesses = Vec::new();
    for word in attribute.value.split_whitespace() {
        let Some(address) = value::address_in(report, attribute, word, resolve) else { continue };
        let problem = if let Some(node) = cluster.owner(address) {
            Some(format!("witness {address} is node \"{node}\" itself"))
        } else if vips.iter().any(|vip| vip.addr == address) {
            Some(format!("witness {address} is a virtual address of this module"))
        } else if witnesses.contains(&address) {
            Some(format!("witness {address} is given twice"))
        } else {
            None
        };
        if let Some(problem) = problem {
            let help = "a witness is a machine apart from the nodes, such as their router";
            report.error(code::WITNESS, attribute.value_at, problem).help(help);
        }
        witnesses.push(address);
    }
    if attribute.value.trim().is_empty() {
        let message = "<splitbrain> names no witness in \"arg\"";
        report.error(code::WITNESS, attribute.value_at, message).allowed("addresses, separated by spaces");
    }
    witnesses
}
