//! The guard: starts the agent, and when the agent is gone takes away what it held and says so to the peer.
//!
//! It is a process of its own, tiny and locked in memory, that touches no data. While the agent lives it reads
//! the disk only when a configuration has changed. An agent that stops pulsing is killed; only when the kernel
//! says that it is gone does anything follow from it.

mod child;
mod estate;
mod life;
mod start;

use std::{
    os::{fd::AsFd, unix::net::UnixStream},
    thread,
    time::{Duration, Instant},
};

use nix::sys::{
    prctl,
    signal::{SigSet, Signal},
};
use safetui_core::Boot;

use tracing_subscriber::EnvFilter;

use crate::{
    agent,
    api::{exit::Exit, shape::Problem},
    heartbeat::{keep_memory_small, realtime},
    node::Node,
    paths::Paths,
    store::next_boot,
};

use estate::Estate;
use life::{End, Life, Signals};

/// An agent that lived this long is started again at once.
const LONG_LIFE: Duration = Duration::from_secs(10);
/// Between two starts of an agent that dies young.
const SHORTEST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Guards the agent of this node until it is told to end. Everything that makes a start senseless is an error
/// before anything is touched.
pub fn run(paths: &Paths) -> Result<(), Box<Problem>> {
    trace();
    let _lock = start::prepare(paths)?;
    let node = start::node(paths)?;
    start::predecessor_is_gone(paths)?;
    start::port_is_free(&node)?;
    let signals = Signals::block().map_err(|error| start::broken("taking over the signals", &error))?;
    let mut estate = Estate::new(node);
    // A guard that was killed could not do it.
    estate.clear();
    // Without leave to lock its memory it still guards.
    _ = realtime();
    let mut pause = SHORTEST_PAUSE;
    loop {
        let boot = next_boot(&paths.var).map(Boot).map_err(|error| start::store(&error))?;
        let born = Instant::now();
        let life = Life::begin(boot).map_err(|error| start::broken("starting the agent", &error))?;
        let end = life.watch(&signals, &mut estate);
        estate.wind_up(boot);
        match end {
            End::Asked => return Ok(()),
            End::Never => return Err(start::never_beat()),
            End::Died => {}
        }
        pause = if born.elapsed() > LONG_LIFE { SHORTEST_PAUSE } else { (pause * 2).min(LONGEST_PAUSE) };
        if signals.asked_within(pause) {
            return Ok(());
        }
    }
}

/// The agent itself, as [`run`] starts it: in the life `boot`, with its guard at the other end of stdin.
pub fn agent(paths: &Paths, boot: u32) -> Result<(), Box<Problem>> {
    trace();
    keep_memory_small();
    // Whoever guards must not be survived: nobody would take away what this process holds.
    prctl::set_pdeathsig(Signal::SIGKILL)
        .map_err(|error| start::broken("binding the agent to its guard", &error))?;
    // The guard reads its signals from a descriptor; the scripts of the modules must get theirs as usual.
    SigSet::all().thread_unblock().map_err(|error| start::broken("giving back the signals", &error))?;
    let _alive = start::alive(paths)?;
    let guard = std::io::stdin().as_fd().try_clone_to_owned().map(UnixStream::from);
    let guard = guard.map_err(|error| start::broken("finding the guard", &error))?;
    let node = Node::load(paths).map_err(|error| start::node_problem(&error))?;
    agent::run(node, Boot(boot), guard).map_err(|error| start::broken("running the agent", &error))
}

/// What a developer wants to see goes to stderr, as much as `SAFETUI_TRACE` asks for; operators have the log.
fn trace() {
    let filter = EnvFilter::try_from_env("SAFETUI_TRACE").unwrap_or_else(|_| EnvFilter::new("warn"));
    // Only the first of two in one process can speak.
    _ = tracing_subscriber::fmt().with_writer(std::io::stderr).with_env_filter(filter).try_init();
}

/// Waits where nothing else can be done.
fn wait(span: Duration) {
    thread::sleep(span);
}

const fn exit(exit: Exit) -> u8 {
    exit.code()
}
