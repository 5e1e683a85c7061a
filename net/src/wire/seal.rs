//! Sealing and opening frames.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU64, Ordering},
};

use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};

use super::{
    frame::{ClusterId, EVERYONE, HEADER_LEN, Header, Versions, is_frame},
    key::ClusterKey,
    window::{Verdict, Window},
};

/// Length of the authentication tag in bytes.
const TAG_LEN: usize = 16;

/// Seals what one boot of one node says. Threads may share it.
pub struct Sealer {
    cipher: XChaCha20Poly1305,
    /// The header of each frame, but for whom and what it is.
    header: Header,
    /// Of the next frame: taken and raised at once, so no two threads have the same.
    seq: AtomicU64,
}

impl Sealer {
    /// Node `me` of the cluster called `name`. `boot` must be greater than in all earlier starts of this node's
    /// agent, and used by one sealer only: it keeps nonces from repeating and replays from being taken.
    pub fn new(key: &ClusterKey, name: &str, me: u8, boot: u32) -> Self {
        let cluster = ClusterId::new(key, name);
        let header =
            Header { versions: Versions::OURS, features: 0, cluster, from: me, to: 0, kind: 0, boot, seq: 0 };
        Self { cipher: cipher(key), header, seq: AtomicU64::new(1) }
    }

    /// The same, announcing other protocols or features than this build's.
    pub fn announcing(mut self, versions: Versions, features: u16) -> Self {
        self.header.versions = versions;
        self.header.features = features;
        self
    }

    /// The same, for who speaks in the name of a boot whose own sealer is gone: it counts where that one never
    /// came, so that nothing is sealed twice and everything is newer. Only one may do so.
    pub fn posthumous(self) -> Self {
        Self { seq: AtomicU64::new(1 << 63), ..self }
    }

    /// The same, counting from a place of its own: several sealers may then speak for one index in one boot. Only
    /// for those who open frames [repeatedly](Opener::open_repeatedly).
    pub fn scattered(self) -> Self {
        let mut bytes = [0; 8];
        getrandom::fill(&mut bytes).expect("every Linux that can run this has a random source");
        Self { seq: AtomicU64::new(u64::from_ne_bytes(bytes) >> 1), ..self }
    }

    /// The answer to an authentic frame, in the name of the cluster that it came from.
    pub fn answer(&self, question: &Header, kind: u8, payload: &[u8]) -> Vec<u8> {
        let seq = self.seq.fetch_add(1, Ordering::Relaxed);
        let (cluster, to) = (question.cluster, question.from);
        self.encrypt(&Header { cluster, to, kind, seq, ..self.header }, payload)
    }

    /// A frame of `kind` for node `to` or for [`EVERYONE`]. It is 48 bytes longer than its payload; keep it
    /// below 1200 bytes, so that it fits a packet on every network.
    pub fn seal(&self, kind: u8, to: u8, payload: &[u8]) -> Vec<u8> {
        let seq = self.seq.fetch_add(1, Ordering::Relaxed);
        self.encrypt(&Header { to, kind, seq, ..self.header }, payload)
    }

    fn encrypt(&self, header: &Header, payload: &[u8]) -> Vec<u8> {
        let plain = header.encode();
        let sealed = self
            .cipher
            .encrypt(&nonce(header), Payload { msg: payload, aad: &plain })
            .expect("payloads are far below the cipher's limit of 256 GiB");
        [&plain, sealed.as_slice()].concat()
    }
}

/// Opens what other nodes of the cluster sealed, each frame once.
pub struct Opener {
    cipher: XChaCha20Poly1305,
    cluster: ClusterId,
    any_name: bool,
    me: u8,
    versions: Versions,
    /// Newest boot of each node and what was taken of it.
    heard: BTreeMap<u8, (u32, Window)>,
}

/// An authentic frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    pub header: Header,
    pub payload: Vec<u8>,
}

