//! Reading a record back: the ring of a module, or one file that was exported from it.

use std::{
    collections::VecDeque,
    fs,
    io::{self, ErrorKind},
    mem,
    ops::Range,
    path::{Path, PathBuf},
};

use safetui_core::{Input, input::SOURCES};

use super::{
    Head, Snapshot,
    frame::{self, Found, Kind, MAGIC},
    pack::{Before, get},
    ring,
};

/// What a record tells, in this order: whose inputs follow; the core; inputs, with the core in between.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    Head(Box<Head>),
    Core(Box<Snapshot>),
    Input(Input),
    /// The core's life ended in good order. Without this it was killed, or still lives.
    Closed,
    /// A block that was not written to its end, because the agent was killed or is writing it now, is left out.
    Torn {
        file: PathBuf,
        bytes: usize,
    },
}

/// Why a record cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    #[error("cannot read {}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("there is no flight record in {}", path.display())]
    Nothing { path: PathBuf },
    #[error("{} is not a flight record", path.display())]
    Foreign { path: PathBuf },
    #[error("{} has layout {layout}, which this version of safetui does not read", path.display())]
    Layout { path: PathBuf, layout: u8 },
    #[error("{} is cut off: its last block says that it is complete, and there is none", path.display())]
    CutOff { path: PathBuf },
    #[error("{} is damaged at byte {at}: {why}", path.display())]
    Damaged { path: PathBuf, at: usize, why: String },
    #[error(
        "{} was written by safetui {version} with another core ({sources}; this one is {SOURCES}), whose inputs this \
         version does not understand",
        path.display()
    )]
    OtherCore { path: PathBuf, version: String, sources: String },
}

/// Reads item by item, one file in memory at a time. Ends after the first error.
pub struct Reader {
    files: VecDeque<PathBuf>,
    /// An exported file says where it ends; the files of a ring just do.
    exported: bool,
    open: Option<Segment>,
}

impl Reader {
    /// The ring in a folder, or an exported file.
    pub fn open(path: &Path) -> Result<Self, Unreadable> {
        let failed = |source| Unreadable::Io { path: path.into(), source };
        if !fs::metadata(path).map_err(failed)?.is_dir() {
            return Ok(Self { files: [path.into()].into(), exported: true, open: None });
        }
        let files: VecDeque<_> =
            ring::segments(path).map_err(failed)?.into_iter().map(|(_, path)| path).collect();
        if files.is_empty() {
            return Err(Unreadable::Nothing { path: path.into() });
        }
        Ok(Self { files, exported: false, open: None })
    }

    /// Bytes as they are in one file; for what does not come from a disk.
    pub fn bytes(bytes: Vec<u8>, exported: bool) -> Self {
        Self { files: VecDeque::new(), exported, open: Some(Segment::new("memory".into(), bytes)) }
    }

    /// Opens the next file. One that is gone was the oldest, and its place was needed.
    fn advance(&mut self) -> Result<bool, Unreadable> {
        while let Some(path) = self.files.pop_front() {
            match fs::read(&path) {
                Ok(bytes) => {
                    self.open = Some(Segment::new(path, bytes));
                    return Ok(true);
                }
                Err(error) if error.kind() == ErrorKind::NotFound && !self.exported => {}
                Err(source) => return Err(Unreadable::Io { path, source }),
            }
        }
        Ok(false)
    }

    fn step(&mut self) -> Result<Option<Item>, Unreadable> {
        loop {
            let Some(open) = &mut self.open else {
                if self.advance()? {
                    continue;
                }
                return Ok(None);
            };
            match open.step(self.exported)? {
                Some(item) => return Ok(Some(item)),
                None => self.open = None,
            }
        }
    }
}

impl Iterator for Reader {
    type Item = Result<Item, Unreadable>;

    fn next(&mut self) -> Option<Self::Item> {
        let step = self.step();
        if step.is_err() {
            (self.open, self.files) = (None, VecDeque::new());
        }
        step.transpose()
    }
}

/// One file.
struct Segment {
    path: PathBuf,
    bytes: Vec<u8>,
    begun: bool,
    /// Where the next block begins.
    at: usize,
    /// What is left of a block of inputs.
    inputs: Range<usize>,
    head: Option<Head>,
    before: Option<Before>,
}

impl Segment {
    fn new(path: PathBuf, bytes: Vec<u8>) -> Self {
        Self { path, bytes, begun: false, at: 0, inputs: 0..0, head: None, before: None }
    }

