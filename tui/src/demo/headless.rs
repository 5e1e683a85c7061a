//! One drill without a screen: for scripts, and for whoever wants the numbers.

use safetui_lab::{
    Cluster,
    drill::{self, Drill, Event, Outcome},
};
use safetui_net::api::exit::Exit;

use super::no_lab;
use crate::{
    codes,
    context::Context,
    failure::{Case, Failure},
    output::{lines, say},
};

pub(super) fn run(cx: &Context, cluster: &Cluster, drill: Drill) -> Result<Exit, Failure> {
    let outcome = drill::run(cluster, drill, &tell).map_err(|error| no_lab(&error))?;
    if cx.output.json() {
        cx.output.document(&outcome)?;
    } else {
        lines(&report(&outcome))?;
    }
    judge(&outcome).map(|()| Exit::Ok)
}

fn tell(event: Event) {
    match event {
        Event::Began { drill, primary } => say(&format!("drill {drill}: {primary} serves, a client writes")),
        Event::Broken(what) => say(&what),
        Event::Repaired => say("repaired; the pair becomes whole again"),
        Event::Ended(_) => say("the ledger is compared with what was promised"),
    }
}

fn report(outcome: &Outcome) -> Vec<String> {
    let takeover = outcome.takeover_ms.map_or("none".into(), |ms| format!("{ms} ms"));
    vec![
        format!("drill         {}", outcome.drill),
        format!("outage        {} ms", outcome.outage_ms),
        format!("takeover      {takeover}"),
        format!("acknowledged  {}", outcome.acked),
        format!("lost          {}", outcome.lost),
        format!("dual serving  {} ms", outcome.dual_serving_ms),
        format!("final         {}", outcome.final_states.join(" / ")),
    ]
}

/// Did the pair keep its promises?
fn judge(outcome: &Outcome) -> Result<(), Failure> {
    let mut broken = Vec::new();
    if outcome.lost > 0 {
        broken.push(format!("{} of {} acknowledged entries are lost", outcome.lost, outcome.acked));
    }
    if outcome.dual_serving_ms > 0.0 {
        broken.push(format!("both nodes answered for {} ms", outcome.dual_serving_ms));
    }
    if outcome.final_states != ["PRIM", "SECOND"] {
        broken.push(format!("the pair ended as {}", outcome.final_states.join(" / ")));
    }
    if broken.is_empty() {
        return Ok(());
    }
    Err(Case {
        code: codes::DRILL_FAILED,
        summary: format!("drill {} failed", outcome.drill),
        what: format!("drill {}", outcome.drill),
        why: broken.join("\n"),
        now: "the demo is gone; nothing of it is left".into(),
        fix: vec![format!(
            "SAFETUI_LAB_KEEP=1 safetui demo --headless --drill {}    keeps the nodes' logs",
            outcome.drill
        )],
    }
    .into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed() -> Outcome {
        Outcome {
            drill: Drill::Crash,
            outage_ms: 1612.5,
            takeover_ms: Some(1580.1),
            acked: 900,
            lost: 0,
            dual_serving_ms: 0.0,
            final_states: vec!["PRIM".into(), "SECOND".into()],
        }
    }

    #[test]
    fn each_broken_promise_fails_the_drill() {
        assert!(judge(&passed()).is_ok());
        let alone = vec!["ALONE".into(), "UNKNOWN".into()];
        for failed in [
            Outcome { lost: 1, ..passed() },
            Outcome { dual_serving_ms: 1.0, ..passed() },
            Outcome { final_states: alone, ..passed() },
        ] {
            assert!(
                matches!(judge(&failed), Err(Failure::Problem(problem)) if problem.exit == 1),
                "{failed:?}"
            );
        }
    }

    #[test]
    fn an_outage_alone_fails_nothing() {
        assert!(judge(&Outcome { outage_ms: 60_000.0, takeover_ms: None, ..passed() }).is_ok());
    }
}
