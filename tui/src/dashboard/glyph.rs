//! Every character that we draw and that is not ASCII, with its stand-in of the same width.
//!
//! Panels draw Unicode; ASCII is made from the finished picture, so the two can never differ by a column.

use ratatui::buffer::Buffer;

pub(crate) const READY: char = '●';
pub(crate) const MOVING: char = '◐';
pub(crate) const ALERT: char = '▲';
pub(crate) const STOPPED: char = '■';
pub(crate) const OPEN: char = '○';
pub(crate) const FAILED: char = '✗';
pub(crate) const HOLDS: char = '✓';
pub(crate) const UNKNOWN: char = '?';
pub(crate) const CURSOR: char = '▸';
pub(crate) const CUT: char = '…';
pub(crate) const SPARK: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
pub(crate) const FULL: char = '█';
pub(crate) const EMPTY: char = '░';
pub(crate) const LINE: char = '─';
pub(crate) const PIPE: char = '━';
pub(crate) const RIGHT: char = '▶';
pub(crate) const LEFT: char = '◀';
pub(crate) const TO: char = '→';

const ASCII: [(char, char); 34] = [
    (READY, '*'),
    (MOVING, '~'),
    (ALERT, '!'),
    (STOPPED, '-'),
    (OPEN, 'o'),
    (FAILED, 'X'),
    (HOLDS, '+'),
    (CURSOR, '>'),
    (CUT, '~'),
    ('▁', '.'),
    ('▂', ','),
    ('▃', ':'),
    ('▄', ';'),
    ('▅', '='),
    ('▆', '%'),
    ('▇', '&'),
    (FULL, '#'),
    (EMPTY, '-'),
    (LINE, '-'),
    (PIPE, '='),
    (RIGHT, '>'),
    (LEFT, '<'),
    (TO, '>'),
    ('│', '|'),
    ('╭', '+'),
    ('╮', '+'),
    ('╰', '+'),
    ('╯', '+'),
    ('┌', '+'),
    ('┐', '+'),
    ('└', '+'),
    ('┘', '+'),
    ('·', '.'),
    ('↑', '^'),
];

/// Replaces our own characters; names and texts of the cluster stay what they are.
pub(crate) fn to_ascii(buffer: &mut Buffer) {
    for cell in &mut buffer.content {
        let mut chars = cell.symbol().chars();
        if let (Some(first), None) = (chars.next(), chars.next())
            && let Some((_, ascii)) = ASCII.iter().find(|(unicode, _)| *unicode == first)
        {
            cell.set_char(*ascii);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::text::Span;

    #[test]
    fn both_tables_are_one_column_wide_and_the_second_is_ascii() {
        for (unicode, ascii) in ASCII {
            assert_eq!(Span::raw(unicode.to_string()).width(), 1, "{unicode}");
            assert!(ascii.is_ascii_graphic(), "{unicode} {ascii}");
        }
    }
}
