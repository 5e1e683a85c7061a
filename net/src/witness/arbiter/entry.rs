//! The bytes of a ledger: entries of one length, each with a checksum that also covers where it stands.

use super::message::Claim;

/// Length of an entry. It divides a sector, so that none lies in two.
pub(super) const ENTRY: usize = 64;

/// What the first entry begins with.
const MAGIC: [u8; 8] = *b"sftuarb\x01";
const CONTENT: usize = 48;

/// One grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Grant {
    pub(super) cluster: [u8; 8],
    pub(super) claim: Claim,
    pub(super) node: u8,
}

/// The first entry: magic 0..8, the ledger's name 8..16.
pub(super) fn head(ledger: u64) -> [u8; ENTRY] {
    let mut content = [0; CONTENT];
    content[..8].copy_from_slice(&MAGIC);
    content[8..16].copy_from_slice(&ledger.to_le_bytes());
    sealed(0, 0, &content)
}

/// The name of the ledger that begins so.
pub(super) fn read_head(bytes: &[u8]) -> Option<u64> {
    let content = opened(0, 0, bytes)?;
    (content[..8] == MAGIC).then(|| number(&content[8..16]))
}

impl Grant {
    /// Node 0..1, cluster 8..16, module 16..24, generation 24..32.
    pub(super) fn encode(&self, ledger: u64, place: u64) -> [u8; ENTRY] {
        let mut content = [0; CONTENT];
        content[0] = self.node;
        content[8..16].copy_from_slice(&self.cluster);
        content[16..24].copy_from_slice(&self.claim.module.to_le_bytes());
        content[24..32].copy_from_slice(&self.claim.generation.to_le_bytes());
        sealed(ledger, place, &content)
    }

    pub(super) fn decode(ledger: u64, place: u64, bytes: &[u8]) -> Option<Self> {
        let content = opened(ledger, place, bytes)?;
        let claim = Claim { module: number(&content[16..24]), generation: number(&content[24..32]) };
        let cluster = content[8..16].try_into().expect("eight bytes");
        Some(Self { cluster, claim, node: content[0] })
    }
}

fn sealed(ledger: u64, place: u64, content: &[u8; CONTENT]) -> [u8; ENTRY] {
    let mut entry = [0; ENTRY];
    entry[..CONTENT].copy_from_slice(content);
    entry[CONTENT..].copy_from_slice(&digest(ledger, place, content));
    entry
}

fn opened(ledger: u64, place: u64, bytes: &[u8]) -> Option<&[u8]> {
    let (content, check) = bytes.first_chunk::<ENTRY>()?.split_at(CONTENT);
    (digest(ledger, place, content) == check).then_some(content)
}

fn digest(ledger: u64, place: u64, content: &[u8]) -> [u8; ENTRY - CONTENT] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&ledger.to_le_bytes()).update(&place.to_le_bytes()).update(content);
    *hasher.finalize().as_bytes().first_chunk().expect("a hash has 32 bytes")
}

fn number(bytes: &[u8]) -> u64 {
    u64::from_le_bytes(bytes.try_into().expect("eight bytes"))
}
