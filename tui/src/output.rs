//! Where results and messages go: the result to stdout, everything else to stderr, in the format asked for.
//!
//! Nothing here panics when a reader leaves; text of others (names, log lines) is cleaned before a terminal
//! sees it and left as it is in JSON.

use std::io::{self, IsTerminal, Write};

use clap::ValueEnum;
use safetui_net::api::shape::Instance;
use serde::Serialize;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// A table
    Auto,
    /// A table
    Table,
    /// One record a line, tab separated, no header, no colour
    Plain,
    /// One JSON document
    Json,
    /// One JSON document a line
    Ndjson,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

/// What a piece of text is about; the word beside the colour always says it too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    Good,
    Moving,
    Bad,
    Lost,
    Dim,
}

/// How to write.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    format: Format,
    color: bool,
    pub(crate) ascii: bool,
}

impl Output {
    /// Decides once, from the flags, the environment and whether stdout is a terminal.
    pub(crate) fn new(
        format: Format,
        color: Color,
        ascii: bool,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Self {
        Self {
            format,
            color: wants_color(color, io::stdout().is_terminal(), env),
            ascii: ascii || wants_ascii(env),
        }
    }

    pub(crate) fn json(self) -> bool {
        matches!(self.format, Format::Json | Format::Ndjson)
    }

    pub(crate) fn plain(self) -> bool {
        self.format == Format::Plain
    }

    pub(crate) fn one_line_each(self) -> bool {
        self.format == Format::Ndjson
    }

    /// A JSON document as the result: indented, or on one line for `ndjson`.
    pub(crate) fn document(self, document: &impl Serialize) -> io::Result<()> {
        let text = match self.format {
            Format::Ndjson => serde_json::to_string(document),
            _ => serde_json::to_string_pretty(document),
        };
        lines(&[text?])
    }

    /// A list as the result: `document` as JSON, `rows` as plain records or below `titles`.
    pub(crate) fn table(
        self,
        document: &impl Serialize,
        titles: &[&str],
        mut rows: Vec<Vec<String>>,
    ) -> io::Result<()> {
        if self.json() {
            return self.document(document);
        }
        if self.plain() {
            return lines(&plain(&rows));
        }
        rows.insert(0, titles.iter().map(ToString::to_string).collect());
        lines(&align(&rows))
    }

    /// One record as the result.
    pub(crate) fn record(self, document: &impl Serialize, cells: &[&str]) -> io::Result<()> {
        if self.json() {
            return self.document(document);
        }
        lines(&[cells.join(if self.plain() { "\t" } else { "  " })])
    }

    /// The mark of an instance: its shape is its readiness, so it can be read without colour.
    pub(crate) fn mark(self, instance: &Instance) -> String {
        let (ascii, unicode, tone) = match (instance.role.as_str(), instance.readiness.as_str()) {
            ("UNKNOWN", _) | (_, "Unknown") => ("?", "?", Tone::Lost),
            ("STOP", _) => ("-", "\u{25A0}", Tone::Dim),
            (_, "Ready") => ("*", "\u{25CF}", Tone::Good),
            (_, "Transient") => ("~", "\u{25D0}", Tone::Moving),
            _ => ("!", "\u{25B2}", Tone::Bad),
        };
        self.paint(tone, if self.ascii { ascii } else { unicode })
    }

    pub(crate) fn paint(self, tone: Tone, text: &str) -> String {
        let sgr = match tone {
            Tone::Good => "32",
            Tone::Moving => "33",
            Tone::Bad => "1;31",
            Tone::Lost => "35",
            Tone::Dim => "2",
        };
        if self.color { format!("\x1b[{sgr}m{text}\x1b[0m") } else { text.into() }
    }
}

/// Lines of the result.
pub(crate) fn lines<T: AsRef<str>>(lines: &[T]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    for line in lines {
        writeln!(stdout, "{}", line.as_ref())?;
    }
    stdout.flush()
}

/// A line about what goes on, for whoever looks. It is lost when nobody can read it, and that is fine.
pub(crate) fn say(text: &str) {
    _ = writeln!(io::stderr().lock(), "{text}");
}

/// Records, one a line, their cells between tabs.
pub(crate) fn plain(rows: &[Vec<String>]) -> Vec<String> {
    rows.iter().map(|row| row.join("\t")).collect()
}

/// The text without what could steer a terminal: control characters, and those that reverse the direction.
pub(crate) fn clean(text: &str) -> String {
    let steers = |c: char| {
        c.is_control()
            || matches!(c, '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().map(|c| if steers(c) { ' ' } else { c }).collect()
}

/// Rows with aligned columns, the last one ragged. Marks with colour come before, so widths count characters.
pub(crate) fn align(rows: &[Vec<String>]) -> Vec<String> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| visible(cell)).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let pad = |cell: &String, width: usize| format!("{cell}{}", " ".repeat(width - visible(cell)));
    let line = |row: &Vec<String>| {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, &width)| pad(cell, width)).collect();
        cells.join("  ").trim_end().to_string()
    };
    rows.iter().map(line).collect()
}

