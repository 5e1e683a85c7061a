//! What the kernel is answered.

use std::ffi::OsStr;
use std::io::{self, IoSlice};
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;
use std::time::Duration;

use super::device::Device;
use super::protocol::ANSWER_HEAD;

/// The way back to whoever asked. An application waits for it: dropped, it says EIO.
pub(crate) struct Reply {
    device: Arc<Device>,
    unique: u64,
    given: bool,
}

/// What `stat` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Attr {
    /// The number of the file, for the kernel and for applications.
    pub(crate) ino: u64,
    pub(crate) size: u64,
    pub(crate) blocks: u64,
    pub(crate) atime: (i64, u32),
    pub(crate) mtime: (i64, u32),
    pub(crate) ctime: (i64, u32),
    /// With the type.
    pub(crate) mode: u32,
    pub(crate) nlink: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) rdev: u32,
    pub(crate) block_size: u32,
}

/// What `statvfs` says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Space {
    pub(crate) blocks: u64,
    pub(crate) free: u64,
    pub(crate) available: u64,
    pub(crate) files: u64,
    pub(crate) free_files: u64,
    pub(crate) block_size: u32,
    pub(crate) name_length: u32,
    pub(crate) fragment_size: u32,
}

impl Reply {
    pub(super) fn new(device: &Arc<Device>, unique: u64) -> Self {
        Self { device: Arc::clone(device), unique, given: false }
    }

    fn send(&mut self, parts: &[IoSlice<'_>]) {
        self.given = true;
        match self.device.send(parts) {
            Ok(()) => {}
            // Who asked has been killed, or the mount is gone.
            Err(error) if matches!(error.raw_os_error(), Some(libc::ENOENT | libc::ENODEV)) => {}
            Err(error) => tracing::warn!(%error, "the kernel did not take an answer"),
        }
    }

    fn answer(mut self, answer: Answer) {
        let bytes = answer.finish(self.unique);
        self.send(&[IoSlice::new(&bytes)]);
    }

    pub(crate) fn error(mut self, errno: i32) {
        self.send(&[IoSlice::new(&error_answer(self.unique, errno))]);
    }

    pub(crate) fn failed(self, error: &io::Error) {
        self.error(error.raw_os_error().unwrap_or(libc::EIO));
    }

    /// Without a word more.
    pub(crate) fn done(self) {
        self.answer(Answer::new());
    }

    pub(crate) fn data(mut self, data: &[u8]) {
        let mut head = [0; ANSWER_HEAD];
        set_head(&mut head, ANSWER_HEAD + data.len(), 0, self.unique);
        self.send(&[IoSlice::new(&head), IoSlice::new(data)]);
    }

    /// The kernel may believe it for `ttl`.
    pub(crate) fn entry(self, ttl: Duration, attr: &Attr) {
        let mut answer = Answer::new();
        answer.entry(ttl, attr);
        self.answer(answer);
    }

    /// The kernel may believe it for `ttl`.
    pub(crate) fn attr(self, ttl: Duration, attr: &Attr) {
        let mut answer = Answer::new();
        answer.u64(ttl.as_secs()).u32(ttl.subsec_nanos()).u32(0).attr(attr);
        self.answer(answer);
    }

    pub(crate) fn opened(self, handle: u64, flags: u32) {
        let mut answer = Answer::new();
        answer.opened(handle, flags);
        self.answer(answer);
    }

    pub(crate) fn created(self, ttl: Duration, attr: &Attr, handle: u64, flags: u32) {
        let mut answer = Answer::new();
        answer.entry(ttl, attr).opened(handle, flags);
        self.answer(answer);
    }

    pub(crate) fn written(self, size: u32) {
        let mut answer = Answer::new();
        answer.u32(size).u32(0);
        self.answer(answer);
    }

    /// An extended attribute, or their names: how long they are, if that was asked for, and what they are, if so much
    /// was asked for.
    pub(crate) fn xattr(self, room: u32, value: &[u8]) {
        match room as usize {
            0 => self.written(value.len() as u32),
            room if room < value.len() => self.error(libc::ERANGE),
            _ => self.data(value),
        }
    }

    pub(crate) fn position(self, offset: u64) {
        let mut answer = Answer::new();
        answer.u64(offset);
        self.answer(answer);
    }

    pub(crate) fn space(self, space: &Space) {
        let mut answer = Answer::new();
        answer.u64(space.blocks).u64(space.free).u64(space.available);
        answer.u64(space.files).u64(space.free_files);
        answer.u32(space.block_size).u32(space.name_length).u32(space.fragment_size).zeros(28);
        self.answer(answer);
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        if !self.given {
            self.send(&[IoSlice::new(&error_answer(self.unique, libc::EIO))]);
        }
    }
}

/// The entries of a directory that fit in one answer.
pub(crate) struct Listing {
    answer: Answer,
    room: usize,
}

impl Listing {
    pub(crate) fn new(room: u32) -> Self {
        Self { answer: Answer::new(), room: room as usize + ANSWER_HEAD }
    }

    /// Adds an entry, after which reading goes on at `next`. False if it does not fit.
    pub(crate) fn add(&mut self, name: &OsStr, ino: u64, next: u64, mode: u32) -> bool {
        let fits = self.has_room(name, 0);
        if fits {
            self.answer.directory_entry(name, ino, next, mode);
        }
        fits
    }

    /// Adds one with its attributes, which the kernel may believe for `ttl`: it has then been looked up.
    pub(crate) fn add_plus(&mut self, name: &OsStr, next: u64, ttl: Duration, attr: &Attr) -> bool {
        let fits = self.has_room(name, Answer::ENTRY);
        if fits {
            self.answer.entry(ttl, attr).directory_entry(name, attr.ino, next, attr.mode);
        }
        fits
    }

