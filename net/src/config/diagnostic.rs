//! What is wrong with a configuration file: where, what was found, what is allowed, how to fix it.

use std::fmt;

use serde::Serialize;

/// Whether the configuration can be used all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Error,
    Warning,
}

/// One finding at one place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    pub severity: Severity,
    /// Stable, see [`super::code`].
    pub code: &'static str,
    /// Path as it was given, or `module NAME` when the finding is about no single line.
    pub file: String,
    /// From 1; 0 when the finding is about no single line.
    pub line: u32,
    /// In characters, from 1; 0 together with `line`.
    pub column: u32,
    /// The line itself, up to a little behind the column, control characters blanked; empty without a line.
    pub excerpt: String,
    /// What was found.
    pub message: String,
    /// What may stand there.
    pub allowed: Option<String>,
    /// Nearest spelling, or how to fix it.
    pub help: Option<String>,
}

impl Diagnostic {
    /// A finding about a whole file, module or machine.
    pub(super) fn whole(code: &'static str, file: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            code,
            file: file.into(),
            line: 0,
            column: 0,
            excerpt: String::new(),
            message: message.into(),
            allowed: None,
            help: None,
        }
    }

    pub(super) fn allowed(&mut self, allowed: impl Into<String>) -> &mut Self {
        self.allowed = Some(allowed.into());
        self
    }

    pub(super) fn help(&mut self, help: impl Into<String>) -> &mut Self {
        self.help = Some(help.into());
        self
    }

    pub(super) fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// Characters of a line that are shown: a file without line breaks must not flood the terminal.
pub(super) const SHOWN: usize = 100;

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(f, "{word}[{}]: {}\n  --> {}", self.code, self.message, self.file)?;
        if self.line > 0 {
            let column = self.column.saturating_sub(1) as usize;
            let skipped = if column < SHOWN { 0 } else { column - SHOWN / 2 };
            let shown: String = self.excerpt.chars().skip(skipped).take(SHOWN).collect();
            write!(f, ":{}:{}", self.line, self.column)?;
            let line = format!("  | {shown}");
            write!(f, "\n{}\n  | {:>2$}", line.trim_end(), "^", column - skipped + 1)?;
        }
        if let Some(allowed) = &self.allowed {
            write!(f, "\n  = allowed: {allowed}")?;
        }
        if let Some(help) = &self.help {
            write!(f, "\n  = help: {help}")?;
        }
        Ok(())
    }
}

/// All findings of a file, in the order of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Diagnostics(Vec<Diagnostic>);

impl Diagnostics {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn has_errors(&self) -> bool {
        self.iter().any(|d| d.severity == Severity::Error)
    }

    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.0.iter()
    }
}

impl From<Vec<Diagnostic>> for Diagnostics {
    fn from(found: Vec<Diagnostic>) -> Self {
        Self(found)
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(found: Diagnostic) -> Self {
        Self(vec![found])
    }
}

impl IntoIterator for Diagnostics {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// One block each, an empty line between two.
impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, diagnostic) in self.iter().enumerate() {
            let gap = if i == 0 { "" } else { "\n\n" };
            write!(f, "{gap}{diagnostic}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostics {}
