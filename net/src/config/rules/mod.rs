//! `<check>` and `<failover>`: the resources of a module, and the failover rules over them in the form in which
//! the core runs them.
//!
//! `watched` reads the elements of checkers; `builtin` makes the rules that SafeKit has by itself and those of
//! each checker; `legacy` and `lua` read the two languages in which a module adds its own; `condition` gives
//! words their meaning and compiles them.

mod builtin;
mod condition;
mod legacy;
mod lua;
mod text;
mod watched;

use std::time::Duration;

use safetui_core::rule::{BadRule, Book, Order, Pace, Set};

pub use watched::{Check, Class, What, When};

use self::condition::{Condition, Names};
use super::{
    code,
    report::Report,
    spelling,
    units::Unit,
    value::{self, Resolve},
    xml::Element,
};

/// What is checked, and what follows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Watched {
    /// The resource of each has its place here as its number.
    pub checks: Vec<Check>,
    /// The names of the rules, by their numbers in `book`.
    pub rules: Vec<String>,
    pub book: Book,
}

impl Watched {
    /// The names of the resources, by their numbers.
    pub fn resources(&self) -> Vec<String> {
        self.checks.iter().map(Check::name).collect()
    }

    /// The numbers of the resources.
    pub fn numbers(&self) -> Set {
        builtin::set(&self.checks, |_| true)
    }
}

/// A rule before it is compiled. Offsets are bytes of the file.
struct Rule {
    label: String,
    at: usize,
    condition: Condition,
    order: Order,
}

/// How long a module that waited watches what it waited for, before it goes on: whatever flaps does so faster.
const WAKE: Duration = Duration::from_secs(3);

/// Reads all of it. `pulse` is how long a failure must last to be acted on unless SafeKit's timing is asked for.
pub(super) fn read(
    report: &mut Report<'_>,
    service: &Element,
    pulse: Duration,
    resolve: Resolve<'_>,
) -> Watched {
    let checks = watched::read(report, service.first("check"), resolve);
    let failover = service.first("failover");
    let Some(at) = checks.first().map(|check| check.at).or(failover.map(|e| e.at)) else {
        return Watched::default();
    };
    let message = "checkers and failover rules are verified, and not carried out yet";
    report.warning(code::ONLY_READ, at, message).help("`config` refuses them by their names");
    let extends = failover.is_none_or(|e| value::choice(report, e, "extends", YES_NO, &[]).unwrap_or(true));
    let mut rules = if extends { builtin::rules(&checks) } else { Vec::new() };
    let names = Names::new(&checks);
    let mut disabled = Vec::new();
    for words in failover.iter().flat_map(|e| &e.cdata) {
        let own = if lua::is_lua(&words.text) {
            lua::read(report, words, &names, &mut disabled)
        } else {
            legacy::read(report, words, &names)
        };
        for rule in own {
            add(report, &mut rules, rule);
        }
    }
    for (at, label) in disabled {
        disable(report, &mut rules, at, &label);
    }
    let pace = pace(report, service, failover, pulse);
    let book = compile(report, &rules, names.roled(), pace);
    Watched { checks, rules: rules.into_iter().map(|rule| rule.label).collect(), book }
}

const YES_NO: &[(&str, bool)] = &[("yes", true), ("no", false)];

fn add(report: &mut Report<'_>, rules: &mut Vec<Rule>, rule: Rule) {
    if rules.iter().any(|known| known.label == rule.label) {
        let message = format!("a second rule \"{}\"", rule.label);
        report
            .error(code::DUPLICATE_NAME, rule.at, message)
            .help("built-in rules and those of checkers have names too: take another name");
    } else {
        rules.push(rule);
    }
}

fn disable(report: &mut Report<'_>, rules: &mut Vec<Rule>, at: usize, label: &str) {
    let before = rules.len();
    let known: Vec<String> = rules.iter().map(|rule| rule.label.clone()).collect();
    rules.retain(|rule| rule.label != label);
    if rules.len() == before && !builtin::NAMES.contains(&label) {
        let message = format!("there is no rule \"{label}\" to disable");
        let found = report.error(code::RULE, at, message);
        found.allowed(if known.is_empty() { "no rule".into() } else { known.join(", ") });
        found.help = spelling::suggestion(label, known.iter().map(String::as_str));
    }
}

fn pace(report: &mut Report<'_>, service: &Element, failover: Option<&Element>, pulse: Duration) -> Pace {
    let handle = failover.and_then(|e| value::duration(report, e, "handle_time", Unit::Milliseconds));
    let maxloop = value::number(report, service, "maxloop", 0..=250).unwrap_or(3);
    let interval = value::duration(report, service, "loop_interval", Unit::Hours);
    let interval = interval.unwrap_or(Duration::from_secs(24 * 3600));
    let [act, wake] = handle.map_or([pulse, WAKE], |handle| [handle; 2]).map(millis);
    Pace { act: act.max(1), wake: wake.max(1), maxloop: maxloop as u8, interval: millis(interval) }
}

fn millis(span: Duration) -> u64 {
    span.as_millis() as u64
}

fn compile(report: &mut Report<'_>, rules: &[Rule], roled: Set, pace: Pace) -> Book {
    let mut book = Book::EMPTY;
    for rule in rules {
        match book.with(&rule.condition.terms(), rule.order) {
            Ok(more) => book = more,
            Err(bad) => {
                too_much(report, rule, bad);
                break;
            }
        }
    }
    book.followed(roled, pace)
}

fn too_much(report: &mut Report<'_>, rule: &Rule, bad: BadRule) {
    let message = match bad {
        BadRule::TooManyRules { most } => format!("more than {most} rules"),
        BadRule::TooManyReads { most } => format!("more than {most} different comparisons in all rules"),
        BadRule::TooLong { most } => format!("the rules have more than {most} comparisons and signs"),
        BadRule::Deep { .. } | BadRule::Malformed => format!("rule \"{}\" is nested too deeply", rule.label),
    };
    report.error(code::RULE, rule.at, message).help("put what belongs together into one rule");
}
