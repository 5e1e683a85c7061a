//! `<rfs>` and `<replicated>`.

use std::path::{Component, Path, PathBuf};

use super::{
    code,
    module::{Acknowledge, Replicated, Rfs},
    report::Report,
    value,
    xml::Element,
};

/// Trees of the kernel or of this boot: a copy of them on another machine makes no sense.
const NOT_FILES: [&str; 4] = ["/proc", "/sys", "/dev", "/run"];

pub(super) fn read(report: &mut Report<'_>, element: &Element) -> Rfs {
    let words = [("second", Acknowledge::Received), ("none", Acknowledge::Written)];
    let acknowledge = value::choice(report, element, "async", &words, &[]).unwrap_or(Acknowledge::Received);
    let mut dirs: Vec<Replicated> = Vec::new();
    for child in element.all("replicated") {
        let read_only = value::choice(report, child, "mode", &[("read_only", true)], &[]).unwrap_or(false);
        let Some(dir) = directory(report, child) else { continue };
        if let Some(problem) = dirs.iter().find_map(|other| overlap(&dir, &other.dir)) {
            report
                .error(code::DIRECTORY, child.place("dir"), problem)
                .help("a directory is replicated with all that it contains");
        }
        dirs.push(Replicated { dir, read_only });
    }
    if element.first("replicated").is_none() {
        report
            .error(code::MISSING_ELEMENT, element.at, "<rfs> needs at least one <replicated>")
            .help("add <replicated dir=\"/path\"/>, or remove <rfs>");
    }
    Rfs { dirs, acknowledge }
}

/// How two directories stand in each other's way, if they do.
pub(super) fn overlap(one: &Path, other: &Path) -> Option<String> {
    if one == other {
        return Some(format!("directory {} is replicated twice", one.display()));
    }
    let (inner, outer) = if one.starts_with(other) { (one, other) } else { (other, one) };
    let nested = inner.starts_with(outer);
    nested.then(|| {
        format!("directory {} lies inside {}, both are replicated", inner.display(), outer.display())
    })
}

fn directory(report: &mut Report<'_>, element: &Element) -> Option<PathBuf> {
    let given = element.attribute("dir")?.value.trim();
    let at = element.place("dir");
    let path = Path::new(given);
    if !path.is_absolute() {
        let message = format!("replicated directory \"{given}\" is not an absolute path");
        report.error(code::DIRECTORY, at, message).allowed("a path that begins with /");
        return None;
    }
    if given.contains(char::is_control) {
        let message = "the path of a replicated directory contains a line break or another control character";
        report.error(code::DIRECTORY, at, message).help("rename the directory");
        return None;
    }
    if path.components().any(|c| c == Component::ParentDir) {
        let message = format!("replicated directory \"{given}\" contains \"..\"");
        report.error(code::DIRECTORY, at, message).help("write the path without it");
        return None;
    }
    let dir: PathBuf = path.components().collect();
    if dir == Path::new("/") || NOT_FILES.iter().any(|root| dir.starts_with(root)) {
        let message = format!("{} cannot be replicated: it belongs to this one machine", dir.display());
        report.error(code::DIRECTORY, at, message).help("replicate the directory of the application's data");
        return None;
    }
    Some(dir)
}
