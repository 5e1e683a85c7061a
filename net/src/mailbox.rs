//! Messages to a thread that waits in `poll`.

use std::{
    collections::VecDeque,
    os::fd::{AsFd, BorrowedFd},
    sync::{Mutex, PoisonError},
};

use nix::sys::eventfd::{EfdFlags, EventFd};

/// A queue whose descriptor is readable while something may be in it.
pub struct Mailbox<T> {
    queue: Mutex<VecDeque<T>>,
    event: EventFd,
}

impl<T> Default for Mailbox<T> {
    fn default() -> Self {
        let event = EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)
            .expect("the kernel has an event and a descriptor left");
        Self { queue: Mutex::default(), event }
    }
}

impl<T> Mailbox<T> {
    /// Adds a message and wakes the reader. Never waits for it.
    pub fn post(&self, message: T) {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).push_back(message);
        // The one possible failure is a counter that cannot count further: the reader is woken then.
        _ = self.event.write(1);
    }

    /// Takes what is there, in order.
    pub fn take(&self) -> VecDeque<T> {
        // First the event: a message that comes in between wakes the reader again.
        _ = self.event.read();
        std::mem::take(&mut *self.queue.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<T> AsFd for Mailbox<T> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.event.as_fd()
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
