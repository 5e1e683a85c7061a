//! The operator's word for what is more than safe. How much is needed, the agent computes from the state.

use std::io::{self, BufRead, IsTerminal, Write};

use crate::{
    cli::Options,
    codes,
    failure::{Case, Failure, UNCHANGED},
    output::clean,
};

/// What needs the operator's word, and which.
pub(crate) struct Ask<'a> {
    /// The whole command line, without the flag that would confirm it.
    pub(crate) command: &'a str,
    /// `safe`, `mild`, `moderate`, `severe`.
    pub(crate) severity: &'a str,
    /// What would happen, in order.
    pub(crate) steps: &'a [String],
    /// The text to type, for more than mild.
    pub(crate) name: &'a str,
    pub(crate) standing: &'a str,
}

/// Gets the operator's word from the flags or at a prompt; the text that was typed goes to the agent too.
pub(crate) fn obtain(ask: &Ask, options: &Options) -> Result<Option<String>, Failure> {
    if ask.severity == "safe" {
        return Ok(options.confirm.clone());
    }
    let mild = ask.severity == "mild";
    if mild && options.yes {
        return Ok(options.confirm.clone());
    }
    if let Some(typed) = &options.confirm {
        return accept(ask, typed).map(Some);
    }
    if options.no_input || !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Err(needed(ask, mild));
    }
    let typed = prompt(ask, mild)?;
    if mild && matches!(typed.to_ascii_lowercase().as_str(), "y" | "yes") {
        return Ok(None);
    }
    accept(ask, &typed).map(Some)
}

fn accept(ask: &Ask, typed: &str) -> Result<String, Failure> {
    if typed == ask.name {
        return Ok(typed.into());
    }
    Err(Case {
        code: codes::CONFIRM_DIFFERS,
        summary: format!("not confirmed: {}", ask.command),
        what: format!("a {} command is confirmed with `{}`", ask.severity, ask.name),
        why: format!("what was given is `{}`", clean(typed)),
        now: now(ask),
        fix: vec![format!("{} --confirm {}", ask.command, ask.name)],
    }
    .into())
}

fn needed(ask: &Ask, mild: bool) -> Failure {
    let flag = if mild { "-y".into() } else { format!("--confirm {}", ask.name) };
    let steps = if ask.steps.is_empty() { String::new() } else { format!(": {}", ask.steps.join("; ")) };
    Case {
        code: codes::CONFIRM_NEEDED,
        summary: format!("needs {flag}: {}", ask.command),
        what: format!("the agent calls it {}{steps}", ask.severity),
        why: "it needs your word, and there is no terminal to ask on".into(),
        now: now(ask),
        fix: vec![format!("{} {flag}", ask.command)],
    }
    .into()
}

fn now(ask: &Ask) -> String {
    if ask.standing.is_empty() { UNCHANGED.into() } else { format!("{UNCHANGED}; {}", ask.standing) }
}

fn prompt(ask: &Ask, mild: bool) -> Result<String, Failure> {
    let mut stderr = io::stderr().lock();
    writeln!(stderr, "{}: this is {}.", ask.command, ask.severity)?;
    for (index, step) in ask.steps.iter().enumerate() {
        writeln!(stderr, "  {}. {}", index + 1, clean(step))?;
    }
    if mild {
        write!(stderr, "Go on? [y/N] ")?;
    } else {
        write!(stderr, "Type `{}` to go on: ", ask.name)?;
    }
    stderr.flush()?;
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    Ok(line.trim().to_string())
}
