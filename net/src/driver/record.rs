//! The durable record as bytes. What cannot be read is an error, never a fresh record.

use std::path::Path;

use safetui_core::{Generation, Mark, Record, Side};
use serde::{Deserialize, Serialize};

use crate::store::{Loaded, Store, StoreError};

/// Generations of history that a node keeps.
pub const HISTORY: usize = 64;

/// The first byte: later layouts change it.
const LAYOUT: u8 = 1;

#[derive(Serialize, Deserialize)]
struct Saved {
    term: u64,
    generation: Generation,
    /// Without the empty places at the end.
    history: Vec<Generation>,
    mark: Mark,
    side: Side,
}

/// Why a module's record cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(
        "the record of this module in {place} cannot be read ({why}): restore the file from a backup, or delete it \
         if the data of this node may be given up"
    )]
    Unreadable { place: String, why: String },
}

/// The bytes of a record.
pub fn encode(record: &Record<HISTORY>) -> Vec<u8> {
    let used = record.history.iter().take_while(|generation| **generation != Generation::NONE);
    let saved = Saved {
        term: record.term,
        generation: record.generation,
        history: used.copied().collect(),
        mark: record.mark,
        side: record.side,
    };
    let mut bytes = vec![LAYOUT];
    bytes.extend(postcard::to_allocvec(&saved).expect("plain numbers can always be written"));
    bytes
}

/// The reverse of [`encode`].
pub fn decode(bytes: &[u8]) -> Result<Record<HISTORY>, String> {
    let Some((&LAYOUT, rest)) = bytes.split_first() else {
        return Err("written by another version of safetui".into());
    };
    let saved: Saved = postcard::from_bytes(rest).map_err(|error| error.to_string())?;
    if saved.history.len() > HISTORY {
        return Err(format!("{} generations of history", saved.history.len()));
    }
    if saved.history.contains(&Generation::NONE) {
        return Err("a gap in its history".into());
    }
    let mut history = [Generation::NONE; HISTORY];
    history[..saved.history.len()].copy_from_slice(&saved.history);
    let Saved { term, generation, mark, side, .. } = saved;
    Ok(Record { term, generation, history, mark, side })
}

/// Reads the record of a module from its state folder; a module that never ran has a fresh one.
pub fn load(dir: &Path) -> Result<(Store, Record<HISTORY>), RecordError> {
    let store = Store::open(dir)?;
    let unreadable = |why| RecordError::Unreadable { place: dir.display().to_string(), why };
    let record = match store.load()? {
        Loaded::Fresh => Record::default(),
        Loaded::Record(bytes) => decode(&bytes).map_err(unreadable)?,
        Loaded::Corrupt { why } => return Err(unreadable(why)),
    };
    Ok((store, record))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzz;

    /// A record with its history full.
    fn full() -> Record<HISTORY> {
        let once = |record: Record<HISTORY>, term| record.exclusive(Generation(u64::MAX - term), term);
        (1..=2 * HISTORY as u64).fold(Record::default(), once)
    }

    /// As nobody writes it.
    fn with_history(history: Vec<Generation>) -> Vec<u8> {
        let Record { term, generation, mark, side, .. } = full();
        let saved = Saved { term, generation, history, mark, side };
        [&[LAYOUT][..], &postcard::to_allocvec(&saved).unwrap()].concat()
    }

    fuzz::target!(
        any_bytes_are_a_record_or_an_error,
        [
            encode(&Record::default()),
            encode(&Record::default().exclusive(Generation(1), 1).exclusive(Generation(2), 2)),
            encode(&full()),
            with_history(vec![Generation(1); HISTORY + 1]),
            with_history(vec![Generation(1), Generation::NONE, Generation(2)]),
        ],
        |bytes| {
            if let Ok(record) = decode(bytes) {
                assert_eq!(decode(&encode(&record)), Ok(record));
            }
        }
    );

    #[test]
    fn a_full_record_comes_back_and_fits_a_slot() {
        let bytes = encode(&full());
        assert!(bytes.len() < crate::store::CONTENT_MAX);
        assert_eq!(decode(&bytes).unwrap(), full());
    }

    #[test]
    fn bytes_that_are_no_record_are_an_error() {
        let bytes = encode(&Record::default());
        assert!(decode(&[]).is_err());
        assert!(decode(&bytes[..bytes.len() - 1]).is_err());
        assert!(decode(&[&[LAYOUT + 1], &bytes[1..]].concat()).is_err());
    }

    #[test]
    fn a_module_that_never_ran_is_fresh_and_a_damaged_one_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let (mut store, record) = load(dir.path()).unwrap();
        assert_eq!(record, Record::default());
        store.save(b"nonsense").unwrap();
        assert!(matches!(load(dir.path()), Err(RecordError::Unreadable { .. })));
    }
}
