//! How the language of a file is described, and the check that a file speaks it: every name that SafeKit
//! knows is in a table (`vocabulary.rs`), either built or "not supported yet"; nothing is ever ignored.

use super::{
    code,
    report::Report,
    spelling,
    units::{self, Unit},
    xml::{Attribute, Element},
};

/// Why it is an error: a setting that is silently not carried out is worse than one that is refused.
const REMOVE: &str = "safetui refuses what it would not carry out; remove it to go on without it";

/// An element of the language.
pub(super) struct Tag {
    pub(super) name: &'static str,
    pub(super) support: Support,
    /// May contain `<![CDATA[ ]]>`.
    pub(super) cdata: bool,
    /// May occur several times in its parent.
    pub(super) many: bool,
    pub(super) attributes: &'static [Known],
    /// Attributes that SafeKit knows and safetui does not.
    pub(super) later: &'static [&'static str],
    pub(super) children: &'static [&'static Tag],
}

/// How far an element is supported.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Support {
    Built,
    /// It can be read and verified, and is not carried out yet.
    Read,
    /// SafeKit knows it.
    Later,
}

/// What a file is read for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Run,
    Verify,
}

/// An attribute that may be written.
pub(super) struct Known {
    pub(super) name: &'static str,
    pub(super) accepts: Accepts,
    /// Other values can be verified, and are not carried out yet.
    pub(super) read: bool,
}

/// What is done with an attribute.
pub(super) enum Accepts {
    Required,
    Optional,
    /// These values are what safetui does anyway; SafeKit knows others.
    Only(&'static [&'static str]),
    /// The same for a time.
    OnlyTime(u64, Unit),
    /// Any value, with a warning that says why it changes nothing.
    NoEffect(&'static str),
}

pub(super) const fn required(name: &'static str) -> Known {
    Known { name, accepts: Accepts::Required, read: false }
}

pub(super) const fn optional(name: &'static str) -> Known {
    Known { name, accepts: Accepts::Optional, read: false }
}

pub(super) const fn only(name: &'static str, values: &'static [&'static str]) -> Known {
    Known { name, accepts: Accepts::Only(values), read: false }
}

pub(super) const fn only_time(name: &'static str, value: u64, unit: Unit) -> Known {
    Known { name, accepts: Accepts::OnlyTime(value, unit), read: false }
}

pub(super) const fn no_effect(name: &'static str, why: &'static str) -> Known {
    Known { name, accepts: Accepts::NoEffect(why), read: false }
}

pub(super) const fn tag(
    name: &'static str,
    attributes: &'static [Known],
    children: &'static [&'static Tag],
) -> Tag {
    Tag { name, support: Support::Built, cdata: false, many: false, attributes, later: &[], children }
}

/// An element that is known and not built.
pub(super) const fn later(
    name: &'static str,
    attributes: &'static [&'static str],
    children: &'static [&'static Tag],
) -> Tag {
    Tag {
        name,
        support: Support::Later,
        cdata: false,
        many: true,
        attributes: &[],
        later: attributes,
        children,
    }
}

impl Known {
    /// Other values can be verified, as yet.
    pub(super) const fn or_read(mut self) -> Self {
        self.read = true;
        self
    }
}

impl Tag {
    pub(super) const fn many(mut self) -> Self {
        self.many = true;
        self
    }

    /// Only to be verified, as yet.
    pub(super) const fn only_read(mut self) -> Self {
        self.support = Support::Read;
        self
    }

    pub(super) const fn with_cdata(mut self) -> Self {
        self.cdata = true;
        self
    }

    const fn is_built(&self, purpose: Purpose) -> bool {
        match self.support {
            Support::Built => true,
            Support::Read => matches!(purpose, Purpose::Verify),
            Support::Later => false,
        }
    }

    pub(super) const fn and_later(mut self, attributes: &'static [&'static str]) -> Self {
        self.later = attributes;
        self
    }

    /// The element in which `name` may stand, anywhere below this one.
    fn home_of(&self, name: &str) -> Option<&Self> {
        if self.children.iter().any(|c| c.name == name) {
            return Some(self);
        }
        self.children.iter().find_map(|c| c.home_of(name))
    }
}

/// Reports every name of the document that the language lacks, that safetui lacks, that is missing or that is
/// repeated. False when the outermost element is another one: then nothing in the file can be read.
pub(super) fn check(
    root: &Element,
    language: &'static Tag,
    purpose: Purpose,
    report: &mut Report<'_>,
) -> bool {
    if root.name != language.name {
        let message = format!("expected <{}> as the outermost element, found <{}>", language.name, root.name);
        report.error(code::UNKNOWN_ELEMENT, root.at, message).allowed(format!("<{}>", language.name));
        return false;
    }
    Check { language, purpose }.element(root, language, report);
    true
}

struct Check {
    language: &'static Tag,
    purpose: Purpose,
}

