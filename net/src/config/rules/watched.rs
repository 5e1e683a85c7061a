//! The elements of `<check>` that watch a resource.

use std::{net::IpAddr, time::Duration};

use safetui_core::rule::{Order, Set};

use crate::config::{
    code,
    report::Report,
    units::Unit,
    value::{self, Resolve},
    xml::Element,
};

/// One checker and its resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    pub class: Class,
    pub ident: String,
    pub when: When,
    /// What its own rule does; `None`: it has none.
    pub action: Option<Order>,
    pub what: What,
    /// Where it stands in the file.
    pub(super) at: usize,
}

/// The first half of a resource's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    Tcp,
    Ping,
    Intf,
    Ip,
    Custom,
    Module,
}

/// When a checker runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// In every started state.
    Pre,
    /// While the application runs.
    Prim,
    /// While this node follows.
    Second,
    Both,
}

/// What is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A connection can be opened.
    Tcp { addr: Option<IpAddr>, port: u16, every: Duration, within: Duration },
    /// It answers a ping.
    Ping { addr: Option<IpAddr>, every: Duration, within: Duration },
    /// The interface with this address has a link.
    Intf { local: Option<IpAddr> },
    /// This node has the address.
    Ip { addr: Option<IpAddr>, every: Duration },
    /// A program says so.
    Custom { exec: String, arg: String },
    /// Another module is ready, here or where a node answers.
    Module { name: String, addr: Option<IpAddr>, port: u16, every: Duration, within: Duration },
}

const EVERY: Duration = Duration::from_secs(10);
const WITHIN: Duration = Duration::from_secs(5);
const MODULE_PORT: u16 = 9010;

impl Class {
    pub const ALL: [Self; 6] = [Self::Tcp, Self::Ping, Self::Intf, Self::Ip, Self::Custom, Self::Module];

    pub const fn word(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Ping => "ping",
            Self::Intf => "intf",
            Self::Ip => "ip",
            Self::Custom => "custom",
            Self::Module => "module",
        }
    }
}

impl Check {
    /// `class.id`
    pub fn name(&self) -> String {
        format!("{}.{}", self.class.word(), self.ident)
    }

    /// Is it about the running application?
    pub(super) fn roled(&self) -> bool {
        self.when != When::Pre
    }
}

pub(super) fn read(report: &mut Report<'_>, element: Option<&Element>, resolve: Resolve<'_>) -> Vec<Check> {
    let mut checks: Vec<Check> = Vec::new();
    for child in element.iter().flat_map(|e| &e.children) {
        let Some(class) = Class::ALL.into_iter().find(|class| class.word() == child.name) else { continue };
        let check = Reader { report, element: child, resolve }.check(class);
        if checks.iter().any(|known| known.name() == check.name()) {
            let message = format!("a second resource {}", check.name());
            report.error(code::DUPLICATE_NAME, child.at, message);
        }
        checks.push(check);
    }
    if let Some(check) = checks.get(usize::from(Set::MOST)) {
        let message = format!("a module cannot have more than {} resources", Set::MOST);
        report.error(code::RULE, check.at, message);
    }
    checks
}

/// One element while it is read.
struct Reader<'a, 'r> {
    report: &'a mut Report<'r>,
    element: &'a Element,
    resolve: Resolve<'a>,
}

impl Reader<'_, '_> {
    fn check(&mut self, class: Class) -> Check {
        let what = match class {
            Class::Tcp => self.tcp(),
            Class::Ping => {
                What::Ping { addr: self.address("addr"), every: self.every(), within: self.within() }
            }
            Class::Intf => What::Intf { local: self.address("local_addr") },
            Class::Ip => What::Ip { addr: self.address("addr"), every: self.every() },
            Class::Custom => What::Custom { exec: self.plain("exec"), arg: self.plain("arg") },
            Class::Module => self.module(),
        };
        let when = self.when(class);
        let action = self.action(class, when);
        Check { class, ident: self.ident(&what), when, action, what, at: self.element.at }
    }

