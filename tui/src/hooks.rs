//! The verbs whose work is done elsewhere in the house: one function each.

use safetui_net::{api::exit::Exit, guard};

use crate::{
    codes,
    context::Context,
    failure::{Case, Failure, UNCHANGED},
};

/// Starts and guards the agent of this node until it is told to end.
pub(crate) fn agent(cx: &Context) -> Result<Exit, Failure> {
    guard::run(&cx.paths).map_err(Failure::Problem)?;
    Ok(Exit::Ok)
}

/// Is the agent, in the life that its guard has given it.
pub(crate) fn agent_child(cx: &Context, boot: u32) -> Result<Exit, Failure> {
    guard::agent(&cx.paths, boot).map_err(Failure::Problem)?;
    Ok(Exit::Ok)
}

/// Runs a two-node lab on this machine.
pub(crate) fn demo(_cx: &Context, _args: &[String]) -> Result<Exit, Failure> {
    Err(absent("demo"))
}

/// Shows the dashboard until the operator leaves it.
pub(crate) fn dashboard(_cx: &Context) -> Result<Exit, Failure> {
    Err(absent("tui"))
}

fn absent(verb: &str) -> Failure {
    not_supported(verb, "this build does not contain it", "safetui --help")
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
