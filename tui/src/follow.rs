//! Watching a module until it gets where it should: nothing is called done that was not seen.

use std::{collections::BTreeMap, time::Duration};

use futures_util::StreamExt;
use safetui_net::api::{
    client::{ClientError, States},
    shape::{Instance, Module, State},
};
use tokio::{signal::unix::Signal, time::Instant};

use crate::{
    context::words,
    goal::Goal,
    output::{clean, say},
};

/// Who is watched, and for what.
pub(crate) struct Watched<'a> {
    pub(crate) module: &'a str,
    pub(crate) node: &'a str,
    pub(crate) goals: &'a [Goal],
    /// States before this number prove nothing.
    pub(crate) from: u64,
    /// Is a stop on the way the end of it? Not for who merely looks on: the module may start again.
    pub(crate) stop_ends: bool,
}

/// How the watching ended.
#[derive(Debug)]
pub(crate) enum End {
    Reached,
    /// It was on its way and stopped.
    Stopped,
    TooLate,
    Lost(ClientError),
    Interrupted,
}

/// Reports each transition on stderr as it is seen.
pub(crate) struct Follower {
    pub(crate) states: States,
    /// The newest state that was seen.
    pub(crate) state: State,
    shown: BTreeMap<String, String>,
    headline: Option<String>,
}

impl Follower {
    /// Begins with a state that was already seen: what it shows is not reported as news.
    pub(crate) fn new(states: States, state: State, module: &str) -> Self {
        let mut follower = Self { states, state, shown: BTreeMap::new(), headline: None };
        let known = follower.module(module).map(|module| module.instances.as_slice()).unwrap_or_default();
        follower.shown = known.iter().map(|instance| (instance.node.clone(), words(instance))).collect();
        follower
    }

    /// Follows the states to one of the ends, and no longer than `patience`.
    pub(crate) async fn follow(
        &mut self,
        watched: &Watched<'_>,
        patience: Duration,
        interrupt: &mut Signal,
    ) -> End {
        let deadline = Instant::now() + patience;
        let before = self.instance(watched).cloned();
        loop {
            if let Some(instance) = self.instance(watched).filter(|_| self.state.seq >= watched.from) {
                if watched.goals.iter().any(|goal| goal.reached(instance)) {
                    return End::Reached;
                }
                // A module that fails at once may be stopped again before anything else was seen of it: another
                // stop than the one before has another beginning.
                let same = |before: &Instance| before.role == "STOP" && before.since == instance.since;
                if watched.stop_ends && instance.role == "STOP" && !before.as_ref().is_some_and(same) {
                    return End::Stopped;
                }
            }
            let next = tokio::select! {
                next = self.states.next() => next,
                () = tokio::time::sleep_until(deadline) => return End::TooLate,
                _ = interrupt.recv() => return End::Interrupted,
            };
            match next {
                Some(Ok(state)) => self.state = state,
                Some(Err(error)) => return End::Lost(error),
                None => return End::Lost(ClientError::Lost("the agent ended the stream".into())),
            }
            self.report(watched.module);
        }
    }

    pub(crate) fn module(&self, name: &str) -> Option<&Module> {
        self.state.modules.iter().find(|module| module.name == name)
    }

    fn instance(&self, watched: &Watched) -> Option<&Instance> {
        self.module(watched.module)?.instances.iter().find(|instance| instance.node == watched.node)
    }

    fn report(&mut self, name: &str) {
        let Some(module) = self.state.modules.iter().find(|module| module.name == name) else { return };
        let time = clock(&self.state.time);
        for instance in &module.instances {
            let now = words(instance);
            let before = self.shown.insert(instance.node.clone(), now.clone());
            if before.as_ref() != Some(&now) {
                let before = before.unwrap_or_else(|| "unknown".into());
                say(&clean(&format!("{time}  {}  {before} -> {now}", instance.node)));
            }
        }
        let headline = module.why.as_ref().map(|why| why.headline.clone());
        if let Some(text) = headline.iter().find(|_| headline != self.headline) {
            say(&clean(&format!("{time}  {}  waits: {text}", self.state.node)));
        }
        self.headline = headline;
    }
}

/// The time of day of an RFC 3339 time.
fn clock(time: &str) -> &str {
    let day = time.split_once('T').map_or(time, |(_, day)| day);
    day.trim_end_matches('Z')
}
