//! `safetui tui`: the dashboard of this node.

use std::io::{self, IsTerminal};

use safetui_net::api::exit::Exit;

use super::live::Live;
use crate::{
    codes,
    context::Context,
    dashboard::{self, DemoKey, Options, Source, Theme},
    failure::{Case, Failure, UNCHANGED},
    output::Color,
};

/// Ended by SIGTERM, as shells write it.
const TERMINATED: u8 = 128 + 15;

pub(crate) fn run(cx: &Context) -> Result<u8, Failure> {
    require_terminal("tui", "safetui state")?;
    let client = cx.client.clone();
    let live = Live::new([(None, Box::new(move || Ok(client.clone())) as super::live::Find)]);
    show(cx, live, None)
}

/// Shows the dashboard until the operator leaves it.
pub(crate) fn show(cx: &Context, source: impl Source, demo: Option<Vec<DemoKey>>) -> Result<u8, Failure> {
    let theme = if cx.options.color == Color::Never { Theme::Mono } else { theme() };
    let options =
        Options { ascii: cx.output.ascii, theme, read_only: cx.options.dry_run, by: "tui".into(), demo };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let ended = runtime.block_on(dashboard::run(source, options));
    // The thread that reads keys sits in the kernel; nothing else is worth waiting for.
    runtime.shutdown_background();
    match ended {
        Ok(()) => Ok(Exit::Ok.code()),
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(TERMINATED),
        Err(error) => Err(error.into()),
    }
}

/// A dashboard without a terminal helps nobody.
pub(crate) fn require_terminal(verb: &str, instead: &str) -> Result<(), Failure> {
    if io::stdin().is_terminal() && io::stdout().is_terminal() {
        return Ok(());
    }
    Err(Case {
        code: codes::NO_TERMINAL,
        summary: format!("{verb} needs a terminal"),
        what: "opening the dashboard".into(),
        why: "the standard input or output is not a terminal".into(),
        now: UNCHANGED.into(),
        fix: vec![instead.into()],
    }
    .into())
}

/// What `SAFETUI_THEME` asks for, as far as the terminal can show it.
fn theme() -> Theme {
    Theme::from_env(match std::env::var("SAFETUI_THEME").as_deref() {
        Ok("cvd") => Theme::Cvd,
        Ok("mono") => Theme::Mono,
        _ => Theme::Auto,
    })
}
