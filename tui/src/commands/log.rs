//! `log`: what happened, and with `-f` what happens.

use futures_util::StreamExt;
use safetui_net::api::{exit::Exit, shape::Happened};

use super::Outcome;
use crate::{
    cli::LogArgs,
    context::Context,
    failure::Failure,
    output::{self, Tone, clean},
};

/// Records fetched at a time while following: more than happen between two states.
const BATCH: usize = 1000;

pub(super) async fn run(cx: &Context, args: &LogArgs) -> Outcome {
    let state = cx.client.state().await?;
    // All modules unless one is meant: also when exactly one is installed, for what concerns the node itself.
    let module = match &cx.options.module {
        Some(_) => Some(cx.module(&state)?.name.clone()),
        None => None,
    };
    let records = cx.client.log(module.as_deref(), 0, args.lines).await?;
    let mut newest = records.last().map_or(0, |record| record.seq);
    show(cx, &records, args.follow)?;
    if !args.follow {
        return Ok(Exit::Ok.code());
    }
    let mut states = cx.client.watch();
    while let Some(state) = states.next().await {
        if state?.events.iter().any(|record| record.seq > newest) {
            let records = cx.client.log(module.as_deref(), newest, BATCH).await?;
            newest = records.last().map_or(newest, |record| record.seq);
            show(cx, &records, true)?;
        }
    }
    Ok(Exit::Ok.code())
}

/// A stream has no end at which a JSON array could be closed: then each record is a line.
fn show(cx: &Context, records: &[Happened], stream: bool) -> Result<(), Failure> {
    let output = cx.output;
    if output.json() && !output.one_line_each() && !stream {
        return Ok(output.document(&records)?);
    }
    let mut lines = Vec::with_capacity(records.len());
    for record in records {
        lines.push(if output.json() {
            serde_json::to_string(record).map_err(std::io::Error::from)?
        } else {
            line(cx, record)
        });
    }
    Ok(output::lines(&lines)?)
}

fn line(cx: &Context, record: &Happened) -> String {
    let module = record.module.as_deref().unwrap_or("-");
    let cells = [&record.time, &record.level, &record.node, module, &record.text].map(clean);
    if cx.output.plain() {
        return cells.join("\t");
    }
    let text = cells.join("  ");
    if record.level == "C" { cx.output.paint(Tone::Bad, &text) } else { text }
}
