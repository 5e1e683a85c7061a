//! The course of events that an operator is shown before he says yes, stage by stage.

use safetui_core::{
    Command,
    foresee::{Ahead, Course, Ends, What},
};

use crate::{scene::Pair, states};

fn tell(course: &Course) -> String {
    let ends = |ends: &Ends| {
        let word = |end: &Option<_>| {
            end.map_or("lost or not known".into(), |(role, status)| format!("{role:?} {status:?}"))
        };
        ends.each_ref().map(word).join(", peer ")
    };
    let stages = course.stages.iter().flatten().map(|stage| {
        let who = if stage.peer { "peer" } else { "self" };
        let what = match stage.what {
            What::Became { from, to, cause } => format!("{} to {}: {}", from.word(), to.word(), cause.text()),
            What::Job(job) => format!("{job:?}"),
        };
        format!("    {:>4} ms {who} {what}\n", stage.after)
    });
    format!("    {}\n", ends(&course.begin))
        + &stages.collect::<String>()
        + &format!(
            "    {}\n    {:?}, nobody serves for {} ms\n",
            ends(&course.end),
            course.service(),
            course.gap
        )
}

#[test]
fn what_is_shown_before_a_command_is_what_was_reviewed() {
    let ask = |name: &str, pair: &Pair, node: usize, ahead| {
        let it = &pair.nodes[node];
        format!("{name}\n{}", tell(&it.core.foresee(&it.cfg, pair.now, ahead)))
    };
    let (ready, isolated) = (Pair::ready(), states::isolated());
    let mut text = String::new();
    for command in [Command::Swap, Command::Stop, Command::StopStart, Command::Restart, Command::ForceStop] {
        text += &ask(&format!("{} of a primary", command.verb()), &ready, 0, Ahead::Order(command));
    }
    text += &ask("swap of a secondary", &ready, 1, Ahead::Order(Command::Swap));
    text += &ask("stopstart of a secondary", &ready, 1, Ahead::Order(Command::StopStart));
    text += &ask("a primary is lost", &ready, 0, Ahead::SelfLost);
    text += &ask("a secondary loses its primary", &ready, 1, Ahead::PeerLost);
    text += &ask("a primary loses its secondary", &ready, 0, Ahead::PeerLost);
    text += &ask("the same, while it copies", &states::copying(), 0, Ahead::PeerLost);
    text += &ask("the copying one loses its source", &states::copying(), 1, Ahead::PeerLost);
    text += &ask("prim after a lost contest", &isolated, 0, Ahead::Order(Command::Prim));
    text += &ask("second over a fork", &super::life::forked(), 1, Ahead::Order(Command::Second));
    text += &ask("start with everything to be checked", &states::held(), 0, Ahead::Order(Command::StopStart));
    insta::assert_snapshot!(text);
}

#[test]
fn what_is_foreseen_does_not_depend_on_the_origin_of_the_peers_clock() {
    let pair = Pair::ready();
    let it = &pair.nodes[0];
    let mut moved = it.core;
    moved.rebase_peer(5000);
    for ahead in [Ahead::SelfLost, Ahead::PeerLost, Ahead::Order(Command::Swap)] {
        let foreseen = it.core.foresee(&it.cfg, pair.now, ahead);
        assert_eq!(moved.foresee(&it.cfg, pair.now, ahead), foreseen, "{ahead:?}");
    }
}
