//! Each exit code, as a script sees it.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Command as Process, Stdio},
};

use safetui_net::api::{exit::Exit, shape::Health};

use crate::agent::{Home, accepted, starts, waits};

#[test]
fn zero_only_when_the_target_was_seen() {
    let (home, kept) = Home::with_agent(&["db"], starts);
    let ran = home.run("start -m db");
    assert_eq!((ran.exit, ran.out.as_str()), (0, "db  node1  ALONE  Ready\n"));
    assert!(ran.err.ends_with("-> ALONE Ready\n"), "{}", ran.err);
    assert_eq!(kept.now().modules[0].instances[0].role, "ALONE");
}

#[test]
fn the_only_module_needs_no_name_and_safemodule_names_one_of_several() {
    let (home, _kept) = Home::with_agent(&["db"], starts);
    assert_eq!(home.run("start").exit, 0);
    let (home, kept) = Home::with_agent(&["db", "web"], starts);
    assert_eq!(home.run("start").exit, 2);
    let status = home.command("start").env("SAFEMODULE", "web").output().unwrap().status;
    assert_eq!((status.code(), kept.now().modules[1].instances[0].role.as_str()), (Some(0), "ALONE"));
}

#[test]
fn a_state_from_before_the_command_proves_nothing() {
    // As a restart is: the module is where it should get, and leaves it first.
    let (home, kept) = Home::with_agent(&["db"], |kept, command| {
        let seq = kept.now().seq + 2;
        kept.happen("I", "something else");
        assert_eq!(kept.turn(&command.module, "PRIM", "Transient"), seq);
        Ok(accepted(seq, "PRIM Ready"))
    });
    kept.turn("db", "PRIM", "Ready");
    let ran = home.run("restart -m db -y --timeout 300ms");
    assert_eq!(ran.exit, 7, "{}", ran.all());
}

#[test]
fn one_when_it_stops_on_the_way() {
    let (home, _kept) = Home::with_agent(&["db"], |kept, command| {
        let seq = kept.turn(&command.module, "WAIT", "Transient");
        kept.turn(&command.module, "STOP", "NotReady");
        Ok(accepted(seq, "ALONE Ready"))
    });
    assert_eq!(home.run("start --timeout 20s").exit, 1);
}

#[test]
fn two_for_what_cannot_be_meant_or_asked() {
    let (home, kept) = Home::with_agent(&["db"], starts);
    assert_eq!(home.run("sart").exit, 2);
    assert_eq!(home.run("restart").exit, 2, "mild");
    assert_eq!(home.run("stop").exit, 2, "moderate");
    assert_eq!(home.run("stop -y").exit, 2, "yes is for what is mild");
    assert_eq!(home.run("stop --confirm web").exit, 2);
    assert_eq!(home.run("swap nosync").exit, 2);
    assert_eq!(home.run("wait --for PRIMARY").exit, 2);
    assert_eq!(kept.now().seq, 41, "nothing was changed");
    assert_eq!(home.run("restart -y").exit, 0);
    assert_eq!(home.run("stop --confirm db").exit, 0);
}

#[test]
fn on_a_terminal_it_is_asked_for() {
    // `script` gives the command line a terminal and passes on what is typed.
    let typed = |words: &str, line: &str| {
        let (home, kept) = Home::with_agent(&["db"], starts);
        let mut script = home.command(line);
        let inner = format!("{} {line}", script.get_program().display());
        let folders: Vec<_> =
            script.get_envs().map(|(name, value)| (name.to_owned(), value.unwrap().to_owned())).collect();
        script = Process::new("script");
        script.args(["-qec", &inner, "/dev/null"]).envs(folders).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = script.spawn().unwrap();
        child.stdin.take().unwrap().write_all(words.as_bytes()).unwrap();
        let out = child.wait_with_output().unwrap();
        (out.status.code().unwrap(), kept.now().seq > 41, String::from_utf8(out.stdout).unwrap())
    };
    let (exit, changed, text) = typed("db\n", "stop");
    assert_eq!((exit, changed), (0, true), "{text}");
    assert!(text.contains("1. stop the application") && text.contains("Type `db` to go on"), "{text}");
    let (exit, changed, text) = typed("yes\n", "stop");
    assert_eq!((exit, changed), (2, false), "{text}");
    assert_eq!(typed("y\n", "restart").0, 0);
    assert_eq!(typed("n\n", "restart").0, 2);
    assert_eq!(typed("y\n", "restart --no-input").0, 2);
}

#[test]
fn what_the_agent_does_not_judge_needs_the_operators_word() {
    let (home, _kept) = Home::with_agent(&["db"], starts);
    assert_eq!(home.run("forcestop").exit, 2);
    assert_eq!(home.run("forcestop --confirm db").exit, 0);
}

