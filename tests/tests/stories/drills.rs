//! Every drill: something breaks, a client watches, nothing is lost, nobody serves twice, the pair is whole again.

use safetui_lab::{Cluster, Drill, Options, drill};

/// Runs one drill on a pair of its own.
fn passes(drill: Drill) {
    let cluster = Cluster::start(Options::default()).unwrap();
    let outcome = drill::run(&cluster, drill, &|event| println!("{event:?}")).unwrap();
    assert_eq!((outcome.lost, outcome.dual_serving_ms), (0, 0.0), "{outcome:?}");
    assert_eq!(outcome.final_states, ["PRIM", "SECOND"], "{outcome:?}");
    assert!(outcome.acked > 10, "{outcome:?}");
}

#[test]
fn the_primary_loses_power() {
    passes(Drill::Crash);
}

#[test]
fn the_primary_loses_its_service_link() {
    passes(Drill::Link);
}

#[test]
fn the_router_falls_silent() {
    passes(Drill::Router);
}

#[test]
fn the_primary_is_cut_off() {
    passes(Drill::Isolate);
}

#[test]
fn the_agent_of_the_primary_is_killed() {
    passes(Drill::KillAgent);
}

#[test]
fn the_agent_of_the_primary_is_stopped_for_ten_seconds() {
    passes(Drill::Pause);
}

#[test]
fn the_operator_swaps_the_roles() {
    passes(Drill::Swap);
}

#[test]
fn both_nodes_lose_power_at_once() {
    passes(Drill::Power);
}
