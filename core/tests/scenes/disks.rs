//! Two nodes start with what their disks hold: who serves, who follows, and who waits for an operator.

use std::fmt::Write;

use safetui_core::{Boot, Command, Generation, Mark, Record, Side};

use crate::scene::{Core, Pair};

const fn g(name: u64) -> Generation {
    Generation(name)
}

/// A pair had generation 1; the former primary went on alone in 2, or the former secondary in 3.
fn disks() -> [(&'static str, Record<4>); 11] {
    let first = Record::default().exclusive(g(1), 1);
    let shared = |side| Record { mark: Mark::Shared, side, ..first };
    let (prim, second) = (shared(Side::Prim), shared(Side::Second));
    let marked = |record, mark| Record { mark, ..record };
    [
        ("new", Record::default()),
        ("prim of 1", prim),
        ("second of 1", second),
        ("copying over 1", marked(second, Mark::Copying)),
        ("stale in 1", marked(second, Mark::Stale)),
        ("alone in 1, as an old backup has it", marked(second, Mark::Exclusive)),
        ("prim, then alone in 2", prim.exclusive(g(2), 2)),
        ("the same, then prim again", marked(prim.exclusive(g(2), 2), Mark::Shared)),
        ("second, then alone in 3", second.exclusive(g(3), 2)),
        ("the same, then stale", marked(second.exclusive(g(3), 2), Mark::Stale)),
        ("prim, then alone in 4", prim.exclusive(g(4), 2)),
    ]
}

/// What both become, and why.
fn start(records: [Record<4>; 2]) -> String {
    let mut pair = Pair::fresh();
    for (node, record) in records.into_iter().enumerate() {
        pair.nodes[node].core = Core::new(pair.now, Boot(2), (node as u64 + 7) << 40, record);
    }
    (0..2).for_each(|node| pair.order(node, Command::Start));
    pair.pass(4000);
    let ends = pair.nodes.each_ref().map(|node| {
        let core = &node.core;
        format!("{} ({:?}, {:?})", core.role().word(), core.cause(), core.record().mark)
    });
    ends.join(" and ")
}

#[test]
fn what_two_disks_lead_to_is_what_was_reviewed() {
    let mut text = String::new();
    for (mine, record) in disks() {
        writeln!(text, "{mine}").unwrap();
        for (other, theirs) in disks() {
            writeln!(text, "    with {other}: {}", start([record, theirs])).unwrap();
        }
    }
    insta::assert_snapshot!(text);
}