/// Characters that take room: those of colour sequences do not.
fn visible(text: &str) -> usize {
    let mut inside = false;
    let shows = |c: char| {
        let starts = c == '\x1b';
        let shown = !inside && !starts;
        inside = (inside || starts) && c != 'm';
        shown
    };
    text.chars().map(shows).filter(|&shown| shown).count()
}

fn wants_color(color: Color, terminal: bool, env: &dyn Fn(&str) -> Option<String>) -> bool {
    let set = |name: &str| env(name).is_some_and(|value| !value.is_empty());
    match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto if set("NO_COLOR") => false,
        Color::Auto if set("FORCE_COLOR") => true,
        Color::Auto => {
            terminal && env("CLICOLOR").as_deref() != Some("0") && env("TERM").as_deref() != Some("dumb")
        }
    }
}

fn wants_ascii(env: &dyn Fn(&str) -> Option<String>) -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().filter_map(env).find(|value| !value.is_empty());
    let utf8 = locale.is_some_and(|value| value.to_ascii_lowercase().replace('-', "").contains("utf8"));
    let old = env("TERM").is_some_and(|term| term == "linux" || term.starts_with("vt"));
    !utf8 || old
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(pairs: &'static [(&'static str, &'static str)]) -> impl Fn(&str) -> Option<String> {
        |name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_string())
    }

    #[test]
    fn colour_is_for_terminals_that_want_it() {
        assert!(wants_color(Color::Auto, true, &env(&[])));
        assert!(wants_color(Color::Auto, true, &env(&[("NO_COLOR", "")])), "an empty NO_COLOR says nothing");
        assert!(!wants_color(Color::Auto, true, &env(&[("NO_COLOR", "1")])));
        assert!(!wants_color(Color::Auto, true, &env(&[("TERM", "dumb")])));
        assert!(!wants_color(Color::Auto, true, &env(&[("CLICOLOR", "0")])));
        assert!(!wants_color(Color::Auto, false, &env(&[])));
        assert!(wants_color(Color::Auto, false, &env(&[("FORCE_COLOR", "1")])));
        assert!(wants_color(Color::Always, false, &env(&[("NO_COLOR", "1")])), "the flag is the newest word");
    }

    #[test]
    fn other_characters_only_where_the_locale_has_them() {
        assert!(!wants_ascii(&env(&[("LANG", "en_GB.UTF-8")])));
        assert!(!wants_ascii(&env(&[("LC_ALL", "C.utf8")])));
        assert!(wants_ascii(&env(&[])));
        assert!(wants_ascii(&env(&[("LC_ALL", "C"), ("LANG", "en_GB.UTF-8")])));
        assert!(wants_ascii(&env(&[("LANG", "en_GB.UTF-8"), ("TERM", "linux")])));
    }

    #[test]
    fn what_steers_a_terminal_is_taken_out() {
        assert_eq!(clean("a\x1b[2Jb\u{9b}c\u{202e}d\ne"), "a [2Jb c d e");
    }

    #[test]
    fn columns_align_below_colours() {
        let rows = [vec!["\x1b[32m*\x1b[0m db".to_string(), "x".into()], vec!["! longer".into(), "y".into()]];
        assert_eq!(align(&rows), ["\x1b[32m*\x1b[0m db      x", "! longer  y"]);
    }
}
