//! What goes to stdout: tables for humans, records and JSON for programs, and readers that leave.

use std::process::Stdio;

use safetui_net::api::shape::State;

use crate::agent::{Home, starts, waits};

fn mixed() -> Home {
    let (home, kept) = Home::with_agent(&["db", "web"], starts);
    kept.turn("db", "PRIM", "Ready");
    kept.change(|state| {
        let instances = &mut state.modules[0].instances;
        instances[1].role = "SECOND".into();
        instances[1].readiness = "Transient".into();
        instances[1].mark = Some("Copying".into());
        instances[1].rule = Some("rfs_copy".into());
        let instances = &mut state.modules[1].instances;
        instances[0].role = "WAIT".into();
        instances[1].role = "UNKNOWN".into();
        instances[1].readiness = "Unknown".into();
        (instances[1].since, instances[1].mark, instances[1].age_ms) = (None, None, 4000);
        state.modules[1].vips.clear();
        state.warnings.push("the witness\x1b[2J is silent".into());
    });
    home
}

#[test]
fn the_table_of_states() {
    insta::assert_snapshot!(mixed().run("state -v").all());
}

#[test]
fn without_a_verb_and_a_terminal_the_state_is_shown() {
    let home = mixed();
    assert_eq!(home.run("").out, home.run("state").out);
}

#[test]
fn plain_records() {
    insta::assert_snapshot!(mixed().run("state -o plain").all());
}

#[test]
fn json_is_the_state_itself() {
    let (home, kept) = Home::with_agent(&["db"], starts);
    for form in ["-o json", "-o ndjson", "--json"] {
        let state: State = serde_json::from_str(&home.run(&format!("state {form}")).out).unwrap();
        assert_eq!(state, *kept.now());
    }
    assert_eq!(home.run("state -o ndjson").out.lines().count(), 1);
}

#[test]
fn a_result_in_json_says_that_it_was_verified() {
    let (home, _kept) = Home::with_agent(&["db"], starts);
    let result: serde_json::Value = serde_json::from_str(&home.run("start --json").out).unwrap();
    assert_eq!(result["schema"], "safetui.result/v1");
    assert_eq!((&result["verified"], &result["role"]), (&true.into(), &"ALONE".into()));
    let (home, _kept) = Home::with_agent(&["db"], waits);
    let result: serde_json::Value = serde_json::from_str(&home.run("start --json --no-wait").out).unwrap();
    assert_eq!(result["verified"], false);
}

#[test]
fn colours_and_shapes_are_for_those_who_can_see_them() {
    let home = mixed();
    assert!(!home.run("state").out.contains('\x1b'), "a pipe has no colours");
    assert!(home.run("state --color always").out.contains("\x1b[32m*\x1b[0m PRIM"));
    let utf8 = home.command("state").env("LANG", "C.UTF-8").output().unwrap().stdout;
    assert!(String::from_utf8(utf8).unwrap().contains("\u{25CF} PRIM"));
}

#[test]
fn a_reader_that_leaves_is_no_error() {
    let (home, kept) = Home::with_agent(&["db"], starts);
    for _ in 0..300 {
        kept.happen("I", &"long ".repeat(100));
    }
    for line in ["log", "log -o json", "state --json", "explain exit-codes", "--help"] {
        let mut child = home.command(line).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let ran = child.wait_with_output().unwrap();
        assert_eq!((ran.status.code(), ran.stderr), (Some(0), vec![]), "{line}");
    }
}

#[test]
fn the_log_is_followed() {
    use std::io::{BufRead, BufReader};
    let (home, kept) = Home::with_agent(&["db"], starts);
    kept.happen("E", "one");
    kept.happen("C", "two\x1b[2J");
    insta::assert_snapshot!(home.run("log -s 1").all());
    let mut child = home.command("log -f -o plain -m db").stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.next().unwrap().ends_with("\tone"));
    assert!(lines.next().unwrap().ends_with("\ttwo [2J"));
    kept.happen("U", "three");
    assert!(lines.next().unwrap().ends_with("\tU\tnode1\tdb\tthree"));
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn why_is_the_answer_of_the_core() {
    let (home, _kept) = Home::with_agent(&["db"], waits);
    insta::assert_snapshot!("why_not", home.run("why").all());
    home.run("start --no-wait");
    insta::assert_snapshot!("why", home.run("why").all());
    let why: serde_json::Value = serde_json::from_str(&home.run("why --json").out).unwrap();
    assert_eq!((&why["schema"], &why["role"]), (&"safetui.why/v1".into(), &"WAIT".into()));
}

#[test]
fn nodes_as_this_one_sees_them() {
    insta::assert_snapshot!(mixed().run("cluster state").all());
}

#[test]
fn help() {
    insta::assert_snapshot!(Home::new().run("--help").out);
}
