//! Collects the findings of one file while it is read, and turns byte offsets into lines and columns.

use std::{
    fs::File,
    io::{self, Read as _},
    path::Path,
};

use super::{
    code,
    diagnostic::{Diagnostic, Diagnostics, Severity},
};

/// Configuration files are a few kilobytes; more is a mistake, such as the path of a disk image.
const LARGEST: u64 = 1 << 20;

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
    opened.take(LARGEST + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > LARGEST {
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
}

impl<'a> Report<'a> {
    pub(super) fn new(file: &'a str, text: &'a str) -> Self {
        Self { file, text, found: Vec::new() }
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
        self.found.iter().any(|(_, d)| d.severity == Severity::Error)
    }

    /// The value with the warnings, or everything that was found when there is an error among it.
    pub(super) fn finish<T>(self, value: T) -> Result<(T, Diagnostics), Diagnostics> {
        let failed = self.has_errors();
        let found = self.into_diagnostics();
        if failed { Err(found) } else { Ok((value, found)) }
    }

    pub(super) fn into_diagnostics(mut self) -> Diagnostics {
        self.found.sort_by_key(|(at, _)| *at);
        self.found.into_iter().map(|(_, d)| d).collect::<Vec<_>>().into()
    }

    fn push(
        &mut self,
        severity: Severity,
        code: &'static str,
        at: usize,
        message: String,
    ) -> &mut Diagnostic {
        let before = self.before(at);
        let start = before.rfind('\n').map_or(0, |i| i + 1);
        let excerpt = self.text[start..].lines().next().unwrap_or_default();
        let mut diagnostic = Diagnostic::whole(code, self.file, message);
        diagnostic.severity = severity;
        diagnostic.line = self.line(at) as u32;
        diagnostic.column = before[start..].chars().count() as u32 + 1;
        diagnostic.excerpt = excerpt.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
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
