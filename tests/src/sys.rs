//! The system-call edge: everything in this crate that the compiler cannot check.

use std::{
    ffi::CStr,
    io,
    mem::MaybeUninit,
    os::{
        fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd},
        unix::process::CommandExt,
    },
    process::Command,
    sync::Arc,
};

use nix::{
    errno::Errno,
    mount::{MsFlags, mount},
    sched::{CloneFlags, setns},
    sys::{
        signal::{SigSet, Signal, kill},
        wait::{WaitPidFlag, WaitStatus, waitpid},
    },
    unistd::{Pid, mkdir, read, sethostname, setsid, write},
};

use crate::machine::{Plan, Step};

/// Namespaces that make a host.
pub(crate) const HOST: CloneFlags = CloneFlags::CLONE_NEWNS
    .union(CloneFlags::CLONE_NEWNET)
    .union(CloneFlags::CLONE_NEWPID)
    .union(CloneFlags::CLONE_NEWUTS);

/// Forks into new namespaces (none: an ordinary child). The child may only call async-signal-safe functions.
///
/// The raw call, not the C library's `fork`: that one takes locks which another thread may hold for ever.
fn fork(namespaces: CloneFlags) -> nix::Result<Option<Pid>> {
    let flags = libc::c_long::from(namespaces.bits() | libc::SIGCHLD);
    #[expect(unsafe_code, reason = "clone has no safe wrapper that makes a plain copy of the process")]
    // SAFETY: without CLONE_VM and with a null stack the child runs on its own copy of this stack. All callers
    // keep the child to system calls on memory that was prepared before.
    let pid =
        Errno::result(unsafe { libc::syscall(libc::SYS_clone, flags, 0_usize, 0_usize, 0_usize, 0_usize) })?;
    Ok((pid != 0).then(|| Pid::from_raw(pid as i32)))
}

fn close_from(first: u32) {
    #[expect(unsafe_code, reason = "close_range has no safe wrapper")]
    // SAFETY: only called in forked children that never return to code which owns one of these descriptors.
    unsafe {
        libc::syscall(libc::SYS_close_range, first, u32::MAX, 0_u32)
    };
}

fn exit(code: i32) -> ! {
    #[expect(unsafe_code, reason = "a forked child must not run the parent's exit handlers")]
    // SAFETY: no memory is involved.
    unsafe {
        libc::_exit(code)
    }
}

fn replace_fd(from: &OwnedFd, to: RawFd) {
    #[expect(unsafe_code, reason = "the safe wrapper wants to own the descriptor that is replaced")]
    // SAFETY: only called in the forked init, which has no owner of descriptors 0 and 1.
    unsafe {
        libc::dup2(from.as_raw_fd(), to)
    };
}

fn borrow(fd: RawFd) -> BorrowedFd<'static> {
    #[expect(unsafe_code, reason = "the init refers to its two descriptors by number")]
    // SAFETY: only called in the forked init for 0 and 1, which stay open until it exits.
    unsafe {
        BorrowedFd::borrow_raw(fd)
    }
}

/// Starts the init of a new host: pid 1 of its own namespaces, arranged as `plan` says. It holds `lifeline` and
/// lives until that has no writer any more. It reports on `ready`, two bytes when a step failed: its number and
/// the errno; else the word `ready`.
pub(crate) fn boot(plan: &Plan, lifeline: &OwnedFd, ready: &OwnedFd) -> nix::Result<Pid> {
    match fork(HOST)? {
        Some(init) => Ok(init),
        None => init(plan, lifeline, ready),
    }
}

fn init(plan: &Plan, lifeline: &OwnedFd, ready: &OwnedFd) -> ! {
    replace_fd(lifeline, 0);
    replace_fd(ready, 1);
    // Other hosts' lifelines, and the pipes on which a test harness waits for its test.
    close_from(2);
    let _ = setsid();
    for (number, step) in plan.steps.iter().enumerate() {
        if let Err(errno) = carry_out(step) {
            let report = [number as u8, errno as i32 as u8];
            let _ = write(borrow(1), &report);
            exit(1);
        }
    }
    ignore_children();
    let _ = write(borrow(1), b"ready");
    close(1);
    loop {
        match read(borrow(0), &mut [0; 1]) {
            Err(Errno::EINTR) => {}
            _ => exit(0),
        }
    }
}

fn close(fd: RawFd) {
    #[expect(unsafe_code, reason = "closing by number")]
    // SAFETY: only called in the forked init, for a descriptor that nobody owns.
    unsafe {
        libc::close(fd)
    };
}

/// Orphans become children of the init; ignoring SIGCHLD makes the kernel reap them.
fn ignore_children() {
    #[expect(unsafe_code, reason = "signal dispositions are process-wide")]
    // SAFETY: SIG_IGN runs no code.
    unsafe {
        libc::signal(libc::SIGCHLD, libc::SIG_IGN)
    };
}

