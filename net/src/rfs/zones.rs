//! Which parts of which files have been changed.

use std::collections::HashMap;
use std::ops::Range;

use safetui_core::since::Changes;

use super::backing::Fid;

/// Files are compared in parts of this length, in bytes; the last one of a file may be shorter.
pub(super) const ZONE: u64 = 1 << 20;

/// Zones of one file: ranges in their order, with gaps between them. `u64::MAX`: to the end, wherever that is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Zones(Vec<Range<u64>>);

/// All zones of a file.
pub(super) const WHOLE: Range<u64> = 0..u64::MAX;

/// The zones that `length` bytes at `offset` lie in.
pub(super) const fn zones(offset: u64, length: u64) -> Range<u64> {
    offset / ZONE..offset.saturating_add(length).div_ceil(ZONE)
}

/// The zones from `offset` to the end of the file, wherever that is.
pub(super) const fn zones_from(offset: u64) -> Range<u64> {
    offset / ZONE..u64::MAX
}

impl Zones {
    pub(super) fn whole() -> Self {
        Self(vec![WHOLE])
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn ranges(&self) -> &[Range<u64>] {
        &self.0
    }

    pub(super) fn contains(&self, range: &Range<u64>) -> bool {
        let after = self.0.partition_point(|known| known.start <= range.start);
        range.is_empty() || after.checked_sub(1).is_some_and(|at| self.0[at].end >= range.end)
    }

    pub(super) fn insert(&mut self, mut range: Range<u64>) {
        if range.is_empty() {
            return;
        }
        let first = self.0.partition_point(|known| known.end < range.start);
        let last = self.0.partition_point(|known| known.start <= range.end);
        if let Some(touched) = self.0.get(first..last).filter(|touched| !touched.is_empty()) {
            range.start = range.start.min(touched[0].start);
            range.end = range.end.max(touched[touched.len() - 1].end);
        }
        self.0.splice(first..last, [range]);
    }

    pub(super) fn add(&mut self, other: &Self) {
        other.0.iter().for_each(|range| self.insert(range.clone()));
    }

    /// What is not in the others.
    pub(super) fn without(&self, others: &Self) -> Self {
        let mut rest = Self::default();
        for range in &self.0 {
            let mut start = range.start;
            for other in others.0.iter().filter(|other| other.start < range.end && other.end > range.start) {
                rest.insert(start..other.start.max(start));
                start = other.end;
            }
            rest.insert(start..range.end.max(start));
        }
        rest
    }

    /// Where the zones lie in a file of that size, in bytes.
    pub(super) fn bytes(&self, size: u64) -> impl Iterator<Item = Range<u64>> {
        let ranges = self.0.iter().map(move |zones| {
            let end = zones.end.saturating_mul(ZONE).min(size);
            zones.start.saturating_mul(ZONE).min(end)..end
        });
        ranges.filter(|range| !range.is_empty())
    }
}

/// What one node has changed: zones of files, and files that were made. Of a directory that was moved, the whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Touched {
    files: HashMap<Fid, Zones>,
    /// Numbers that were noted before any file had them: whichever has one now may be new.
    reserved: Vec<(u8, Range<u64>)>,
    /// When nobody watched the directories, in nanoseconds of the wall clock: what the file system says to have been
    /// changed then was changed behind our back.
    unwatched: Vec<Range<u64>>,
}

impl Changes for Touched {
    fn add(&mut self, later: Self) {
        for (fid, zones) in later.files {
            self.files.entry(fid).or_default().add(&zones);
        }
        self.reserved.extend(later.reserved);
        self.unwatched.extend(later.unwatched);
    }
}

impl Touched {
    pub(super) fn note(&mut self, fid: Fid, zones: Range<u64>) {
        self.files.entry(fid).or_default().insert(zones);
    }

    pub(super) fn reserve(&mut self, tree: u8, numbers: Range<u64>) {
        self.reserved.push((tree, numbers));
    }

    pub(super) fn is_reserved(&self, fid: Fid) -> bool {
        self.reserved.iter().any(|(tree, numbers)| *tree == fid.tree && numbers.contains(&fid.ino))
    }

    pub(super) fn has(&self, fid: Fid, zones: &Range<u64>) -> bool {
        self.files.get(&fid).is_some_and(|known| known.contains(zones)) || self.is_reserved(fid)
    }

    pub(super) fn unwatched(&mut self, time: Range<u64>) {
        self.unwatched.push(time);
    }

    /// Adds what is known of one file, which was last changed at `ctime`.
    pub(super) fn add_to(&self, fid: Fid, ctime: u64, zones: &mut Zones) {
        if let Some(known) = self.files.get(&fid) {
            zones.add(known);
        }
        if self.is_reserved(fid) || self.unwatched.iter().any(|time| time.contains(&ctime)) {
            zones.insert(WHOLE);
        }
    }

    pub(super) fn files(&self) -> impl Iterator<Item = (Fid, &Zones)> {
        self.files.iter().map(|(fid, zones)| (*fid, zones))
    }

    pub(super) fn reservations(&self) -> &[(u8, Range<u64>)] {
        &self.reserved
    }

    pub(super) fn unwatched_times(&self) -> &[Range<u64>] {
        &self.unwatched
    }

    pub(super) fn is_empty(&self) -> bool {
        self.files.is_empty() && self.reserved.is_empty()
    }

    /// Ranges and numbers in it: what it takes to write it down.
    pub(super) fn parts(&self) -> usize {
        let zones: usize = self.files.values().map(|zones| zones.0.len()).sum();
        zones + self.reserved.len() + self.unwatched.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sets of the first zones, one bit each, made in some order.
    fn set(bits: u8) -> Zones {
        let mut zones = Zones::default();
        for zone in (0..8).rev().filter(|zone| bits & 1 << zone != 0) {
            zones.insert(zone..zone + 1);
        }
        zones
    }

    #[test]
    fn zones_are_sets() {
        for one in 0..=u8::MAX {
            let whole = set(one);
            assert!(whole.0.windows(2).all(|pair| pair[0].end < pair[1].start), "{whole:?}");
            for other in 0..=u8::MAX {
                let mut both = set(one);
                both.add(&set(other));
                assert_eq!(both, set(one | other));
                assert_eq!(whole.without(&set(other)), set(one & !other));
                assert_eq!(set(other).0.iter().all(|range| whole.contains(range)), other & !one == 0);
            }
        }
    }

    #[test]
    fn what_is_written_lies_in_its_zones() {
        assert_eq!(zones(ZONE - 1, 2), 0..2);
        assert_eq!(zones(ZONE, ZONE), 1..2);
        assert_eq!(zones(5, 0), 0..1);
        assert_eq!(zones_from(2 * ZONE + 1), 2..u64::MAX);
        let bytes = |size| set(0b101).bytes(size).collect::<Vec<_>>();
        assert_eq!(bytes(10 * ZONE), [0..ZONE, 2 * ZONE..3 * ZONE]);
        assert_eq!(bytes(2 * ZONE + 7), [0..ZONE, 2 * ZONE..2 * ZONE + 7]);
        assert_eq!(bytes(3).first(), Some(&(0..3)));
        assert_eq!(Zones::whole().bytes(u64::MAX).next(), Some(0..u64::MAX));
    }
}
