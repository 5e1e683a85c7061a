//! How a command ends: the exit codes of the command line, which problems of the agent carry too.

use std::fmt;

/// An exit code. The numbers are frozen: scripts depend on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Exit {
    Ok = 0,
    Failed = 1,
    Usage = 2,
    Unsafe = 3,
    Denied = 4,
    NotFound = 5,
    Unreachable = 6,
    Timeout = 7,
    Unknown = 8,
    Stale = 9,
    Degraded = 10,
    Outage = 11,
    Violation = 12,
    Inconclusive = 13,
    Interrupted = 130,
}

impl Exit {
    /// Every code, in order.
    pub const ALL: [Self; 15] = [
        Self::Ok,
        Self::Failed,
        Self::Usage,
        Self::Unsafe,
        Self::Denied,
        Self::NotFound,
        Self::Unreachable,
        Self::Timeout,
        Self::Unknown,
        Self::Stale,
        Self::Degraded,
        Self::Outage,
        Self::Violation,
        Self::Inconclusive,
        Self::Interrupted,
    ];

    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The code with this number; `None` for a number that this version does not know.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|exit| exit.code() == code)
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed => "failed",
            Self::Usage => "usage",
            Self::Unsafe => "unsafe",
            Self::Denied => "denied",
            Self::NotFound => "notfound",
            Self::Unreachable => "unreachable",
            Self::Timeout => "timeout",
            Self::Unknown => "unknown",
            Self::Stale => "stale",
            Self::Degraded => "degraded",
            Self::Outage => "outage",
            Self::Violation => "violation",
            Self::Inconclusive => "inconclusive",
            Self::Interrupted => "interrupted",
        }
    }

    /// What it means, in one line.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Ok => "the asked-for condition is reached and verified",
            Self::Failed => "attempted and failed; the state is printed",
            Self::Usage => "bad arguments or input, or a needed answer could not be asked for",
            Self::Unsafe => "refused by a rule; needs other conditions first",
            Self::Denied => "not allowed to talk to the agent",
            Self::NotFound => "no such module, node or topic",
            Self::Unreachable => "no agent answered; nothing was sent",
            Self::Timeout => "not reached within --timeout; the operation still runs",
            Self::Unknown => {
                "the request was sent, its outcome is not known; `state --exit-code`: whether it serves is not known here"
            }
            Self::Stale => "the state is not the one of --if-state",
            Self::Degraded => "`state --exit-code`: serves, without redundancy",
            Self::Outage => "`state --exit-code`: a started module serves nowhere",
            Self::Violation => "`verify`: a property is broken; `replay`: recorded is not recomputed",
            Self::Inconclusive => "`verify` reached its bound; nothing found",
            Self::Interrupted => "Ctrl-C; the text says what was already done",
        }
    }

    /// What a script does next; `-` when there is nothing to repeat.
    pub const fn retry(self) -> &'static str {
        match self {
            Self::Failed | Self::Usage | Self::Denied | Self::NotFound => "no",
            Self::Unsafe => "after fixing",
            Self::Unreachable => "yes",
            Self::Timeout => "wait",
            Self::Unknown => "look first",
            Self::Stale => "look again",
            _ => "-",
        }
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code(), self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_means_one_code() {
        for exit in Exit::ALL {
            assert_eq!(Exit::from_code(exit.code()), Some(exit));
        }
        assert_eq!(Exit::from_code(99), None);
    }
}
