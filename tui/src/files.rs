//! Files of modules and cluster: everything is written beside its place, made durable, and put there in one step.

use std::{
    fs, io,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use nix::fcntl::{AT_FDCWD, RenameFlags, renameat2};
use safetui_net::paths::Paths;

use crate::failure::Failure;

/// The two folders that make a module.
const PARTS: [&str; 2] = ["conf", "bin"];

/// Names of the installed modules, sorted.
pub(crate) fn installed(paths: &Paths) -> Result<Vec<String>, Failure> {
    let folder = paths.var.join("modules");
    let names = match names_in(&folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        other => other.map_err(|error| Failure::read(&folder, &error))?,
    };
    let is_module = |name: &String| !name.starts_with('.') && userconfig(&paths.module(name)).is_file();
    Ok(names.into_iter().filter(is_module).collect())
}

/// Where a module's configuration is, inside its folder.
pub(crate) fn userconfig(folder: &Path) -> PathBuf {
    folder.join("conf").join("userconfig.xml")
}

/// Makes `target` a copy of the module in `source`. `target` must not exist.
pub(crate) fn install(source: &Path, target: &Path) -> Result<(), Failure> {
    let fresh = copy_beside(source, target)?;
    fs::rename(&fresh, target)
        .and_then(|()| sync_parent(target))
        .map_err(|error| Failure::write(target, &error))
}

/// Makes `target` a copy of the module in `source`; what it was before becomes `previous`.
pub(crate) fn replace(source: &Path, target: &Path, previous: &Path) -> Result<(), Failure> {
    if !target.exists() {
        return install(source, target);
    }
    let fresh = copy_beside(source, target)?;
    let exchange = || {
        // One step: whoever opens the folder finds the old configuration or the new one, never none.
        renameat2(AT_FDCWD, &fresh, AT_FDCWD, target, RenameFlags::RENAME_EXCHANGE)?;
        remove_folder(previous)?;
        fs::rename(&fresh, previous)?;
        sync_parent(target)
    };
    exchange().map_err(|error: io::Error| Failure::write(target, &error))
}

/// Writes a file in one step, with the mode that a new file of this process would have.
pub(crate) fn write(path: &Path, content: &[u8]) -> Result<(), Failure> {
    let fresh = beside(path);
    let put = || {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut file =
            fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o644).open(&fresh)?;
        io::Write::write_all(&mut file, content)?;
        file.sync_all()?;
        fs::rename(&fresh, path)?;
        sync_parent(path)
    };
    put().map_err(|error: io::Error| Failure::write(path, &error))
}

/// Removes a folder so that it is gone in one step, whatever happens while its content goes.
pub(crate) fn remove(path: &Path) -> Result<(), Failure> {
    let gone = beside(path);
    let take = || {
        remove_folder(&gone)?;
        fs::rename(path, &gone)?;
        sync_parent(path)?;
        remove_folder(&gone)
    };
    take().map_err(|error: io::Error| Failure::write(path, &error))
}

/// A short signature of a module's configuration and scripts, to compare between nodes.
pub(crate) fn signature(folder: &Path) -> io::Result<String> {
    let mut hasher = blake3::Hasher::new();
    for part in PARTS {
        hash_into(&mut hasher, &folder.join(part), part)?;
    }
    Ok(hasher.finalize().to_hex()[..16].into())
}

/// A short signature of a file's content.
pub(crate) fn file_signature(path: &Path) -> io::Result<String> {
    Ok(blake3::hash(&fs::read(path)?).to_hex()[..16].into())
}

fn hash_into(hasher: &mut blake3::Hasher, path: &Path, name: &str) -> io::Result<()> {
    if path.is_dir() {
        for child in names_in(path)? {
            hash_into(hasher, &path.join(&child), &format!("{name}/{child}"))?;
        }
    } else if path.is_file() {
        // Each file by its own hash, so that no content can be moved from one file to the next unseen.
        hasher.update(name.as_bytes()).update(&[0]).update(blake3::hash(&fs::read(path)?).as_bytes());
    }
    Ok(())
}

/// Copies a module's parts into a fresh folder next to `target`.
fn copy_beside(source: &Path, target: &Path) -> Result<PathBuf, Failure> {
    let fresh = beside(target);
    remove_folder(&fresh)
        .and_then(|()| fs::create_dir_all(&fresh))
        .map_err(|error| Failure::write(&fresh, &error))?;
    for part in PARTS {
        let from = source.join(part);
        if from.exists() {
            copy_tree(&from, &fresh.join(part))?;
        }
    }
    Ok(fresh)
}

fn copy_tree(from: &Path, to: &Path) -> Result<(), Failure> {
    let kind = fs::symlink_metadata(from).map_err(|error| Failure::read(from, &error))?.file_type();
    if kind.is_dir() {
        fs::create_dir(to).map_err(|error| Failure::write(to, &error))?;
        for name in names_in(from).map_err(|error| Failure::read(from, &error))? {
            copy_tree(&from.join(&name), &to.join(&name))?;
        }
        return fs::File::open(to)
            .and_then(|folder| folder.sync_all())
            .map_err(|error| Failure::write(to, &error));
    }
    if !kind.is_file() {
        // A link would point elsewhere from the copy, or out of the module.
        let error =
            io::Error::other("a module is made of files and directories only, this is something else");
        return Err(Failure::read(from, &error));
    }
    let copy = || {
        fs::copy(from, to)?;
        fs::File::open(to)?.sync_all()
    };
    copy().map_err(|error: io::Error| Failure::write(to, &error))
}

/// Names in a folder, sorted. Names that are not text cannot belong to a module.
fn names_in(folder: &Path) -> io::Result<Vec<String>> {
    let text = |entry: fs::DirEntry| {
        let name = entry.file_name().into_string();
        name.map_err(|name| io::Error::other(format!("the name {} is not UTF-8", name.display())))
    };
    let mut names = fs::read_dir(folder)?.map(|entry| text(entry?)).collect::<io::Result<Vec<_>>>()?;
    names.sort();
    Ok(names)
}

/// A hidden name next to `path`, on the same file system.
fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.new"))
}

fn remove_folder(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Makes a rename durable.
fn sync_parent(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    fs::File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}
