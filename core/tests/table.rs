//! The whole automaton on one page, and its picture.

use std::fmt::Write;

use safetui_core::{Cause, Role};

/// Every role against every cause.
fn table() -> String {
    let mut text = String::new();
    for cause in Cause::ALL {
        let row = Role::ALL.map(|role| format!("{:<7}", role.next(cause).map_or(".", Role::word)));
        writeln!(text, "{:<12} {}", format!("{cause:?}"), row.join(" ").trim_end()).unwrap();
    }
    text
}

/// The same as a graph, in mermaid's language.
fn graph() -> String {
    let mut text = String::from("stateDiagram-v2\n");
    for (from, cause) in Role::ALL.into_iter().flat_map(|role| Cause::ALL.map(|cause| (role, cause))) {
        if let Some(to) = from.next(cause) {
            writeln!(text, "    {} --> {}: {}", from.word(), to.word(), cause.text().replace(':', " -"))
                .unwrap();
        }
    }
    text
}

#[test]
fn the_table_is_the_one_that_was_reviewed() {
    // Columns: STOP, WAIT, ALONE, PRIM, SECOND.
    insta::assert_snapshot!(table());
}

#[test]
fn the_graph_is_the_one_that_was_reviewed() {
    insta::assert_snapshot!(graph());
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
