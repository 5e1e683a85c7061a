//! What an operator may ask in each state, and what he is answered.

use std::{collections::BTreeMap, fmt::Write};

use safetui_core::{Command, Refusal};

use crate::{scene::Pair, states};

/// What every command is answered on that node now.
fn answers(pair: &Pair, node: usize) -> String {
    let it = &pair.nodes[node];
    let mut obeyed = Vec::new();
    let mut refused: BTreeMap<Refusal, Vec<&str>> = BTreeMap::new();
    for command in Command::ALL {
        match it.core.judge(&it.cfg, pair.now, command) {
            None => obeyed.push(format!("{} ({})", command.verb(), it.core.severity(command).word())),
            Some(why) => refused.entry(why).or_default().push(command.verb()),
        }
    }
    let mut text = format!("obeyed: {}", obeyed.join(", "));
    for (why, verbs) in refused {
        write!(text, "\n    {why:?}: {}", verbs.join(", ")).unwrap();
    }
    text
}

#[test]
fn every_state_has_the_answers_that_were_reviewed() {
    let tell = |(name, pair, node)| format!("{name}\n    {}\n", answers(&pair, node));
    let text: String = states::all().into_iter().map(tell).collect();
    insta::assert_snapshot!(text);
}
