//! `<user>` and `<var>`: the application's scripts.

use std::time::Duration;

use super::{code, module::User, report::Report, units::Unit, value, xml::Element};

/// SafeKit's bound of stop scripts; start scripts, which SafeKit does not bound, get the same.
const BOUND: Duration = Duration::from_secs(300);

pub(super) fn read(report: &mut Report<'_>, element: &Element) -> User {
    let logging = value::choice(report, element, "logging", &[("userlog", true), ("none", false)], &[]);
    let mut bound = |name: &str| {
        let time = value::duration(report, element, name, Unit::Seconds).unwrap_or(BOUND);
        if time.is_zero() {
            let message = format!("{name} is 0: the script would be killed as it starts");
            report.error(code::TIME, element.place(name), message).allowed("1s or more");
        }
        time
    };
    let (start, nice_stop, force_stop) =
        (bound("starttimeout"), bound("nicestoptimeout"), bound("forcestoptimeout"));
    User { nice_stop, force_stop, start, logging: logging.unwrap_or(true), vars: vars(report, element) }
}

fn vars(report: &mut Report<'_>, element: &Element) -> Vec<(String, String)> {
    let mut vars: Vec<(String, String)> = Vec::new();
    for child in element.all("var") {
        let (Some(name), Some(value)) = (child.attribute("name"), child.attribute("value")) else { continue };
        let given = name.value.trim();
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if given.is_empty() || given.starts_with(|c: char| c.is_ascii_digit()) || !given.chars().all(fits) {
            let message = format!("\"{given}\" cannot be the name of an environment variable");
            let allowed = "letters, digits and _, not beginning with a digit";
            report.error(code::VALUE, name.value_at, message).allowed(allowed);
        } else if vars.iter().any(|(other, _)| other == given) {
            report.error(code::DUPLICATE_NAME, name.value_at, format!("variable \"{given}\" is set twice"));
        } else {
            vars.push((given.to_owned(), value.value.clone()));
        }
    }
    vars
}
