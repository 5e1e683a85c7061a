//! The rules that a module has without writing any.

use safetui_core::rule::{Order, Read, Set, State, States, Whose};

use super::{Check, Class, Rule, condition::Condition};

/// SafeKit's built-in rules over checkers. Those about data and about the witness are the protocol itself.
pub(super) const NAMES: [&str; 3] = ["module_failure", "interface_failure", "ip_failure"];

const BUILT_IN: [(&str, Class, Order); 3] = [
    (NAMES[0], Class::Module, Order::Wait),
    (NAMES[1], Class::Intf, Order::Wait),
    (NAMES[2], Class::Ip, Order::StopStart),
];

pub(super) fn rules(checks: &[Check]) -> Vec<Rule> {
    let built_in = BUILT_IN.into_iter().filter_map(|(label, class, order)| {
        let at = checks.iter().find(|check| check.class == class)?.at;
        let of_class = |check: &Check| check.class == class;
        Some(Rule { label: label.into(), at, condition: down(set(checks, of_class)), order })
    });
    let mut rules: Vec<Rule> = built_in.collect();
    for check in checks {
        let letter = match check.class {
            Class::Tcp => 't',
            Class::Ping => 'p',
            Class::Custom => 'c',
            Class::Intf | Class::Ip | Class::Module => continue,
        };
        let Some(order) = check.action else { continue };
        let condition = down(set(checks, |other: &Check| other.name() == check.name()));
        rules.push(Rule { label: format!("{letter}_{}", check.ident), at: check.at, condition, order });
    }
    rules
}

/// The numbers of some of the resources.
pub(super) fn set(checks: &[Check], which: impl Fn(&Check) -> bool) -> Set {
    let numbered = (0..).zip(checks);
    numbered.filter(|(_, check)| which(check)).fold(Set::EMPTY, |set, (id, _)| set.with(Set::of(id)))
}

/// Any of them is down.
fn down(set: Set) -> Condition {
    Condition::Is(Read { whose: Whose::Mine, set, every: false, is: States::only(State::Down) })
}
