//! `module`: which modules this node has.

use std::path::Path;

use safetui_net::api::exit::Exit;
use serde::Serialize;

use super::{
    Outcome,
    config::{stopped, tell},
};
use crate::{
    cli::ModuleVerb,
    codes,
    confirm::{self, Ask},
    context::Context,
    failure::{Case, Failure, UNCHANGED, not_supported},
    files,
    output::say,
};

pub(super) async fn run(cx: &Context, verb: ModuleVerb) -> Outcome {
    match verb {
        ModuleVerb::Install { source } => install(cx, &source),
        ModuleVerb::List => list(cx),
        ModuleVerb::Uninstall => uninstall(cx).await,
    }
}

/// Copies a module's files; `config` checks them and puts them in force.
fn install(cx: &Context, source: &Path) -> Outcome {
    let name = cx.new_module()?;
    if source.is_file() {
        let why = "this version installs from a directory; a .safe file is a zip archive of one";
        return Err(not_supported(
            "a .safe file",
            why,
            "unzip it, then: safetui module install -m AM DIRECTORY",
        ));
    }
    if !files::userconfig(source).is_file() {
        return Err(Case {
            code: codes::NO_READ,
            summary: format!("{} is no module", source.display()),
            what: format!("installing {name} from {}", source.display()),
            why: "a module is a directory with conf/userconfig.xml, and its scripts in bin/".into(),
            now: UNCHANGED.into(),
            fix: vec!["name the directory that contains conf/ and bin/".into()],
        }
        .into());
    }
    let target = cx.paths.module(&name);
    if target.exists() {
        return Err(Case {
            code: codes::INSTALLED,
            summary: format!("{name} is installed"),
            what: format!("installing {name} from {}", source.display()),
            why: format!("{} exists", target.display()),
            now: UNCHANGED.into(),
            fix: vec![
                format!("change the files in {} and run safetui config -m {name}", target.display()),
                format!("safetui module uninstall -m {name}, then install it again"),
            ],
        }
        .into());
    }
    files::install(source, &target)?;
    let path = target.display().to_string();
    cx.output.record(&Changed { module: &name, installed: true, path: &path }, &[&path])?;
    say(&format!("next: safetui config -m {name}"));
    Ok(Exit::Ok.code())
}

/// What `install` and `uninstall` did, in JSON.
#[derive(Serialize)]
struct Changed<'a> {
    module: &'a str,
    installed: bool,
    path: &'a str,
}

#[derive(Serialize)]
struct Installed {
    module: String,
    /// Signature of what is in force; `null` before the first `config`.
    active: Option<String>,
    /// Do the module's files differ from what is in force?
    changed: bool,
}

fn list(cx: &Context) -> Outcome {
    let read = |name: String| {
        let sign = |folder: &Path| files::signature(folder).map_err(|error| Failure::read(folder, &error));
        let (folder, active) = (cx.paths.module(&name), cx.paths.active(&name));
        let active = if active.exists() { Some(sign(&active)?) } else { None };
        let changed = active.as_ref() != Some(&sign(&folder)?);
        Ok(Installed { module: name, active, changed })
    };
    let list = files::installed(&cx.paths)?.into_iter().map(read).collect::<Result<Vec<_>, Failure>>()?;
    let row = |item: &Installed| {
        let active = item.active.clone().unwrap_or_else(|| "-".into());
        let note = match (&item.active, item.changed) {
            (None, _) => "not configured",
            (Some(_), true) => "changed since config",
            (Some(_), false) => "in force",
        };
        vec![item.module.clone(), active, note.into()]
    };
    cx.output.table(&list, &["MODULE", "SIGNATURE", "STATUS"], list.iter().map(row).collect())?;
    Ok(Exit::Ok.code())
}

/// Removes a module's folder, and with it the record of which node has the newest data: hence severe.
async fn uninstall(cx: &Context) -> Outcome {
    let name = cx.installed_module()?;
    let agent = stopped(cx, &name, "module uninstall").await?;
    let folder = cx.paths.module(&name);
    let steps = [
        format!("{} is removed, configuration and scripts", folder.display()),
        "this node forgets whether it has the newest data; the data stay".to_string(),
    ];
    let command = format!("safetui module uninstall -m {name}");
    let ask = Ask { command: &command, severity: "severe", steps: &steps, name: &name, standing: "" };
    confirm::obtain(&ask, &cx.options)?;
    files::remove(&folder)?;
    if agent.is_some_and(|state| state.modules.iter().any(|module| module.name == name)) {
        tell(cx, &name, "uninstall").await?;
    }
    let path = folder.display().to_string();
    cx.output.record(&Changed { module: &name, installed: false, path: &path }, &[&path, "removed"])?;
    Ok(Exit::Ok.code())
}
