//! `wait`: returns when a state is seen.

use futures_util::StreamExt;
use safetui_net::api::{client::ClientError, exit::Exit};
use tokio::signal::unix::{SignalKind, signal};

use super::Outcome;
use crate::{
    cli::OnArgs,
    codes,
    context::{Context, instance, standing, words},
    failure::{Case, Failure, UNCHANGED},
    follow::{End, Follower, Watched},
    goal::Goal,
};

pub(super) async fn run(cx: &Context, target: &str, on: &OnArgs) -> Outcome {
    let goal = Goal::of_operator(target).map_err(no_state)?;
    let mut states = cx.client.watch();
    let silent = || ClientError::Lost("the agent ended the stream".into());
    let state = states.next().await.ok_or_else(silent)??;
    let module = cx.module(&state)?.name.clone();
    let node = on.on.clone().unwrap_or_else(|| state.node.clone());
    instance(cx.module(&state)?, &node)?;

    let goals = [goal];
    let watched = Watched { module: &module, node: &node, goals: &goals, from: 0, stop_ends: false };
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut follower = Follower::new(states, state, &module);
    let end = follower.follow(&watched, cx.options.timeout, &mut interrupt).await;
    let (code, why) = match end {
        End::Reached | End::Stopped => return Ok(Exit::Ok.code()),
        End::Lost(error) => return Err(error.into()),
        End::TooLate => (codes::TOO_LATE, late(cx, &follower, &module, &node)),
        End::Interrupted => (codes::INTERRUPTED, "interrupted from the keyboard".into()),
    };
    Err(Case {
        code,
        summary: format!("{module} on {node} did not reach {}", goals[0]),
        what: format!("waiting for {} of {module} on {node}", goals[0]),
        why,
        now: follower.module(&module).map_or_else(|| "the module is gone".into(), standing),
        fix: vec![format!("safetui why -m {module}"), format!("safetui state -m {module}")],
    }
    .into())
}

fn late(cx: &Context, follower: &Follower, module: &str, node: &str) -> String {
    let held = follower.module(module).and_then(|module| instance(module, node).ok());
    let now = held.map_or_else(|| "not known".into(), words);
    format!("it was {now} when {} had passed", humantime::format_duration(cx.options.timeout))
}

fn no_state(why: String) -> Failure {
    Case {
        code: codes::NO_STATE,
        summary: "no such state to wait for".into(),
        what: "reading the state to wait for".into(),
        why,
        now: UNCHANGED.into(),
        fix: vec!["safetui wait --for READY".into()],
    }
    .into()
}
