//! What every verb has at hand: where things live, the agent, the options, the output.

use safetui_net::{
    api::{
        client::Client,
        shape::{Instance, Module, State},
    },
    paths::Paths,
};

use crate::{
    cli::Options,
    codes,
    failure::{Case, Failure, UNCHANGED},
    files,
    output::{Output, clean},
};

pub(crate) struct Context {
    pub(crate) paths: Paths,
    pub(crate) client: Client,
    pub(crate) options: Options,
    pub(crate) output: Output,
}

impl Context {
    /// The module that is meant, of those that the agent knows.
    pub(crate) fn module<'a>(&self, state: &'a State) -> Result<&'a Module, Failure> {
        let names: Vec<&str> = state.modules.iter().map(|module| module.name.as_str()).collect();
        let name = self.pick(&names)?;
        let found = state.modules.iter().find(|module| module.name == name);
        found.ok_or_else(|| no_module(&name, &names))
    }

    /// The module that is meant, of those whose files are installed.
    pub(crate) fn installed_module(&self) -> Result<String, Failure> {
        let installed = files::installed(&self.paths)?;
        let names: Vec<&str> = installed.iter().map(String::as_str).collect();
        let name = self.pick(&names)?;
        if names.contains(&name.as_str()) { Ok(name) } else { Err(no_module(&name, &names)) }
    }

    /// The module's name for a verb that creates it.
    pub(crate) fn new_module(&self) -> Result<String, Failure> {
        let name = self.options.module.clone().ok_or_else(|| which_module(&[]))?;
        let first = name.starts_with(|c: char| c.is_ascii_alphanumeric());
        let rest = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
        if first && rest && name.len() <= 32 {
            return Ok(name);
        }
        Err(Case {
            code: codes::BAD_NAME,
            summary: format!("{} cannot be a module's name", clean(&name)),
            what: "naming the module".into(),
            why:
                "it is not made of at most 32 letters, digits, `-` and `_`, beginning with a letter or digit"
                    .into(),
            now: UNCHANGED.into(),
            fix: vec!["name it otherwise, such as -m db".into()],
        }
        .into())
    }

    fn pick(&self, names: &[&str]) -> Result<String, Failure> {
        match (&self.options.module, names) {
            (Some(name), _) => Ok(name.clone()),
            (None, [only]) => Ok((*only).to_string()),
            (None, _) => Err(which_module(names)),
        }
    }
}

/// The instance of a module on a node.
pub(crate) fn instance<'a>(module: &'a Module, node: &str) -> Result<&'a Instance, Failure> {
    module.instances.iter().find(|instance| instance.node == node).ok_or_else(|| {
        let nodes: Vec<&str> = module.instances.iter().map(|instance| instance.node.as_str()).collect();
        Case {
            code: codes::NO_NODE,
            summary: format!("{} has no node {}", module.name, clean(node)),
            what: format!("looking for {} on {}", module.name, clean(node)),
            why: format!("its nodes are {}", nodes.join(", ")),
            now: UNCHANGED.into(),
            fix: vec!["safetui cluster state".into()],
        }
        .into()
    })
}

/// What all nodes do now, in a line: for `now`.
pub(crate) fn standing(module: &Module) -> String {
    let each = |instance: &Instance| format!("{} is {}", instance.node, words(instance));
    module.instances.iter().map(each).collect::<Vec<_>>().join(", ")
}

/// Role and readiness of an instance, as they are written everywhere.
pub(crate) fn words(instance: &Instance) -> String {
    format!("{} {}", instance.role, instance.readiness)
}

fn no_module(name: &str, names: &[&str]) -> Failure {
    let why = match names {
        [] => "no module is installed on this node".to_string(),
        names => format!("the modules of this node are {}", names.join(", ")),
    };
    Case {
        code: codes::NO_MODULE,
        summary: format!("no module {}", clean(name)),
        what: format!("looking for module {}", clean(name)),
        why,
        now: UNCHANGED.into(),
        fix: vec!["safetui module list".into()],
    }
    .into()
}

fn which_module(names: &[&str]) -> Failure {
    let (why, fix) = match names {
        [] => ("no module is named".to_string(), vec!["add -m NAME".to_string()]),
        names => (
            format!("{} modules are installed and none is named", names.len()),
            names.iter().map(|name| format!("add -m {name}")).collect(),
        ),
    };
    Case {
        code: codes::WHICH_MODULE,
        summary: "which module?".into(),
        what: "finding the module that is meant".into(),
        why,
        now: UNCHANGED.into(),
        fix,
    }
    .into()
}
