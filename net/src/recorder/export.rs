//! A record as one file that says where it ends: a part of a ring, to be kept or sent.

use std::{
    fs::OpenOptions,
    io::{self, Write},
    mem,
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use super::{
    Item, Reader, Unreadable,
    frame::{self, Kind, MAGIC},
    pack::{Before, put},
};

/// A block of inputs is not made longer than this.
const LONG: usize = 1 << 16;

/// What an export wrote.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exported {
    pub inputs: u64,
    pub bytes: u64,
}

/// Why nothing was exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    #[error(transparent)]
    Read(#[from] Unreadable),
    #[error(transparent)]
    Write(io::Error),
}

/// Writes what the record in `from` tells since `wall`, in milliseconds of Unix time, to the new file `to`: from the
/// last copy of the core before that moment on.
pub fn export(from: &Path, wall: u64, to: &Path) -> Result<Exported, ExportError> {
    let first = first(from, wall)?;
    let (mut tape, mut head) = (Tape::default(), None);
    for (at, item) in Reader::open(from)?.enumerate() {
        match item? {
            item @ Item::Head(_) if at < first => head = Some(item),
            item if at >= first => {
                head.take().iter().for_each(|head| tape.add(head));
                tape.add(&item);
            }
            _ => {}
        }
    }
    let inputs = tape.added;
    let bytes = tape.end();
    let mut file =
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(to).map_err(ExportError::Write)?;
    file.write_all(&bytes).and_then(|()| file.sync_all()).map_err(ExportError::Write)?;
    Ok(Exported { inputs, bytes: bytes.len() as u64 })
}

/// Place of the copy of the core that `wall` is to be understood from.
fn first(from: &Path, wall: u64) -> Result<usize, Unreadable> {
    let mut first = None;
    for (at, item) in Reader::open(from)?.enumerate() {
        if let Item::Core(core) = item?
            && (first.is_none() || core.wall <= wall)
        {
            first = Some(at);
        }
    }
    Ok(first.unwrap_or(0))
}

/// A file in the making.
#[derive(Default)]
pub struct Tape {
    bytes: Vec<u8>,
    before: Option<Before>,
    inputs: Vec<u8>,
    added: u64,
}

impl Tape {
    /// Appends what a record tells. Inputs must come behind their core.
    pub fn add(&mut self, item: &Item) {
        match item {
            Item::Head(head) => self.block(Kind::Head, |content| put(content, head.as_ref())),
            Item::Core(core) => {
                self.block(Kind::Core, |content| put(content, core.as_ref()));
                self.before = Some(Before::new(core.now));
            }
            Item::Input(input) => {
                if let Some(before) = &mut self.before {
                    before.pack(input, &mut self.inputs);
                    self.added += 1;
                }
                if self.inputs.len() >= LONG {
                    self.flush();
                }
            }
            Item::Closed => self.block(Kind::Closed, |_| {}),
            Item::Torn { .. } => {}
        }
    }

    /// The whole file.
    pub fn end(mut self) -> Vec<u8> {
        self.block(Kind::End, |_| {});
        self.bytes
    }

    fn block(&mut self, kind: Kind, fill: impl FnOnce(&mut Vec<u8>)) {
        self.flush();
        let mut content = Vec::new();
        fill(&mut content);
        self.append(kind, &content);
    }

    fn flush(&mut self) {
        let inputs = mem::take(&mut self.inputs);
        if !inputs.is_empty() {
            self.append(Kind::Inputs, &inputs);
        }
    }

    fn append(&mut self, kind: Kind, content: &[u8]) {
        if self.bytes.is_empty() {
            self.bytes.extend(MAGIC);
        }
        frame::append(&mut self.bytes, kind, content);
    }
}
