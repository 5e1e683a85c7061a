//! The verbs that change a module: judged, confirmed, sent, and followed until their target is seen.

use std::time::Instant;

use futures_util::StreamExt;
use safetui_net::api::{
    client::ClientError,
    exit::Exit,
    shape::{Accepted, Command, Module, Offer, State, WayOut},
};
use serde::Serialize;
use tokio::signal::unix::{SignalKind, signal};

use super::Outcome;
use crate::{
    codes,
    confirm::{self, Ask},
    context::{Context, standing, words},
    failure::{Case, Failure, UNCHANGED, not_supported},
    follow::{End, Follower, Watched},
    goal::{Goal, either},
    output::{clean, lines, say},
};

pub(super) async fn run(cx: &Context, verb: &str, args: Vec<String>) -> Outcome {
    supported(verb, &args)?;
    let mut states = cx.client.watch();
    let silent = || ClientError::Lost("the agent ended the stream".into());
    let state = states.next().await.ok_or_else(silent)??;
    let module = cx.module(&state)?;
    let job = Job { verb, args, module: &module.name, node: &state.node, started: Instant::now() };

    let offer = module.actions.iter().find(|offer| offer.verb == verb && offer.node == state.node);
    if let Some(why) = offer.and_then(|offer| offer.refused.as_ref()) {
        return Err(job.refused(why, module));
    }
    if cx.options.dry_run {
        return job.preview(cx, offer);
    }
    let typed = job.confirm(cx, offer, module)?;

    // Heard from before the command is sent: from then on the text must say what was already done.
    let mut interrupt = signal(SignalKind::interrupt())?;
    let accepted = job.send(cx, typed).await?;
    if cx.options.no_wait {
        say(&format!("{} of {}: taken, not waited for", job.verb, job.module));
        return job.report(cx, &accepted, &state, false);
    }
    let goals: Vec<Goal> = accepted.until.iter().map(|text| Goal::of_agent(text)).collect();
    let watched = Watched {
        module: job.module,
        node: job.node,
        goals: &goals,
        from: accepted.seq,
        stop_ends: verb != "stopstart" && !goals.iter().any(Goal::stops),
    };
    let mut follower = Follower::new(states, state.clone(), job.module);
    match follower.follow(&watched, cx.options.timeout, &mut interrupt).await {
        End::Reached => job.report(cx, &accepted, &follower.state, true),
        end => Err(job.missed(cx, end, &goals, &follower)),
    }
}

/// One command on its way.
struct Job<'a> {
    verb: &'a str,
    args: Vec<String>,
    module: &'a str,
    node: &'a str,
    started: Instant,
}

/// The result in JSON.
#[derive(Serialize)]
struct Report<'a> {
    schema: &'static str,
    seq: u64,
    verb: &'a str,
    module: &'a str,
    node: &'a str,
    /// Was the target seen, or only the command taken?
    verified: bool,
    role: &'a str,
    readiness: &'a str,
    elapsed_ms: u64,
}

/// What `--dry-run` says, in JSON.
#[derive(Serialize)]
struct Preview<'a> {
    schema: &'static str,
    offer: Option<&'a Offer>,
}

