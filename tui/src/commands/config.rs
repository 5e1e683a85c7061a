//! `config` and `confcheck`: a module's configuration, checked and put in force.

use std::{env, path::Path};

use safetui_net::{
    api::{
        client::ClientError,
        exit::Exit,
        shape::{Command, State},
    },
    config::{Diagnostics, check_dirs, cluster, conflicts, module},
};
use serde::Serialize;

use super::Outcome;
use crate::{
    codes,
    context::{Context, standing},
    failure::{Case, Failure, UNCHANGED},
    files,
    output::{clean, say},
};

/// A configuration that was found valid.
#[derive(Serialize)]
pub(super) struct Checked<'a> {
    pub(super) file: &'a str,
    pub(super) signature: &'a str,
}

impl Checked<'_> {
    pub(super) fn show(&self, cx: &Context) -> Outcome {
        cx.output.record(self, &[self.file, "valid", self.signature])?;
        Ok(Exit::Ok.code())
    }
}

pub(super) fn confcheck(cx: &Context) -> Outcome {
    let name = cx.installed_module()?;
    check(cx, &name)?;
    shown(cx, &cx.paths.module(&name))
}

/// Checks the module's files and puts a copy of them in force, in one step.
pub(super) async fn config(cx: &Context) -> Outcome {
    let name = cx.installed_module()?;
    check(cx, &name)?;
    let agent = stopped(cx, &name, "config").await?;
    let (folder, active) = (cx.paths.module(&name), cx.paths.active(&name));
    files::replace(&folder, &active, &folder.join("previous"))?;
    if agent.is_some() {
        tell(cx, &name, "config").await?;
    }
    shown(cx, &active)
}

fn shown(cx: &Context, folder: &Path) -> Outcome {
    let file = files::userconfig(folder);
    let signature = files::signature(folder).map_err(|error| Failure::read(folder, &error))?;
    Checked { file: &file.display().to_string(), signature: &signature }.show(cx)
}

fn check(cx: &Context, name: &str) -> Result<(), Failure> {
    let xml = cx.paths.cluster_xml();
    if !xml.exists() {
        return Err(Case {
            code: codes::NO_CLUSTER,
            summary: "the cluster is not configured".into(),
            what: format!("checking module {name}"),
            why: format!("{} does not exist", xml.display()),
            now: UNCHANGED.into(),
            fix: vec!["safetui cluster config FILE".into()],
        }
        .into());
    }
    let cluster = cluster::load(&xml).map_err(|found| invalid(&xml, &found))?;
    let file = files::userconfig(&cx.paths.module(name));
    let read =
        |file: &Path, name: &str| module::load(file, name, &cluster, &|variable| env::var(variable).ok());
    let loaded = read(&file, name).map_err(|found| invalid(&file, &found))?;
    warn(&loaded.warnings);

    let here = Diagnostics::from(check_dirs(&loaded.module));
    // The others as they are in force: what they will be, their own `config` checks.
    let mut modules = vec![loaded.module];
    for other in files::installed(&cx.paths)?.iter().filter(|other| *other != name) {
        modules.extend(read(&files::userconfig(&cx.paths.active(other)), other).map(|loaded| loaded.module));
    }
    for found in [here, conflicts(&modules)] {
        if found.has_errors() {
            return Err(invalid(&file, &found));
        }
        warn(&found);
    }
    Ok(())
}

/// Makes sure that the module does not run here. The state, when an agent runs.
pub(super) async fn stopped(cx: &Context, name: &str, verb: &str) -> Result<Option<State>, Failure> {
    let state = match cx.client.state().await {
        Ok(state) => state,
        Err(ClientError::NoAgent { .. }) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let module = state.modules.iter().find(|module| module.name == name);
    let mine = module.and_then(|module| module.instances.iter().find(|mine| mine.node == state.node));
    let Some((module, mine)) = module.zip(mine).filter(|(_, mine)| mine.role != "STOP") else {
        return Ok(Some(state));
    };
    Err(Case {
        code: codes::STARTED,
        summary: format!("{verb} refused: {name} is started on {}", mine.node),
        what: format!("{verb} of {name}"),
        why: "a module's files are exchanged only while it is stopped on this node".into(),
        now: format!("{UNCHANGED}; {}", standing(module)),
        fix: vec![format!("safetui stop -m {name}, then safetui {verb} -m {name}")],
    }
    .into())
}

/// Tells the running agent that the files of a module have changed.
pub(super) async fn tell(cx: &Context, name: &str, verb: &str) -> Result<(), Failure> {
    let command = Command {
        module: name.into(),
        verb: verb.into(),
        args: vec![],
        if_state: None,
        confirm: None,
        by: "cli".into(),
    };
    match cx.client.command(&command).await {
        Ok(_) => Ok(()),
        Err(error) => Err(Case {
            code: codes::NOT_TAKEN,
            summary: format!("the agent did not take the {verb} of {name}"),
            what: format!("telling the agent of the {verb} of {name}"),
            why: error.to_string(),
            now: "the files are in place; the agent uses what it knew before, until it restarts".into(),
            fix: vec!["systemctl restart safetui".into()],
        }
        .into()),
    }
}

pub(super) fn warn(warnings: &Diagnostics) {
    for line in warnings.to_string().lines() {
        say(&clean(line));
    }
}

pub(super) fn invalid(file: &Path, found: &Diagnostics) -> Failure {
    Case {
        code: codes::BAD_CONFIG,
        summary: format!("{} is not valid", file.display()),
        what: format!("checking {}", file.display()),
        why: found.to_string(),
        now: "nothing was changed; what was in force is still in force".into(),
        fix: vec!["correct the file where the arrows point, and repeat the command".into()],
    }
    .into()
}
