//! Waiting for a condition with a deadline, instead of sleeping and hoping.

use std::{
    fmt::Display,
    thread,
    time::{Duration, Instant},
};

use crate::{Error, Result};

/// Calls `look` every `pause` until it answers `Ok`, for `limit` at most.
/// `Err` from `look` is what was seen instead; the last one is in the error.
pub fn until<T, S: Display>(
    what: impl Display,
    limit: Duration,
    pause: Duration,
    mut look: impl FnMut() -> std::result::Result<T, S>,
) -> Result<T> {
    let began = Instant::now();
    loop {
        let seen = match look() {
            Ok(found) => return Ok(found),
            Err(seen) => seen,
        };
        let elapsed = began.elapsed();
        if elapsed >= limit {
            let (what, last) = (what.to_string(), seen.to_string());
            return Err(Error::Late { what, seconds: elapsed.as_secs_f64(), last });
        }
        thread::sleep(pause.min(limit.saturating_sub(elapsed)));
    }
}
