//! The whole automaton on one page, and its picture.

use std::fmt::Write;

use safetui_core::{Cause, Graph, Role};

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