fn carry_out(step: &Step) -> nix::Result<()> {
    match step {
        Step::Hostname(name) => sethostname(name.as_os_str()),
        Step::Mkdir(path) => match mkdir(path.as_c_str(), nix::sys::stat::Mode::from_bits_truncate(0o755)) {
            Err(Errno::EEXIST) => Ok(()),
            other => other,
        },
        Step::Mount { source, target, kind, flags, data } => {
            mount(Some(source.as_c_str()), target.as_c_str(), kind.as_deref(), *flags, data.as_deref())
        }
        Step::Private => {
            mount(None::<&CStr>, c"/", None::<&CStr>, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None::<&CStr>)
        }
    }
}

/// A descriptor that refers to a process and never to another one that got its number later.
pub(crate) fn pidfd(pid: Pid) -> nix::Result<OwnedFd> {
    #[expect(unsafe_code, reason = "pidfd_open has no safe wrapper")]
    // SAFETY: the result is a descriptor that nobody else owns, or an error.
    unsafe {
        let fd = Errno::result(libc::syscall(libc::SYS_pidfd_open, pid.as_raw(), 0_u32))?;
        Ok(OwnedFd::from_raw_fd(fd as RawFd))
    }
}

/// Lets the child of `command` run in the network of the host whose init `init` is, and nowhere else.
pub(crate) fn in_network(command: &mut Command, init: Arc<OwnedFd>) {
    #[expect(unsafe_code, reason = "namespaces are entered between fork and exec")]
    // SAFETY: one system call.
    unsafe {
        command.pre_exec(move || Ok(setns(&*init, CloneFlags::CLONE_NEWNET)?))
    };
}

/// Lets the child of `command` run on the host whose init `init` is.
///
/// Entering a PID namespace takes effect for children only. So the child that `Command` knows stays outside as
/// a stand-in: it passes signals on, ends as the program inside ends, and takes it along when it is killed.
pub(crate) fn on_host(command: &mut Command, init: Arc<OwnedFd>) {
    let enter = move || -> io::Result<()> {
        setns(&*init, HOST)?;
        if let Some(program) = fork(CloneFlags::empty())? {
            stand_in(program);
        }
        nix::sys::prctl::set_pdeathsig(Signal::SIGKILL)?;
        setsid()?;
        Ok(())
    };
    #[expect(unsafe_code, reason = "namespaces are entered between fork and exec")]
    // SAFETY: only system calls, in the child of a fork.
    unsafe {
        command.pre_exec(enter)
    };
}

fn stand_in(program: Pid) -> ! {
    // `Command` waits for the end of a pipe, and its user for those of the program's output.
    close_from(0);
    let all = SigSet::all();
    let _ = all.thread_set_mask();
    loop {
        match waitpid(program, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::Exited(_, code)) => exit(code),
            Ok(WaitStatus::Signaled(_, signal, _)) => end_by(signal),
            Ok(_) | Err(Errno::EINTR) => {}
            Err(_) => exit(127),
        }
        if let Ok(signal) = all.wait()
            && signal != Signal::SIGCHLD
        {
            let _ = kill(program, signal);
        }
    }
}

fn end_by(signal: Signal) -> ! {
    let _ = kill(Pid::this(), signal);
    let _ = SigSet::empty().thread_set_mask();
    exit(128 + signal as i32)
}

/// Lets the calling thread run before all ordinary ones, where permitted: a prober that waits for a processor would
/// take its own delay for the network's.
pub(crate) fn before_others() {
    let param = libc::sched_param { sched_priority: 5 };
    #[expect(unsafe_code, reason = "scheduling policies have no safe wrapper")]
    // SAFETY: the call reads a local; thread 0 is the calling one. Without permission nothing changes.
    unsafe {
        libc::sched_setscheduler(0, libc::SCHED_FIFO | libc::SCHED_RESET_ON_FORK, &raw const param)
    };
}

/// A raw socket for one protocol on one interface of the current network namespace.
pub(crate) fn packet_socket(interface: u32, protocol: u16) -> nix::Result<OwnedFd> {
    let protocol = protocol.to_be();
    #[expect(unsafe_code, reason = "packet addresses cannot be built with the safe wrappers")]
    // SAFETY: the address is a local, fully initialised value of the length that is passed.
    unsafe {
        let kind = libc::SOCK_RAW | libc::SOCK_CLOEXEC;
        let fd = Errno::result(libc::socket(libc::AF_PACKET, kind, i32::from(protocol)))?;
        let socket = OwnedFd::from_raw_fd(fd);
        let mut address: libc::sockaddr_ll = MaybeUninit::zeroed().assume_init();
        address.sll_family = libc::AF_PACKET as u16;
        address.sll_protocol = protocol;
        address.sll_ifindex = interface as i32;
        let length = size_of::<libc::sockaddr_ll>() as libc::socklen_t;
        Errno::result(libc::bind(fd, (&raw const address).cast(), length))?;
        Ok(socket)
    }
}