/// Why a frame was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reject {
    #[error("this is not a safetui frame: another program uses this port or sends to it")]
    NotOurs,
    #[error("the frame ends after {0} bytes: the network cuts packets short, look at its MTU")]
    Truncated(usize),
    #[error(
        "the frame comes from another cluster: two clusters share this network and port, or the nodes have \
         different cluster.xml files"
    )]
    OtherCluster,
    #[error(
        "node {from} speaks protocols {} to {}, this node {} to {}: upgrade the older one, one release at a time",
        theirs.min, theirs.max, ours.min, ours.max
    )]
    Version { from: u8, theirs: Versions, ours: Versions },
    #[error(
        "node {from} has another cluster key: copy cluster.key from one node to the other, then restart the agent"
    )]
    WrongKey { from: u8 },
    #[error("a frame that claims to come from node {from} is not authentic: damaged on its way, or forged")]
    Forged { from: u8 },
    #[error(
        "node {from} sent a frame for node {to}: it was delivered to the wrong address, compare cluster.xml of both nodes"
    )]
    Elsewhere { from: u8, to: u8 },
    #[error("a frame of node {} arrived again, as it does when there are several networks", .0.header.from)]
    Duplicate(Packet),
    #[error(
        "an old frame of node {} was not taken (boot {}, sequence {}): delayed very long, or replayed by somebody; \
         if the node's state was restored from a backup, its boot counter went back",
        .0.from, .0.boot, .0.seq
    )]
    Replayed(Header),
}

impl Opener {
    /// For node `me` of the cluster called `name`.
    pub fn new(key: &ClusterKey, name: &str, me: u8) -> Self {
        Self {
            cipher: cipher(key),
            cluster: ClusterId::new(key, name),
            any_name: false,
            me,
            versions: Versions::OURS,
            heard: BTreeMap::new(),
        }
    }

    /// The same, for whatever the cluster that has the key is called.
    pub fn of_any_name(mut self) -> Self {
        self.any_name = true;
        self
    }

    /// The same, understanding other protocols than this build's.
    pub fn understanding(mut self, versions: Versions) -> Self {
        self.versions = versions;
        self
    }

    /// Checks and decrypts what arrived. Any bytes may be passed.
    pub fn open(&mut self, bytes: &[u8]) -> Result<Packet, Reject> {
        let packet = self.open_repeatedly(bytes)?;
        let Header { from, boot, seq, .. } = packet.header;
        let (newest, window) = self.heard.entry(from).or_insert((boot, Window::default()));
        if boot > *newest {
            (*newest, *window) = (boot, Window::default());
        }
        if boot < *newest {
            return Err(Reject::Replayed(packet.header));
        }
        match window.take(seq) {
            Verdict::New { .. } | Verdict::Late => Ok(packet),
            Verdict::Seen => Err(Reject::Duplicate(packet)),
            Verdict::TooOld => Err(Reject::Replayed(packet.header)),
        }
    }

    /// The same, however often and however late the frame comes: for what stays true and may be done again.
    pub fn open_repeatedly(&self, bytes: &[u8]) -> Result<Packet, Reject> {
        let packet = self.authenticate(bytes)?;
        let Header { from, to, .. } = packet.header;
        // Own frames come back from networks that loop.
        if from == self.me || (to != self.me && to != EVERYONE) {
            return Err(Reject::Elsewhere { from, to });
        }
        Ok(packet)
    }

    /// The order of these checks gives each cause its own name: a version or a key that differs is never
    /// reported as damage.
    fn authenticate(&self, bytes: &[u8]) -> Result<Packet, Reject> {
        if !is_frame(bytes) {
            return Err(Reject::NotOurs);
        }
        let (plain, sealed) = bytes
            .split_first_chunk::<HEADER_LEN>()
            .filter(|(_, sealed)| sealed.len() >= TAG_LEN)
            .ok_or(Reject::Truncated(bytes.len()))?;
        let header = Header::decode(plain);
        let from = header.from;
        if header.cluster.name != self.cluster.name && !self.any_name {
            return Err(Reject::OtherCluster);
        }
        if self.versions.common(header.versions).is_none() {
            return Err(Reject::Version { from, theirs: header.versions, ours: self.versions });
        }
        if header.cluster.key != self.cluster.key {
            return Err(Reject::WrongKey { from });
        }
        match self.cipher.decrypt(&nonce(&header), Payload { msg: sealed, aad: plain }) {
            Ok(payload) => Ok(Packet { header, payload }),
            Err(chacha20poly1305::Error) => Err(Reject::Forged { from }),
        }
    }
}

fn cipher(key: &ClusterKey) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(&key.derive("safetui 1 frames").into())
}

/// Never the same twice under one key: node and boot name the sealer, its sequence the frame. They need 14
/// bytes, hence the variant of the cipher that has 24.
fn nonce(header: &Header) -> XNonce {
    let mut nonce = XNonce::default();
    nonce[0] = header.from;
    nonce[1] = header.kind;
    nonce[4..8].copy_from_slice(&header.boot.to_be_bytes());
    nonce[8..16].copy_from_slice(&header.seq.to_be_bytes());
    nonce
}

#[cfg(test)]
mod tests;