    fn tcp(&mut self) -> What {
        let port = self.port().unwrap_or_default();
        What::Tcp { addr: self.address("addr"), port, every: self.every(), within: self.within() }
    }

    fn module(&mut self) -> What {
        let name = value::word(self.report, self.element, "name").unwrap_or_default().to_owned();
        let addr = self.element.first("to").and_then(|_| self.address("addr"));
        let port = self.port().unwrap_or(MODULE_PORT);
        What::Module { name, addr, port, every: self.every(), within: self.within() }
    }

    fn ident(&mut self, what: &What) -> String {
        if let Some(ident) = value::word(self.report, self.element, "ident") {
            return ident.to_owned();
        }
        match what {
            What::Module { name, addr: Some(addr), .. } => format!("{name}_{addr}"),
            What::Module { name, .. } => name.clone(),
            _ => String::new(),
        }
    }

    /// Where the check looks: the element `<to>` in it.
    fn to(&mut self) -> Option<&Element> {
        let to = self.element.first("to");
        if to.is_none() && self.element.name != "module" {
            let message = format!("<{}> does not say what to look at", self.element.name);
            let found = self.report.error(code::MISSING_ELEMENT, self.element.at, message);
            found.help("add <to .../> to it");
        }
        to
    }

    fn address(&mut self, attribute: &str) -> Option<IpAddr> {
        self.to()?;
        let to = self.element.first("to")?;
        value::address(self.report, to, attribute, self.resolve)
    }

    fn port(&mut self) -> Option<u16> {
        value::number(self.report, self.element.first("to")?, "port", 1..=65535)
    }

    fn every(&mut self) -> Duration {
        self.span("interval", EVERY)
    }

    fn within(&mut self) -> Duration {
        self.span("timeout", WITHIN)
    }

    fn span(&mut self, attribute: &str, default: Duration) -> Duration {
        let Some(to) = self.element.first("to") else { return default };
        let span = value::duration(self.report, to, attribute, Unit::Seconds).unwrap_or(default);
        if span.is_zero() {
            let message = format!("{attribute} is 0: nothing could be found out");
            self.report.error(code::TIME, to.place(attribute), message).allowed("1s or more");
        }
        span
    }

    fn plain(&self, attribute: &str) -> String {
        self.element.attribute(attribute).map(|found| found.value.trim().to_owned()).unwrap_or_default()
    }

    fn when(&mut self, class: Class) -> When {
        let words: &[(&str, When)] = match class {
            Class::Intf | Class::Module => &[("pre", When::Pre)],
            Class::Ip => &[("prim", When::Prim), ("both", When::Both)],
            _ => &[("pre", When::Pre), ("prim", When::Prim), ("second", When::Second), ("both", When::Both)],
        };
        let default = match class {
            Class::Tcp | Class::Ip => When::Prim,
            _ => When::Pre,
        };
        value::choice(self.report, self.element, "when", words, &[]).unwrap_or(default)
    }

    /// What the checker's own rule does: SafeKit allows a wait only where the checker runs while waiting.
    fn action(&mut self, class: Class, when: When) -> Option<Order> {
        match class {
            Class::Intf | Class::Module => return Some(Order::Wait),
            Class::Ip => return Some(Order::StopStart),
            Class::Tcp | Class::Ping | Class::Custom => {}
        }
        let words: &[(&str, Option<Order>)] = if when == When::Pre {
            &[("wait", Some(Order::Wait)), ("noaction", None)]
        } else {
            &[
                ("restart", Some(Order::Restart)),
                ("stopstart", Some(Order::StopStart)),
                ("stop", Some(Order::Stop)),
                ("noaction", None),
            ]
        };
        let default = match (class, when) {
            (Class::Custom, _) => None,
            (_, When::Pre) => Some(Order::Wait),
            _ => Some(Order::Restart),
        };
        value::choice(self.report, self.element, "action", words, &[]).unwrap_or(default)
    }
}
