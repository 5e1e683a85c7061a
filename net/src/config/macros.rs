//! `<macro name value/>` and `%NAME%`.

use std::collections::BTreeMap;

use super::{
    code,
    report::Report,
    spelling,
    xml::{Attribute, Element},
};

/// Longest value after expansion: macros made of macros could otherwise double with every line.
const LONGEST: usize = 16 << 10;

/// Replaces `%NAME%` in all values by the macros defined before, else by the environment.
pub(super) fn expand(root: &mut Element, env: &dyn Fn(&str) -> Option<String>, report: &mut Report<'_>) {
    Macros { defined: BTreeMap::new(), env }.walk(root, report);
}

struct Macros<'a> {
    defined: BTreeMap<String, String>,
    env: &'a dyn Fn(&str) -> Option<String>,
}

impl Macros<'_> {
    fn walk(&mut self, element: &mut Element, report: &mut Report<'_>) {
        for attribute in &mut element.attributes {
            self.expand(attribute, report);
        }
        if element.name == "macro" {
            self.define(element, report);
        }
        for child in &mut element.children {
            self.walk(child, report);
        }
    }

    fn define(&mut self, element: &Element, report: &mut Report<'_>) {
        let (Some(name), Some(value)) = (element.attribute("name"), element.attribute("value")) else {
            return;
        };
        if name.value.is_empty() || !name.value.chars().all(in_name) {
            report
                .error(
                    code::VALUE,
                    name.value_at,
                    format!("\"{}\" cannot be the name of a macro", name.value),
                )
                .allowed("letters, digits, _ - .");
        } else if self.defined.insert(name.value.clone(), value.value.clone()).is_some() {
            let message = format!("macro \"{}\" is defined twice", name.value);
            report.error(code::DUPLICATE_NAME, name.value_at, message);
        }
    }

    fn expand(&self, attribute: &mut Attribute, report: &mut Report<'_>) {
        let mut expanded = String::new();
        let mut rest = attribute.value.as_str();
        while let Some((before, name, after)) = reference(rest).filter(|_| !report.is_full()) {
            expanded.push_str(before);
            if let Some(value) = self.defined.get(name).cloned().or_else(|| (self.env)(name)) {
                expanded.push_str(&value);
            } else {
                attribute.broken = true;
                self.undefined(name, attribute.value_at, report);
            }
            rest = after;
            if expanded.len() > LONGEST {
                attribute.broken = true;
                let message =
                    format!("the value is longer than {LONGEST} bytes once its macros are replaced");
                report.error(code::MACRO, attribute.value_at, message);
                return;
            }
        }
        if !attribute.broken {
            expanded.push_str(rest);
            attribute.value = expanded;
        }
    }

    fn undefined(&self, name: &str, at: usize, report: &mut Report<'_>) {
        let message = format!("macro \"{name}\" is neither defined before nor in the environment");
        let near = spelling::suggestion(name, self.defined.keys().map(String::as_str));
        let help = near.unwrap_or_else(|| format!("add <macro name=\"{name}\" value=\"...\"/> before"));
        report.error(code::MACRO, at, message).help(help);
    }
}

fn in_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')
}

/// The first `%NAME%`: what precedes it, the name, what follows. A lone `%` is just a character.
fn reference(text: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    while let Some(open) = text[from..].find('%').map(|i| from + i) {
        let name = &text[open + 1..];
        let length = name.find(|c| !in_name(c)).unwrap_or(name.len());
        if length > 0 && name[length..].starts_with('%') {
            return Some((&text[..open], &name[..length], &name[length + 1..]));
        }
        from = open + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_name_between_two_percent_signs_is_a_reference() {
        assert_eq!(reference("a%B%c"), Some(("a", "B", "c")));
        assert_eq!(reference("50% of %X%"), Some(("50% of ", "X", "")));
        assert_eq!(reference("%%A%"), Some(("%", "A", "")));
        assert_eq!(reference("100%"), None);
        assert_eq!(reference("%a b%"), None);
        assert_eq!(reference("%%"), None);
    }
}
