//! An operator's own module: what he is told.

use std::time::Duration;

use safetui_core::{
    Timing, Witness,
    rule::{Book, Set},
};
use safetui_model::{
    own::{Finding, Limits, Outcome, Subject, check},
    pair::Pair,
    story::Voice,
    verify::Verdict,
    world::{Budget, Cut, Settings, Step, World},
    worlds,
};

const LAN: Timing =
    Timing { period: 100, timeout: 1000, guard: 500, gap: 150, delay: 20, late: 50, drift: 2, losses: 1 };

const ACKNOWLEDGES: &str = "at most one node acknowledges writes";
const SERVES_ALL: &str = "who serves has every acknowledged write";

fn module(witness: Witness) -> Subject {
    let voice = Voice {
        nodes: ["n1".into(), "n2".into()],
        tick: Some(100),
        witness: "the router".into(),
        ..Voice::plain(Witness::Router)
    };
    Subject {
        voice,
        timing: LAN,
        witness,
        several: false,
        relay: true,
        failover: true,
        starts: true,
        book: Book::EMPTY,
        checked: Set::EMPTY,
    }
}

fn limits(faults: u8) -> Limits {
    let budget = Budget { crashes: 1, cuts: 1, pauses: 1, writes: Budget::ANY, ..Budget::default() };
    Limits { budget, faults, time: Duration::from_secs(120), threads: 2, only: None, first: false }
}

fn checked(subject: &Subject, limits: &Limits) -> Outcome {
    check(subject, limits, &mut |_| {})
}

fn finding<'a>(outcome: &'a Outcome, property: &str) -> &'a Finding {
    outcome.findings.iter().find(|finding| finding.property == property).unwrap()
}

fn story(finding: &Finding) -> Vec<String> {
    finding.story.iter().map(ToString::to_string).collect()
}

#[test]
fn of_several_routers_each_may_be_lost_by_itself() {
    let one = module(Witness::Router);
    let several = Subject { several: true, ..one.clone() };
    let cut = Limits { budget: Budget { cuts: 1, ..Budget::default() }, ..limits(1) };
    let [one, several] = [one, several].map(|subject| checked(&subject, &cut));
    assert_eq!((one.verdict(), several.verdict()), (Verdict::Holds, Verdict::Holds));
    let states = |outcome: &Outcome| outcome.levels.last().unwrap().states;
    assert!(states(&several) > states(&one), "{} {}", states(&several), states(&one));
    assert!(several.assumed.iter().any(|said| said.contains("one by one")), "{:?}", several.assumed);
}

#[test]
fn without_a_witness_a_short_story_shows_what_a_broken_cable_does() {
    let outcome = checked(&module(Witness::None), &limits(1));
    assert_eq!(outcome.verdict(), Verdict::Violated);
    let fork = finding(&outcome, ACKNOWLEDGES);
    assert_eq!((fork.verdict, fork.holds_up_to, fork.shortest), (Verdict::Violated, Some(0), true));
    insta::assert_snapshot!(story(fork).join("\n"));
    let lost = finding(&outcome, SERVES_ALL);
    assert!(outcome.findings.iter().all(|finding| finding.story.len() <= 12));
    assert!(
        story(lost).last().unwrap().contains("acknowledged at n1, is missing at n2"),
        "{:#?}",
        story(lost)
    );

    let remedy = fork.remedy.as_ref().unwrap();
    assert_eq!(remedy.assumption, "the network between n1 and n2 never breaks while both run");
    assert!(remedy.setting.as_ref().unwrap().contains("<splitbrain"), "{remedy:?}");
    assert!(remedy.states.is_some(), "the setting was tried");
    let unharmed = finding(&outcome, "recovers once faults cease");
    assert_eq!((unharmed.verdict, unharmed.holds_up_to), (Verdict::Holds, Some(1)));
}

#[test]
fn the_same_with_a_router_holds_as_long_as_the_router_reflects() {
    let outcome = checked(&module(Witness::Router), &limits(1));
    assert_eq!(outcome.verdict(), Verdict::Holds, "{:#?}", outcome.findings);
    assert!(
        outcome.assumed.iter().any(|it| it.contains("the router reflects heartbeats")),
        "{:?}",
        outcome.assumed
    );

    let outcome = checked(&Subject { relay: false, ..module(Witness::Router) }, &limits(1));
    let fork = finding(&outcome, ACKNOWLEDGES);
    let told = story(fork).join("\n");
    assert!(told.contains("both still reach the router"), "{told}");
    let remedy = fork.remedy.as_ref().unwrap();
    assert_eq!(remedy.assumption, "whoever reaches the router also reaches the other node");
    assert!(remedy.setting.as_ref().unwrap().contains("relay=\"on\""), "{remedy:?}");
}

#[test]
fn who_gives_way_says_why() {
    let settings = Settings { budget: Budget { cuts: 1, ..Budget::default() }, faults: 1, ..worlds::CALM };
    let pair = Pair::new(settings);
    let settings = &pair.settings;
    let mut steps = vec![Step::Cut(Cut::Off(0))];
    let mut world = World::start(settings);
    world.take(settings, steps[0]).unwrap();
    // Whoever is cut off loses its window; the other one wins it.
    for _ in 0..settings.timing.timeout + settings.timing.guard {
        for to in 0..2 {
            while world.take(settings, Step::Lose { to, at: 0 }).is_some() {
                steps.push(Step::Lose { to, at: 0 });
            }
        }
        steps.push(Step::Tick { by: [1, 1] });
        world.take(settings, Step::Tick { by: [1, 1] }).unwrap();
    }
    let told = Voice::plain(Witness::Router).tell(&pair, ACKNOWLEDGES, &steps);
    let told: Vec<String> = told.iter().map(ToString::to_string).collect();
    assert!(told[1].contains("node1 has heard nothing of node2"), "{told:#?}");
    assert!(
        told[1].contains("the router does not answer it either: it stops serving and waits"),
        "{told:#?}"
    );
    assert!(told[2].contains("the router has answered it without a gap: it takes over"), "{told:#?}");
}

