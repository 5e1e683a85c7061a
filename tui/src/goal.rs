//! States to wait for, written as `PRIM Ready`, `STOP` or `READY`.

use std::fmt;

use safetui_net::api::shape::Instance;

const ROLES: [&str; 6] = ["STOP", "WAIT", "ALONE", "UP", "PRIM", "SECOND"];
const READINESS: [&str; 3] = ["NotReady", "Transient", "Ready"];

/// A role, a readiness, or both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Goal {
    role: Option<String>,
    readiness: Option<String>,
}

impl Goal {
    /// As the agent writes it: a role without readiness means any.
    pub(crate) fn of_agent(text: &str) -> Self {
        let mut words = text.split_whitespace().map(str::to_string);
        Self { role: words.next(), readiness: words.next() }
    }

    /// As an operator writes it, in any case. A role that serves or follows is meant to be arrived at: `PRIM` means
    /// `PRIM Ready`.
    pub(crate) fn of_operator(text: &str) -> Result<Self, String> {
        let (first, second) = match text.split_once(['/', ' ']) {
            Some((first, second)) => (first, Some(second)),
            None => (text, None),
        };
        let known = |list: &[&str], word: &str| {
            list.iter().find(|known| known.eq_ignore_ascii_case(word)).map(ToString::to_string)
        };
        if let (Some(readiness), None) = (known(&READINESS, first), second) {
            return Ok(Self { role: None, readiness: Some(readiness) });
        }
        let unknown = |word: &str| {
            format!(
                "`{word}` is no state; states are {} and READY, with /Ready, /Transient or /NotReady",
                ROLES.join(", ")
            )
        };
        let role = known(&ROLES, first).ok_or_else(|| unknown(first))?;
        let readiness = match second {
            Some(word) => Some(known(&READINESS, word).ok_or_else(|| unknown(word))?),
            None if role == "STOP" || role == "WAIT" => None,
            None => Some("Ready".into()),
        };
        Ok(Self { role: Some(role), readiness })
    }

    pub(crate) fn reached(&self, instance: &Instance) -> bool {
        self.role.as_ref().is_none_or(|role| *role == instance.role)
            && self.readiness.as_ref().is_none_or(|readiness| *readiness == instance.readiness)
    }

    /// Is it an end of this goal that the module is stopped?
    pub(crate) fn stops(&self) -> bool {
        self.role.as_deref() == Some("STOP")
    }
}

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<&str> =
            [&self.role, &self.readiness].into_iter().flatten().map(String::as_str).collect();
        f.write_str(&words.join(" "))
    }
}

/// Several goals, any of which will do.
pub(crate) fn either(goals: &[Goal]) -> String {
    goals.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn goal(text: &str) -> String {
        Goal::of_operator(text).map_or_else(|error| error, |goal| goal.to_string())
    }

    #[test]
    fn operators_write_states_as_they_like() {
        assert_eq!(goal("prim"), "PRIM Ready");
        assert_eq!(goal("STOP"), "STOP");
        assert_eq!(goal("wait"), "WAIT");
        assert_eq!(goal("READY"), "Ready");
        assert_eq!(goal("second/transient"), "SECOND Transient");
        assert!(goal("PRIMARY").starts_with("`PRIMARY` is no state"));
        assert!(goal("PRIM/soon").starts_with("`soon` is no state"));
    }
}
