//! What is wrong is said, with its cause and its remedy, and nothing is changed.

use std::{collections::BTreeMap, fs, path::Path};

use safetui_lab::{
    Cluster, Options,
    cluster::{Node, Said},
};

use crate::{logged, new_nodes, on_disk, pair, until, write};

const CONFIG: &str = "/var/lib/safetui/modules/demo/conf/userconfig.xml";

/// All that a node keeps: configuration, durable state, data.
fn kept(node: &Node) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for folder in ["/etc/safetui", "/var/lib/safetui", "/srv/ledger"] {
        read(&node.on_disk(folder), &mut files);
    }
    files
}

fn read(folder: &Path, files: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.ends_with("state") {
            // There a module writes by itself for as long as it runs.
        } else if path.is_dir() {
            read(&path, files);
        } else {
            files.insert(path.display().to_string(), fs::read(&path).unwrap());
        }
    }
}

/// The error has all its parts, this exit code, and these words.
fn complains(said: &Said, code: i32, words: &[&str]) {
    assert_eq!(said.code, Some(code), "{said:?}");
    for word in ["error[E", "what ", "why ", "now ", "fix "].iter().chain(words) {
        assert!(said.err.contains(word), "{word:?} in {}", said.err);
    }
}

/// Changes the module's configuration on n2 and tries to put it in force.
fn configured(cluster: &Cluster, from: &str, to: &str) -> Said {
    let file = cluster.n2.on_disk(CONFIG);
    let right = fs::read_to_string(&file).unwrap();
    let wrong = right.replace(from, to);
    assert_ne!(right, wrong);
    fs::write(&file, wrong).unwrap();
    let before = kept(&cluster.n2);
    let said = cluster.n2.ask(["config", "-m", "demo"]).unwrap();
    assert_eq!(kept(&cluster.n2), before, "something was changed");
    fs::write(&file, right).unwrap();
    said
}

#[test]
fn a_wrong_configuration_is_not_taken() {
    let cluster = new_nodes(Options::default());
    let wrong = |from: &str, to: &str, words: &[&str]| complains(&configured(&cluster, from, to), 1, words);
    wrong("</service>", "", &["userconfig.xml"]);
    wrong("name=\"private\"", "name=\"nowhere\"", &["nowhere", "default", "private"]);
    wrong("dir=\"/srv/ledger\"", "dir=\"/srv/missing\"", &["/srv/missing"]);
    wrong("timeout=\"1000ms\"", "timeout=\"soon\"", &["soon"]);
    wrong("timeout=\"1000ms\"", "timeout=\"100ms\"", &["timeout"]);
    wrong("pulse=", "puls=", &["puls", "pulse"]);
    wrong("addr=\"10.77.0.100\"", "addr=\"10.77.0.11\"", &["10.77.0.11", "n1"]);
    assert_eq!(cluster.n2.ask(["config", "-m", "demo"]).unwrap().code, Some(0));
}

#[test]
fn two_modules_do_not_share_a_directory_or_an_address() {
    let cluster = new_nodes(Options::default());
    let (demo, other) = ("/var/lib/safetui/modules/demo", "/var/lib/safetui/modules/other");
    let copy = format!("mkdir {other} && cp -r {demo}/conf {demo}/bin {other}/");
    cluster.n1.run("sh", ["-c", &copy]).unwrap();
    let before = kept(&cluster.n1);
    let said = cluster.n1.ask(["config", "-m", "other"]).unwrap();
    complains(&said, 1, &["/srv/ledger", "10.77.0.100", "demo"]);
    assert_eq!(kept(&cluster.n1), before);
}

#[test]
fn a_started_module_is_not_reconfigured() {
    let cluster = pair();
    let before = kept(&cluster.n2);
    let said = cluster.n2.ask(["config", "-m", "demo"]).unwrap();
    complains(&said, 3, &["started", "safetui stop -m demo"]);
    assert_eq!(kept(&cluster.n2), before);
    cluster.wait("n2", "SECOND").unwrap();
}

#[test]
fn an_agent_with_an_unusable_key_does_not_start() {
    let cluster = Cluster::build(Options::default()).unwrap();
    let key = cluster.n1.on_disk("/etc/safetui/cluster.key");
    let starts = |words: &[&str]| {
        let before = kept(&cluster.n1);
        complains(&cluster.n1.ask(["agent"]).unwrap(), 1, words);
        assert_eq!(kept(&cluster.n1), before);
    };
    fs::write(&key, "not a key\n").unwrap();
    starts(&["E0512", "cluster.key"]);
    fs::remove_file(&key).unwrap();
    starts(&["E0512", "cluster.key", "safetui cluster genkey"]);
    fs::write(cluster.n1.on_disk("/etc/safetui/cluster.xml"), "<cluster>").unwrap();
    starts(&["E0511", "cluster.xml"]);
}

