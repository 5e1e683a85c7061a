//! What can go wrong in a lab.

use std::{fmt::Display, io, process::Output};

pub type Result<T> = std::result::Result<T, Error>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The kernel refused something.
    #[error("{what}: {source}")]
    Os { what: String, source: io::Error },
    /// A program that was run to its end failed.
    #[error("`{command}` failed ({status}): {stderr}")]
    Tool { command: String, status: String, stderr: String },
    /// A condition did not come true in time.
    #[error("waited {seconds:.1} s for {what}; last seen: {last}")]
    Late { what: String, seconds: f64, last: String },
    /// The lab cannot be built or used like this.
    #[error("{what}; {fix}")]
    Setup { what: String, fix: String },
}

impl Error {
    /// For `map_err`: says what was tried.
    pub(crate) fn os<E: Into<io::Error>>(what: impl Display) -> impl FnOnce(E) -> Self {
        move |source| Self::Os { what: what.to_string(), source: source.into() }
    }

    pub(crate) fn setup(what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self::Setup { what: what.into(), fix: fix.into() }
    }

    /// Turns the output of a finished program into its standard output, or into what it complained about.
    pub(crate) fn check(command: impl Display, output: &Output) -> Result<String> {
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let said = if output.stderr.is_empty() { &output.stdout } else { &output.stderr };
        Err(Self::Tool {
            command: command.to_string(),
            status: output.status.to_string(),
            stderr: String::from_utf8_lossy(said).trim().to_owned(),
        })
    }
}
