//! Text in columns, and quantities in words.

use std::time::Duration;

use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

use super::glyph;
use super::theme::{Theme, Tone};

pub(crate) fn width(text: &str) -> usize {
    Span::raw(text).width()
}

/// At most `columns` wide; a cut shows.
pub(crate) fn cut(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut used = 0;
    for grapheme in Span::raw(text).styled_graphemes(Style::new()) {
        let wide = width(grapheme.symbol);
        if used + wide + 1 > columns {
            break;
        }
        kept.push_str(grapheme.symbol);
        used += wide;
    }
    if columns > 0 {
        kept.push(glyph::CUT);
    }
    kept
}

/// Words broken into lines of at most `columns`.
pub(crate) fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let last = lines.last_mut().expect("starts with one line");
        if last.is_empty() {
            *last = cut(word, columns);
        } else if width(last) + 1 + width(word) <= columns {
            last.push(' ');
            last.push_str(word);
        } else {
            lines.push(cut(word, columns));
        }
    }
    lines
}

/// A line under construction.
pub(crate) struct Row {
    theme: Theme,
    spans: Vec<Span<'static>>,
}

impl Row {
    pub(crate) fn new(theme: Theme) -> Self {
        Self { theme, spans: Vec::new() }
    }

    pub(crate) fn put(mut self, tone: Tone, text: impl Into<String>) -> Self {
        self.spans.push(Span::styled(text.into(), self.theme.style(tone)));
        self
    }

    /// A column of exactly `columns`, then one blank.
    pub(crate) fn cell(self, columns: usize, parts: &[(Tone, String)]) -> Self {
        self.chip(columns, parts, Modifier::empty()).put(Tone::Plain, " ")
    }

    /// A column of exactly `columns`, with a modifier over all of it.
    pub(crate) fn chip(mut self, columns: usize, parts: &[(Tone, String)], modifier: Modifier) -> Self {
        let mut left = columns;
        for (tone, text) in parts {
            let text = cut(text, left);
            left -= width(&text);
            self.spans.push(Span::styled(text, self.theme.style(*tone).add_modifier(modifier)));
        }
        self.spans.push(Span::styled(" ".repeat(left), Style::new().add_modifier(modifier)));
        self
    }

    /// `text` against the right edge of a line of `columns`; what is already there is cut when they meet.
    pub(crate) fn right(mut self, columns: usize, parts: &[(Tone, String)]) -> Self {
        let wide: usize = parts.iter().map(|(_, text)| width(text)).sum();
        let mut left = columns.saturating_sub(wide + 1);
        for span in &mut self.spans {
            let text = cut(&span.content, left);
            left -= width(&text);
            span.content = text.into();
        }
        let gap = " ".repeat(columns.saturating_sub(wide).min(left + 1));
        parts.iter().fold(self.put(Tone::Plain, gap), |row, (tone, text)| row.put(*tone, text.clone()))
    }

    pub(crate) fn line(self) -> Line<'static> {
        Line::from(self.spans)
    }
}

/// `4s`, `4m12s`, `2h05m`, `3d02h`: never more than six columns below 100 days.
pub(crate) fn age(ms: u64) -> String {
    let s = ms / 1000;
    match s {
        0..60 => format!("{s}s"),
        60..3600 => format!("{}m{:02}s", s / 60, s % 60),
        3600..86_400 => format!("{}h{:02}m", s / 3600, s / 60 % 60),
        _ => format!("{}d{:02}h", s / 86_400, s / 3600 % 24),
    }
}

/// A short time: `80 ms`, `1.2 s`, then like [`age`].
pub(crate) fn millis(ms: u64) -> String {
    match ms {
        0..1000 => format!("{ms} ms"),
        1000..60_000 => format!("{:.1} s", ms as f64 / 1000.0),
        _ => age(ms),
    }
}

