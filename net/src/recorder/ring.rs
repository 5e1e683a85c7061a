//! The files of a ring: numbered segments, of which the oldest goes when a new one needs its place. The newest is
//! appended to; none is ever changed.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

/// A ring has about as many segments.
const PARTS: u64 = 8;
const ENDING: &str = "flight";

/// The files of one module, as their one writer sees them.
pub(super) struct Ring {
    dir: PathBuf,
    size: u64,
    open: Option<File>,
    /// Length of the open segment.
    length: u64,
}

impl Ring {
    pub(super) fn new(dir: &Path, size: u64) -> Self {
        Self { dir: dir.into(), size, open: None, length: 0 }
    }

    /// Does the next block need a new segment?
    pub(super) fn is_full(&self) -> bool {
        self.open.is_none() || self.length >= self.size / PARTS
    }

    /// Begins a segment with `bytes`, and makes room for it.
    pub(super) fn begin(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.open = None;
        fs::create_dir_all(&self.dir)?;
        let mut kept = segments(&self.dir)?;
        let mut sizes: Vec<u64> =
            kept.iter().map(|(_, path)| path.metadata().map_or(0, |data| data.len())).collect();
        // Room for a whole segment, and for the block by which it may be longer.
        while sizes.iter().sum::<u64>() > self.size / PARTS * (PARTS - 2) {
            sizes.remove(0);
            match fs::remove_file(kept.remove(0).1) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        let number = kept.last().map_or(0, |(number, _)| number + 1);
        let path = self.dir.join(format!("{number:010}.{ENDING}"));
        let file = OpenOptions::new().append(true).create_new(true).mode(0o600).open(path)?;
        (self.open, self.length) = (Some(file), 0);
        self.append(bytes)
    }

    /// Appends whole blocks. After an error the open segment ends, whatever of them it has.
    pub(super) fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Some(file) = &mut self.open else { return Ok(()) };
        self.length += bytes.len() as u64;
        let written = file.write_all(bytes);
        if written.is_err() {
            self.open = None;
        }
        written
    }
}

/// The segments of a ring with their numbers, oldest first.
pub(super) fn segments(dir: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let ours = path.extension().is_some_and(|ending| ending == ENDING);
        let number = path.file_stem().and_then(|stem| stem.to_str()?.parse().ok());
        if let Some(number) = number.filter(|_| ours) {
            found.push((number, path));
        }
    }
    found.sort();
    Ok(found)
}
