//! The thread that beats: real-time and locked in memory where the machine permits.

use std::fmt;

use nix::{
    errno::Errno,
    libc,
    sys::{
        mman::{MlockAllFlags, mlockall},
        resource::{Resource, rlim_t, setrlimit},
    },
};

/// Above all ordinary threads, below what the kernel and watchdogs run at.
const PRIORITY: i32 = 20;
/// Above all ordinary threads, below the one that beats.
const HANDOVER_PRIORITY: i32 = 10;
const NICEST: i32 = -20;

/// Gives large buffers back to the kernel as soon as they are free: each mount has several of a megabyte, and
/// the allocator would keep one for each thread that ever had one.
#[expect(unsafe_code, reason = "mallopt has no safe wrapper")]
pub fn keep_memory_small() {
    const LARGE: i32 = 1 << 20;
    // SAFETY: sets a parameter of the allocator, under its own lock. It cannot fail for this value.
    _ = unsafe { libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE) };
}

/// What the calling thread and the process got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Realtime {
    pub schedule: Schedule,
    pub memory: Memory,
}

/// How the thread is scheduled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Schedule {
    /// `SCHED_FIFO`: a wait of at most 10 ms was measured under load.
    Fifo,
    /// Nice -20: up to 40 ms under load; why `SCHED_FIFO` was refused.
    Nice(Errno),
    /// Like any other thread: about 100 ms under load; why nice was refused too.
    Ordinary(Errno),
}

/// How the memory of the process is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Memory {
    /// All of it stays in memory, what comes later from its first use on.
    Locked,
    /// What there was stays in memory; there is a limit, so later memory is not locked.
    LockedSoFar,
    /// It may be swapped out; why locking was refused.
    Swappable(Errno),
}

/// Makes the calling thread real-time and locks the memory of the process, each as far as permitted. Threads
/// and processes that this thread starts are ordinary again.
pub fn realtime() -> Realtime {
    Realtime { schedule: schedule(), memory: lock() }
}

/// Lets the calling thread, which works only while an address or a role moves, run before all ordinary ones, as far
/// as permitted. Threads and processes that it starts are ordinary again.
pub fn handover_priority() {
    _ = fifo(HANDOVER_PRIORITY);
}

fn schedule() -> Schedule {
    match fifo(PRIORITY) {
        Ok(()) => Schedule::Fifo,
        Err(refused) => match nice() {
            Ok(()) => Schedule::Nice(refused),
            Err(refused) => Schedule::Ordinary(refused),
        },
    }
}

#[expect(unsafe_code, reason = "neither std nor nix can set a scheduling policy")]
fn fifo(sched_priority: i32) -> Result<(), Errno> {
    let param = libc::sched_param { sched_priority };
    // SAFETY: the call reads the struct, which outlives it; thread 0 is the calling one.
    let done = unsafe {
        libc::sched_setscheduler(0, libc::SCHED_FIFO | libc::SCHED_RESET_ON_FORK, &raw const param)
    };
    Errno::result(done).map(drop)
}

#[expect(unsafe_code, reason = "neither std nor nix can set the priority of one thread")]
fn nice() -> Result<(), Errno> {
    // SAFETY: plain numbers; on Linux the priority of "process 0" is the calling thread's.
    let done = unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, NICEST) };
    Errno::result(done).map(drop)
}

fn lock() -> Memory {
    const UNLIMITED: rlim_t = libc::RLIM_INFINITY;
    // Under a limit, locking future memory would make later allocations fail.
    let unlimited = setrlimit(Resource::RLIMIT_MEMLOCK, UNLIMITED, UNLIMITED).is_ok();
    match mlockall(MlockAllFlags::MCL_CURRENT) {
        Err(refused) => Memory::Swappable(refused),
        Ok(()) if unlimited && lock_on_fault().is_ok() => Memory::Locked,
        Ok(()) => Memory::LockedSoFar,
    }
}

/// Locks later memory when it is first used, not when it is reserved: stacks and arenas are reserved by
/// the megabyte.
fn lock_on_fault() -> Result<(), Errno> {
    let on_fault = MlockAllFlags::from_bits_retain(libc::MCL_ONFAULT);
    mlockall(MlockAllFlags::MCL_CURRENT | MlockAllFlags::MCL_FUTURE | on_fault)
}

impl fmt::Display for Realtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.schedule {
            Schedule::Fifo => write!(f, "heartbeat thread real-time (SCHED_FIFO {PRIORITY})")?,
            Schedule::Nice(why) => {
                write!(f, "heartbeat thread at nice {NICEST}, not real-time ({})", why.desc())?;
            }
            Schedule::Ordinary(why) => {
                write!(f, "heartbeat thread scheduled like any other ({})", why.desc())?;
            }
        }
        match self.memory {
            Memory::Locked => f.write_str(", memory locked"),
            Memory::LockedSoFar => f.write_str(", memory locked as far as the limit allows"),
            Memory::Swappable(why) => write!(f, ", memory not locked ({}): raise LimitMEMLOCK", why.desc()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, thread};

    use nix::sys::mman::munlockall;

    use super::*;

    /// Priority, nice and policy of the calling thread: fields 18, 19 and 41 of its stat.
    fn scheduled() -> [i32; 3] {
        let stat = fs::read_to_string("/proc/thread-self/stat").unwrap();
        let fields: Vec<_> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
        [18, 19, 41].map(|field| fields[field - 3].parse().unwrap())
    }

    fn locked_kilobytes() -> u64 {
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find(|line| line.starts_with("VmLck:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    #[test]
    fn the_thread_gets_what_is_reported_and_its_children_do_not() {
        let test = || {
            let got = realtime();
            let locked = locked_kilobytes();
            munlockall().unwrap();
            let [priority, nice, policy] = scheduled();
            match got.schedule {
                // A real-time priority p is shown as -1 - p.
                Schedule::Fifo => assert_eq!((priority, policy), (-1 - PRIORITY, libc::SCHED_FIFO)),
                Schedule::Nice(_) => assert_eq!((nice, policy), (NICEST, libc::SCHED_OTHER)),
                Schedule::Ordinary(_) => assert_eq!((nice, policy), (0, libc::SCHED_OTHER)),
            }
            assert_eq!(locked > 0, !matches!(got.memory, Memory::Swappable(_)), "{got}");
            if got.schedule == Schedule::Fifo {
                assert_eq!(thread::spawn(scheduled).join().unwrap()[2], libc::SCHED_OTHER);
            }
        };
        thread::spawn(test).join().unwrap();
    }

    #[test]
    fn the_log_says_what_was_refused_and_why() {
        let poor =
            Realtime { schedule: Schedule::Nice(Errno::EPERM), memory: Memory::Swappable(Errno::ENOMEM) };
        let text = poor.to_string();
        assert!(text.contains("not real-time") && text.contains("not permitted"), "{text}");
        assert!(text.contains("LimitMEMLOCK"), "{text}");
    }
}
