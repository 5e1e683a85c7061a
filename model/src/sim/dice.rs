//! Chance that a seed fixes for ever.

/// A stream of numbers: the same seed and the same use give the same numbers, on every machine.
#[derive(Clone, Debug)]
pub(super) struct Dice(u64);

impl Dice {
    /// The stream with that number of that seed.
    pub(super) const fn new(seed: u64, stream: u64) -> Self {
        Self(mix(seed ^ mix(stream)))
    }

    pub(super) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mix(self.0)
    }

    /// Any number below `bound`.
    pub(super) const fn below(&mut self, bound: u64) -> u64 {
        (((self.next() >> 32) * bound) >> 32) & 0xFFFF_FFFF
    }

    /// Any number from `least` to `most`.
    pub(super) const fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.below(most - least + 1)
    }

    /// True so often in a million.
    pub(super) const fn often(&mut self, in_a_million: u64) -> bool {
        self.below(1_000_000) < in_a_million
    }

    pub(super) const fn node(&mut self) -> usize {
        self.below(2) as usize
    }
}

/// The finalizer of splitmix64.
const fn mix(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_within_their_bounds_and_reach_them() {
        let mut dice = Dice::new(1, 2);
        let thrown: Vec<u64> = (0..1000).map(|_| dice.between(3, 8)).collect();
        assert_eq!((thrown.iter().min(), thrown.iter().max()), (Some(&3), Some(&8)));
    }

    #[test]
    fn streams_of_one_seed_differ() {
        assert_ne!(Dice::new(1, 2).next(), Dice::new(1, 3).next());
        assert_ne!(Dice::new(1, 2).next(), Dice::new(2, 2).next());
    }
}