impl Job<'_> {
    /// The command line that does this.
    fn line(&self) -> String {
        let words: Vec<&str> = [self.verb].into_iter().chain(self.args.iter().map(String::as_str)).collect();
        format!("safetui {} -m {}", words.join(" "), self.module)
    }

    fn refused(&self, why: &str, module: &Module) -> Failure {
        Case {
            code: codes::REFUSED,
            summary: format!("{} refused", self.verb),
            what: format!("{} of {} on {}", self.verb, self.module, self.node),
            why: why.into(),
            now: format!("{UNCHANGED}; {}", standing(module)),
            fix: vec![format!("safetui why -m {}", self.module)],
        }
        .into()
    }

    fn preview(&self, cx: &Context, offer: Option<&Offer>) -> Outcome {
        if cx.output.json() {
            cx.output.document(&Preview { schema: "safetui.preview/v1", offer })?;
            return Ok(Exit::Ok.code());
        }
        let mut text = vec![format!("{}: {}, nothing is done now", self.line(), severity(offer))];
        let steps = offer.map(|offer| offer.steps.as_slice()).unwrap_or_default();
        text.extend(steps.iter().enumerate().map(|(index, step)| clean(&format!("  {}. {step}", index + 1))));
        lines(&text)?;
        Ok(Exit::Ok.code())
    }

    fn confirm(
        &self,
        cx: &Context,
        offer: Option<&Offer>,
        module: &Module,
    ) -> Result<Option<String>, Failure> {
        let ask = Ask {
            command: &self.line(),
            severity: severity(offer),
            steps: offer.map(|offer| offer.steps.as_slice()).unwrap_or_default(),
            name: offer.and_then(|offer| offer.confirm.as_deref()).unwrap_or(self.module),
            standing: &standing(module),
        };
        confirm::obtain(&ask, &cx.options)
    }

    async fn send(&self, cx: &Context, confirm: Option<String>) -> Result<Accepted, Failure> {
        let command = Command {
            module: self.module.into(),
            verb: self.verb.into(),
            args: self.args.clone(),
            if_state: cx.options.if_state,
            confirm,
            by: "cli".into(),
        };
        cx.client.command(&command).await.map_err(|error| {
            if error.outcome_unknown() {
                return Failure::unknown(self.verb, self.module, &error);
            }
            error.into()
        })
    }

    fn report(&self, cx: &Context, accepted: &Accepted, state: &State, verified: bool) -> Outcome {
        let module = state.modules.iter().find(|module| module.name == self.module);
        let mine = module.and_then(|module| module.instances.iter().find(|mine| mine.node == self.node));
        let (role, readiness) = mine.map_or(("UNKNOWN", "Unknown"), |mine| (&*mine.role, &*mine.readiness));
        let report = Report {
            schema: "safetui.result/v1",
            seq: accepted.seq.max(state.seq),
            verb: self.verb,
            module: self.module,
            node: self.node,
            verified,
            role,
            readiness,
            elapsed_ms: self.started.elapsed().as_millis() as u64,
        };
        if verified || cx.output.json() {
            cx.output.record(&report, &[self.module, self.node, role, readiness])?;
        }
        Ok(Exit::Ok.code())
    }

    /// The error for an end that is not the target.
    fn missed(&self, cx: &Context, end: End, goals: &[Goal], follower: &Follower) -> Failure {
        let target = either(goals);
        let after = humantime::format_duration(cx.options.timeout);
        let (code, summary, why) = match end {
            End::Lost(error) => return Failure::unknown(self.verb, self.module, &error),
            End::TooLate => (
                codes::TOO_LATE,
                format!("{} did not reach {target} within {after}", self.verb),
                waits_for(follower, self.module).unwrap_or_else(|| "it is still on its way".into()),
            ),
            End::Interrupted => (
                codes::INTERRUPTED,
                format!("waiting for {} was interrupted", self.verb),
                "interrupted from the keyboard; the agent has taken the command and carries it out".into(),
            ),
            End::Stopped | End::Reached => (
                codes::ENDED_STOPPED,
                format!("{} failed: {} stopped on {}", self.verb, self.module, self.node),
                format!("the module stopped before it reached {target}"),
            ),
        };
        let mut fix = ways_out(follower, self.module);
        fix.push(match code {
            codes::ENDED_STOPPED => format!("safetui log -m {}", self.module),
            _ => format!("safetui state -m {}", self.module),
        });
        Case {
            code,
            summary,
            what: format!("{} of {} on {} was taken by the agent", self.verb, self.module, self.node),
            why,
            now: follower.module(self.module).map_or_else(|| "the module is gone".into(), standing),
            fix,
        }
        .into()
    }
}

/// Without a word of the agent nobody knows what the verb does now: then it needs the operator's.
fn severity(offer: Option<&Offer>) -> &str {
    offer.map_or("moderate", |offer| &offer.severity)
}

/// What holds the module, in the core's words.
fn waits_for(follower: &Follower, module: &str) -> Option<String> {
    let module = follower.module(module)?;
    let held = module.why.as_ref().map(|why| why.headline.clone());
    let mine = module.instances.iter().find(|mine| mine.node == follower.state.node);
    held.or_else(|| mine.map(|mine| format!("it is still {}", words(mine))))
}

fn ways_out(follower: &Follower, module: &str) -> Vec<String> {
    let why = follower.module(module).and_then(|module| module.why.as_ref());
    let way = |out: &WayOut| match &out.command {
        Some(command) => format!("{command}    ({})", out.text),
        None => out.text.clone(),
    };
    why.map(|why| why.ways_out.iter().map(way).collect()).unwrap_or_default()
}

/// What SafeKit has and this version has not is refused here, before anything else.
fn supported(verb: &str, args: &[String]) -> Result<(), Failure> {
    let known: &[&str] = match verb {
        "prim" | "second" => &["fullsync"],
        _ => &[],
    };
    let Some(word) = args.iter().find(|word| !known.contains(&word.as_str())) else { return Ok(()) };
    let (why, fix) = match (verb, word.as_str()) {
        ("swap", "nosync") => (
            "it gives up the writes that the new primary has not got; swap brings the data up to date first",
            "safetui swap",
        ),
        ("failover", "on" | "off" | "status") => (
            "SafeKit's switch of the automatic failover is not built yet; it is always on",
            "safetui failover    (without a word: take over now)",
        ),
        _ => ("the verb does not know this word", "safetui --help"),
    };
    Err(not_supported(&format!("{verb} {}", clean(word)), why, fix))
}
