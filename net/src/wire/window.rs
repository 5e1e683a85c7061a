//! A sliding window over numbers that should arrive once each: tells new from seen from too old.

/// How far behind the newest number one may arrive and still be told from a repetition.
const WIDTH: u64 = 64;

/// The newest number taken and which of the 63 before it were taken too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    newest: u64,
    /// Bit n: `newest - n` was taken. Zero: nothing was taken yet.
    taken: u64,
}

/// What a window thinks of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Newer than all before; so many numbers in between have not arrived (yet).
    New { skipped: u64 },
    /// Overtaken by newer ones, but here for the first time.
    Late,
    /// Taken before.
    Seen,
    /// So far behind that the window cannot tell.
    TooOld,
}

impl Window {
    /// Takes `number` if it is new or late, and says which.
    pub fn take(&mut self, number: u64) -> Verdict {
        if self.taken == 0 {
            *self = Self { newest: number, taken: 1 };
            return Verdict::New { skipped: 0 };
        }
        if number > self.newest {
            let ahead = number - self.newest;
            self.taken = if ahead < WIDTH { self.taken << ahead | 1 } else { 1 };
            self.newest = number;
            return Verdict::New { skipped: ahead - 1 };
        }
        let behind = self.newest - number;
        if behind >= WIDTH {
            return Verdict::TooOld;
        }
        let bit = 1 << behind;
        if self.taken & bit != 0 {
            return Verdict::Seen;
        }
        self.taken |= bit;
        Verdict::Late
    }

    /// The newest number taken.
    pub fn newest(&self) -> Option<u64> {
        (self.taken != 0).then_some(self.newest)
    }
}

#[cfg(test)]
mod tests {
    use super::{Verdict::*, *};

    #[test]
    fn every_number_is_taken_once_in_any_order_inside_the_window() {
        let mut window = Window::default();
        assert_eq!(window.take(100), New { skipped: 0 });
        assert_eq!(window.take(163), New { skipped: 62 });
        for number in 101..163 {
            assert_eq!(window.take(number), Late);
        }
        for number in 100..=163 {
            assert_eq!(window.take(number), Seen);
        }
        assert_eq!(window.take(99), TooOld);
    }

    #[test]
    fn a_jump_forgets_what_it_leaves_behind() {
        for jump in [64, 65, 1000] {
            let mut window = Window::default();
            window.take(5);
            assert_eq!(window.take(5 + jump), New { skipped: jump - 1 });
            assert_eq!(window.take(5), TooOld);
            assert_eq!(window.take(4 + jump), Late);
        }
    }

    #[test]
    fn the_ends_of_the_range_are_ordinary_numbers() {
        let mut window = Window::default();
        assert_eq!(window.newest(), None);
        assert_eq!(window.take(0), New { skipped: 0 });
        assert_eq!(window.take(0), Seen);
        assert_eq!(window.take(u64::MAX), New { skipped: u64::MAX - 1 });
        assert_eq!(window.take(u64::MAX), Seen);
        assert_eq!(window.newest(), Some(u64::MAX));
    }
}
