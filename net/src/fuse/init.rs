//! How a mount begins: the kernel says what it can do, and hears what it shall do.

use std::io::{self, IoSlice};

use super::device::Device;
use super::protocol::{LONGEST_REQUEST, LONGEST_WRITE, MAJOR, MINOR, OLDEST_MINOR, capability, opcode};
use super::reply::{Answer, error_answer};
use super::request::Head;

/// A kernel without one of these is slower, or knows no access control lists.
const WANTED: u64 = capability::ASYNC_READ
    | capability::BIG_WRITES
    | capability::ASYNC_DIO
    | capability::PARALLEL_DIROPS
    | capability::CACHE_SYMLINKS
    | capability::HANDLE_KILLPRIV_V2
    | capability::POSIX_ACL
    | capability::DONT_MASK
    | capability::DO_READDIRPLUS
    | capability::READDIRPLUS_AUTO
    | capability::MAX_PAGES;

/// What the kernel begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Init {
    unique: u64,
    major: u32,
    minor: u32,
    read_ahead: u32,
    capabilities: u64,
}

impl Init {
    fn decode(bytes: &[u8]) -> Option<Self> {
        let (head, mut args) = Head::decode(bytes)?;
        if head.opcode != opcode::INIT {
            return None;
        }
        let mut word = || args.u32().ok();
        let (major, minor, read_ahead, low) = (word()?, word()?, word()?, u64::from(word()?));
        let high = if low & capability::INIT_EXT == 0 { 0 } else { u64::from(word()?) };
        Some(Self { unique: head.unique, major, minor, read_ahead, capabilities: high << 32 | low })
    }

    /// The capabilities that both have.
    fn agreed(self) -> u64 {
        self.capabilities & (WANTED | capability::INIT_EXT)
    }

    fn answer(self) -> Vec<u8> {
        let page = rustix::param::page_size();
        let agreed = self.agreed();
        let mut answer = Answer::new();
        answer.u32(MAJOR).u32(MINOR.min(self.minor)).u32(self.read_ahead).u32(agreed as u32);
        // As many requests in the background, and as many pages waiting, as the kernel likes.
        answer.u16(0).u16(0).u32(LONGEST_WRITE as u32);
        let nanosecond = 1;
        answer.u32(nanosecond).u16((LONGEST_WRITE / page) as u16).u16(0).u32((agreed >> 32) as u32);
        answer.zeros(28);
        answer.finish(self.unique)
    }
}

/// Agrees with the kernel, which sends nothing else before.
pub(super) fn agree(device: &Device) -> io::Result<()> {
    let mut buffer = vec![0; LONGEST_REQUEST];
    let received = device.receive(&mut buffer)?.ok_or(io::ErrorKind::NotConnected)?;
    let init = Init::decode(received)
        .ok_or_else(|| io::Error::other("the kernel began with something else than FUSE_INIT"))?;
    if init.major != MAJOR || init.minor < OLDEST_MINOR {
        device.send(&[IoSlice::new(&error_answer(init.unique, libc::EPROTO))])?;
        let why = format!("the kernel speaks FUSE {}.{}, not {MAJOR}.{OLDEST_MINOR}", init.major, init.minor);
        return Err(io::Error::new(io::ErrorKind::Unsupported, why));
    }
    device.send(&[IoSlice::new(&init.answer())])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuse::request::tests::Bytes;
    use crate::fuzz;

    fn of_linux() -> Init {
        let capabilities = capability::INIT_EXT | capability::MAX_PAGES | capability::POSIX_ACL | 0xff << 32;
        Init { unique: 2, major: 7, minor: 45, read_ahead: 128 << 10, capabilities }
    }

    fn encode(init: Init) -> Vec<u8> {
        let bytes = Bytes::request(opcode::INIT, init.unique, 0).u32(init.major).u32(init.minor);
        let bytes = bytes.u32(init.read_ahead).u32(init.capabilities as u32);
        bytes.u32((init.capabilities >> 32) as u32).zeros(44).finish()
    }

    #[test]
    fn only_what_both_can_is_agreed() {
        let init = of_linux();
        assert_eq!(Init::decode(&encode(init)), Some(init));
        let agreed = capability::INIT_EXT | capability::MAX_PAGES | capability::POSIX_ACL;
        assert_eq!(init.agreed(), agreed);
        let answer = init.answer();
        assert_eq!(answer.len(), 16 + 64);
        assert_eq!(answer[16..24], [7, 0, 0, 0, 40, 0, 0, 0]);
        assert_eq!(answer[28..32], (agreed as u32).to_ne_bytes());
    }

    fuzz::target!(any_bytes_are_a_beginning_or_none, [encode(of_linux())], |bytes| {
        if let Some(init) = Init::decode(bytes) {
            assert_eq!(init.agreed() & !init.capabilities, 0);
            assert_eq!(init.answer().len(), 80);
        }
    });
}
