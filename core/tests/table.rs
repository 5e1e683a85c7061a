//! The whole automaton on one page, and its picture.

use std::fmt::Write;

use safetui_core::{
    Cause, Command, Graph, Mark, Role, Side, Status,
    explain::{Block, Evidence, Way},
    mirror::{Severity, pairing::Relation},
    rule::{Order, State, Whose},
};

/// Every role against every cause.
fn table() -> String {
    let mut text = String::new();
    for cause in Cause::ALL {
        let row = Role::ALL.map(|role| format!("{:<7}", role.next(cause).map_or(".", Role::word)));
        writeln!(text, "{:<12} {}", format!("{cause:?}"), row.join(" ").trim_end()).unwrap();
    }
    text
}

#[test]
fn the_table_is_the_one_that_was_reviewed() {
    // Columns: STOP, WAIT, ALONE, PRIM, SECOND.
    insta::assert_snapshot!(table());
}

/// Every word and sentence that a user reads.
fn words() -> String {
    let mut text = String::new();
    let mut say = |title: &str, words: &[&str]| writeln!(text, "{title:<9} {}", words.join(" | ")).unwrap();
    say("roles", &Role::ALL.map(Role::word));
    say("statuses", &[Status::NotReady, Status::Transient, Status::Ready].map(Status::word));
    say("parts", &[Side::Second, Side::Prim].map(Side::word));
    say("commands", &Command::ALL.map(Command::verb));
    say("caution", &[Severity::Safe, Severity::Mild, Severity::Moderate].map(Severity::word));
    say("orders", &Order::ALL.map(Order::word));
    say("resources", &State::ALL.map(State::word));
    for cause in Cause::ALL {
        say("cause", &[cause.text()]);
    }
    for block in BLOCKS {
        say("blocked", &[block.text(), block.rule().unwrap_or("no rule of SafeKit's")]);
    }
    for way in WAYS {
        say("way out", &[way.text(), way.verb().unwrap_or("no verb")]);
    }
    for evidence in EVIDENCE {
        say("evidence", &[&evidence.to_string()]);
    }
    text
}

const BLOCKS: [Block; 17] = [
    Block::Stopped,
    Block::Working,
    Block::Listening,
    Block::Asking,
    Block::NoData,
    Block::HalfCopied,
    Block::NotUpToDate,
    Block::LatchedAfterContest,
    Block::Forked,
    Block::PeerMustMove,
    Block::CannotApply,
    Block::ScriptsFailed,
    Block::Unchecked,
    Block::Ruled(0),
    Block::BothRuled(0),
    Block::StoppedByRule(0),
    Block::TooOften(0),
];

const WAYS: [Way; 9] = [
    Way::Wait,
    Way::StartPeer,
    Way::Start,
    Way::Prim,
    Way::Second,
    Way::RepairDisk,
    Way::Restart,
    Way::RepairResource,
    Way::Overrule,
];

const EVIDENCE: [Evidence; 14] = [
    Evidence::NeverHeard,
    Evidence::Heard { ago: 7, role: Role::Prim, status: Status::Ready, mark: Mark::Shared },
    Evidence::Data(Mark::Shared, Side::Prim),
    Evidence::Data(Mark::Exclusive, Side::Prim),
    Evidence::Witness { answers: true },
    Evidence::Witness { answers: false },
    Evidence::NoWitness,
    Evidence::Resource { whose: Whose::Mine, id: 3, state: State::Down },
    Evidence::Resource { whose: Whose::Peers, id: 3, state: State::Unknown },
    Evidence::Rule,
    Evidence::History(Relation::Unsaid),
    Evidence::History(Relation::Behind),
    Evidence::History(Relation::Ahead),
    Evidence::History(Relation::Forked),
];

#[test]
fn the_words_are_those_that_were_reviewed() {
    insta::assert_snapshot!(words());
}

#[test]
fn the_committed_picture_is_the_automaton() {
    let document = include_str!("../../docs/automaton.md");
    let picture = format!("```mermaid\n{}```\n", Graph::Mermaid);
    assert!(
        document.contains(&picture),
        "put into docs/automaton.md what `safetui graph` prints:\n{picture}"
    );
}

#[test]
fn both_languages_have_every_way() {
    let ways = |cause: Cause| Role::ALL.into_iter().filter(move |role| role.next(cause).is_some()).count();
    for cause in Cause::ALL {
        let said = cause.text().replace(':', " -");
        for graph in [Graph::Mermaid, Graph::Dot] {
            assert_eq!(graph.to_string().matches(&said).count(), ways(cause), "{graph:?}: {cause:?}");
        }
    }
}

#[test]
fn every_role_can_be_reached_and_left() {
    for role in Role::ALL {
        let reached = Role::ALL
            .iter()
            .any(|from| *from != role && Cause::ALL.iter().any(|c| from.next(*c) == Some(role)));
        let left = Cause::ALL.iter().any(|cause| role.next(*cause).is_some());
        assert!(reached && left, "{role:?}");
    }
}