    fn has_room(&self, name: &OsStr, before: usize) -> bool {
        let length = before + (Answer::DIRECTORY_ENTRY + name.len()).next_multiple_of(8);
        self.answer.0.len() + length <= self.room
    }

    pub(crate) fn give(self, reply: Reply) {
        reply.answer(self.answer);
    }
}

/// An answer as it grows, after room for its head.
pub(super) struct Answer(Vec<u8>);

impl Answer {
    const ENTRY: usize = 128;
    const DIRECTORY_ENTRY: usize = 24;

    pub(super) fn new() -> Self {
        // Most answers are an entry or shorter.
        let mut bytes = Vec::with_capacity(ANSWER_HEAD + Self::ENTRY + 16);
        bytes.resize(ANSWER_HEAD, 0);
        Self(bytes)
    }

    pub(super) fn u16(&mut self, value: u16) -> &mut Self {
        self.0.extend_from_slice(&value.to_ne_bytes());
        self
    }

    pub(super) fn u32(&mut self, value: u32) -> &mut Self {
        self.0.extend_from_slice(&value.to_ne_bytes());
        self
    }

    fn u64(&mut self, value: u64) -> &mut Self {
        self.0.extend_from_slice(&value.to_ne_bytes());
        self
    }

    pub(super) fn zeros(&mut self, count: usize) -> &mut Self {
        self.0.resize(self.0.len() + count, 0);
        self
    }

    fn entry(&mut self, ttl: Duration, attr: &Attr) -> &mut Self {
        let generation = 0;
        let (seconds, nanos) = (ttl.as_secs(), ttl.subsec_nanos());
        self.u64(attr.ino).u64(generation).u64(seconds).u64(seconds).u32(nanos).u32(nanos).attr(attr)
    }

    fn attr(&mut self, attr: &Attr) -> &mut Self {
        self.u64(attr.ino).u64(attr.size).u64(attr.blocks);
        let times = [attr.atime, attr.mtime, attr.ctime];
        for (seconds, _) in times {
            self.u64(seconds as u64);
        }
        for (_, nanos) in times {
            self.u32(nanos);
        }
        let no_flags = 0;
        self.u32(attr.mode).u32(attr.nlink).u32(attr.uid).u32(attr.gid).u32(attr.rdev);
        self.u32(attr.block_size).u32(no_flags)
    }

    fn opened(&mut self, handle: u64, flags: u32) -> &mut Self {
        self.u64(handle).u32(flags).u32(0)
    }

    fn directory_entry(&mut self, name: &OsStr, ino: u64, next: u64, mode: u32) {
        self.u64(ino).u64(next).u32(name.len() as u32).u32((mode & libc::S_IFMT) >> 12);
        self.0.extend_from_slice(name.as_bytes());
        self.0.resize(self.0.len().next_multiple_of(8), 0);
    }

    pub(super) fn finish(mut self, unique: u64) -> Vec<u8> {
        let length = self.0.len();
        set_head(&mut self.0, length, 0, unique);
        self.0
    }
}

pub(super) fn error_answer(unique: u64, errno: i32) -> [u8; ANSWER_HEAD] {
    let mut head = [0; ANSWER_HEAD];
    set_head(&mut head, ANSWER_HEAD, errno, unique);
    head
}

fn set_head(head: &mut [u8], length: usize, errno: i32, unique: u64) {
    head[..4].copy_from_slice(&(length as u32).to_ne_bytes());
    head[4..8].copy_from_slice(&(-errno).to_ne_bytes());
    head[8..16].copy_from_slice(&unique.to_ne_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: Attr = Attr {
        ino: 5,
        size: 6,
        blocks: 7,
        atime: (-1, 8),
        mtime: (9, 10),
        ctime: (11, 12),
        mode: libc::S_IFREG | 0o644,
        nlink: 1,
        uid: 13,
        gid: 14,
        rdev: 15,
        block_size: 4096,
    };

    #[test]
    fn an_entry_is_as_long_as_in_the_kernels_header() {
        let mut answer = Answer::new();
        answer.entry(Duration::from_millis(1500), &FILE);
        assert_eq!(answer.0.len(), ANSWER_HEAD + Answer::ENTRY);
        let bytes = answer.finish(3);
        assert_eq!(bytes[..8], [144, 0, 0, 0, 0, 0, 0, 0]);
        // Seconds and nanoseconds of the name, after node and generation.
        assert_eq!(bytes[ANSWER_HEAD + 16..][..8], 1_u64.to_ne_bytes());
        assert_eq!(bytes[ANSWER_HEAD + 32..][..4], 500_000_000_u32.to_ne_bytes());
        // The time before 1970.
        assert_eq!(bytes[ANSWER_HEAD + 64..][..8], (-1_i64).to_ne_bytes());
    }

    #[test]
    fn a_listing_takes_what_fits_and_not_more() {
        for room in 0..200 {
            let mut listing = Listing::new(room);
            let names = [OsStr::new("a"), OsStr::new("eight888"), OsStr::new("nine99999")];
            let fitted = names.iter().take_while(|name| listing.add(name, 1, 2, libc::S_IFDIR)).count();
            let needed = [0, 32, 64, 104];
            assert_eq!(listing.answer.0.len(), ANSWER_HEAD + needed[fitted], "room {room}");
            assert!(needed[fitted] <= room as usize);
            assert!(fitted == 3 || needed[fitted + 1] > room as usize);
        }
    }
}
