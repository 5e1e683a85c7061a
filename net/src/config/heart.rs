//! `<heart>` and `<heartbeat>`.

use std::time::Duration;

use super::{
    cluster::{Cluster, Lan},
    code,
    module::{Heart, Profile, timers},
    report::Report,
    spelling,
    units::{Unit, show},
    value,
    xml::Element,
};

impl Profile {
    /// Pulse, timeout and guard in milliseconds.
    const fn defaults(self) -> [u64; 3] {
        match self {
            Self::Lan => [100, 1_000, 500],
            Self::Vm => [500, 5_000, 2_500],
            Self::Wan => [1_000, 10_000, 5_000],
        }
    }
}

/// Without the element, which is reported elsewhere, the defaults.
pub(super) fn read(report: &mut Report<'_>, element: Option<&Element>, cluster: &Cluster) -> Heart {
    let Some(element) = element else { return defaults(Profile::Lan) };
    let profiles = [("lan", Profile::Lan), ("vm", Profile::Vm), ("wan", Profile::Wan)];
    let profile = value::choice(report, element, "profile", &profiles, &[]).unwrap_or(Profile::Lan);
    let mut time = |name: &str| value::duration(report, element, name, Unit::Milliseconds);
    let (pulse, timeout, guard) = (time("pulse"), time("timeout"), time("guard"));
    let mut heart = defaults(profile);
    heart.pulse = pulse.unwrap_or(heart.pulse);
    heart.guard =
        guard.or(timeout.map(|t| (t / 2).max(heart.pulse.saturating_mul(2)))).unwrap_or(heart.guard);
    heart.timeout = timeout.unwrap_or(heart.timeout);
    if let Err(problem) = timers(&heart) {
        let help = "profile=\"lan\", \"vm\" or \"wan\" alone gives timers that work together";
        report.error(code::TIMERS, element.at, problem).help(help);
    }
    networks(report, element, cluster, &mut heart);
    heart
}

fn defaults(profile: Profile) -> Heart {
    let [pulse, timeout, guard] = profile.defaults().map(Duration::from_millis);
    Heart { pulse, timeout, guard, networks: Vec::new(), flow: None, profile }
}

fn networks(report: &mut Report<'_>, element: &Element, cluster: &Cluster, heart: &mut Heart) {
    let mut idents: Vec<&str> = Vec::new();
    let mut first: Option<&Lan> = None;
    for child in element.all("heartbeat") {
        override_of(report, child, "pulse", heart.pulse);
        override_of(report, child, "timeout", heart.timeout);
        let ident = value::word(report, child, "ident");
        let name = value::word(report, child, "name");
        let Some(lan) = name.and_then(|name| known(report, child, name, cluster)) else { continue };
        let ident = ident.unwrap_or(&lan.name);
        pair(report, child, lan, first.get_or_insert(lan));
        if heart.networks.contains(&lan.name) {
            let message = format!("network \"{}\" carries two heartbeats of this module", lan.name);
            report
                .error(code::DUPLICATE_NAME, child.place("name"), message)
                .help("one on each network is enough");
            continue;
        }
        if idents.contains(&ident) {
            let message = format!("a second heartbeat is named \"{ident}\"");
            report.error(code::DUPLICATE_NAME, child.place("ident"), message);
        }
        if ident == "flow" {
            heart.flow = Some(lan.name.clone());
        }
        idents.push(ident);
        heart.networks.push(lan.name.clone());
    }
    if element.first("heartbeat").is_none() {
        report
            .error(code::MISSING_ELEMENT, element.at, "<heart> needs at least one <heartbeat>")
            .help(format!("add {}", example(cluster)));
    }
}

/// A heartbeat that this cluster can have.
pub(super) fn example(cluster: &Cluster) -> String {
    format!("<heartbeat name=\"{}\"/>", cluster.lans.first().map_or("default", |lan| &*lan.name))
}

/// One network may not have other timers than the rest: the window is counted over all of them.
fn override_of(report: &mut Report<'_>, child: &Element, name: &str, common: Duration) {
    if let Some(own) = value::duration(report, child, name, Unit::Milliseconds).filter(|own| *own != common) {
        let message = format!("a {name} of its own ({}) for one network is not supported yet", show(own));
        report
            .error(code::UNSUPPORTED, child.place(name), message)
            .allowed(show(common))
            .help(format!("set {name} on <heart>, for all networks"));
    }
}

fn known<'c>(report: &mut Report<'_>, child: &Element, name: &str, cluster: &'c Cluster) -> Option<&'c Lan> {
    let lan = cluster.lan(name);
    if lan.is_none() {
        let names = cluster.lans.iter().map(|lan| lan.name.as_str());
        let message = format!("network \"{name}\" is not in cluster.xml");
        let found = report.error(code::UNKNOWN_LAN, child.place("name"), message);
        found.allowed(names.clone().collect::<Vec<_>>().join(", "));
        found.help = spelling::suggestion(name, names);
    }
    lan
}

/// A mirror has two nodes, the same on each of its networks.
fn pair(report: &mut Report<'_>, child: &Element, lan: &Lan, first: &Lan) {
    let nodes = |lan: &Lan| {
        let mut nodes: Vec<&str> = lan.addrs.iter().map(|a| a.node.as_str()).collect();
        nodes.sort_unstable();
        nodes.join(", ")
    };
    let (own, others) = (nodes(lan), nodes(first));
    let at = child.place("name");
    if lan.addrs.len() != 2 {
        let message =
            format!("a mirror needs a network of exactly 2 nodes, \"{}\" has {}", lan.name, lan.addrs.len());
        report
            .error(code::NODES, at, message)
            .help(format!("its nodes are {own}; give this pair a network of its own in cluster.xml"));
    } else if own != others {
        let message =
            format!("network \"{}\" joins {own}, network \"{}\" joins {others}", lan.name, first.name);
        report.error(code::NODES, at, message).help("all heartbeats of a mirror join the same two nodes");
    }
}
