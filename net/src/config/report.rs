//! Collects the findings of one file while it is read, and turns byte offsets into lines and columns.

use std::{
    fs::File,
    io::{self, Read as _},
    path::Path,
};

use super::{
    code,
    diagnostic::{Diagnostic, Diagnostics, SHOWN, Severity},
};

/// Configuration files are a few kilobytes; more is a mistake, such as the path of a disk image.
pub(super) const LARGEST: usize = 64 << 10;
/// More findings help nobody, and a bad file must not make gigabytes of them.
const MOST: usize = 100;

/// Reads a file as UTF-8 text.
pub(super) fn read(path: &Path) -> Result<String, Diagnostics> {
    let file = path.display().to_string();
    let fail = |message: String, help: &str| {
        Diagnostics::from(Diagnostic::whole(code::FILE, &*file, message).with_help(help))
    };
    let unreadable = |e: io::Error| {
        fail(format!("file cannot be read: {e}"), "check that the path exists and that this user may read it")
    };
    let mut bytes = Vec::new();
    let opened = File::open(path).map_err(unreadable)?;
    opened.take(LARGEST as u64 + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() > LARGEST {
        return Err(fail(format!("file is larger than {LARGEST} bytes"), "is this the right file?"));
    }
    String::from_utf8(bytes).map_err(|e| {
        let at = e.utf8_error().valid_up_to();
        let line = String::from_utf8_lossy(&e.as_bytes()[..at]).matches('\n').count() + 1;
        fail(format!("line {line} is not UTF-8 text"), "convert the file: iconv -f LATIN1 -t UTF-8")
    })
}

/// The findings so far. Offsets are bytes of the text.
pub(super) struct Report<'a> {
    file: &'a str,
    text: &'a str,
    found: Vec<(usize, Diagnostic)>,
    has_errors: bool,
    /// The last finding that was not kept.
    unsaid: Option<Diagnostic>,
}

impl<'a> Report<'a> {
    pub(super) fn new(file: &'a str, text: &'a str) -> Self {
        Self { file, text, found: Vec::new(), has_errors: false, unsaid: None }
    }

    pub(super) fn error(
        &mut self,
        code: &'static str,
        at: usize,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        self.push(Severity::Error, code, at, message.into())
    }

    pub(super) fn warning(
        &mut self,
        code: &'static str,
        at: usize,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        self.push(Severity::Warning, code, at, message.into())
    }

    /// Line of an offset, for messages that point at a second place.
    pub(super) fn line(&self, at: usize) -> usize {
        self.before(at).matches('\n').count() + 1
    }

    pub(super) fn has_errors(&self) -> bool {
        self.has_errors
    }

    /// The file is refused, and there is nothing more to say about it.
    pub(super) fn is_full(&self) -> bool {
        self.has_errors && self.found.len() == MOST && self.first_warning().is_none()
    }

    fn first_warning(&self) -> Option<usize> {
        self.found.iter().position(|(_, d)| d.severity == Severity::Warning)
    }

    /// The value with the warnings, or everything that was found when there is an error among it.
    pub(super) fn finish<T>(self, value: T) -> Result<(T, Diagnostics), Diagnostics> {
        let failed = self.has_errors();
        let found = self.into_diagnostics();
        if failed { Err(found) } else { Ok((value, found)) }
    }

    pub(super) fn into_diagnostics(mut self) -> Diagnostics {
        self.found.sort_by_key(|(at, _)| *at);
        let mut found: Vec<_> = self.found.into_iter().map(|(_, d)| d).collect();
        if self.unsaid.is_some() {
            let mut more = Diagnostic::whole(code::MORE, self.file, "there is more than what is shown here");
            more.severity = Severity::Warning;
            found.push(more.with_help("correct these first"));
        }
        found.into()
    }

    fn push(
        &mut self,
        severity: Severity,
        code: &'static str,
        at: usize,
        message: String,
    ) -> &mut Diagnostic {
        self.has_errors |= severity == Severity::Error;
        if self.found.len() == MOST {
            // An error is said rather than a warning.
            let gone = match self.first_warning() {
                Some(at) if severity == Severity::Error => self.found.remove(at).1,
                _ => return self.unsaid.insert(Diagnostic::whole(code, self.file, message)),
            };
            self.unsaid = Some(gone);
        }
        let before = self.before(at);
        let start = before.rfind('\n').map_or(0, |i| i + 1);
        let excerpt = self.text[start..].lines().next().unwrap_or_default();
        let mut diagnostic = Diagnostic::whole(code, self.file, message);
        diagnostic.severity = severity;
        diagnostic.line = self.line(at) as u32;
        diagnostic.column = before[start..].chars().count() as u32 + 1;
        // As far as it may be shown: a line can be the whole file.
        let shown = excerpt.chars().take(diagnostic.column as usize + SHOWN);
        diagnostic.excerpt = shown.map(|c| if c.is_control() { ' ' } else { c }).collect();
        self.found.push((at, diagnostic));
        &mut self.found.last_mut().expect("was pushed just now").1
    }

    /// The text before an offset; an offset inside a character counts as its beginning.
    fn before(&self, at: usize) -> &'a str {
        let mut at = at.min(self.text.len());
        while !self.text.is_char_boundary(at) {
            at -= 1;
        }
        &self.text[..at]
    }
}
