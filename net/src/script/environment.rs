//! What a script finds in its environment.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::ScriptError;
use crate::paths::Paths;

/// SafeKit's variables for the scripts of a module, and after them the module's own `<var>`s.
///
/// `program` is the directory of the commands that scripts call, such as `$SAFE/safekit`.
pub fn environment(
    module: &str,
    paths: &Paths,
    program: &Path,
    variables: impl IntoIterator<Item = (String, String)>,
) -> Vec<(String, String)> {
    let home = paths.module(module);
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let fixed: [(&str, String); 7] = [
        ("SAFE", text(program)),
        ("SAFEMODULE", module.into()),
        ("SAFEBIN", text(program)),
        ("SAFEUSERBIN", text(&home.join("bin"))),
        ("SAFEUSERCONF", text(&home.join("conf"))),
        ("SAFEVAR", text(&paths.var)),
        ("SAFEUSERVAR", text(&home)),
    ];
    fixed.into_iter().map(|(name, value)| (name.into(), value)).chain(variables).collect()
}

/// A random name that stays the same for this module on this node: an agent that starts anew must find what
/// its predecessor left, and never what another node on the same machine runs.
pub(super) fn identity(state: &Path) -> Result<String, ScriptError> {
    let path = state.join("run-id");
    let failed = |what| {
        let path = path.clone();
        move |source| ScriptError::Io { what, path, source }
    };
    match fs::read_to_string(&path) {
        Ok(text) if is_identity(&text) => return Ok(text),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(source) => return Err(failed("read")(source)),
    }
    let mut random = [0; 8];
    getrandom::fill(&mut random)
        .map_err(|error| failed("find a random name for")(io::Error::other(error.to_string())))?;
    let identity = format!("{:016x}", u64::from_ne_bytes(random));
    let draft: PathBuf = path.with_extension("new");
    fs::create_dir_all(state).map_err(failed("create the directory of"))?;
    fs::write(&draft, &identity).and_then(|()| fs::rename(&draft, &path)).map_err(failed("write"))?;
    Ok(identity)
}

fn is_identity(text: &str) -> bool {
    text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
