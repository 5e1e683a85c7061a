//! The arbiter's command: it listens, and what keeps it from that is said with its remedy.

use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::fs::PermissionsExt,
    process::{Child, Stdio},
};

use crate::agent::Home;

/// A server that runs until the value is gone, and where it listens.
struct Server(Child, String);

impl Drop for Server {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

fn serving(home: &Home) -> Server {
    let mut process = home.command("witness --listen 127.0.0.1:0");
    let mut child = process.stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stderr.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.strip_prefix("listening on UDP ").and_then(|rest| rest.split(';').next());
    let address = address.unwrap_or_else(|| panic!("{line}")).to_owned();
    assert!(line.contains("0 grants kept in ") && line.ends_with("/witness\n"), "{line}");
    Server(child, address)
}

fn with_key() -> Home {
    let home = Home::new();
    let key = home.folder.path().join("cluster.key");
    fs::write(&key, "07".repeat(32)).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    home
}

/// The exit code, and an error with all its parts and these words.
fn refused(home: &Home, line: &str, words: &[&str]) {
    let said = home.run(line);
    assert_eq!(said.exit, 1, "{}", said.err);
    for word in ["what ", "why ", "now ", "fix "].iter().chain(words) {
        assert!(said.err.contains(word), "{word:?} in {}", said.err);
    }
}

#[test]
fn what_keeps_an_arbiter_from_listening_is_said() {
    let home = with_key();
    let folder = home.folder.path().display().to_string();
    let server = serving(&home);
    refused(&home, "witness --listen 127.0.0.1:0", &["error[E0521]", "another one keeps", "/lock"]);
    let busy = format!("witness --listen {} --state {folder}/other", server.1);
    refused(&home, &busy, &["error[E0522]", &server.1, "in use"]);
    let unwritable = format!("witness --listen 127.0.0.1:0 --state {folder}/cluster.key/below");
    refused(&home, &unwritable, &["error[E0520]", "cluster.key/below", "--state"]);
    let no_key = format!("witness --listen 127.0.0.1:0 --key {folder}/nowhere");
    refused(&home, &no_key, &["error[E0512]", "no cluster key at", "copy cluster.key from a node"]);
    fs::create_dir(format!("{folder}/damaged")).unwrap();
    fs::write(format!("{folder}/damaged/ledger"), "not a ledger").unwrap();
    let damaged = format!("witness --listen 127.0.0.1:0 --state {folder}/damaged");
    refused(&home, &damaged, &["error[E0523]", "does not begin as a ledger", "mv "]);
    assert_eq!(home.run("witness").exit, 2);
    assert_eq!(home.run("witness --listen 127.0.0.1").exit, 2);
}

#[test]
fn its_help_says_what_it_is_for() {
    let help = Home::new().run("witness --help").out;
    for words in ["--listen <ADDRESS:PORT>", "exec=\"arbiter\"", "once and for ever", "Keep its directory"] {
        assert!(help.contains(words), "{words:?} in {help}");
    }
}
