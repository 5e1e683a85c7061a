//! An operator checks his own module.

use std::{fs, path::PathBuf, process::Stdio};

use crate::agent::{Home, Ran};

const CLUSTER: &str = r#"<cluster><lans>
  <lan name="default"><node name="n1" addr="10.0.0.1"/><node name="n2" addr="10.0.0.2"/></lan>
</lans></cluster>"#;

const HEART: &str = "<heart><heartbeat name=\"default\"/></heart>";

const ROUTER: &str = "<check><splitbrain ident=\"router\" exec=\"ping\" arg=\"10.0.0.254\"/></check>";

/// A module's configuration with this in its service.
fn module(home: &Home, inside: &str) -> PathBuf {
    let file = home.path().join("userconfig.xml");
    fs::write(&file, format!("<safe><service mode=\"mirror\" boot=\"on\">\n{inside}\n</service></safe>"))
        .unwrap();
    file
}

fn verify(home: &Home, inside: &str, options: &str) -> Ran {
    let file = module(home, inside);
    let cluster = home.path().join("of.xml");
    fs::write(&cluster, CLUSTER).unwrap();
    home.run(&format!("verify {} {} {options}", file.display(), cluster.display()))
}

#[test]
fn without_a_witness_the_operator_reads_what_a_broken_cable_does() {
    let home = Home::new();
    let ran = verify(&home, HEART, "--property acknowledges");
    assert_eq!(ran.exit, 12, "{}", ran.all());
    // How many states there are is none of the operator's cares.
    insta::assert_snapshot!(
        ran.out.lines().filter(|line| !line.contains("checked:")).collect::<Vec<_>>().join("\n")
    );
    let first = ran.out.lines().position(|line| line.starts_with("how ")).unwrap();
    let told = ran.out.lines().skip(first).take_while(|line| !line.is_empty()).count();
    assert!(told <= 12, "{}", ran.out);
}

#[test]
fn with_a_router_it_holds_under_what_is_said_to_be_taken_for_granted() {
    let home = Home::new();
    let ran = verify(&home, &format!("{HEART}{ROUTER}"), "--faults 1");
    assert_eq!(ran.exit, 0, "{}", ran.all());
    assert!(ran.out.contains("router 10.0.0.254 reflects heartbeats"), "{}", ran.out);
    assert!(!ran.out.contains("VIOLATED") && !ran.out.contains("inconclusive"), "{}", ran.out);
}

#[test]
fn a_check_that_ran_out_of_time_ends_with_its_own_number() {
    let home = Home::new();
    for options in ["--budget 1ms", "--budget 500ms --faults 9", "--budget 500ms --threads 1"] {
        let ran = verify(&home, &format!("{HEART}{ROUTER}"), options);
        assert_eq!(ran.exit, 13, "{options}: {}", ran.all());
        assert!(ran.out.contains("this is no proof: the time was over"), "{}", ran.out);
    }
}

#[test]
fn timers_that_the_agent_would_refuse_are_a_violation() {
    let home = Home::new();
    let heart = HEART.replace("<heart>", "<heart timeout=\"600ms\">");
    let ran = verify(&home, &format!("{heart}{ROUTER}"), "--faults 0");
    assert_eq!(ran.exit, 12, "{}", ran.all());
    assert!(ran.out.contains("set timeout to at least 711 ms"), "{}", ran.out);
}

#[test]
fn a_reader_who_leaves_early_changes_no_verdict() {
    let home = Home::new();
    let file = module(&home, HEART);
    let mut process = home.command(&format!("verify {} --property acknowledges", file.display()));
    let mut child = process.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(12));
}

#[test]
fn a_result_for_a_build_server_may_have_a_bare_name() {
    let home = Home::new();
    let file = module(&home, HEART);
    let line = format!("verify {} --property acknowledges --junit result.xml", file.display());
    let output = home.command(&line).current_dir(home.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(12), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(fs::read_to_string(home.path().join("result.xml")).unwrap().contains("<testsuite"));
}

#[test]
fn a_bad_file_is_refused_where_it_is_bad() {
    let home = Home::new();
    let ran = verify(&home, &format!("{HEART}\n<vipp/>"), "");
    assert_eq!(ran.exit, 1, "{}", ran.all());
    assert!(ran.err.contains("userconfig.xml:3:1") && ran.err.contains("<vipp>"), "{}", ran.err);
    let alone = home.run(&format!("verify {}", module(&home, "<vipp/>").display()));
    assert_eq!(alone.exit, 1, "{}", alone.all());
    for line in [
        "verify --faults 1",
        "verify a.xml --property nothing",
        "verify a.xml --cuts 10",
        "verify a.xml --timing",
    ] {
        assert_eq!(home.run(line).exit, 2, "{line}");
    }
}

#[test]
fn programs_and_build_servers_read_the_same_result() {
    let home = Home::new();
    let (json, junit) = (home.path().join("out.json"), home.path().join("out.xml"));
    let options = format!("--property acknowledges --json --junit {}", junit.display());
    let ran = verify(&home, HEART, &options);
    fs::write(&json, &ran.out).unwrap();
    let document: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(document["schema"], "safetui.verify/v1");
    assert_eq!(document["verdict"], "violated");
    assert_eq!(document["findings"][0]["story"][1]["node"], "n1");
    let suite = fs::read_to_string(&junit).unwrap();
    assert!(suite.contains("failures=\"1\"") && suite.contains("n1 has heard nothing of n2"), "{suite}");

    let ran = verify(&home, &format!("{HEART}{ROUTER}"), "--budget 1ms --property acknowledges --junit -");
    assert_eq!(ran.exit, 13);
    assert!(ran.out.contains("errors=\"1\""), "what was cut is no success: {}", ran.out);
}

#[test]
fn rules_that_never_come_to_rest_are_told_by_their_resources() {
    let home = Home::new();
    let file = home.path().join("userconfig.xml");
    let web = "<check><tcp ident=\"web\" when=\"prim\"><to addr=\"10.0.0.9\" port=\"80\"/></tcp></check>";
    let verify = |attributes: &str| {
        let module =
            format!("<safe><service mode=\"mirror\" boot=\"on\" {attributes}>{HEART}{web}</service></safe>");
        fs::write(&file, module).unwrap();
        home.run(&format!("verify {} --faults 1 --property failing", file.display()))
    };
    let ran = verify("loop_interval=\"0\"");
    assert_eq!(ran.exit, 12, "{}", ran.all());
    assert!(ran.out.contains("finds tcp.web down"), "{}", ran.all());
    assert!(ran.err.contains("not carried out yet"), "{}", ran.all());
}
