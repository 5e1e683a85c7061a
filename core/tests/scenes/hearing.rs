//! What each point of a heartbeat decides: in every state, of the next heartbeat of a peer in each role, as it is and
//! with one point changed.

use std::fmt::Write;

use safetui_core::{Action, Beat, Boot, Echo, Event, Generation, Kin, Mark, Role, Side, Tick};

use crate::{
    scene::{Node, Pair},
    states,
};

/// A generation that nobody knows.
const FOREIGN: Generation = Generation(99);
const MARKS: [Mark; 5] = [Mark::New, Mark::Copying, Mark::Stale, Mark::Shared, Mark::Exclusive];

/// The next heartbeat of the peer after `last`, in each role that it might have by now; it has just heard `node`.
fn next(node: &Node, now: Tick, last: Beat) -> [(&'static str, Beat); 6] {
    let echo = Some(Echo { boot: node.core.boot(), sent: now });
    let last = Beat { echo, proof: 0, nth: last.nth + 1, ..last };
    let idle = |role| Beat { role, fenced: true, ..last };
    let serves = |role| Beat { role, fenced: false, ..last };
    let (follows, mine) = (idle(Role::Second), node.core.record().generation);
    [
        ("STOP", idle(Role::Stop)),
        ("WAIT", idle(Role::Wait)),
        ("ALONE", Beat { mark: Mark::Exclusive, ..serves(Role::Alone) }),
        ("PRIM", Beat { mark: Mark::Shared, side: Side::Prim, ..serves(Role::Prim) }),
        ("SECOND", Beat { mark: Mark::Shared, side: Side::Second, ..follows }),
        (
            "SECOND, copying",
            Beat { mark: Mark::Copying, generation: mine, partner: node.core.boot(), ..follows },
        ),
    ]
}

/// The same with one point changed, each by its name.
fn changes(beat: Beat, node: &Node) -> Vec<(String, Beat)> {
    let mine = node.core.record().generation;
    let other = if beat.side == Side::Prim { Side::Second } else { Side::Prim };
    let points = [
        ("fenced or not", Beat { fenced: !beat.fenced, ..beat }),
        ("the other side", Beat { side: other, ..beat }),
        ("another life", Beat { boot: Boot(beat.boot.0 + 1), ..beat }),
        ("another partner", Beat { partner: Boot(99), ..beat }),
        ("heard nothing", Beat { echo: None, ..beat }),
        ("dismisses", Beat { dismiss: true, ..beat }),
        ("asks for a swap", Beat { ask_swap: true, ..beat }),
        ("held", Beat { held: true, ..beat }),
    ];
    let kin = |generation, kin, kin_of| Beat { generation, kin, kin_of, ..beat };
    let histories = [
        kin(mine, Kin::Same, mine),
        kin(Generation::NONE, Kin::Unknown, mine),
        kin(FOREIGN, Kin::Ancestor, mine),
        kin(FOREIGN, Kin::Unknown, mine),
        kin(FOREIGN, Kin::Unknown, FOREIGN),
    ];
    let named = |beat: Beat| (format!("{:?}", node.core.relation(&beat)), beat);
    let marked = |mark| (format!("{mark:?}"), Beat { mark, ..beat });
    let points = points.into_iter().map(|(name, beat)| (name.to_owned(), beat));
    points.chain(histories.map(named)).chain(MARKS.map(marked)).collect()
}

/// What follows when that node hears that.
fn hears(node: &Node, now: Tick, beat: Beat) -> String {
    let mut node = node.clone();
    node.orders.clear();
    node.event(now, Event::Heard(beat));
    let said = |action| match action {
        Action::Became { to, cause, .. } => Some(format!("{} ({cause:?})", to.word())),
        Action::Persist(record) => Some(format!("data {:?}", record.mark)),
        Action::Source { .. } => Some("sends".into()),
        Action::SourceStop => Some("sends nothing".into()),
        Action::Receive { aside: false, .. } => Some("receives".into()),
        Action::Receive { aside: true, .. } => Some("receives, keeping aside".into()),
        _ => None,
    };
    let all: Vec<_> = node.decisions().into_iter().filter_map(said).collect();
    if all.is_empty() { "nothing".into() } else { all.join(", ") }
}

/// What that node makes of all these.
fn page(pair: &Pair, node: usize) -> String {
    let (it, now) = (&pair.nodes[node], pair.now);
    let mut text = String::new();
    let Some(peer) = it.core.peer() else { return "    nothing heard\n".into() };
    for (role, beat) in next(it, now, peer.beat) {
        let plain = hears(it, now, beat);
        writeln!(text, "    {role}: {plain}").unwrap();
        let mut differ: Vec<(String, Vec<String>)> = Vec::new();
        for (name, beat) in changes(beat, it) {
            let follows = hears(it, now, beat);
            match differ.iter_mut().find(|(known, _)| *known == follows) {
                Some((_, names)) => names.push(name),
                None if follows != plain => differ.push((follows, vec![name])),
                None => {}
            }
        }
        for (follows, names) in differ {
            writeln!(text, "        {}: {follows}", names.join(" | ")).unwrap();
        }
    }
    text
}

#[test]
fn what_each_point_of_a_heartbeat_decides_is_what_was_reviewed() {
    let mut pages: Vec<(String, String)> = Vec::new();
    for (name, pair, node) in states::all() {
        let page = page(&pair, node);
        match pages.iter_mut().find(|(_, known)| *known == page) {
            Some((names, _)) => write!(names, "\n{name}").unwrap(),
            None => pages.push((name.to_owned(), page)),
        }
    }
    let text = pages.into_iter().fold(String::new(), |text, (names, page)| text + &names + "\n" + &page);
    insta::assert_snapshot!(text);
}
