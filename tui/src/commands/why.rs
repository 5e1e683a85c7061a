//! `why`: the core's own answer to "why does it not move on".

use safetui_net::api::{exit::Exit, shape::Why};
use serde::Serialize;

use super::Outcome;
use crate::{
    context::{Context, instance, words},
    output::{self, clean},
};

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    seq: u64,
    module: &'a str,
    node: &'a str,
    role: &'a str,
    readiness: &'a str,
    why: Option<&'a Why>,
}

pub(super) async fn run(cx: &Context) -> Outcome {
    let state = cx.client.state().await?;
    let module = cx.module(&state)?;
    let mine = instance(module, &state.node)?;
    if cx.output.json() {
        cx.output.document(&Document {
            schema: "safetui.why/v1",
            seq: state.seq,
            module: &module.name,
            node: &state.node,
            role: &mine.role,
            readiness: &mine.readiness,
            why: module.why.as_ref(),
        })?;
        return Ok(Exit::Ok.code());
    }
    let mut lines = vec![format!("{} on {} is {}", module.name, mine.node, words(mine))];
    match &module.why {
        Some(why) => lines.extend(explain(why)),
        None => lines.push("  it waits for nothing".into()),
    }
    let lines: Vec<String> = lines.iter().map(|line| clean(line)).collect();
    output::lines(&lines)?;
    Ok(Exit::Ok.code())
}

fn explain(why: &Why) -> Vec<String> {
    let mut lines = vec![format!("  why      {}", why.headline)];
    lines.extend(why.causes.iter().map(|cause| format!("  because  {cause}")));
    for guard in &why.guards {
        let holds = match guard.holds {
            Some(true) => "yes",
            Some(false) => "no",
            None => "not known",
        };
        lines.push(format!("  needs    {}: {holds} ({})", guard.name, guard.evidence));
    }
    for way in &why.ways_out {
        lines.push(format!("  way out  {}", way.text));
        lines.extend(way.command.iter().map(|command| format!("           {command}")));
    }
    if why.ways_out.is_empty() {
        lines.push("  way out  none: it does not end by itself".into());
    }
    lines
}
