//! The secured stream between two nodes: handshake, records, keys.
//!
//! Both sides send a clear hello (version, nonce, cluster-wide module name, own and peer's name). The keys of the two
//! directions come from the shared secret, both nonces and the names; the first record of each side proves
//! that it has them. A record is a 32-bit length and that many encrypted bytes with their tag; the nonce is
//! the number of the record, so none can be dropped, repeated or exchanged.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use chacha20poly1305::aead::{AeadInPlace, KeyInit};
use chacha20poly1305::{ChaCha20Poly1305, Key, Nonce, Tag};
use nix::sys::socket::{setsockopt, sockopt};

use super::frame::{Reader, Writer};

const MAGIC: &[u8; 8] = b"safetuiR";
const VERSION: u8 = 3;
const TAG: usize = 16;
/// Above the largest batch plus the largest single frame.
const LARGEST: usize = 64 << 20;
/// Proves that the sender has the key.
const READY: &[u8] = b"ready";
const HANDSHAKE: Duration = Duration::from_secs(5);

/// Who talks to whom about what.
#[derive(Clone, Debug)]
pub(super) struct Party {
    pub(super) secret: [u8; 32],
    pub(super) module: String,
    pub(super) me: String,
    pub(super) peer: String,
    pub(super) patience: Duration,
}

/// One direction: encrypts or decrypts records in order.
struct Cipher {
    aead: ChaCha20Poly1305,
    count: u64,
}

impl Cipher {
    fn new(key: &[u8; 32]) -> Self {
        Self { aead: ChaCha20Poly1305::new(Key::from_slice(key)), count: 0 }
    }

    /// The bytes of the next record.
    fn seal<M: AsRef<[u8]>>(&mut self, messages: &[M]) -> io::Result<Vec<u8>> {
        let mut record = Writer(vec![0; 4]);
        for message in messages {
            record.bytes(message.as_ref());
        }
        let mut record = record.0;
        let length = u32::try_from(record.len() - 4 + TAG).map_err(io::Error::other)?.to_le_bytes();
        record[..4].copy_from_slice(&length);
        let nonce = self.next_nonce();
        let tag = self.aead.encrypt_in_place_detached(&nonce, &length, &mut record[4..]);
        record.extend_from_slice(&tag.map_err(|_| io::Error::other("a record is too long to encrypt"))?);
        Ok(record)
    }

    /// The messages of the next record, which is at most so long.
    fn open(&mut self, from: &mut impl Read, most: usize) -> io::Result<Vec<Vec<u8>>> {
        let mut length = [0; 4];
        from.read_exact(&mut length)?;
        let size = u32::from_le_bytes(length) as usize;
        if !(TAG..=most).contains(&size) {
            return Err(broken("a record of impossible length"));
        }
        let mut record = vec![0; size];
        from.read_exact(&mut record)?;
        let tag = record.split_off(size - TAG);
        let nonce = self.next_nonce();
        let tag = Tag::from_slice(&tag);
        let opened = self.aead.decrypt_in_place_detached(&nonce, &length, &mut record, tag);
        opened.map_err(|_| broken("a record that this cluster's key did not seal"))?;
        let mut reader = Reader(&record);
        let mut messages = Vec::new();
        while !reader.0.is_empty() {
            messages.push(reader.bytes().ok_or_else(|| broken("a record that ends inside a message"))?);
        }
        Ok(messages)
    }

    fn next_nonce(&mut self) -> Nonce {
        let mut nonce = [0; 12];
        nonce[..8].copy_from_slice(&self.count.to_le_bytes());
        self.count += 1;
        nonce.into()
    }
}

/// The sending half.
pub(super) struct Sender {
    socket: TcpStream,
    cipher: Cipher,
}

/// The receiving half.
pub(super) struct Receiver {
    socket: io::BufReader<TcpStream>,
    cipher: Cipher,
}

impl Sender {
    /// Sends `messages` as one record.
    pub(super) fn send<M: AsRef<[u8]>>(&mut self, messages: &[M]) -> io::Result<()> {
        let record = self.cipher.seal(messages)?;
        self.socket.write_all(&record)
    }
}

impl Receiver {
    /// The messages of the next record.
    pub(super) fn receive(&mut self) -> io::Result<Vec<Vec<u8>>> {
        self.cipher.open(&mut self.socket, LARGEST)
    }

    /// Bytes that have arrived already.
    pub(super) fn has_more(&self) -> bool {
        !self.socket.buffer().is_empty()
    }
}

fn broken(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the peer sent {what}"))
}

