//! What operators read when something does not work: what, why, the state now, how to fix it.

use safetui_net::api::shape::Problem;

use crate::agent::{Home, starts, waits};

/// Exit code and both streams of a command line, as a snapshot.
macro_rules! reads {
    ($home:expr, $line:expr) => {
        insta::assert_snapshot!($home.run($line).all())
    };
}

#[test]
fn no_agent() {
    reads!(Home::new(), "start -m db");
}

#[test]
fn no_such_module() {
    reads!(Home::with_agent(&["db", "web"], starts).0, "start -m mail");
}

#[test]
fn no_module_named() {
    reads!(Home::with_agent(&["db", "web"], starts).0, "stop");
}

#[test]
fn no_such_node() {
    reads!(Home::with_agent(&["db"], starts).0, "wait --for STOP --on node3");
}

#[test]
fn no_such_state() {
    reads!(Home::with_agent(&["db"], starts).0, "wait --for PRIMARY");
}

#[test]
fn confirmation_needed_when_mild() {
    reads!(Home::with_agent(&["db"], starts).0, "restart");
}

#[test]
fn confirmation_needed_when_moderate() {
    reads!(Home::with_agent(&["db"], starts).0, "stop");
}

#[test]
fn confirmation_differs() {
    reads!(Home::with_agent(&["db"], starts).0, "stop --confirm web");
}

#[test]
fn refused_by_a_rule() {
    reads!(Home::with_agent(&["db"], starts).0, "swap");
}

#[test]
fn too_late_with_the_ways_out() {
    let ran = Home::with_agent(&["db"], waits).0.run("start --timeout 1s");
    // Progress lines come as the states were seen; the error is the same whatever was seen before.
    let error = &ran.err[ran.err.find("error[").unwrap()..];
    insta::assert_snapshot!(error);
}

#[test]
fn not_supported() {
    reads!(Home::with_agent(&["db"], starts).0, "swap nosync");
}

#[test]
fn a_typo_is_named_and_never_carried_out() {
    reads!(Home::with_agent(&["db"], starts).0, "sart");
}

#[test]
fn nothing_to_explain() {
    reads!(Home::new(), "explain E9999");
}

#[test]
fn problems_of_the_agent_are_passed_on_as_they_are() {
    let (home, _kept) = Home::with_agent(&["db"], |_, command| {
        Err(Box::new(Problem {
            code: "E0399".into(),
            exit: 3,
            summary: "no \x1b[31mcolours\x1b[0m".into(),
            what: format!("{} by {}", command.verb, command.by.split('/').nth(1).unwrap()),
            why: "first line\nsecond line".into(),
            now: "as before".into(),
            fix: vec!["this".into(), "that".into()],
        }))
    });
    reads!(home, "start");
    let json = home.run("start --json");
    assert_eq!((json.exit, json.out.as_str()), (3, ""));
    let problem: Problem = serde_json::from_str(&json.err).unwrap();
    assert_eq!((problem.code.as_str(), problem.fix.len()), ("E0399", 2));
}

#[test]
fn a_code_can_be_looked_up() {
    let of_files = Home::new().run("explain e0108").out;
    assert!(of_files.starts_with("E0108, in a configuration file\n"), "{of_files}");
    reads!(Home::new(), "explain e0301");
}
