//! Values by number: what many states have in common is kept once.

use std::{
    collections::HashMap,
    hash::{BuildHasherDefault, Hash},
    sync::RwLock,
};

use super::print::{Itself, print};

/// More than threads, so that they seldom want the same one.
const SHARDS: usize = 64;

/// Gives every value a number: equal ones have the same, for ever.
#[derive(Debug)]
pub(super) struct Table<T> {
    shards: Vec<RwLock<Shard<T>>>,
}

#[derive(Debug)]
struct Shard<T> {
    /// Where the value of that print is.
    places: HashMap<u64, u32, BuildHasherDefault<Itself>>,
    values: Vec<T>,
}

/// What one thread has lately asked one table.
pub(super) struct Recent(Vec<(u64, u32)>);

impl<T> Default for Table<T> {
    fn default() -> Self {
        let shard = || RwLock::new(Shard { places: HashMap::default(), values: Vec::new() });
        Self { shards: (0..SHARDS).map(|_| shard()).collect() }
    }
}

impl<T: Copy + Hash> Table<T> {
    pub(super) fn number(&self, recent: &mut Recent, value: &T) -> u32 {
        let print = print(value);
        let near = recent.place(print);
        if near.0 != print {
            *near = (print, self.find_or_add(print, value));
        }
        near.1
    }

    fn find_or_add(&self, print: u64, value: &T) -> u32 {
        let at = (print >> 32) as usize % SHARDS;
        let shard = &self.shards[at];
        let known = shard.read().expect(WHOLE).places.get(&print).copied();
        let place = known.unwrap_or_else(|| shard.write().expect(WHOLE).add(print, value));
        place * SHARDS as u32 + at as u32
    }

    pub(super) fn value(&self, number: u32) -> T {
        let (at, place) = (number as usize % SHARDS, number as usize / SHARDS);
        self.shards[at].read().expect(WHOLE).values[place]
    }
}

const WHOLE: &str = "nobody panics with a table in hand";

impl<T: Copy> Shard<T> {
    /// Another thread may have been quicker.
    fn add(&mut self, print: u64, value: &T) -> u32 {
        let next = self.values.len() as u32;
        let place = *self.places.entry(print).or_insert(next);
        if place == next {
            self.values.push(*value);
        }
        place
    }
}

impl Recent {
    const PLACES: usize = 1 << 12;

    fn place(&mut self, print: u64) -> &mut (u64, u32) {
        &mut self.0[print as usize % Self::PLACES]
    }
}

impl Default for Recent {
    fn default() -> Self {
        Self(vec![(0, 0); Self::PLACES])
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn a_value_keeps_its_number_and_a_number_its_value_for_every_thread() {
        let table = Table::default();
        let numbers = |from: u64| {
            let mut recent = Recent::default();
            (from..from + 20_000).map(|value| (value, table.number(&mut recent, &value))).collect::<Vec<_>>()
        };
        let (one, other) = thread::scope(|scope| {
            let (one, other) = (scope.spawn(|| numbers(0)), scope.spawn(|| numbers(10_000)));
            (one.join().unwrap(), other.join().unwrap())
        });
        assert_eq!(one[10_000..], other[..10_000]);
        assert!(one.iter().chain(&other).all(|(value, number)| table.value(*number) == *value));
    }
}
