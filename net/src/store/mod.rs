//! What must survive a crash: a record of opaque bytes, the wish to run, the boot counter.
//!
//! Each is a small file with two slots. A save overwrites the older slot only, so whatever a crash leaves of
//! it, the newest record that was ever reported as saved stays readable. The file has its full size from the
//! beginning: saving needs no space on the disk.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Write},
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

mod boot;
mod slot;
#[cfg(test)]
pub(crate) mod tests;
mod wish;

pub use boot::next_boot;
pub use slot::CONTENT_MAX;
pub use wish::Wish;

use slot::{SLOT, Slot};

/// Why something durable could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file or its directory could not be used.
    #[error("cannot {what} {}: {source}{}", path.display(), hint(source))]
    Io {
        /// What was tried.
        what: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// What the kernel answered.
        source: io::Error,
    },
    /// More bytes than a slot holds.
    #[error("cannot save {length} bytes in {}: a record holds at most {CONTENT_MAX}", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The length in bytes.
        length: usize,
    },
    /// Neither slot is valid. Only a human can say what was in it.
    #[error(
        "{} is damaged ({why}): restore it from a backup, or delete it to start as if it had never been written",
        path.display()
    )]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What is wrong with each slot.
        why: String,
    },
    /// The boot counter has reached its end.
    #[error(
        "the boot counter in {} cannot go beyond {}: correct this machine's clock, then delete the file",
        path.display(), u32::MAX
    )]
    BootsExhausted {
        /// The file.
        path: PathBuf,
    },
}

fn hint(error: &io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::StorageFull => ": free space on this file system",
        ErrorKind::PermissionDenied => ": run as root",
        ErrorKind::ReadOnlyFilesystem => ": the file system is read-only, check the disk and remount it",
        _ if error.raw_os_error() == Some(libc::EIO) => ": the disk fails, replace it",
        _ => "",
    }
}

/// What a store holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Loaded {
    /// Nothing was ever saved.
    Fresh,
    /// What was saved last.
    Record(Vec<u8>),
    /// Something was saved, and neither slot is valid.
    Corrupt {
        /// What is wrong with each slot.
        why: String,
    },
}

/// A durable record of at most [`CONTENT_MAX`] bytes. One process uses it at a time.
#[derive(Debug)]
pub struct Store {
    file: File,
    path: PathBuf,
    /// Of the newest valid slot; 0 when nothing was ever saved.
    sequence: u64,
    newest: usize,
}

impl Store {
    /// Opens the module's record in a directory, creating both if they are missing.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        Self::open_file(dir, "record")
    }

    fn open_file(dir: &Path, name: &str) -> Result<Self, StoreError> {
        let path = dir.join(name);
        create_if_missing(dir, &path)?;
        let opened = OpenOptions::new().read(true).write(true).open(&path);
        let file = opened.map_err(|source| failed("open", &path, source))?;
        let mut store = Self { file, path, sequence: 0, newest: 0 };
        for (at, slot) in store.slots()?.into_iter().enumerate() {
            if let Ok(slot) = slot
                && slot.sequence > store.sequence
            {
                (store.sequence, store.newest) = (slot.sequence, at);
            }
        }
        Ok(store)
    }

    /// Reads what was saved last.
    pub fn load(&self) -> Result<Loaded, StoreError> {
        let [first, second] = self.slots()?;
        Ok(match (first, second) {
            (Err(first), Err(second)) => {
                Loaded::Corrupt { why: format!("slot 1: {first}; slot 2: {second}") }
            }
            (Ok(slot), Err(_)) | (Err(_), Ok(slot)) => slot.into_loaded(),
            (Ok(first), Ok(second)) if first.sequence >= second.sequence => first.into_loaded(),
            (Ok(_), Ok(second)) => second.into_loaded(),
        })
    }

    /// Makes `content` the record; durable when this returns. After an error the previous record or this one
    /// is the record: nobody can tell before the next successful save or load.
    pub fn save(&mut self, content: &[u8]) -> Result<(), StoreError> {
        if self.sequence == 0 {
            // Beside an empty slot, damage to the only record would look as if nothing had ever been saved.
            self.save_slot(content)?;
        }
        self.save_slot(content)
    }

    fn save_slot(&mut self, content: &[u8]) -> Result<(), StoreError> {
        let sequence = self.sequence + 1;
        let Some(bytes) = slot::encode(sequence, content) else {
            return Err(StoreError::TooLarge { path: self.path.clone(), length: content.len() });
        };
        let at = 1 - self.newest;
        self.file
            .write_all_at(&bytes, (at * SLOT) as u64)
            .and_then(|()| self.file.sync_data())
            .map_err(|source| failed("save", &self.path, source))?;
        (self.sequence, self.newest) = (sequence, at);
        Ok(())
    }

    fn slots(&self) -> Result<[Result<Slot, &'static str>; 2], StoreError> {
        let mut bytes = Vec::with_capacity(2 * SLOT);
        let mut buffer = [0; SLOT];
        loop {
            match self.file.read_at(&mut buffer, bytes.len() as u64) {
                Ok(0) => break,
                Ok(length) => bytes.extend(&buffer[..length]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(source) => return Err(failed("read", &self.path, source)),
            }
        }
        let (first, second) = bytes.split_at(bytes.len().min(SLOT));
        Ok([slot::decode(first), slot::decode(second)])
    }
}

impl Slot {
    fn into_loaded(self) -> Loaded {
        if self.sequence == 0 { Loaded::Fresh } else { Loaded::Record(self.content) }
    }
}

/// Creates the file with two empty slots under another name first: a crash leaves a whole file or none.
fn create_if_missing(dir: &Path, path: &Path) -> Result<(), StoreError> {
    if path.try_exists().map_err(|source| failed("look for", path, source))? {
        return Ok(());
    }
    fs::create_dir_all(dir).map_err(|source| failed("create the directory", dir, source))?;
    let draft = path.with_extension("new");
    let empty = slot::encode(0, &[]).expect("nothing fits into a slot");
    write_draft(&draft, &[&empty[..], &empty].concat()).map_err(|source| failed("create", &draft, source))?;
    fs::rename(&draft, path).map_err(|source| failed("create", path, source))?;
    let synced = File::open(dir).and_then(|dir| dir.sync_all());
    synced.map_err(|source| failed("sync the directory", dir, source))
}

fn write_draft(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn failed(what: &'static str, path: &Path, source: io::Error) -> StoreError {
    StoreError::Io { what, path: path.into(), source }
}
