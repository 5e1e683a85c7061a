//! The answer to a UDP probe: when it was answered (CLOCK_MONOTONIC, eight bytes), and by which node.

use crate::Moment;

/// No answer is longer.
pub const LONGEST: usize = 128;

pub fn write(node: &str, now: Moment) -> Vec<u8> {
    let mut answer = now.0.to_be_bytes().to_vec();
    answer.extend(node.bytes().take(LONGEST - answer.len()));
    answer
}

pub fn read(answer: &[u8]) -> Option<(&str, Moment)> {
    let (time, node) = answer.split_first_chunk::<8>()?;
    Some((std::str::from_utf8(node).ok()?, Moment(u64::from_be_bytes(*time))))
}
