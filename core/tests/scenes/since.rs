//! Where two copies were equal: what a node remembers, and what it may forget.

use safetui_core::since::{Changes, Cut, Since};

/// What was changed, one bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Bits(u32);

impl Changes for Bits {
    fn add(&mut self, later: Self) {
        self.0 |= later.0;
    }
}

const fn cut(session: u64, epoch: u64) -> Cut {
    Cut { session, epoch }
}

fn change(since: &mut Since<Bits>, bit: u32) {
    if let Some(changes) = since.changes() {
        changes.0 |= 1 << bit;
    }
}

fn changed(since: &Since<Bits>, at: Cut) -> Option<u32> {
    Some(since.since(at)?.fold(0, |all, changes| all | changes.0))
}

/// Cuts of one stream, each followed by a change: bit 0 after the first, and so on. None is held.
fn with(cuts: u64) -> Since<Bits> {
    let mut since = Since::default();
    for epoch in 0..cuts {
        since.cut(cut(1, epoch));
        change(&mut since, epoch as u32);
    }
    since
}

fn held(since: &Since<Bits>) -> Vec<Cut> {
    since.held().collect()
}

#[test]
fn without_a_cut_nothing_is_noted() {
    let mut since = Since::<Bits>::default();
    assert_eq!(since.changes(), None);
    assert_eq!((since.changes_so_far(), since.newest()), (None, None));
    assert_eq!((since.common(&[cut(1, 0)]), changed(&since, cut(1, 0))), (None, None));
}

#[test]
fn what_was_changed_after_a_cut_is_known_once_the_cut_is_held() {
    let mut since = with(3);
    assert_eq!((held(&since), changed(&since, cut(1, 1))), (vec![], None));
    since.settled_here(cut(1, 1));
    since.settled_here(cut(1, 2));
    since.settled_here(cut(9, 0));
    assert_eq!(held(&since), [cut(1, 2), cut(1, 1)]);
    assert_eq!(changed(&since, cut(1, 0)), None);
    assert_eq!(changed(&since, cut(1, 1)), Some(0b110));
    assert_eq!(changed(&since, cut(1, 2)), Some(0b100));
    assert_eq!((since.newest(), since.changes_so_far()), (Some(cut(1, 2)), Some(&Bits(0b100))));
}

#[test]
fn the_newest_cut_that_both_hold_is_where_they_were_equal() {
    let mut since = with(3);
    since.settled_here(cut(1, 0));
    since.settled_here(cut(1, 1));
    assert_eq!(since.common(&[cut(1, 2), cut(1, 0), cut(1, 1)]), Some(cut(1, 1)));
    assert_eq!(since.common(&[cut(1, 2), cut(1, 0)]), Some(cut(1, 0)));
    assert_eq!(since.common(&[cut(1, 2), cut(2, 1)]), None);
}

#[test]
fn what_came_before_a_cut_is_forgotten_when_both_hold_it_and_not_before() {
    let mut since = with(3);
    since.settled_here(cut(1, 0));
    since.settled_here(cut(1, 1));
    since.settled_there(cut(1, 2));
    assert_eq!(held(&since), [cut(1, 1), cut(1, 0)], "this node does not hold what the other does");
    since.settled_there(cut(1, 1));
    assert_eq!(held(&since), [cut(1, 1)]);
    assert_eq!(changed(&since, cut(1, 1)), Some(0b110));
    since.settled_here(cut(1, 2));
    assert_eq!((held(&since), changed(&since, cut(1, 2))), (vec![cut(1, 2)], Some(0b100)));
    assert_eq!(since.segments().count(), 1);
}

#[test]
fn a_cut_of_a_stream_that_is_over_is_given_up_unless_it_is_held() {
    let mut since = with(3);
    since.settled_here(cut(1, 0));
    since.cut(cut(2, 0));
    change(&mut since, 3);
    assert_eq!(since.segments().map(|segment| segment.from).collect::<Vec<_>>(), [cut(1, 0), cut(2, 0)]);
    assert_eq!(changed(&since, cut(1, 0)), Some(0b1111), "what was changed counts to the cut before");
    // Of the same stream both stay.
    since.cut(cut(2, 1));
    assert_eq!(since.segments().count(), 3);
}

#[test]
fn a_cut_that_was_not_held_at_the_end_of_a_life_never_is() {
    let mut since = with(4);
    since.settled_here(cut(1, 1));
    since.restarted();
    since.settled_here(cut(1, 0));
    since.settled_here(cut(1, 2));
    since.settled_here(cut(1, 3));
    assert_eq!((held(&since), changed(&since, cut(1, 1))), (vec![cut(1, 1)], Some(0b1110)));
}

#[test]
fn the_oldest_cuts_but_one_are_given_up_for_new_ones() {
    let mut since = with(6);
    for epoch in 0..6 {
        since.settled_here(cut(1, epoch));
    }
    since.cut(cut(1, 6));
    let left: Vec<u64> = since.segments().map(|segment| segment.from.epoch).collect();
    assert_eq!(left, [0, 2, 3, 4, 5, 6]);
    assert_eq!(changed(&since, cut(1, 0)), Some(0b11_1111));
    assert_eq!(changed(&since, cut(1, 2)), Some(0b11_1100));
}

#[test]
fn what_was_noted_after_a_cut_that_nobody_holds_is_of_no_use() {
    let mut since = with(1);
    since.cut(cut(2, 0));
    since.settled_here(cut(2, 0));
    assert_eq!(since.segments().map(|segment| segment.from).collect::<Vec<_>>(), [cut(2, 0)]);
    assert_eq!(changed(&since, cut(2, 0)), Some(0));
}