    fn step(&mut self, exported: bool) -> Result<Option<Item>, Unreadable> {
        if !mem::replace(&mut self.begun, true) && !self.begin(exported)? {
            return Ok(Some(self.torn(0)));
        }
        loop {
            if !self.inputs.is_empty() {
                return self.input().map(Some);
            }
            let at = self.at;
            let (kind, content) = match frame::look(&self.bytes, at) {
                Found::Block { kind, content, next } => {
                    self.at = next;
                    (kind, next - content.len()..next)
                }
                Found::End | Found::Torn if exported => return Err(self.cut_off()),
                Found::End => return Ok(None),
                Found::Torn => return Ok(Some(self.torn(at))),
                Found::Damaged(why) => return Err(self.damaged(at, why)),
            };
            match kind {
                Kind::Head => return self.head(content).map(Some),
                Kind::Core => return self.core(content).map(Some),
                Kind::Inputs => self.inputs = content,
                Kind::Closed => return Ok(Some(Item::Closed)),
                Kind::End if exported && self.at == self.bytes.len() => return Ok(None),
                Kind::End => return Err(self.damaged(at, "an end where there is none")),
            }
        }
    }

    /// Says whether the file begins as it should. One that was created and not begun is torn.
    fn begin(&mut self, exported: bool) -> Result<bool, Unreadable> {
        let path = || self.path.clone();
        let (name, _) = MAGIC.split_at(MAGIC.len() - 1);
        let written = self.bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        match self.bytes.get(..MAGIC.len()) {
            Some(magic) if magic == MAGIC => {
                self.at = MAGIC.len();
                Ok(true)
            }
            _ if written < MAGIC.len() && MAGIC.starts_with(&self.bytes[..written]) && !exported => Ok(false),
            Some(magic) if magic.starts_with(name) => {
                Err(Unreadable::Layout { path: path(), layout: magic[name.len()] })
            }
            None if written > 0 && MAGIC.starts_with(&self.bytes) => Err(self.cut_off()),
            _ => Err(Unreadable::Foreign { path: path() }),
        }
    }

    /// The rest from `at` on is left out.
    fn torn(&mut self, at: usize) -> Item {
        self.at = self.bytes.len();
        Item::Torn { file: self.path.clone(), bytes: self.bytes.len() - at }
    }

    fn head(&mut self, content: Range<usize>) -> Result<Item, Unreadable> {
        let at = content.start;
        // Names of version and core come first, in any version.
        let mut rest = &self.bytes[content.clone()];
        let named = get::<String>(&mut rest).and_then(|version| Ok((version, get::<String>(&mut rest)?)));
        let (version, sources) = named.map_err(|why| self.damaged(at, &why.to_string()))?;
        match postcard::from_bytes::<Head>(&self.bytes[content]) {
            Ok(head) => {
                self.head = Some(head.clone());
                self.before = None;
                Ok(Item::Head(Box::new(head)))
            }
            Err(_) if sources != SOURCES => {
                Err(Unreadable::OtherCore { path: self.path.clone(), version, sources })
            }
            Err(why) => Err(self.damaged(at, &why.to_string())),
        }
    }

    fn core(&mut self, content: Range<usize>) -> Result<Item, Unreadable> {
        let at = content.start;
        if self.head.is_none() {
            return Err(self.damaged(at, "a core of nobody"));
        }
        let mut rest = &self.bytes[content];
        match get::<Snapshot>(&mut rest) {
            Ok(snapshot) if rest.is_empty() => {
                self.before = Some(Before::new(snapshot.now));
                Ok(Item::Core(Box::new(snapshot)))
            }
            Ok(_) => Err(self.misunderstood(at, "a core with a rest")),
            Err(why) => Err(self.misunderstood(at, &why.to_string())),
        }
    }

    fn input(&mut self) -> Result<Item, Unreadable> {
        let at = self.inputs.start;
        let Some(mut before) = self.before else {
            return Err(self.damaged(at, "inputs of no core"));
        };
        let mut rest = &self.bytes[self.inputs.clone()];
        let input = before.unpack(&mut rest).map_err(|why| self.misunderstood(at, &why.to_string()))?;
        self.inputs.start = self.inputs.end - rest.len();
        self.before = Some(before);
        Ok(Item::Input(input))
    }

    fn damaged(&self, at: usize, why: &str) -> Unreadable {
        Unreadable::Damaged { path: self.path.clone(), at, why: why.into() }
    }

    /// The checksum is right: what was meant is of another core, or of nobody.
    fn misunderstood(&self, at: usize, why: &str) -> Unreadable {
        match &self.head {
            Some(Head { version, sources, .. }) if sources != SOURCES => Unreadable::OtherCore {
                path: self.path.clone(),
                version: version.clone(),
                sources: sources.clone(),
            },
            _ => self.damaged(at, why),
        }
    }

    fn cut_off(&self) -> Unreadable {
        Unreadable::CutOff { path: self.path.clone() }
    }
}
