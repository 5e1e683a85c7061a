//! Messages to a thread that waits in `poll`.

use std::{
    collections::VecDeque,
    os::fd::{AsFd, BorrowedFd},
    sync::PoisonError,
};

use nix::sys::eventfd::{EfdFlags, EventFd};

use crate::sync::Mutex;

/// What the reader sleeps on.
pub trait Bell {
    /// Wakes the reader, now or when it goes to sleep.
    fn ring(&self);
    /// Lets it sleep until the next ring.
    fn hush(&self);
}

impl Bell for EventFd {
    fn ring(&self) {
        // The one possible failure is a counter that cannot count further: the reader is woken then.
        _ = self.write(1);
    }

    fn hush(&self) {
        _ = self.read();
    }
}

/// A queue whose bell rings while something may be in it.
pub struct Mailbox<T, B = EventFd> {
    queue: Mutex<VecDeque<T>>,
    bell: B,
}

impl<T> Default for Mailbox<T> {
    fn default() -> Self {
        let event = EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)
            .expect("the kernel has an event and a descriptor left");
        Self::with(event)
    }
}

impl<T, B: Bell> Mailbox<T, B> {
    fn with(bell: B) -> Self {
        Self { queue: Mutex::new(VecDeque::new()), bell }
    }

    /// Adds a message and wakes the reader. Never waits for it.
    pub fn post(&self, message: T) {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).push_back(message);
        self.bell.ring();
    }

    /// Takes what is there, in order.
    pub fn take(&self) -> VecDeque<T> {
        // First the bell: a message that comes in between wakes the reader again.
        self.bell.hush();
        std::mem::take(&mut *self.queue.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<T> AsFd for Mailbox<T> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.bell.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

    use super::*;

    fn readable(mailbox: &Mailbox<u8>) -> bool {
        poll(&mut [PollFd::new(mailbox.as_fd(), PollFlags::POLLIN)], PollTimeout::ZERO).unwrap() > 0
    }

    #[test]
    fn messages_come_in_order_and_wake_until_they_are_taken() {
        let mailbox = Mailbox::default();
        assert!(!readable(&mailbox));
        mailbox.post(1);
        mailbox.post(2);
        assert!(readable(&mailbox));
        assert_eq!(mailbox.take(), [1, 2]);
        assert!(!readable(&mailbox) && mailbox.take().is_empty());
    }
}

#[cfg(all(test, feature = "loom"))]
mod explored {
    use std::sync::Arc;

    use super::*;
    use crate::sync::{Condvar, explore, thread};

    /// As the kernel's event: rung until it is hushed.
    struct Flag {
        rung: Mutex<bool>,
        changed: Condvar,
    }

    impl Bell for Flag {
        fn ring(&self) {
            *self.rung.lock().unwrap() = true;
            self.changed.notify_one();
        }

        fn hush(&self) {
            *self.rung.lock().unwrap() = false;
        }
    }

    impl Flag {
        fn wait(&self) {
            let mut rung = self.rung.lock().unwrap();
            while !*rung {
                rung = self.changed.wait(rung).unwrap();
            }
        }
    }

    #[test]
    fn no_message_is_lost_and_the_reader_is_always_woken() {
        explore(10_434, || {
            let bell = Flag { rung: Mutex::new(false), changed: Condvar::new() };
            let mailbox = Arc::new(Mailbox::with(bell));
            let posters = [[1, 2], [11, 12]].map(|messages| {
                let mailbox = Arc::clone(&mailbox);
                thread::spawn(move || messages.into_iter().for_each(|message| mailbox.post(message)))
            });
            let mut taken: Vec<u8> = Vec::new();
            while taken.len() < 4 {
                mailbox.bell.wait();
                taken.extend(mailbox.take());
            }
            for poster in posters {
                poster.join().unwrap();
            }
            let (one, other): (Vec<_>, Vec<_>) = taken.into_iter().partition(|message| *message < 10);
            assert_eq!((one, other), (vec![1, 2], vec![11, 12]));
        });
    }
}
