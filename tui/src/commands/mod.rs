//! What each verb does, one file a verb or small family.

mod agent;
mod cluster;
mod config;
mod control;
mod explain;
pub(crate) mod graph;
pub(crate) mod live;
mod log;
mod module;
pub(crate) mod record;
pub(crate) mod replay;
pub(crate) mod sim;
mod state;
pub(crate) mod tui;
pub(crate) mod verify;
mod wait;
mod why;
pub(crate) mod witness;

use std::io::{self, IsTerminal};

use safetui_net::api::exit::Exit;

use crate::{
    cli::{StateArgs, Verb},
    context::Context,
    demo,
    failure::Failure,
};

/// The exit code, of [`Exit`] or SafeKit's own behind `-lq`.
pub(crate) type Outcome = Result<u8, Failure>;

pub(crate) fn run(cx: &Context, verb: Option<Verb>) -> Outcome {
    let code = |exit: Exit| exit.code();
    match verb {
        None if io::stdout().is_terminal() && io::stdin().is_terminal() => tui::run(cx),
        None => block_on(state::run(cx, &StateArgs::default())),
        Some(Verb::Tui) => tui::run(cx),
        Some(Verb::Agent) => agent::guard(cx).map(code),
        Some(Verb::Witness(args)) => witness::run(cx, &args).map(code),
        Some(Verb::AgentChild { boot }) => agent::child(cx, boot).map(code),
        Some(Verb::Verify(args)) => verify::run(cx, &args).map(code),
        Some(Verb::Record(verb)) => record::run(cx, &verb).map(code),
        Some(Verb::Replay(args)) => replay::run(cx, &args).map(code),
        Some(Verb::Sim(args)) => sim::run(cx, &args).map(code),
        Some(Verb::Demo(args)) => demo::run(cx, &args),
        Some(Verb::Ledger { address, file, node }) => demo::ledger(address, &file, &node).map(code),
        Some(verb) => block_on(ask(cx, verb)),
    }
}

fn block_on(work: impl Future<Output = Outcome>) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime needs no more than an epoll descriptor").block_on(work)
}

/// The verbs that ask the agent or work on files.
async fn ask(cx: &Context, verb: Verb) -> Outcome {
    match verb {
        Verb::Start => control::run(cx, "start", vec![]).await,
        Verb::Stop => control::run(cx, "stop", vec![]).await,
        Verb::Restart => control::run(cx, "restart", vec![]).await,
        Verb::Stopstart => control::run(cx, "stopstart", vec![]).await,
        Verb::Swap { args } => control::run(cx, "swap", args).await,
        Verb::Failover { args } => control::run(cx, "failover", args).await,
        Verb::Prim { args } => control::run(cx, "prim", args).await,
        Verb::Second { args } => control::run(cx, "second", args).await,
        Verb::Forcestop => control::run(cx, "forcestop", vec![]).await,
        Verb::State(args) => state::run(cx, &args).await,
        Verb::Why => why::run(cx).await,
        Verb::Wait(args) => wait::run(cx, &args.state, &args.on).await,
        Verb::Waitstart(on) => wait::run(cx, "READY", &on).await,
        Verb::Waitstop(on) => wait::run(cx, "STOP", &on).await,
        Verb::Waitstate { state, on } => wait::run(cx, &state, &on).await,
        Verb::Log(args) => log::run(cx, &args).await,
        Verb::Config => config::config(cx).await,
        Verb::Confcheck => config::confcheck(cx),
        Verb::Module(verb) => module::run(cx, verb).await,
        Verb::Cluster(verb) => cluster::run(cx, verb).await,
        Verb::Explain { topic } => explain::run(cx, &topic),
        Verb::Graph(args) => graph::run(&args),
        Verb::Tui
        | Verb::Agent
        | Verb::Witness(_)
        | Verb::AgentChild { .. }
        | Verb::Verify(_)
        | Verb::Record(_)
        | Verb::Replay(_)
        | Verb::Sim(_)
        | Verb::Demo(_)
        | Verb::Ledger { .. } => {
            unreachable!("these have a runtime of their own")
        }
    }
}
