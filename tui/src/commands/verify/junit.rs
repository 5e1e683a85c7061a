//! The result in the form that build servers read: one test case a property.

use std::iter;

use safetui_model::{own::Finding, verify::Verdict};

use super::own::{Report, advice, extent};

/// The whole document.
pub(super) fn suite(report: &Report<'_>) -> String {
    let outcome = report.outcome;
    let findings = &outcome.findings;
    let count = |verdict| findings.iter().filter(|finding| finding.verdict == verdict).count();
    let refused = usize::from(report.refused.is_some());
    let seconds: f64 = outcome.levels.iter().map(|level| level.seconds).sum();
    let head = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <testsuite name=\"safetui verify {}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" time=\"{seconds:.3}\">\n",
        escape(&report.file),
        findings.len() + 1,
        count(Verdict::Violated) + refused,
        count(Verdict::Inconclusive),
    );
    let why = report.refused.as_deref();
    let timers = why.map_or_else(String::new, |why| body("failure", why, why));
    let margins = case("the timers keep the protocol's margins", &timers);
    let cases = findings.iter().map(|finding| case(finding.property, &inside(finding)));
    let cases: String = iter::once(margins).chain(cases).collect();
    format!("{head}{cases}</testsuite>")
}

fn case(name: &str, inside: &str) -> String {
    let name = escape(name);
    format!("  <testcase classname=\"safetui.verify\" name=\"{name}\">{inside}</testcase>\n")
}

/// What was cut by a bound is no success either: an error, as of a test that could not be run.
fn inside(finding: &Finding) -> String {
    match finding.verdict {
        Verdict::Holds => String::new(),
        Verdict::Inconclusive => body("error", &format!("inconclusive: {}", extent(finding)), ""),
        Verdict::Violated => {
            let story = finding.story.iter().map(ToString::to_string).chain(advice(finding));
            body("failure", &extent(finding), &story.collect::<Vec<_>>().join("\n"))
        }
    }
}

fn body(kind: &str, message: &str, text: &str) -> String {
    format!("<{kind} message=\"{}\">{}</{kind}>", escape(message), escape(text))
}

/// Text as an attribute or an element may have it; characters that no document may have are left out.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            c if c.is_control() && c != '\n' => {}
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_ends_it() {
        assert_eq!(escape("a<b> \"c\" & d\u{1b}\n"), "a&lt;b&gt; &quot;c&quot; &amp; d\n");
    }
}