/// A round trip: `<0.1 ms`, `0.4 ms`, `12 ms`, `1.2 s`.
pub(crate) fn micros(us: u64) -> String {
    if us < 50 {
        return "<0.1 ms".to_owned();
    }
    if us < 9_950 { format!("{:.1} ms", us as f64 / 1000.0) } else { millis(us / 1000) }
}

/// `0 B`, `38.4 MB`, in steps of 1000.
pub(crate) fn bytes(n: u64) -> String {
    const UNITS: [&str; 6] = ["kB", "MB", "GB", "TB", "PB", "EB"];
    if n < 1000 {
        return format!("{n} B");
    }
    let mut value = n as f64 / 1000.0;
    let mut unit = 0;
    while value >= 999.95 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}

/// The newest `columns` values as bars between zero and `top`.
pub(crate) fn spark(values: &[u64], columns: usize, top: u64) -> String {
    let newest = &values[values.len().saturating_sub(columns)..];
    newest.iter().map(|value| glyph::SPARK[(value.saturating_mul(8) / top.max(1)).min(7) as usize]).collect()
}

/// `HH:MM:SS`, or with milliseconds, of an RFC 3339 time; the text itself when it is none.
pub(crate) fn clock(time: &str, millis: bool) -> String {
    let end = if millis { 23 } else { 19 };
    if parse(time).is_some() {
        time.get(11..end.min(time.trim_end_matches('Z').len())).unwrap_or(time).to_owned()
    } else {
        time.to_owned()
    }
}

/// `HH:MM:SS`, `ms` after an RFC 3339 time.
pub(crate) fn clock_after(time: &str, ms: u64) -> Option<String> {
    let moment = parse(time)?.checked_add(Duration::from_millis(ms))?;
    let text = humantime::format_rfc3339_seconds(moment).to_string();
    Some(clock(&text, false))
}

/// Milliseconds from `earlier` to `later`, zero when the order is wrong.
pub(crate) fn between(earlier: &str, later: &str) -> Option<u64> {
    let (earlier, later) = (parse(earlier)?, parse(later)?);
    Some(later.duration_since(earlier).map_or(0, |gap| gap.as_millis() as u64))
}

/// Years past 9999 are refused: the library that prints times panics on them.
fn parse(time: &str) -> Option<std::time::SystemTime> {
    humantime::parse_rfc3339(time).ok().filter(|_| !time.starts_with("9999"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_shows_and_wide_characters_count_double() {
        assert_eq!(cut("files", 5), "files");
        assert_eq!(cut("files", 4), "fil…");
        assert_eq!(cut("映画館", 4), "映…");
        assert_eq!(cut("files", 0), "");
    }

    #[test]
    fn words_wrap_at_the_edge() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("", 7), [""]);
        assert_eq!(wrap("unbreakable", 5), ["unbr…"]);
    }

    #[test]
    fn quantities_read_like_words() {
        assert_eq!(
            [age(4_000), age(252_000), age(7_500_000), age(266_400_000)],
            ["4s", "4m12s", "2h05m", "3d02h"]
        );
        assert_eq!(
            [micros(30), micros(400), micros(9_960), micros(1_200_000)],
            ["<0.1 ms", "0.4 ms", "9 ms", "1.2 s"]
        );
        assert_eq!(
            [bytes(999), bytes(38_400_000), bytes(999_999), bytes(u64::MAX)],
            ["999 B", "38.4 MB", "1.0 MB", "18.4 EB"]
        );
    }

    #[test]
    fn times_add_up() {
        assert_eq!(clock("2026-09-30T12:08:14.123Z", true), "12:08:14.123");
        assert_eq!(clock("soon", false), "soon");
        assert_eq!(clock_after("2026-09-30T12:59:59.500Z", 600).as_deref(), Some("13:00:00"));
        assert_eq!(between("2026-09-30T12:08:14Z", "2026-09-30T12:08:15.250Z"), Some(1250));
    }
}