#[test]
fn three_when_a_rule_forbids_it() {
    let (home, kept) = Home::with_agent(&["db"], starts);
    assert_eq!(home.run("swap").exit, 3);
    assert_eq!(kept.now().seq, 41);
}

#[test]
fn five_for_what_is_not_there() {
    let (home, _kept) = Home::with_agent(&["db"], starts);
    assert_eq!(home.run("start -m web").exit, 5);
    assert_eq!(home.run("wait --for STOP --on node3").exit, 5);
    assert_eq!(home.run("explain nothing").exit, 5);
}

#[test]
fn six_without_an_agent() {
    let home = Home::new();
    for line in ["start", "state", "why", "wait --for STOP", "log", "cluster state"] {
        assert_eq!(home.run(line).exit, 6, "{line}");
    }
}

#[test]
fn seven_when_it_takes_too_long_and_the_agent_goes_on() {
    let (home, kept) = Home::with_agent(&["db"], waits);
    let ran = home.run("start --timeout 300ms");
    assert_eq!(ran.exit, 7, "{}", ran.all());
    assert_eq!(kept.now().modules[0].instances[0].role, "WAIT");
    assert_eq!(home.run("wait --for SECOND --on node2 --timeout 300ms").exit, 7);
}

#[test]
fn eight_when_the_agent_is_lost_after_sending() {
    let (home, _kept) = Home::with_agent(&["db"], waits);
    let mut child = home.command("start").stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    lines.find(|line| line.ends_with("-> WAIT NotReady")).unwrap();
    home.kill_agent();
    assert!(lines.any(|line| line.starts_with("error[E0406]")));
    assert_eq!(child.wait().unwrap().code(), Some(8));
}

#[test]
fn eight_when_the_command_gets_no_answer() {
    let (home, _kept) = Home::with_agent(&["db"], |_, _| panic!("the agent dies of this command"));
    let ran = home.run("start");
    assert_eq!(ran.exit, 8, "{}", ran.all());
}

#[test]
fn nine_when_the_state_is_another() {
    let (home, kept) = Home::with_agent(&["db"], starts);
    assert_eq!(home.run("start --if-state 40").exit, 9);
    assert_eq!(kept.now().seq, 41);
    assert_eq!(home.run("start --if-state 41").exit, 0);
}

#[test]
fn ten_and_eleven_are_asked_for() {
    let (home, kept) = Home::with_agent(&["db"], starts);
    for (health, exit) in
        [(Health::Transient, 0), (Health::Degraded, 10), (Health::Unknown, 8), (Health::Outage, 11)]
    {
        kept.change(|state| state.health = health);
        assert_eq!(home.run("state --exit-code").exit, exit);
        assert_eq!(home.run("state").exit, 0);
    }
}

#[test]
fn an_interrupt_says_what_was_already_done() {
    let (home, _kept) = Home::with_agent(&["db"], waits);
    let mut child = home.command("start").stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    lines.find(|line| line.ends_with("-> WAIT NotReady")).unwrap();
    let sent = Process::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    assert!(lines.any(|line| line.contains("was taken by the agent")));
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

#[test]
fn not_waiting_and_a_dry_run_end_at_once() {
    let (home, kept) = Home::with_agent(&["db"], waits);
    let dry = home.run("stop --dry-run");
    assert_eq!((dry.exit, kept.now().seq), (0, 41));
    assert_eq!(dry.out, "safetui stop -m db: moderate, nothing is done now\n  1. stop the application\n");
    let taken = home.run("start --no-wait");
    assert_eq!((taken.exit, taken.out.as_str()), (0, ""));
    assert_eq!(taken.err, "start of db: taken, not waited for\n");
}

#[test]
fn waiting_ends_when_the_state_comes() {
    let (home, kept) = Home::with_agent(&["db"], starts);
    assert_eq!(home.run("waitstop").exit, 0);
    let child = home.command("waitstart").spawn().unwrap();
    kept.turn("db", "WAIT", "Transient");
    kept.turn("db", "PRIM", "Ready");
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(0));
    assert_eq!(home.run("waitstate prim").exit, 0);
}

#[test]
fn safekits_own_numbers_stand_behind_lq() {
    let (home, kept) = Home::with_agent(&["db"], starts);
    for (role, number) in [("STOP", 0), ("WAIT", 1), ("ALONE", 2), ("UP", 2), ("PRIM", 3), ("SECOND", 4)] {
        kept.turn("db", role, "Ready");
        let ran = home.run("state -lq");
        assert_eq!((ran.exit, ran.out.as_str()), (number, ""), "{role}");
    }
}

#[test]
fn the_explained_exit_codes_are_those_of_the_program() {
    let ran = Home::new().run("explain exit-codes -o plain");
    let said: Vec<&str> = ran.out.lines().collect();
    let meant = Exit::ALL
        .map(|exit| [&exit.code().to_string(), exit.name(), exit.meaning(), exit.retry()].join("\t"));
    assert_eq!(said, meant);
}
