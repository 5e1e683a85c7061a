//! The picture of the automaton.

use crate::agent::Home;

#[test]
fn both_pictures_are_whole_documents() {
    let home = Home::new();
    let (mermaid, dot) = (home.run("graph"), home.run("graph --format dot"));
    assert_eq!((mermaid.exit, dot.exit), (0, 0), "{}{}", mermaid.err, dot.err);
    let committed = include_str!("../../../docs/automaton.md");
    assert!(committed.contains(&format!("```mermaid\n{}```", mermaid.out)), "{}", mermaid.out);
    assert!(dot.out.starts_with("digraph mirror {\n") && dot.out.ends_with("}\n"), "{}", dot.out);
    assert!(dot.out.contains("PRIM -> ALONE"), "{}", dot.out);
    assert_eq!(home.run("graph --format svg").exit, 2);
}
