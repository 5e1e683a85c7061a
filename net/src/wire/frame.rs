//! The plain header of a frame.

use super::key::ClusterKey;

/// First bytes of each frame; a later family of protocols would change them.
const MAGIC: [u8; 4] = *b"sftu";
/// Length of the header in bytes.
pub const HEADER_LEN: usize = 32;
/// Addressed to all nodes of the cluster.
pub const EVERYONE: u8 = u8::MAX;
/// The index of an arbiter, which is no node.
pub const ARBITER: u8 = u8::MAX - 1;

/// The protocols that a node speaks, oldest and newest. A pair uses the newest that both speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Versions {
    pub min: u8,
    pub max: u8,
}

impl Versions {
    /// What this build speaks.
    pub const OURS: Self = Self { min: 1, max: 1 };

    /// The newest protocol that both speak.
    pub fn common(self, theirs: Self) -> Option<u8> {
        let (oldest, newest) = (self.min.max(theirs.min), self.max.min(theirs.max));
        (oldest <= newest).then_some(newest)
    }
}

/// Tells clusters apart on a shared network: four bytes of the name, four of the key. Two halves, so that a
/// node which only has a wrong key is not mistaken for a member of a foreign cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClusterId {
    pub(super) name: [u8; 4],
    pub(super) key: [u8; 4],
}

impl ClusterId {
    /// `name` is the cluster's name as configured, the same on all nodes.
    pub fn new(key: &ClusterKey, name: &str) -> Self {
        let (name, key) =
            (blake3::derive_key("safetui 1 cluster name", name.as_bytes()), key.derive("safetui 1 key id"));
        Self { name: first(&name), key: first(&key) }
    }

    /// Both halves.
    pub fn bytes(self) -> [u8; 8] {
        let mut bytes = [0; 8];
        bytes[..4].copy_from_slice(&self.name);
        bytes[4..].copy_from_slice(&self.key);
        bytes
    }
}

/// The header: who says it to whom. Its layout is the same in all protocol versions, so that a node can
/// always say whom it does not understand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    pub versions: Versions,
    /// What else the sender can do; a bit is used only when both ends set it.
    pub features: u16,
    pub cluster: ClusterId,
    /// Index of the sending node in the cluster.
    pub from: u8,
    /// Index of the node that it is for, or [`EVERYONE`].
    pub to: u8,
    /// What the payload is; receivers ignore kinds that they do not know.
    pub kind: u8,
    /// Grows with each start of the sender's agent.
    pub boot: u32,
    /// Grows with each frame of that boot, across kinds and receivers.
    pub seq: u64,
}

/// Does this look like a frame of this protocol family? Cheap; proves nothing.
pub fn is_frame(bytes: &[u8]) -> bool {
    bytes.starts_with(&MAGIC)
}

impl Header {
    /// Layout, big-endian: magic 4, oldest and newest protocol 1 + 1, features 2, cluster 4 + 4, from 1, to 1,
    /// kind 1, zero 1, boot 4, sequence 8.
    pub(super) fn encode(&self) -> [u8; HEADER_LEN] {
        let mut out = [0; HEADER_LEN];
        out[0..4].copy_from_slice(&MAGIC);
        out[4..6].copy_from_slice(&[self.versions.min, self.versions.max]);
        out[6..8].copy_from_slice(&self.features.to_be_bytes());
        out[8..12].copy_from_slice(&self.cluster.name);
        out[12..16].copy_from_slice(&self.cluster.key);
        out[16..20].copy_from_slice(&[self.from, self.to, self.kind, 0]);
        out[20..24].copy_from_slice(&self.boot.to_be_bytes());
        out[24..32].copy_from_slice(&self.seq.to_be_bytes());
        out
    }

    /// The reverse of [`Self::encode`], of bytes that [`is_frame`] accepted.
    pub(super) fn decode(bytes: &[u8; HEADER_LEN]) -> Self {
        Self {
            versions: Versions { min: bytes[4], max: bytes[5] },
            features: u16::from_be_bytes(first(&bytes[6..])),
            cluster: ClusterId { name: first(&bytes[8..]), key: first(&bytes[12..]) },
            from: bytes[16],
            to: bytes[17],
            kind: bytes[18],
            boot: u32::from_be_bytes(first(&bytes[20..])),
            seq: u64::from_be_bytes(first(&bytes[24..])),
        }
    }
}

/// The first `N` bytes of a slice that has them.
fn first<const N: usize>(bytes: &[u8]) -> [u8; N] {
    *bytes.first_chunk().expect("callers pass enough bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_comes_back_as_it_was() {
        let header = Header {
            versions: Versions { min: 2, max: 5 },
            features: 0xa1b2,
            cluster: ClusterId { name: [1, 2, 3, 4], key: [5, 6, 7, 8] },
            from: 9,
            to: 10,
            kind: 11,
            boot: 0x0102_0304,
            seq: 0x1122_3344_5566_7788,
        };
        assert_eq!(Header::decode(&header.encode()), header);
    }

    #[test]
    fn a_pair_speaks_the_newest_protocol_that_both_know() {
        let speaks = |min, max| Versions { min, max };
        assert_eq!(speaks(1, 3).common(speaks(2, 5)), Some(3));
        assert_eq!(speaks(2, 5).common(speaks(1, 3)), Some(3));
        assert_eq!(speaks(1, 1).common(speaks(1, 2)), Some(1));
        assert_eq!(speaks(1, 2).common(speaks(3, 4)), None);
        assert_eq!(speaks(3, 4).common(speaks(1, 2)), None);
    }
}
