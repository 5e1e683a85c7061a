//! Errors in the house form: what, why, the state now, how to fix it. One formatter for all of them.

use std::{io, path::Path};

use safetui_net::api::{client::ClientError, exit::Exit, shape::Problem};

use crate::codes::{self, Code};

/// Why a command ends without its result.
#[derive(Debug)]
pub(crate) enum Failure {
    Problem(Box<Problem>),
    /// The reader of our output left, as `head` does: no error.
    OutputClosed,
}

/// The parts of a problem that its place of origin knows.
pub(crate) struct Case {
    pub(crate) code: Code,
    pub(crate) summary: String,
    pub(crate) what: String,
    pub(crate) why: String,
    /// What state everything is in after the error.
    pub(crate) now: String,
    pub(crate) fix: Vec<String>,
}

/// What an error that comes before any change says under `now`.
pub(crate) const UNCHANGED: &str = "nothing was changed";

impl From<Case> for Problem {
    fn from(case: Case) -> Self {
        Self {
            code: case.code.id.into(),
            exit: case.code.exit.code(),
            summary: case.summary,
            what: case.what,
            why: case.why,
            now: case.now,
            fix: case.fix,
        }
    }
}

/// The error of what this version does not do.
pub(crate) fn not_supported(what: &str, why: &str, fix: &str) -> Failure {
    Case {
        code: codes::NOT_SUPPORTED,
        summary: format!("{what} is not supported yet"),
        what: format!("asked for: {what}"),
        why: why.into(),
        now: UNCHANGED.into(),
        fix: vec![fix.into()],
    }
    .into()
}

impl From<Case> for Failure {
    fn from(case: Case) -> Self {
        Self::Problem(Box::new(case.into()))
    }
}

impl Failure {
    /// A file that cannot be read.
    pub(crate) fn read(path: &Path, error: &io::Error) -> Self {
        Case {
            code: codes::NO_READ,
            summary: format!("cannot read {}", path.display()),
            what: format!("reading {}", path.display()),
            why: error.to_string(),
            now: UNCHANGED.into(),
            fix: vec![format!("ls -l {}", path.display())],
        }
        .into()
    }

    /// A file that cannot be written.
    pub(crate) fn write(path: &Path, error: &io::Error) -> Self {
        Case {
            code: codes::NO_WRITE,
            summary: format!("cannot write {}", path.display()),
            what: format!("writing {}", path.display()),
            why: error.to_string(),
            now: "what was in force before is still in force".into(),
            fix: vec!["run it as root".into(), format!("df -h {}", path.parent().unwrap_or(path).display())],
        }
        .into()
    }

    /// A command that was sent, without an answer about its outcome.
    pub(crate) fn unknown(verb: &str, module: &str, error: &ClientError) -> Self {
        Case {
            code: codes::OUTCOME_UNKNOWN,
            summary: format!("{verb} was sent, its outcome is not known"),
            what: format!("{verb} of {module} was given to the agent"),
            why: error.to_string(),
            now: "not known: the agent may have carried it out, wholly or not at all".into(),
            fix: vec![format!("safetui state -m {module}"), format!("safetui log -m {module}")],
        }
        .into()
    }
}

/// An error before anything was sent, or of a request that changes nothing.
impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let (code, fix) = match &error {
            ClientError::Problem(problem) => return Self::Problem(problem.clone()),
            ClientError::NoAgent { .. } => {
                (codes::NO_AGENT, "systemctl start safetui    (or, by hand: safetui agent)")
            }
            ClientError::Denied { .. } => (codes::NOT_ALLOWED, "run it as root, for instance with sudo"),
            ClientError::Timeout { .. } | ClientError::Lost(_) => {
                (codes::NO_ANSWER, "systemctl status safetui")
            }
            ClientError::Garbled(_) => (codes::GARBLED, "use the safetui binary that the agent runs"),
        };
        let summary = match code {
            codes::NO_AGENT => "no agent runs on this node",
            codes::NOT_ALLOWED => "not allowed to talk to the agent",
            codes::NO_ANSWER => "the agent does not answer",
            _ => "the agent's answer is not understood",
        };
        Case {
            code,
            summary: summary.into(),
            what: "asking the agent of this node".into(),
            why: error.to_string(),
            now: "nothing was changed; the state is not known here, look at the other node too".into(),
            fix: vec![fix.into()],
        }
        .into()
    }
}

/// Errors of our own output; files have [`Failure::read`] and [`Failure::write`].
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::OutputClosed;
        }
        Case {
            code: codes::NO_OUTPUT,
            summary: "the result cannot be written".into(),
            what: "writing to the standard output".into(),
            why: error.to_string(),
            now: "only the output is incomplete".into(),
            fix: vec!["safetui state".into()],
        }
        .into()
    }
}

/// For what was found before it was shown: a reader who leaves early has seen enough, and the finding stays what it is.
pub(crate) fn seen(shown: Result<(), Failure>) -> Result<(), Failure> {
    match shown {
        Err(Failure::OutputClosed) => Ok(()),
        other => other,
    }
}

/// The exit code to end with. A problem of a newer agent may carry a number that we do not know: it is passed on.
pub(crate) fn exit_code(failure: &Failure) -> u8 {
    match failure {
        Failure::Problem(problem) => problem.exit,
        Failure::OutputClosed => Exit::Ok.code(),
    }
}

/// The text for humans, of several lines.
pub(crate) fn render(problem: &Problem) -> String {
    let mut lines = vec![format!("error[{}]: {}", problem.code, problem.summary)];
    for (name, text) in [("what", &problem.what), ("why", &problem.why), ("now", &problem.now)] {
        field(&mut lines, name, text);
    }
    for (index, text) in problem.fix.iter().enumerate() {
        field(&mut lines, if index == 0 { "fix" } else { "or" }, text);
    }
    field(&mut lines, "more", &format!("safetui explain {}", problem.code));
    lines.join("\n")
}

/// A named field; further lines of its text are aligned below the first.
fn field(lines: &mut Vec<String>, name: &str, text: &str) {
    for (index, line) in text.lines().enumerate() {
        lines.push(format!("  {:<6} {line}", if index == 0 { name } else { "" }).trim_end().to_string());
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn exit_of(error: ClientError) -> u8 {
        exit_code(&error.into())
    }

    #[test]
    fn what_the_agent_did_not_answer_ends_as_scripts_expect() {
        let socket = || "/run/safetui/control.sock".into();
        let source = || io::Error::other("why");
        assert_eq!(exit_of(ClientError::NoAgent { socket: socket(), source: source() }), 6);
        assert_eq!(exit_of(ClientError::Denied { socket: socket(), source: source() }), 4);
        assert_eq!(exit_of(ClientError::Timeout { after: Duration::from_secs(1) }), 6);
        assert_eq!(exit_of(ClientError::Lost("why".into())), 6);
        assert_eq!(exit_of(ClientError::Garbled("why".into())), 1);
    }

    #[test]
    fn only_a_closed_pipe_is_no_error_of_output() {
        assert_eq!(exit_code(&io::Error::from(io::ErrorKind::BrokenPipe).into()), 0);
        assert_eq!(exit_code(&io::Error::from(io::ErrorKind::StorageFull).into()), 1);
    }
}
