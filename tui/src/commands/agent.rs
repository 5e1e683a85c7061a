//! `agent`: the guard of this node's agent, and the agent itself.

use safetui_net::{api::exit::Exit, guard};

use crate::{context::Context, failure::Failure};

/// Starts and guards the agent of this node until it is told to end.
pub(super) fn guard(cx: &Context) -> Result<Exit, Failure> {
    guard::run(&cx.paths).map_err(Failure::Problem)?;
    Ok(Exit::Ok)
}

/// Is the agent, in the life that its guard has given it.
pub(super) fn child(cx: &Context, boot: u32) -> Result<Exit, Failure> {
    guard::agent(&cx.paths, boot).map_err(Failure::Problem)?;
    Ok(Exit::Ok)
}
