//! Typed values out of attributes. A value that cannot be read is reported and replaced by its default, so that
//! the rest of the file is still checked; the report keeps such a file from being used.

use std::{
    net::{IpAddr, ToSocketAddrs},
    ops::RangeInclusive,
    time::Duration,
};

use super::{
    code,
    report::Report,
    spelling,
    units::{self, BadTime, Unit},
    xml::{Attribute, Element},
};

/// Finds the address of a host name.
pub(super) type Resolve<'a> = &'a dyn Fn(&str) -> Option<IpAddr>;

/// Asks the system, which may ask the network.
pub(super) fn system_resolve(name: &str) -> Option<IpAddr> {
    let found: Vec<IpAddr> = (name, 0).to_socket_addrs().ok()?.map(|a| a.ip()).collect();
    found.iter().find(|a| a.is_ipv4()).or(found.first()).copied()
}

fn refuse<'r>(report: &'r mut Report<'_>, attribute: &Attribute) -> &'r mut super::Diagnostic {
    let message = format!("\"{}\" is not a value of \"{}\"", attribute.value.trim(), attribute.name);
    report.error(code::VALUE, attribute.value_at, message)
}

/// One of some words. Words in `later` are SafeKit's, without a meaning here yet.
pub(super) fn choice<T: Copy>(
    report: &mut Report<'_>,
    element: &Element,
    name: &str,
    words: &[(&str, T)],
    later: &[&str],
) -> Option<T> {
    let attribute = element.attribute(name)?;
    let given = attribute.value.trim();
    if let Some((_, meaning)) = words.iter().find(|(word, _)| *word == given) {
        return Some(*meaning);
    }
    let found = if later.contains(&given) {
        let message = format!("{name}=\"{given}\" is not supported yet");
        report.error(code::UNSUPPORTED, attribute.value_at, message)
    } else {
        refuse(report, attribute)
    };
    found.allowed(words.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", "));
    found.help =
        spelling::suggestion(given, words.iter().map(|(word, _)| *word)).filter(|_| !later.contains(&given));
    None
}

pub(super) fn on_off(report: &mut Report<'_>, element: &Element, name: &str, default: bool) -> bool {
    choice(report, element, name, &[("on", true), ("off", false)], &[]).unwrap_or(default)
}

pub(super) fn number(
    report: &mut Report<'_>,
    element: &Element,
    name: &str,
    range: RangeInclusive<u16>,
) -> Option<u16> {
    let attribute = element.attribute(name)?;
    let number = attribute.value.trim().parse().ok().filter(|n| range.contains(n));
    if number.is_none() {
        refuse(report, attribute).allowed(format!("a number from {} to {}", range.start(), range.end()));
    }
    number
}

pub(super) fn duration(
    report: &mut Report<'_>,
    element: &Element,
    name: &str,
    unit: Unit,
) -> Option<Duration> {
    let attribute = element.attribute(name)?;
    let given = attribute.value.trim();
    let at = attribute.value_at;
    let suffix = unit.suffix();
    let problem = match units::time(given, unit) {
        Ok(time) if !time.rounded => return Some(time.value),
        Ok(time) => {
            let message = format!("{name}=\"{given}\" is rounded to {}", units::show(time.value));
            report.warning(code::ROUNDED, at, message).help(format!("{name} holds whole {suffix}"));
            return Some(time.value);
        }
        Err(BadTime::Shape) => format!("\"{given}\" is not a time"),
        Err(BadTime::Lost) => format!("\"{given}\" is lost when rounded to the unit of {name}"),
        Err(BadTime::TooLarge) => format!("\"{given}\" is too large a time"),
    };
    let allowed = format!("a whole number, in {suffix} or with one of the units d h m s ms us");
    let found = report.error(code::TIME, at, problem);
    found.allowed(allowed);
    if units::time(given, unit) == Err(BadTime::Lost) {
        found.help(format!("the smallest time here is 1{suffix}"));
    }
    None
}

/// A name that appears in commands, resources and files: letters, digits, `_ - .`
pub(super) fn word<'a>(report: &mut Report<'_>, element: &'a Element, name: &str) -> Option<&'a str> {
    let attribute = element.attribute(name)?;
    let given = attribute.value.trim();
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    if given.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        && given.len() <= 64
        && given.chars().all(fits)
    {
        return Some(given);
    }
    refuse(report, attribute).allowed("up to 64 letters, digits, _ - . not beginning with - or .");
    None
}

/// An address that one machine can have: `10.0.0.1`, `fd00::1`, `[fd00::1]`, or a host name, which is resolved.
pub(super) fn address(
    report: &mut Report<'_>,
    element: &Element,
    name: &str,
    resolve: Resolve<'_>,
) -> Option<IpAddr> {
    let attribute = element.attribute(name)?;
    address_in(report, attribute, attribute.value.trim(), resolve)
}

/// The same for one word of the value of an attribute.
pub(super) fn address_in(
    report: &mut Report<'_>,
    attribute: &Attribute,
    given: &str,
    resolve: Resolve<'_>,
) -> Option<IpAddr> {
    let bare = given.strip_prefix('[').and_then(|g| g.strip_suffix(']')).unwrap_or(given);
    let at = attribute.value_at;
    let allowed = "an IPv4 address, an IPv6 address or a host name";
    let address = match bare.parse::<IpAddr>() {
        Ok(address) => address.to_canonical(),
        Err(_) if !is_host_name(given) => {
            let message = format!("\"{given}\" is not an address");
            report.error(code::VALUE, at, message).allowed(allowed);
            return None;
        }
        Err(_) => {
            let Some(found) = resolve(given) else {
                let message = format!("host name \"{given}\" cannot be resolved");
                report
                    .error(code::VALUE, at, message)
                    .help("write its address, which also works without DNS");
                return None;
            };
            let message = format!("host name \"{given}\" was resolved to {found}");
            report
                .warning(code::RESOLVED, at, message)
                .help("write the address: a later change is not followed");
            found.to_canonical()
        }
    };
    if let Some(kind) = unusable(address) {
        let message = format!("{address} is {kind}, not the address of one machine");
        report.error(code::ADDRESS, at, message);
        return None;
    }
    Some(address)
}

/// Letters, digits, hyphens and dots, and a last label that no numeric address has.
fn is_host_name(text: &str) -> bool {
    let label = |l: &str| {
        !l.is_empty()
            && l.len() <= 63
            && !l.starts_with('-')
            && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    let mut labels = text.split('.');
    labels.clone().all(label)
        && labels.next_back().is_some_and(|l| l.starts_with(|c: char| c.is_ascii_alphabetic()))
}

fn unusable(address: IpAddr) -> Option<&'static str> {
    match address {
        _ if address.is_unspecified() => Some("the unspecified address"),
        _ if address.is_multicast() => Some("a multicast address"),
        IpAddr::V4(v4) if v4.is_broadcast() => Some("the broadcast address"),
        IpAddr::V6(v6) if v6.is_unicast_link_local() => Some("a link-local address, which is ambiguous"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_address_is_not_taken_for_a_host_name() {
        for name in ["node1", "db.example.org", "a-b_c.x1"] {
            assert!(is_host_name(name), "{name}");
        }
        for name in ["", ".", "10.0.0.256", "10.0.0", "-a", "a..b", "fd00::1", "a b", "10.0.0.1x"] {
            assert!(!is_host_name(name), "{name}");
        }
    }
}
