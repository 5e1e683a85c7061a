//! Files that a copy would overwrite or remove are kept, below a folder of their own.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::Tree;
use super::backing::{self, Attr};

pub(super) struct Aside {
    /// `<aside>/<generation in hexadecimal>`
    folder: PathBuf,
    /// With several replicated directories each has its own folder.
    several: bool,
}

impl Aside {
    pub(super) fn new(folder: &Path, generation: u64, several: bool) -> Self {
        Self { folder: folder.join(format!("{generation:x}")), several }
    }

    /// Moves `name` in `dir` out of the tree, with everything below it.
    pub(super) fn take(&mut self, tree: &Tree, dir: &File, name: &OsStr) -> io::Result<()> {
        let node = backing::open_node(dir, name)?;
        let relative = backing::path_in(&tree.root, dir).unwrap_or_default().join(name);
        let place = self.place(tree, &relative)?;
        let parent = open_dir(place.parent().expect("a place has a parent"))?;
        let place_name = place.file_name().expect("a place has a name");
        match backing::rename(dir, name, &parent, place_name, libc::RENAME_NOREPLACE) {
            Err(error) if matches!(error.raw_os_error(), Some(libc::EXDEV | libc::EINVAL)) => {
                copy_tree(&node, &parent, place_name)?;
                backing::remove_tree(dir, name)
            }
            moved => moved,
        }
    }

    /// Copies a file that stays in the tree.
    pub(super) fn copy(&mut self, tree: &Tree, node: &File) -> io::Result<()> {
        let Some(relative) = backing::path_in(&tree.root, node) else { return Ok(()) };
        let place = self.place(tree, &relative)?;
        let parent = open_dir(place.parent().expect("a place has a parent"))?;
        copy_tree(node, &parent, place.file_name().expect("a place has a name"))
    }

    /// A path for `relative` that is not in use, with its parents made.
    fn place(&self, tree: &Tree, relative: &Path) -> io::Result<PathBuf> {
        let mut base = self.folder.clone();
        if self.several {
            base.push(tree.path.strip_prefix("/").unwrap_or(&tree.path));
        }
        let wanted = base.join(relative);
        let parent = wanted.parent().expect("the folder is above it");
        fs::create_dir_all(parent)?;
        let mut place = wanted.clone();
        for number in 2.. {
            if place.symlink_metadata().is_err() {
                break;
            }
            let mut name = wanted.file_name().unwrap_or_default().to_owned();
            name.push(format!(".{number}"));
            place.set_file_name(name);
        }
        Ok(place)
    }
}

fn open_dir(path: &Path) -> io::Result<File> {
    let flags = rustix::fs::OFlags::PATH | rustix::fs::OFlags::DIRECTORY | rustix::fs::OFlags::CLOEXEC;
    Ok(rustix::fs::open(path, flags, rustix::fs::Mode::empty())?.into())
}

fn copy_tree(node: &File, dir: &File, name: &OsStr) -> io::Result<()> {
    let meta = node.metadata()?;
    let attr = Attr::of(&meta);
    let target = if attr.is_symlink() { backing::read_link(node)? } else { Vec::new() };
    let copy = backing::make(dir, name, &attr, &target)?;
    if attr.is_dir() {
        for (child, _, _) in backing::list(node)? {
            let inner = backing::open_node(node, &child)?;
            if inner.metadata()?.dev() == meta.dev() {
                copy_tree(&inner, &copy, &child)?;
            }
        }
    } else if attr.is_file() {
        io::copy(&mut backing::reopen(node, false)?, &mut backing::reopen(&copy, true)?)?;
    }
    for (name, value) in backing::xattrs(node)? {
        use std::os::unix::ffi::OsStrExt;
        backing::set_xattr(&copy, OsStr::from_bytes(&name), &value, 0)?;
    }
    backing::set_times(&copy, Some(attr.atime), Some(attr.mtime))
}