/// Secures a fresh connection. The error says whether key, cluster, module or version differ.
pub(super) fn secure(socket: &TcpStream, party: &Party, connecting: bool) -> io::Result<(Sender, Receiver)> {
    socket.set_nodelay(true)?;
    socket.set_read_timeout(Some(HANDSHAKE))?;
    setsockopt(socket, sockopt::TcpUserTimeout, &(party.patience.as_millis() as u32))?;
    setsockopt(socket, sockopt::KeepAlive, &true)?;
    setsockopt(socket, sockopt::TcpKeepIdle, &1)?;
    setsockopt(socket, sockopt::TcpKeepInterval, &1)?;

    let mut nonce = [0; 32];
    getrandom::fill(&mut nonce).map_err(|error| io::Error::other(error.to_string()))?;
    let theirs = exchange_hellos(socket, party, &nonce)?;

    let (first, second) = if connecting { (nonce, theirs) } else { (theirs, nonce) };
    let (caller, callee) = if connecting { (&party.me, &party.peer) } else { (&party.peer, &party.me) };
    let key = |direction: u8| {
        let mut w = Writer::default();
        w.bytes(&party.secret).bytes(&first).bytes(&second).u8(direction);
        w.bytes(party.module.as_bytes()).bytes(caller.as_bytes()).bytes(callee.as_bytes());
        blake3::derive_key("safetui replication stream 1", &w.0)
    };
    let (out, back) = if connecting { (key(0), key(1)) } else { (key(1), key(0)) };
    let mut sender = Sender { socket: socket.try_clone()?, cipher: Cipher::new(&out) };
    let mut receiver = Receiver {
        socket: io::BufReader::with_capacity(256 << 10, socket.try_clone()?),
        cipher: Cipher::new(&back),
    };
    sender.send(&[READY])?;
    // Nobody has proved anything yet who could make this node set memory aside.
    receiver.cipher.open(&mut receiver.socket, TAG + 4 + READY.len()).map_err(|error| {
        match error.kind() {
            io::ErrorKind::InvalidData => io::Error::new(
                io::ErrorKind::PermissionDenied,
                format!("{} has another cluster key: copy the key of one node to the other", party.peer),
            ),
            _ => error,
        }
    })?;
    socket.set_read_timeout(None)?;
    Ok((sender, receiver))
}

/// Sends ours, checks theirs, and returns their nonce.
fn exchange_hellos(mut socket: &TcpStream, party: &Party, nonce: &[u8; 32]) -> io::Result<[u8; 32]> {
    let mut hello = Writer::default();
    hello.bytes(nonce).bytes(party.module.as_bytes()).bytes(party.me.as_bytes()).bytes(party.peer.as_bytes());
    let mut head = Writer(MAGIC.to_vec());
    head.u8(VERSION).bytes(&hello.0);
    socket.write_all(&head.0)?;

    let mut head = [0; 13];
    socket.read_exact(&mut head)?;
    let length = u32::from_le_bytes(head[9..].try_into().expect("four bytes")) as usize;
    if &head[..8] != MAGIC || length > 4096 {
        return Err(refused("what answers there is not safetui".into()));
    }
    if head[8] != VERSION {
        return Err(refused(format!(
            "{} speaks version {}, this node {VERSION}: update the older",
            party.peer, head[8]
        )));
    }
    let mut hello = vec![0; length];
    socket.read_exact(&mut hello)?;
    read_hello(&hello, party)
}

/// The nonce, if it is the peer that says hello.
fn read_hello(hello: &[u8], party: &Party) -> io::Result<[u8; 32]> {
    let mut r = Reader(hello);
    let mut text = || r.bytes().ok_or_else(|| broken("an incomplete hello"));
    let theirs = text()?;
    let [module, me, peer] = [text()?, text()?, text()?].map(|b| String::from_utf8_lossy(&b).into_owned());
    if module != party.module {
        return Err(refused(format!("it replicates module {module}, this node {}", party.module)));
    }
    if (&me, &peer) != (&party.peer, &party.me) {
        let (p, m) = (&party.peer, &party.me);
        return Err(refused(format!("it is {me} looking for {peer}, but this is {m} looking for {p}")));
    }
    theirs.try_into().map_err(|_| broken("a nonce of the wrong length"))
}

fn refused(why: String) -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzz;

    fn cipher() -> Cipher {
        Cipher::new(&[7; 32])
    }

    /// The first records of some connections.
    fn records() -> [Vec<u8>; 4] {
        let messages: [&[&[u8]]; 4] = [&[], &[READY], &[b"one", b"", b"two"], &[&[0xa5; 300]]];
        messages.map(|messages| cipher().seal(messages).unwrap())
    }

    fuzz::target!(any_bytes_are_a_record_that_was_sealed_or_an_error, records(), |mut bytes| {
        let all = bytes;
        if cipher().open(&mut bytes, LARGEST_TRIED).is_ok() {
            let used = &all[..all.len() - bytes.len()];
            assert!(records().iter().any(|record| record == used), "damage was taken for another record");
        }
    });

    /// A length is only believed up to here.
    const LARGEST_TRIED: usize = 64 << 10;

    fn party() -> Party {
        Party {
            secret: [7; 32],
            module: "shop".into(),
            me: "a".into(),
            peer: "b".into(),
            patience: Duration::from_secs(1),
        }
    }

    fn hello(nonce: &[u8]) -> Vec<u8> {
        let mut hello = Writer::default();
        hello.bytes(nonce).bytes(b"shop").bytes(b"b").bytes(b"a");
        hello.0
    }

    fuzz::target!(
        any_bytes_are_the_hello_of_the_peer_or_refused,
        [hello(&[9; 32]), hello(&[9; 31])],
        |bytes| {
            if let Ok(nonce) = read_hello(bytes, &party()) {
                assert!(bytes[4..].starts_with(&nonce));
            }
        }
    );

    #[test]
    fn who_has_proved_nothing_gets_no_memory() {
        let claims = (LARGEST as u32).to_le_bytes();
        fuzz::bounded(&claims, |mut bytes| {
            let refused = cipher().open(&mut bytes, TAG + 4 + READY.len()).unwrap_err();
            assert_eq!(refused.kind(), io::ErrorKind::InvalidData);
        });
    }
}
