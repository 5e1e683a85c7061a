//! Ending, from another thread, what blocks on sockets.

use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::sync::PoisonError;
use std::time::Duration;

use crate::sync::{Condvar, Mutex, MutexGuard};

/// What a thread blocks on until it is cut.
pub(super) trait Cut {
    fn cut(&self);
}

impl Cut for TcpStream {
    fn cut(&self) {
        // One that is cut already is as good.
        let _ = self.shutdown(Shutdown::Both);
    }
}

impl Cut for TcpListener {
    fn cut(&self) {
        let _ = nix::sys::socket::shutdown(self.as_raw_fd(), nix::sys::socket::Shutdown::Both);
    }
}

/// Stops threads that wait for `S` or for time to pass.
pub(super) struct Stop<S> {
    state: Mutex<State<S>>,
    wake: Condvar,
}

struct State<S> {
    stopped: bool,
    held: Vec<S>,
}

impl<S: Cut> Stop<S> {
    pub(super) fn new() -> Self {
        Self { state: Mutex::new(State { stopped: false, held: Vec::new() }), wake: Condvar::new() }
    }

    fn state(&self) -> MutexGuard<'_, State<S>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What blocks is cut, also what comes later.
    pub(super) fn stop(&self) {
        let mut state = self.state();
        state.stopped = true;
        state.held.iter().for_each(S::cut);
        drop(state);
        self.wake.notify_all();
    }

    /// Cuts what blocks now.
    #[cfg(test)]
    pub(super) fn cut(&self) {
        self.state().held.iter().for_each(S::cut);
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.state().stopped
    }

    /// Before a thread blocks on it.
    pub(super) fn hold(&self, socket: S) {
        let mut state = self.state();
        if state.stopped {
            socket.cut();
        }
        state.held.push(socket);
    }

    /// Nobody blocks on what was held any more.
    pub(super) fn let_go(&self) {
        self.state().held.clear();
    }

    /// Waits so long, unless stopped.
    pub(super) fn pause(&self, time: Duration) {
        let state = self.state();
        if !state.stopped {
            drop(self.wake.wait_timeout(state, time));
        }
    }
}

#[cfg(all(test, feature = "loom"))]
mod explored {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

    use super::*;
    use crate::sync::{explore, thread};

    struct Socket(Arc<AtomicBool>);

    impl Cut for Socket {
        fn cut(&self) {
            self.0.store(true, SeqCst);
        }
    }

    #[test]
    fn who_blocks_or_is_about_to_is_stopped() {
        explore(81, || {
            let (stop, cut) = (Arc::new(Stop::new()), Arc::new(AtomicBool::new(false)));
            let thread = thread::spawn({
                let (stop, socket) = (Arc::clone(&stop), Socket(Arc::clone(&cut)));
                move || stop.hold(socket)
            });
            let waiting = thread::spawn({
                let stop = Arc::clone(&stop);
                // Without end: here time does not pass.
                move || stop.pause(Duration::MAX)
            });
            stop.stop();
            thread.join().unwrap();
            waiting.join().unwrap();
            assert!(cut.load(SeqCst) && stop.is_stopped());
        });
    }
}
