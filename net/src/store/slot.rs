//! The bytes of one slot: a header that covers its content with two checksums, then padding.

/// The most that one slot holds, in bytes.
pub const CONTENT_MAX: usize = 4096;
/// Length of a slot: a whole number of disk blocks, so that writing one cannot damage the other.
pub(super) const SLOT: usize = 8192;

const MAGIC: [u8; 8] = *b"safetui\x01";
const HEADER: usize = 40;
const VERSION: u32 = 1;

/// A slot that was read back whole.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Slot {
    pub(super) sequence: u64,
    pub(super) content: Vec<u8>,
}

/// The slot's bytes; `None` if the content does not fit.
///
/// magic 0..8, version 8..12, length 12..16, sequence 16..24, blake3 24..32, reserved 32..36, crc 36..40.
pub(super) fn encode(sequence: u64, content: &[u8]) -> Option<Vec<u8>> {
    if content.len() > CONTENT_MAX {
        return None;
    }
    let mut bytes = Vec::with_capacity(SLOT);
    bytes.extend(MAGIC);
    bytes.extend(VERSION.to_le_bytes());
    bytes.extend((content.len() as u32).to_le_bytes());
    bytes.extend(sequence.to_le_bytes());
    bytes.extend(digest(&bytes[..24], content));
    bytes.extend([0; 4]);
    bytes.extend(crc(&bytes[..36], content).to_le_bytes());
    bytes.extend(content);
    bytes.resize(SLOT, 0);
    Some(bytes)
}

/// Reads a slot back, or says what is wrong with it.
pub(super) fn decode(bytes: &[u8]) -> Result<Slot, &'static str> {
    let header = bytes.get(..HEADER).ok_or("cut off")?;
    if header[..8] != MAGIC {
        return Err("not a slot");
    }
    if number(header, 8) != VERSION {
        return Err("written by another version of safetui");
    }
    let length = number(header, 12) as usize;
    if length > CONTENT_MAX {
        return Err("impossible length");
    }
    let content = bytes.get(HEADER..HEADER + length).ok_or("cut off")?;
    if number(header, 36) != crc(&header[..36], content) || header[24..32] != digest(&header[..24], content) {
        return Err("wrong checksum");
    }
    let sequence = u64::from_le_bytes(header[16..24].try_into().expect("eight bytes"));
    Ok(Slot { sequence, content: content.to_vec() })
}

fn number(header: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(header[at..at + 4].try_into().expect("four bytes"))
}

fn crc(header: &[u8], content: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(header), content)
}

/// 64 bits that a torn mixture of two records does not have by chance, whatever their CRC.
fn digest(header: &[u8], content: &[u8]) -> [u8; 8] {
    let hash = blake3::Hasher::new().update(header).update(content).finalize();
    hash.as_bytes()[..8].try_into().expect("a hash has 32 bytes")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzz;

    fuzz::target!(
        any_bytes_are_the_slot_that_was_written_or_an_error,
        [
            encode(0, b"").unwrap(),
            encode(7, b"some content").unwrap(),
            encode(u64::MAX, &[9; CONTENT_MAX]).unwrap()
        ],
        |bytes| {
            if let Ok(Slot { sequence, content }) = decode(bytes) {
                let written = encode(sequence, &content).unwrap();
                let used = HEADER + content.len();
                assert_eq!(bytes[..used], written[..used], "damage was taken for another record");
            }
        }
    );
}
