//! Why a node waits, as it says in each state.

use crate::{scene::Pair, states};

/// What that node says of why it waits: each condition with its evidence, and each way out.
fn reason(pair: &Pair, node: usize) -> String {
    let it = &pair.nodes[node];
    let Some(why) = it.core.explain(&it.cfg, pair.now) else { return "    it is ready\n".into() };
    let guards = why.guards.iter().flatten().map(|guard| {
        let holds = if guard.holds { "yes" } else { "no" };
        format!("    {}: {holds}, {}\n", guard.name, guard.evidence)
    });
    let ways = why.ways.iter().flatten().map(|way| format!("    then: {}\n", way.text()));
    format!("    {}\n", why.block.text()) + &guards.chain(ways).collect::<String>()
}

#[test]
fn every_state_says_what_was_reviewed() {
    let tell = |(name, pair, node)| format!("{name}\n{}", reason(&pair, node));
    let text: String = states::all().into_iter().map(tell).collect();
    insta::assert_snapshot!(text);
}
