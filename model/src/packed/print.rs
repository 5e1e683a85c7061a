//! Prints: 64 bits that tell a value from others.
//!
//! The odds that two of n values share one are about n² / 2⁶⁵: for the parts of a world far smaller than for its
//! states, which the checker tells apart in the same way.

use std::hash::{BuildHasher, BuildHasherDefault, Hasher};

/// The print of a value, the same in every run.
pub(crate) fn print(value: &impl std::hash::Hash) -> u64 {
    BuildHasherDefault::<Mixer>::default().hash_one(value)
}

/// Multiplies and folds, in four lanes by turns: a single one would wait for each product. What is smaller than a word
/// waits until it fills one; a value is known from its words and its small parts, each in their order.
struct Mixer {
    lanes: [u64; 4],
    small: u64,
    bits: u32,
}

/// Odd, and without a pattern.
const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;
const SEEDS: [u64; 4] =
    [0xBF58_476D_1CE4_E5B9, 0x94D0_49BB_1331_11EB, 0xD6E8_FEB8_6659_FD93, 0xA076_1D64_78BD_642F];

const fn fold(a: u64, b: u64) -> u64 {
    let wide = a as u128 * b as u128;
    wide as u64 ^ (wide >> 64) as u64
}

impl Default for Mixer {
    fn default() -> Self {
        Self { lanes: SEEDS, small: 0, bits: 0 }
    }
}

impl Mixer {
    #[inline]
    fn add_small(&mut self, number: u64, bits: u32) {
        if self.bits + bits > u64::BITS {
            self.write_u64(self.small);
            (self.small, self.bits) = (0, 0);
        }
        self.small = self.small << bits | number;
        self.bits += bits;
    }
}

impl Hasher for Mixer {
    fn finish(&self) -> u64 {
        let rest = fold(self.small ^ FACTOR, u64::from(self.bits) | 1 << 63);
        self.lanes.iter().fold(rest, |print, lane| fold(print.rotate_left(32) ^ lane, FACTOR))
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.write_u64(u64::from_le_bytes(word));
        }
    }

    #[inline]
    fn write_u64(&mut self, number: u64) {
        let [a, b, c, d] = self.lanes;
        self.lanes = [b, c, d, fold(a ^ number, FACTOR)];
    }

    #[inline]
    fn write_u8(&mut self, number: u8) {
        self.add_small(number.into(), u8::BITS);
    }

    #[inline]
    fn write_u32(&mut self, number: u32) {
        self.add_small(number.into(), u32::BITS);
    }

    #[inline]
    fn write_usize(&mut self, number: usize) {
        self.write_u64(number as u64);
    }

    /// The number of a variant.
    #[inline]
    fn write_isize(&mut self, number: isize) {
        debug_assert!((0..256).contains(&number), "few variants");
        self.add_small(number as u64, u8::BITS);
    }
}

/// For maps whose keys are prints.
#[derive(Debug, Default)]
pub(super) struct Itself(u64);

impl Hasher for Itself {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {
        unreachable!("a print is one word")
    }

    fn write_u64(&mut self, print: u64) {
        self.0 = print;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::print;

    #[test]
    fn values_that_differ_little_have_different_prints() {
        let all: HashSet<u64> = (0..100_000_u64)
            .flat_map(|n| {
                [print(&(n, 0_u64, false)), print(&(0_u64, n, true)), print(&[n as u32, 1, 2, 3, 4])]
            })
            .collect();
        assert_eq!(all.len(), 300_000);
    }

    #[test]
    fn order_counts_across_the_lanes() {
        let mut orders = HashSet::new();
        for at in 0..8 {
            let mut list = [0_u64; 8];
            list[at] = 1;
            orders.insert(print(&list));
        }
        assert_eq!(orders.len(), 8);
    }
}
