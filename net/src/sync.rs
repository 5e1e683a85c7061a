//! What threads share is built from these: the standard library's primitives, or in the tests that try every
//! schedule those of loom (`cargo test -p safetui-net --features loom --lib explored::`).
//!
//! A structure that is no more than one value behind one lock, or one number that nobody draws a conclusion from
//! together with another, uses the standard library's directly: there is no schedule that could go wrong.
//!
//! Only unit tests ever see loom, so the feature changes nothing in the product; and the name of its usual switch
//! is avoided, because tokio listens to it too.

#[cfg(all(test, feature = "loom"))]
pub(crate) use loom::{
    sync::{Condvar, Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard},
    thread,
};
#[cfg(not(all(test, feature = "loom")))]
pub(crate) use std::{
    sync::{Condvar, Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard},
    thread,
};

/// Tries every schedule of `scene` with at most three preemptions, or as many as `LOOM_MAX_PREEMPTIONS` says, and
/// compares their number with the known one: what changes it is looked at, then it is pinned again. Bounds on time
/// or on executions are not used, because loom lets a run that reached them pass.
#[cfg(all(test, feature = "loom"))]
pub(crate) fn explore(executions: usize, scene: impl Fn() + Send + Sync + 'static) {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };
    const PREEMPTIONS: usize = 3;
    let mut builder = loom::model::Builder::new();
    let bound = *builder.preemption_bound.get_or_insert(PREEMPTIONS);
    let tried = Arc::new(AtomicUsize::new(0));
    let count = tried.clone();
    builder.check(move || {
        count.fetch_add(1, Ordering::Relaxed);
        scene();
    });
    let tried = tried.load(Ordering::Relaxed);
    println!("{}: {tried} executions", std::thread::current().name().unwrap_or_default());
    if bound == PREEMPTIONS {
        assert_eq!(tried, executions, "the structure or its scene changed");
    }
}