/// Nodes that do not trust each other do not pair, whatever they say to each other, and say why.
fn strangers(cluster: &Cluster, why: &str) {
    for node in cluster.nodes() {
        node.start_agent().unwrap();
        until("its agent", || node.state().is_ok());
        node.safetui(["config", "-m", "demo"]).unwrap();
    }
    cluster.n1.order("prim").unwrap();
    cluster.wait("n1", "ALONE").unwrap();
    write(&cluster.n1, "file", "text");
    cluster.n2.order("start").unwrap();
    cluster.wait("n2", "WAIT NotReady").unwrap();
    for node in cluster.nodes() {
        until("a warning", || node.state().is_ok_and(|state| state["warnings"].to_string().contains(why)));
        assert_eq!(node.module().unwrap()["instances"][1]["role"], "UNKNOWN");
    }
    assert_eq!(on_disk(&cluster.n2, "file"), None);
    cluster.wait("n1", "ALONE").unwrap();
}

#[test]
fn a_peer_with_another_key_is_not_heard() {
    let cluster = Cluster::build(Options::default()).unwrap();
    fs::write(cluster.n2.on_disk("/etc/safetui/cluster.key"), "ab".repeat(32)).unwrap();
    strangers(&cluster, "key");
}

#[test]
fn a_peer_of_another_cluster_is_not_heard() {
    let cluster = Cluster::build(Options::default()).unwrap();
    let file = cluster.n2.on_disk("/etc/safetui/cluster.xml");
    let text = fs::read_to_string(&file).unwrap().replace("<cluster>", "<cluster name=\"elsewhere\">");
    fs::write(&file, text).unwrap();
    strangers(&cluster, "cluster");
}

#[test]
fn a_peer_with_another_configuration_is_not_followed() {
    let cluster = Cluster::build(Options::default()).unwrap();
    let file = cluster.n2.on_disk(CONFIG);
    let text = fs::read_to_string(&file).unwrap().replace("timeout=\"1000ms\"", "timeout=\"1100ms\"");
    fs::write(&file, text).unwrap();
    cluster.start_agents().unwrap();
    cluster.n1.order("prim").unwrap();
    cluster.n2.order("start").unwrap();
    cluster.wait("n2", "WAIT NotReady").unwrap();
    for node in cluster.nodes() {
        logged(node, "the peer runs another configuration");
    }
    cluster.wait("n1", "ALONE").unwrap();
}

#[test]
fn a_second_agent_does_not_start_and_does_no_harm() {
    let cluster = pair();
    let before = (kept(&cluster.n1), cluster.n1.agent_pid().unwrap(), cluster.n1.service_pid());
    complains(&cluster.n1.ask(["agent"]).unwrap(), 1, &["E0510", "another agent"]);
    let after = (kept(&cluster.n1), cluster.n1.agent_pid().unwrap(), cluster.n1.service_pid());
    assert_eq!(before, after);
    cluster.wait("n1", "PRIM").unwrap();
    cluster.wait("n2", "SECOND").unwrap();
}

#[test]
fn a_command_without_an_agent_says_so() {
    let cluster = Cluster::build(Options::default()).unwrap();
    let before = kept(&cluster.n1);
    for words in [&["state"][..], &["start", "-m", "demo"], &["why"], &["log"]] {
        complains(&cluster.n1.ask(words).unwrap(), 6, &["E0401", "safetui agent"]);
    }
    assert_eq!(kept(&cluster.n1), before);
}

#[test]
fn a_command_for_what_does_not_exist_is_refused() {
    let cluster = new_nodes(Options::default());
    let before = kept(&cluster.n1);
    complains(&cluster.n1.ask(["start", "-m", "absent"]).unwrap(), 5, &["absent"]);
    assert_eq!(cluster.n1.ask(["strat", "-m", "demo"]).unwrap().code, Some(2));
    assert_eq!(kept(&cluster.n1), before);
}

#[test]
fn a_full_disk_does_not_stop_a_takeover() {
    let cluster = Cluster::build(Options::default()).unwrap();
    let state = "/var/lib/safetui/modules/demo/state";
    let mount = format!("mkdir -p {state} && mount -t tmpfs -o size=64k tmpfs {state}");
    cluster.n2.run("sh", ["-c", &mount]).unwrap();
    cluster.start_agents().unwrap();
    cluster.first_start().unwrap();
    let full = cluster.n2.run("dd", ["if=/dev/zero", &format!("of={state}/filler"), "bs=1k"]).unwrap_err();
    assert!(full.to_string().contains("No space left"), "{full}");
    cluster.n1.power_cut().unwrap();
    cluster.wait("n2", "ALONE").unwrap();
    assert_eq!(cluster.n2.instance().unwrap()["mark"], "Exclusive");
}

#[test]
fn a_full_data_disk_is_the_application_s_error_and_not_a_failover() {
    let cluster = Cluster::build(Options::default()).unwrap();
    cluster.n1.run("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", "/srv/ledger"]).unwrap();
    cluster.start_agents().unwrap();
    cluster.first_start().unwrap();
    let full = cluster.n1.run("dd", ["if=/dev/zero", "of=/srv/ledger/filler", "bs=64k"]).unwrap_err();
    assert!(full.to_string().contains("No space left"), "{full}");
    cluster.wait("n1", "PRIM").unwrap();
    cluster.wait("n2", "SECOND").unwrap();
    cluster.n1.run("rm", ["/srv/ledger/filler"]).unwrap();
    write(&cluster.n1, "file", "text");
    assert_eq!(on_disk(&cluster.n2, "file").as_deref(), Some("text"));
}
