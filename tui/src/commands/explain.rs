//! `explain`: exit codes and error codes, offline.

use safetui_net::{api::exit::Exit, config::code};
use serde::Serialize;

use super::Outcome;
use crate::{
    codes::{self, Code},
    context::Context,
    failure::{Case, UNCHANGED},
    output::{clean, lines},
};

#[derive(Serialize)]
struct ExitCode {
    code: u8,
    name: &'static str,
    meaning: &'static str,
    retry: &'static str,
}

#[derive(Serialize)]
struct Explained<'a> {
    code: &'a str,
    about: &'a str,
    text: &'a str,
}

pub(super) fn run(cx: &Context, topic: &str) -> Outcome {
    if topic == "exit-codes" {
        return exit_codes(cx);
    }
    if let Some(Code { id, exit, text }) = codes::ALL.iter().find(|code| code.id.eq_ignore_ascii_case(topic))
    {
        return error_code(cx, id, &format!("exit code {exit}"), text);
    }
    match code::ALL.iter().find(|(id, _)| id.eq_ignore_ascii_case(topic)) {
        Some((id, text)) => error_code(cx, id, "in a configuration file", text),
        None => Err(Case {
            code: codes::NO_TOPIC,
            summary: format!("nothing to explain about `{}`", clean(topic)),
            what: "looking for the topic".into(),
            why: "topics are exit-codes, and the error codes in brackets after `error`".into(),
            now: UNCHANGED.into(),
            fix: vec!["safetui explain exit-codes".into()],
        }
        .into()),
    }
}

fn exit_codes(cx: &Context) -> Outcome {
    let each = |exit: Exit| ExitCode {
        code: exit.code(),
        name: exit.name(),
        meaning: exit.meaning(),
        retry: exit.retry(),
    };
    let list = Exit::ALL.map(each);
    let cells =
        |exit: &ExitCode| [&exit.code.to_string(), exit.name, exit.meaning, exit.retry].map(String::from);
    let rows = list.iter().map(|exit| cells(exit).to_vec()).collect();
    cx.output.table(&list, &["CODE", "NAME", "MEANING", "RETRY?"], rows)?;
    Ok(Exit::Ok.code())
}

fn error_code(cx: &Context, code: &str, about: &str, text: &str) -> Outcome {
    if cx.output.json() {
        cx.output.document(&Explained { code, about, text })?;
    } else {
        lines(&[format!("{code}, {about}"), text.to_string()])?;
    }
    Ok(Exit::Ok.code())
}
