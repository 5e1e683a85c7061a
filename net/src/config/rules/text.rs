//! Words and signs of a text of rules.

use crate::config::{code, report::Report, xml::Cdata};

/// A piece of the text. Offsets are bytes of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) at: usize,
    pub(super) kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Word(String),
    /// In quotes.
    Text(String),
    Sign(&'static str),
    End,
}

impl Kind {
    /// As a message shows it.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Word(word) => format!("\"{word}\""),
            Self::Text(text) => format!("the text \"{text}\""),
            Self::Sign(sign) => format!("\"{sign}\""),
            Self::End => "the end of the rules".into(),
        }
    }
}

/// How a language writes its pieces.
pub(super) struct Spelling {
    /// Longer ones first.
    pub(super) signs: &'static [&'static str],
    /// What begins and ends a comment.
    pub(super) comments: &'static [(&'static str, &'static str)],
    pub(super) quotes: bool,
    /// Characters of a word besides letters and digits.
    pub(super) in_word: &'static str,
}

/// A text with a place in it.
pub(super) struct Tokens {
    tokens: Vec<Token>,
    next: usize,
}

impl Tokens {
    /// Cuts the whole text; `None` if there is something in it that the language lacks.
    pub(super) fn cut(report: &mut Report<'_>, words: &Cdata, spelling: &Spelling) -> Option<Self> {
        let mut tokens = Vec::new();
        let mut rest = words.text.as_str();
        loop {
            let at = words.at + words.text.len() - rest.len();
            match piece(rest, spelling) {
                Ok((_, Some(Kind::End))) => {
                    tokens.push(Token { at, kind: Kind::End });
                    return Some(Self { tokens, next: 0 });
                }
                Ok((length, kind)) => {
                    tokens.extend(kind.map(|kind| Token { at, kind }));
                    rest = &rest[length..];
                }
                Err((message, help)) => {
                    report.error(code::RULE, at, message).help(help);
                    return None;
                }
            }
        }
    }

    pub(super) fn peek(&self) -> &Token {
        &self.tokens[self.next.min(self.tokens.len() - 1)]
    }

    pub(super) fn take(&mut self) -> Token {
        let token = self.peek().clone();
        self.next += 1;
        token
    }

    pub(super) fn at_end(&self) -> bool {
        self.peek().kind == Kind::End
    }

    /// Takes that sign if it comes next.
    pub(super) fn sign(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek().kind, Kind::Sign(next) if next == sign);
        self.next += usize::from(found);
        found
    }

    /// Takes that word if it comes next.
    pub(super) fn word(&mut self, word: &str) -> bool {
        let found = matches!(&self.peek().kind, Kind::Word(next) if next == word);
        self.next += usize::from(found);
        found
    }

    /// Takes everything up to that sign, and the sign.
    pub(super) fn skip_past(&mut self, sign: &'static str) {
        while !self.at_end() && !self.sign(sign) {
            self.next += 1;
        }
    }

    /// Says that something else should stand here.
    pub(super) fn expected(&self, report: &mut Report<'_>, what: &str) {
        let Token { at, kind } = self.peek();
        report.error(code::RULE, *at, format!("expected {what}, found {}", kind.shown()));
    }

    /// Takes that sign, or says that it is missing.
    pub(super) fn demand(&mut self, report: &mut Report<'_>, sign: &str) -> Option<()> {
        if self.sign(sign) {
            return Some(());
        }
        self.expected(report, &format!("\"{sign}\""));
        None
    }
}

type Bad = (String, &'static str);

/// The length of the next piece, and what it is; space and comments are nothing.
fn piece(rest: &str, spelling: &Spelling) -> Result<(usize, Option<Kind>), Bad> {
    let Some(first) = rest.chars().next() else { return Ok((0, Some(Kind::End))) };
    if first.is_whitespace() {
        return Ok((first.len_utf8(), None));
    }
    if let Some((open, close)) = spelling.comments.iter().find(|(open, _)| rest.starts_with(open)) {
        let inside = &rest[open.len()..];
        return match inside.find(close) {
            Some(length) => Ok((open.len() + length + close.len(), None)),
            None if *close == "\n" => Ok((rest.len(), None)),
            None => Err((format!("the comment has no end \"{close}\""), "close it")),
        };
    }
    if spelling.quotes && matches!(first, '"' | '\'') {
        return quoted(rest, first);
    }
    let in_word = |c: char| c.is_ascii_alphanumeric() || spelling.in_word.contains(c);
    let length = rest.find(|c| !in_word(c)).unwrap_or(rest.len());
    if length > 0 {
        return Ok((length, Some(Kind::Word(rest[..length].into()))));
    }
    if let Some(sign) = spelling.signs.iter().find(|sign| rest.starts_with(**sign)) {
        return Ok((sign.len(), Some(Kind::Sign(sign))));
    }
    let help = match first {
        '&' | '|' | '=' => "\"and\" is &&, \"or\" is ||, \"equal\" is ==",
        '%' => "macros are not replaced inside rules: write the name itself",
        _ => "remove it",
    };
    Err((format!("\"{}\" means nothing here", first.escape_debug()), help))
}

fn quoted(rest: &str, quote: char) -> Result<(usize, Option<Kind>), Bad> {
    let inside = &rest[1..];
    match inside.find([quote, '\n', '\\']) {
        Some(length) if inside[length..].starts_with(quote) => {
            Ok((length + 2, Some(Kind::Text(inside[..length].into()))))
        }
        Some(length) if inside[length..].starts_with('\\') => {
            Err(("a \"\\\" in a text".into(), "names have no characters that need it"))
        }
        _ => Err(("the text has no closing quote in its line".into(), "close it")),
    }
}
