//! The thread that writes: what came together since it last looked becomes one block.

use std::{
    io, mem,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, TryRecvError},
    },
    thread,
    time::Duration,
};

use super::{
    Head, Note, Snapshot,
    frame::{self, Kind, MAGIC},
    pack::{Before, put},
    ring::Ring,
};
use crate::journal::{Journal, Level};

/// Between two looks, unless something happens that must be on disk at once. A kill costs no more.
const LOOK: Duration = Duration::from_millis(250);
/// A block is not made longer than this.
const LONG: usize = 1 << 16;

pub(super) struct Writer {
    ring: Ring,
    head: Head,
    wanted: Arc<AtomicBool>,
    journal: Journal,
    before: Before,
    /// Inputs that are not yet in a block.
    inputs: Vec<u8>,
    /// Nothing can be written since the last failure, until the core comes.
    failed: bool,
    said: bool,
}

impl Writer {
    pub(super) fn new(ring: Ring, head: Head, wanted: Arc<AtomicBool>, journal: Journal) -> Self {
        let before = Before::new(head.born);
        Self { ring, head, wanted, journal, before, inputs: Vec::new(), failed: false, said: false }
    }

    /// Until the module is closed and all is written.
    pub(super) fn run(mut self, notes: &Receiver<Note>) {
        while self.turn(notes) {
            thread::park_timeout(LOOK);
        }
    }

    /// Writes all that is there; says whether more may come.
    pub(super) fn turn(&mut self, notes: &Receiver<Note>) -> bool {
        let more = self.drain(notes);
        self.flush();
        if self.ring.is_full() || self.failed {
            self.wanted.store(true, Ordering::Relaxed);
        }
        more
    }

    fn drain(&mut self, notes: &Receiver<Note>) -> bool {
        loop {
            match notes.try_recv() {
                Ok(Note::Input(input)) => {
                    self.before.pack(&input, &mut self.inputs);
                    if self.inputs.len() >= LONG {
                        self.flush();
                    }
                }
                Ok(Note::Core(snapshot)) => self.core(&snapshot),
                Ok(Note::Closed) => {
                    self.flush();
                    self.block(Kind::Closed, &[]);
                }
                Err(TryRecvError::Empty) => return true,
                Err(TryRecvError::Disconnected) => return false,
            }
        }
    }

    fn flush(&mut self) {
        if !self.inputs.is_empty() {
            let mut inputs = mem::take(&mut self.inputs);
            self.block(Kind::Inputs, &inputs);
            inputs.clear();
            self.inputs = inputs;
        }
    }

    /// The core: what follows can be understood from here on.
    fn core(&mut self, snapshot: &Snapshot) {
        self.flush();
        self.before = Before::new(snapshot.now);
        let mut content = Vec::new();
        put(&mut content, snapshot);
        if !self.failed && !self.ring.is_full() {
            return self.block(Kind::Core, &content);
        }
        let (mut bytes, mut head) = (MAGIC.to_vec(), Vec::new());
        put(&mut head, &self.head);
        frame::append(&mut bytes, Kind::Head, &head);
        frame::append(&mut bytes, Kind::Core, &content);
        let written = self.ring.begin(&bytes);
        self.judge(written);
    }

    /// What comes after a failure cannot be understood before the core comes again.
    fn block(&mut self, kind: Kind, content: &[u8]) {
        if self.failed {
            return;
        }
        let mut bytes = Vec::with_capacity(content.len() + 16);
        frame::append(&mut bytes, kind, content);
        let written = self.ring.append(&bytes);
        self.judge(written);
    }

    fn judge(&mut self, written: io::Result<()>) {
        self.failed = written.is_err();
        if let Err(error) = written
            && !mem::replace(&mut self.said, true)
        {
            let text = format!("the flight record has a gap, the module runs on: {error}");
            self.journal.say(Some(&self.head.module), "agent", Level::Event, text);
        }
        self.said &= self.failed;
    }
}
