//! One file for the output of each run: `userlog_<yyyy-mm-ddThhmmss>_<script>.ulog`, in UTC, since the runs
//! of both nodes are read side by side.

use std::{
    fs::{self, File},
    io::ErrorKind,
    path::{Path, PathBuf},
    time::SystemTime,
};

use super::ScriptError;

/// Creates the file. A second run within the same second gets a number at the end of its name.
pub(super) fn create(dir: &Path, script: &str) -> Result<(PathBuf, File), ScriptError> {
    let failed = |what, path: &Path, source| ScriptError::Io { what, path: path.into(), source };
    fs::create_dir_all(dir).map_err(|source| failed("create the directory", dir, source))?;
    let name = name(SystemTime::now(), script);
    let mut path = dir.join(format!("{name}.ulog"));
    for number in 2.. {
        match File::options().append(true).create_new(true).open(&path) {
            Ok(file) => return Ok((path, file)),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                path = dir.join(format!("{name}-{number}.ulog"));
            }
            Err(source) => return Err(failed("create the log", &path, source)),
        }
    }
    unreachable!("a number is free")
}

fn name(now: SystemTime, script: &str) -> String {
    let time = humantime::format_rfc3339_seconds(now).to_string();
    format!("userlog_{}_{script}", time.replace([':', 'Z'], ""))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    #[test]
    fn a_log_is_named_after_its_moment_and_script() {
        let moment = UNIX_EPOCH + Duration::from_secs(1_750_000_000);
        assert_eq!(name(moment, "start_prim"), "userlog_2025-06-15T150640_start_prim");
    }

    #[test]
    fn runs_within_one_second_do_not_share_a_file() {
        let dir = tempfile::tempdir().unwrap();
        let paths: Vec<_> = (0..5).map(|_| create(dir.path(), "stop_prim").unwrap().0).collect();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 5, "{paths:?}");
    }
}