impl Check {
    fn element(&self, element: &Element, tag: &Tag, report: &mut Report<'_>) {
        let built = tag.is_built(self.purpose);
        self.attributes(element, tag, report);
        let cdata = element.cdata.first().filter(|_| !tag.cdata).map(|cdata| cdata.at);
        if let (Some(at), true) = (element.text.or(cdata), built) {
            let message = format!("text inside <{}>", tag.name);
            report.error(code::TEXT, at, message).help("expected an element; a comment is written <!-- -->");
        }
        for (i, child) in element.children.iter().enumerate() {
            let Some(known) = tag.children.iter().find(|t| t.name == child.name) else {
                self.unknown(child, tag, report);
                continue;
            };
            // One finding for a construct that is not built; what is in it would only repeat it.
            if built && !known.is_built(self.purpose) {
                let message = format!("<{}> is not supported yet", child.name);
                report.error(code::UNSUPPORTED, child.at, message).help(REMOVE);
            }
            if !known.many && element.children[..i].iter().any(|c| c.name == child.name) {
                let message = format!("a second <{}> in <{}>", child.name, tag.name);
                report.error(code::REPEATED, child.at, message).allowed("one");
            }
            self.element(child, known, report);
        }
    }

    fn unknown(&self, child: &Element, parent: &Tag, report: &mut Report<'_>) {
        let name = &child.name;
        let home = self.language.home_of(name);
        let message = match home {
            Some(_) => format!("<{name}> does not belong into <{}>", parent.name),
            None => format!("unknown element <{name}> in <{}>", parent.name),
        };
        let of_built = parent.is_built(self.purpose);
        let built = parent.children.iter().filter(|t| t.is_built(self.purpose) || !of_built);
        let allowed = built.map(|t| format!("<{}>", t.name)).collect::<Vec<_>>().join(", ");
        let found = report.error(code::UNKNOWN_ELEMENT, child.at, message);
        found.allowed(if allowed.is_empty() { "no element".to_owned() } else { allowed });
        found.help = match home {
            Some(home) => Some(format!("it belongs into <{}>", home.name)),
            None => spelling::suggestion(name, parent.children.iter().map(|t| t.name)),
        };
    }
}

impl Check {
    fn attributes(&self, element: &Element, tag: &Tag, report: &mut Report<'_>) {
        let built = tag.is_built(self.purpose);
        for attribute in &element.attributes {
            match tag.attributes.iter().find(|k| k.name == attribute.name) {
                Some(known) if built => self.value(attribute, known, tag, report),
                Some(_) => {}
                None if !tag.later.contains(&attribute.name.as_str()) => {
                    unknown(attribute, tag, report);
                }
                None if built => {
                    let message =
                        format!("attribute \"{}\" of <{}> is not supported yet", attribute.name, tag.name);
                    report.error(code::UNSUPPORTED, attribute.at, message).help(REMOVE);
                }
                None => {}
            }
        }
        let required = |known: &&Known| matches!(known.accepts, Accepts::Required) && built;
        for known in tag.attributes.iter().filter(required) {
            if !element.attributes.iter().any(|a| a.name == known.name) {
                let message = format!("<{}> lacks its attribute \"{}\"", tag.name, known.name);
                report.error(code::MISSING_ATTRIBUTE, element.at, message);
            }
        }
    }

    fn value(&self, attribute: &Attribute, known: &Known, tag: &Tag, report: &mut Report<'_>) {
        if !(known.read && self.purpose == Purpose::Verify) {
            value(attribute, known, tag, report);
        }
    }
}

fn unknown(attribute: &Attribute, tag: &Tag, report: &mut Report<'_>) {
    let message = format!("unknown attribute \"{}\" of <{}>", attribute.name, tag.name);
    let built = tag.attributes.iter().filter(|k| !matches!(k.accepts, Accepts::NoEffect(_))).map(|k| k.name);
    let later = if tag.support == Support::Later { tag.later } else { &[] };
    let allowed: Vec<&str> = built.clone().chain(later.iter().copied()).collect();
    let found = report.error(code::UNKNOWN_ATTRIBUTE, attribute.at, message);
    found.allowed(if allowed.is_empty() { "no attribute".to_owned() } else { allowed.join(", ") });
    found.help = spelling::suggestion(&attribute.name, built.chain(tag.later.iter().copied()));
}

fn value(attribute: &Attribute, known: &Known, tag: &Tag, report: &mut Report<'_>) {
    if attribute.broken {
        return;
    }
    let given = attribute.value.trim();
    let allowed = match &known.accepts {
        Accepts::Required | Accepts::Optional => return,
        Accepts::NoEffect(why) => {
            let message = format!("attribute \"{}\" of <{}> has no effect", attribute.name, tag.name);
            report.warning(code::NO_EFFECT, attribute.at, message).help(*why);
            return;
        }
        Accepts::Only(values) if values.contains(&given) => return,
        Accepts::Only(values) => values.iter().map(|v| format!("\"{v}\"")).collect::<Vec<_>>().join(", "),
        Accepts::OnlyTime(value, unit) => {
            let wanted = format!("{value}{}", unit.suffix());
            if units::time(given, *unit).is_ok() && units::time(given, *unit) == units::time(&wanted, *unit) {
                return;
            }
            format!("\"{wanted}\"")
        }
    };
    let message = format!("{}=\"{given}\" is not supported yet in <{}>", attribute.name, tag.name);
    report
        .error(code::UNSUPPORTED, attribute.value_at, message)
        .allowed(allowed)
        .help(format!("leave out \"{}\"", attribute.name));
}
