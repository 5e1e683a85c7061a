//! Every decoder meets bytes that nobody meant to send: any bytes, and good or nearly good ones after damage.
//!
//! A target is these lines in the tests of its decoder, with what is to be damaged and what must hold for any bytes:
//!
//! ```ignore
//! fuzz::target!(any_bytes_are_a_record_or_an_error, [encode(&record)], |bytes| {
//!     assert!(decode(bytes).is_none_or(|record| decode(&encode(&record)) == Some(record)));
//! });
//! ```
//!
//! `cargo test` replays the files in `__fuzz__/…/corpus` beside the test, then tries [`ROUNDS`] new inputs; it never
//! stops early. A failure is shrunk and names its seed. `BOLERO_RANDOM_ITERATIONS=1000000 cargo test …` tries more,
//! and with nightly Rust `cargo bolero test -p safetui-net PATH::OF::THE::TARGET` lets libFuzzer look for new paths
//! through the code.

use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

/// New inputs of each target under `cargo test`: about a second.
pub(crate) const ROUNDS: usize = 6000;

/// Memory that a decoder may hold at once, besides so much for each byte that it was given.
const MEMORY: u64 = 64 << 10;
const MEMORY_PER_BYTE: u64 = 256;
/// Processor time for one input.
const PATIENCE: Duration = Duration::from_secs(1);

macro_rules! target {
    ($name:ident, $seeds:expr, $holds:expr) => {
        #[test]
        fn $name() {
            let seeds: Vec<Vec<u8>> = $seeds.into_iter().map(Vec::from).collect();
            let holds: fn(&[u8]) = $holds;
            for seed in &seeds {
                $crate::fuzz::bounded(seed, holds);
            }
            bolero::check!().with_iterations($crate::fuzz::ROUNDS).for_each(|input: &[u8]| {
                $crate::fuzz::bounded(input, holds);
                $crate::fuzz::bounded(&$crate::fuzz::damaged(input, &seeds), holds);
            });
        }
    };
}
pub(crate) use target;

/// Decodes within the bounds of memory and time.
pub(crate) fn bounded(bytes: &[u8], decode: impl FnOnce(&[u8])) {
    let begun = processor_time();
    let used = allocation_counter::measure(|| decode(bytes));
    let (took, most) =
        (processor_time().saturating_sub(begun), MEMORY + MEMORY_PER_BYTE * bytes.len() as u64);
    assert!(used.bytes_max <= most, "{} bytes of memory for {} bytes", used.bytes_max, bytes.len());
    assert!(took <= PATIENCE, "{took:?} for {} bytes", bytes.len());
}

/// Of this thread: a busy machine does not count.
fn processor_time() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).expect("every thread has a clock").into()
}

/// One of the seeds with the wounds that `script` describes, five bytes for each.
pub(crate) fn damaged(script: &[u8], seeds: &[Vec<u8>]) -> Vec<u8> {
    let Some((&which, script)) = script.split_first() else { return seeds[0].clone() };
    let mut bytes = seeds[usize::from(which) % seeds.len()].clone();
    // With more, nothing is left of what was good.
    for wound in script.chunks_exact(5).take(6) {
        let [what, high, low, length, value] = *wound else { unreachable!("chunks of five") };
        let at = usize::from(u16::from_be_bytes([high, low])) % (bytes.len() + 1);
        let end = (at + usize::from(length)).min(bytes.len());
        match what % 7 {
            0 => bytes.truncate(at),
            1 => bytes.insert(at, value),
            2 => drop(bytes.drain(at..end)),
            3 => bytes.extend_from_within(at..end),
            4 => bytes[at..(at + 1).min(end)].fill(value),
            5 => bytes[at..(at + 4).min(end)].fill(0xff),
            _ => {
                let other = &seeds[usize::from(value) % seeds.len()];
                let tail = other[at.min(other.len())..].to_vec();
                bytes.splice(at.., tail);
            }
        }
    }
    bytes
}
