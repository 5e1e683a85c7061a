//! Blocks: a length, a checksum, and what they cover. What a crash leaves of the last one is recognised.

/// What a file of blocks begins with; the last byte is the version of the layout.
pub(super) const MAGIC: [u8; 8] = *b"safe\xF1tr\x01";

const FRAME: usize = 8;
/// No block is longer.
pub(super) const LONGEST: usize = 1 << 20;

/// What is in a block: its first byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Whose inputs follow.
    Head,
    /// The core.
    Core,
    /// Inputs, one behind the other.
    Inputs,
    /// The life of the core ended in good order.
    Closed,
    /// The file was written to its end.
    End,
}

impl Kind {
    const ALL: [Self; 5] = [Self::Head, Self::Core, Self::Inputs, Self::Closed, Self::End];

    fn of(byte: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| *kind as u8 == byte)
    }
}

/// Appends one block: length 0..4, checksum 4..8, kind 8, content.
pub(super) fn append(to: &mut Vec<u8>, kind: Kind, content: &[u8]) {
    debug_assert!(content.len() < LONGEST);
    let length = (content.len() as u32 + 1).to_le_bytes();
    to.extend(length);
    to.extend(checksum(length, &[&[kind as u8], content]).to_le_bytes());
    to.push(kind as u8);
    to.extend(content);
}

fn checksum(length: [u8; 4], parts: &[&[u8]]) -> u32 {
    parts.iter().fold(crc32c::crc32c(&length), |crc, part| crc32c::crc32c_append(crc, part))
}

/// What is at a place of a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found<'a> {
    Block {
        kind: Kind,
        content: &'a [u8],
        /// Where the next one begins.
        next: usize,
    },
    /// Nothing more.
    End,
    /// What is left of a block that was not written to its end.
    Torn,
    /// A whole block that is not what was written.
    Damaged(&'static str),
}

/// Looks at the block that begins at `at`.
pub(super) fn look(bytes: &[u8], at: usize) -> Found<'_> {
    let rest = &bytes[at..];
    let Some((frame, rest)) = rest.split_first_chunk::<FRAME>() else {
        return if rest.is_empty() { Found::End } else { Found::Torn };
    };
    let (length, crc) = frame.split_at(4);
    let length: [u8; 4] = length.try_into().expect("four bytes");
    let size = u32::from_le_bytes(length) as usize;
    // Where a machine lost power, the file may have grown before its content was there.
    let blank = |bytes: &[u8]| bytes.iter().all(|byte| *byte == 0);
    if size == 0 || size > LONGEST {
        return if blank(rest) { Found::Torn } else { Found::Damaged("a block of impossible length") };
    }
    let Some((block, after)) = rest.split_at_checked(size) else { return Found::Torn };
    let next = at + FRAME + size;
    if checksum(length, &[block]).to_le_bytes() != crc {
        return if blank(after) { Found::Torn } else { Found::Damaged("a wrong checksum") };
    }
    match Kind::of(block[0]) {
        Some(kind) => Found::Block { kind, content: &block[1..], next },
        None => Found::Damaged("a block of unknown kind"),
    }
}
