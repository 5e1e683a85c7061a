//! What no single file shows: modules in each other's way, directories that this machine does not have.

use std::{fs, path::Path};

use super::{
    Diagnostic, Diagnostics, code,
    module::{Module, Replicated},
    rfs::overlap,
};
use crate::paths::Paths;

/// Two modules of one node that claim the same directory tree or the same virtual address.
pub fn conflicts(modules: &[Module]) -> Diagnostics {
    let mut found = Vec::new();
    for (i, one) in modules.iter().enumerate() {
        for other in &modules[..i] {
            between(one, other, &mut found);
        }
    }
    found.into()
}

fn between(one: &Module, other: &Module, found: &mut Vec<Diagnostic>) {
    let mut report = |problem: String, help: &str| {
        let message = format!("{problem} (modules \"{}\" and \"{}\")", other.name, one.name);
        found.push(Diagnostic::whole(code::CONFLICT, place(one), message).with_help(help));
    };
    for dir in replicated(one) {
        for problem in replicated(other).iter().filter_map(|their| overlap(&dir.dir, &their.dir)) {
            report(problem, "give each module directories of its own");
        }
    }
    for vip in one.vips.iter().filter(|vip| other.vips.iter().any(|their| their.addr == vip.addr)) {
        report(
            format!("virtual address {} is claimed twice", vip.addr),
            "give each module an address of its own",
        );
    }
}

/// Replicated directories that this machine does not have, or that hold safetui's own state.
pub fn check_dirs(module: &Module) -> Vec<Diagnostic> {
    let own = Paths::from_env();
    let own = [&*own.etc, &*own.var, &*own.run, &*own.log];
    replicated(module).iter().filter_map(|r| check_dir(module, &r.dir, &own)).collect()
}

fn check_dir(module: &Module, dir: &Path, own: &[&Path]) -> Option<Diagnostic> {
    let shown = dir.display();
    let (message, help) = match fs::metadata(dir) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => (
            format!("replicated directory {shown} does not exist on this machine"),
            format!("create it: mkdir -p {shown}; or mount the file system that contains it"),
        ),
        Err(e) => (
            format!("replicated directory {shown} cannot be examined: {e}"),
            "check the permissions of the directories above it".to_owned(),
        ),
        Ok(found) if !found.is_dir() => {
            (format!("{shown} is not a directory"), "replicate the directory that contains it".to_owned())
        }
        Ok(_) => {
            // The name may be a link: what counts is where it leads.
            let real = fs::canonicalize(dir).unwrap_or_else(|_| dir.to_owned());
            let state = own.iter().find(|own| {
                let own = fs::canonicalize(own).unwrap_or_else(|_| own.to_path_buf());
                own.starts_with(&real) || real.starts_with(&own)
            })?;
            (
                format!(
                    "replicated directory {shown} overlaps {}, where safetui keeps its own files",
                    state.display()
                ),
                "replicate a directory that holds only the application's data".to_owned(),
            )
        }
    };
    Some(Diagnostic::whole(code::MACHINE, place(module), message).with_help(help))
}

fn replicated(module: &Module) -> &[Replicated] {
    module.rfs.as_ref().map_or(&[], |rfs| &rfs.dirs)
}

fn place(module: &Module) -> String {
    format!("module {}", module.name)
}
