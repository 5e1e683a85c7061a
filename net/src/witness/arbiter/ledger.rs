//! What has been granted, durably.

use std::{
    collections::{BTreeMap, VecDeque},
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use super::{
    entry::{self, ENTRY, Grant},
    message::Claim,
};

const FILE: &str = "ledger";

/// Grants of one module that are kept. Whoever asks for a generation has it on its disk in place of all earlier
/// ones, and so has the node that it shared it with: the newest would do. The others are for disks that were
/// restored from a backup.
const KEPT: usize = 64;
/// The file is written anew when it has so many entries that are no longer needed.
const SLACK: u64 = 256;

/// A log of grants that only grows at its end, and now and then is written anew without the oldest.
#[derive(Debug)]
pub struct Ledger {
    file: File,
    path: PathBuf,
    name: u64,
    /// Entries in the file.
    length: u64,
    /// The file has taken the place of another, and the disk may not know yet.
    moved: bool,
    granted: BTreeMap<Module, Grants>,
}

/// A cluster, and a module of it.
type Module = ([u8; 8], u64);
/// Generations and the nodes that have them, the newest last.
type Grants = VecDeque<(u64, u8)>;

/// What becomes of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    Granted,
    /// The same node has asked before.
    GrantedBefore,
    /// It belongs to this node.
    DeniedFor(u8),
}

/// Why a ledger cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    #[error("cannot use {}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("{} is damaged: {damage}", path.display())]
    Damaged { path: PathBuf, damage: Damage },
}

/// What is wrong with the content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    #[error("it does not begin as a ledger does")]
    Head,
    #[error("entry {0} has a wrong checksum, and others follow it")]
    Entry(u64),
}

impl Ledger {
    /// Opens the ledger in a directory; one that was never there begins empty, with a name of its own.
    pub fn open(dir: &Path) -> Result<Self, LedgerError> {
        let path = dir.join(FILE);
        let io = |source| LedgerError::Io { path: path.clone(), source };
        if !path.try_exists().map_err(io)? {
            draft(&path, &entry::head(random())).and_then(|_| rename(&path)).map_err(io)?;
            sync_folder(&path).map_err(io)?;
        }
        let bytes = fs::read(&path).map_err(io)?;
        let file = OpenOptions::new().write(true).open(&path).map_err(io)?;
        let damaged = |damage| LedgerError::Damaged { path: path.clone(), damage };
        let name = entry::read_head(&bytes).ok_or(damaged(Damage::Head))?;
        let granted = BTreeMap::new();
        let mut ledger = Self { file, path: path.clone(), name, length: 1, moved: false, granted };
        let mut rest = &bytes[ENTRY..];
        while let Some(grant) = Grant::decode(name, ledger.length, rest) {
            ledger.note(grant);
            rest = &rest[ENTRY..];
        }
        // One entry is written at a time, and answered when it is whole: what follows whole ones was not.
        if rest.len() > ENTRY {
            return Err(damaged(Damage::Entry(ledger.length)));
        }
        if !rest.is_empty() {
            let cut = ledger.file.set_len(ledger.end()).and_then(|()| ledger.file.sync_all());
            cut.map_err(io)?;
        }
        Ok(ledger)
    }

    /// Names this ledger among all that there ever were.
    pub fn name(&self) -> u64 {
        self.name
    }

    /// How many grants are remembered.
    pub fn grants(&self) -> usize {
        self.granted.values().map(VecDeque::len).sum()
    }

    /// Grants the claim to `node` unless it belongs to another. Durable when this returns; after an error nothing
    /// is granted, and the same claim may be tried again, by anybody.
    pub fn judge(&mut self, cluster: [u8; 8], claim: Claim, node: u8) -> io::Result<Judgement> {
        if let Some(owner) = self.owner(cluster, claim) {
            let same = owner == node;
            return Ok(if same { Judgement::GrantedBefore } else { Judgement::DeniedFor(owner) });
        }
        self.settle()?;
        let grant = Grant { cluster, claim, node };
        // At the place of what failed before, if anything did: written anew, it is synced anew.
        self.file.write_all_at(&grant.encode(self.name, self.length), self.end())?;
        self.file.sync_data()?;
        self.note(grant);
        Ok(Judgement::Granted)
    }

    /// Writes the file anew if much of it is no longer needed.
    pub fn tidy(&mut self) -> io::Result<()> {
        if self.length < self.grants() as u64 + SLACK {
            return Ok(());
        }
        let mut bytes = entry::head(self.name).to_vec();
        let mut length = 1;
        for (&(cluster, module), grants) in &self.granted {
            for &(generation, node) in grants {
                let grant = Grant { cluster, claim: Claim { module, generation }, node };
                bytes.extend(grant.encode(self.name, length));
                length += 1;
            }
        }
        let file = draft(&self.path, &bytes)?;
        rename(&self.path)?;
        (self.file, self.length, self.moved) = (file, length, true);
        self.settle()
    }

    /// Until the disk knows which file is the ledger, nothing that is added to it is durable.
    fn settle(&mut self) -> io::Result<()> {
        if self.moved {
            sync_folder(&self.path)?;
            self.moved = false;
        }
        Ok(())
    }

    fn owner(&self, cluster: [u8; 8], claim: Claim) -> Option<u8> {
        let grants = self.granted.get(&(cluster, claim.module))?;
        grants.iter().find(|(generation, _)| *generation == claim.generation).map(|(_, node)| *node)
    }

    fn note(&mut self, Grant { cluster, claim, node }: Grant) {
        self.length += 1;
        let grants = self.granted.entry((cluster, claim.module)).or_default();
        grants.push_back((claim.generation, node));
        if grants.len() > KEPT {
            grants.pop_front();
        }
    }

    fn end(&self) -> u64 {
        self.length * ENTRY as u64
    }
}

/// Writes what is to take the place of the file at `path`.
fn draft(path: &Path, bytes: &[u8]) -> io::Result<File> {
    let draft = path.with_extension("new");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(draft)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    Ok(file)
}

fn rename(path: &Path) -> io::Result<()> {
    fs::rename(path.with_extension("new"), path)
}

fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
}

fn random() -> u64 {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).expect("every Linux that can run this has a random source");
    u64::from_ne_bytes(bytes)
}