#[test]
fn with_an_arbiter_it_holds_though_nothing_is_reflected() {
    let outcome = checked(&Subject { relay: false, ..module(Witness::Arbiter) }, &limits(1));
    assert_eq!(outcome.verdict(), Verdict::Holds, "{:#?}", outcome.findings);
    assert!(!outcome.assumed.iter().any(|it| it.contains("reflects")), "{:?}", outcome.assumed);
}

#[test]
fn a_run_that_time_has_cut_is_never_complete() {
    for threads in [1, 2] {
        for millis in [0, 400] {
            let time = Duration::from_millis(millis);
            let outcome = checked(&module(Witness::Router), &Limits { time, threads, ..limits(2) });
            let last = outcome.levels.last().unwrap();
            assert!(!last.complete, "{last:?}");
            assert_eq!(outcome.verdict(), Verdict::Inconclusive);
            assert!(outcome.findings.iter().all(|it| it.verdict == Verdict::Inconclusive));
            assert!(outcome.findings.iter().all(|it| it.holds_up_to == last.faults.checked_sub(1)));
        }
    }
}

#[test]
fn after_as_many_faults_as_may_be_there_is_no_other() {
    let budget = Budget { crashes: 1, cuts: 1, writes: 1, ..Budget::default() };
    let pair = Pair::new(Settings { budget, faults: 1, ..worlds::CALM });
    let settings = &pair.settings;
    let mut world = World::start(settings);
    let possible = |world: &World| {
        let mut steps = Vec::new();
        world.possible(settings, &mut steps);
        steps
    };
    assert!(possible(&world).contains(&Step::Cut(Cut::Router)));
    world.take(settings, Step::Crash(1)).unwrap();
    let steps = possible(&world);
    assert!(!steps.iter().any(|step| matches!(step, Step::Cut(_) | Step::Crash(_))), "{steps:?}");
    assert!(steps.contains(&Step::Write(0)), "a write is no fault");
}

#[test]
fn one_property_alone_is_told_in_as_few_steps_with_any_number_of_threads() {
    let alone = |threads| {
        let limits = Limits { threads, only: Some(SERVES_ALL), ..limits(1) };
        let outcome = checked(&module(Witness::None), &limits);
        assert_eq!(outcome.findings.len(), 1);
        assert!(!outcome.levels[1].complete, "it ended where the property fell");
        (outcome.verdict(), outcome.findings[0].steps, outcome.findings[0].shortest)
    };
    assert_eq!(alone(1), alone(2));
    assert_eq!(alone(1).0, Verdict::Violated);
}

#[test]
fn a_client_that_writes_nothing_loses_nothing() {
    let mut limits = limits(1);
    limits.budget.writes = 0;
    let outcome = checked(&module(Witness::None), &limits);
    assert_eq!(finding(&outcome, SERVES_ALL).verdict, Verdict::Holds);
    assert_eq!(finding(&outcome, ACKNOWLEDGES).verdict, Verdict::Violated);
    assert!(outcome.assumed.iter().any(|it| it.contains("writes at most 0 times")));
}

#[test]
fn timers_that_are_too_short_are_refuted_and_longer_ones_are_named() {
    let timing = Timing { timeout: 600, losses: 0, ..LAN };
    let subject = Subject { timing, ..module(Witness::Router) };
    let mut limits = Limits { first: true, ..limits(2) };
    (limits.budget.cuts, limits.budget.crashes, limits.budget.pauses) = (2, 0, 0);
    // Enough to refute them; that the longer ones hold takes longer, and is said to be unknown.
    limits.time = Duration::from_secs(15);
    let outcome = checked(&subject, &limits);
    let fallen = outcome.findings.iter().find(|it| it.verdict == Verdict::Violated).unwrap();
    assert!(!outcome.findings.iter().any(|it| it.verdict == Verdict::Holds), "the run ended at the first");
    let remedy = fallen.remedy.as_ref().unwrap();
    assert!(remedy.setting.as_ref().unwrap().starts_with("<heart timeout=\"712ms\""), "{remedy:?}");
}

#[test]
fn without_automatic_failover_a_dead_primary_need_not_be_replaced() {
    let subject = Subject { failover: false, ..module(Witness::Router) };
    let outcome = checked(&subject, &limits(1));
    assert_eq!(outcome.verdict(), Verdict::Holds, "{:#?}", outcome.findings);
    assert!(outcome.assumed.iter().any(|it| it.contains("failover is \"off\"")));
}

#[test]
fn windows_that_the_world_cannot_hold_are_no_proof() {
    let timing = Timing { gap: 3000, timeout: 60_000, ..LAN };
    let outcome = checked(&Subject { timing, ..module(Witness::Router) }, &limits(0));
    assert!(outcome.beyond.is_some());
    assert_eq!(outcome.verdict(), Verdict::Inconclusive);
}
