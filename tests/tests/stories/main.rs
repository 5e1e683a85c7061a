//! What operators do and what happens to them, with the built product on real networks, disks and processes.
//!
//! Each story has a pair of its own. Build the product first: `cargo build --workspace`.

mod address;
mod arbiter;
mod bad_input;
mod data;
mod drills;
mod isolation;
mod kill;
mod life;
mod pause;
mod power;
mod start;

use std::{fs, os::unix::fs::MetadataExt, path::Path, time::Duration};

use safetui_lab::{Cluster, Options, cluster::Node, ledger::Client, wait};

/// Time for what takes a second on an idle machine.
const LONG: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(50);
const LEDGER: &str = "/srv/ledger";

/// n1 PRIM, n2 SECOND.
fn pair() -> Cluster {
    Cluster::start(Options::default()).unwrap()
}

/// Agents run, the module is stopped on both nodes and was never started.
fn new_nodes(options: Options) -> Cluster {
    let cluster = Cluster::build(options).unwrap();
    cluster.start_agents().unwrap();
    cluster
}

fn until(what: &str, mut condition: impl FnMut() -> bool) {
    wait::until(what, LONG, SHORT, || if condition() { Ok(()) } else { Err("not yet") }).unwrap();
}

/// Waits until a line of the node's log contains `text`.
fn logged(node: &Node, text: &str) {
    wait::until(format!("{text:?} in the log of {}", node.name()), LONG, SHORT, || {
        let log = node.log();
        if log.contains(text) { Ok(()) } else { Err(log) }
    })
    .unwrap();
}

/// Waits until all networks of the node are silent.
fn sees_nobody(node: &Node) {
    until(&format!("{} to see nobody", node.name()), || {
        node.state().is_ok_and(|state| {
            let networks = state["networks"].as_array().unwrap();
            let down = networks.iter().all(|network| network["up"] == false);
            let peer = &state["modules"][0]["instances"][1];
            down && networks.len() >= 2 && peer["role"] == "UNKNOWN"
        })
    });
}

fn count(node: &Node, text: &str) -> usize {
    node.log().lines().filter(|line| line.contains(text)).count()
}

/// Writes a file on the node, through whatever is mounted, durably.
fn write(node: &Node, name: &str, text: &str) {
    let script = format!("printf %s '{text}' >{LEDGER}/{name} && sync {LEDGER}/{name}");
    node.run("sh", ["-c", &script]).unwrap();
}

/// The file on the node's disk, beneath whatever is mounted.
fn on_disk(node: &Node, name: &str) -> Option<String> {
    fs::read_to_string(node.on_disk(LEDGER).join(name)).ok()
}

fn until_acked(client: &Client, more: usize) {
    let before = client.acked();
    until("acknowledged entries", || client.acked() >= before + more);
}

/// Everything below a folder that must be the same on both nodes: names, kinds, modes, owners, times, content.
fn tree(root: &Path) -> Vec<String> {
    let mut found = Vec::new();
    collect(root, root, &mut found);
    found.sort();
    found
}

fn collect(root: &Path, folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let data = fs::symlink_metadata(&path).unwrap();
        let name = path.strip_prefix(root).unwrap().display().to_string();
        let head = format!("{name} {:o} {}:{} {}", data.mode(), data.uid(), data.gid(), data.nlink());
        let time = format!("{}.{:09}", data.mtime(), data.mtime_nsec());
        if data.is_dir() {
            found.push(format!("{head} {time}"));
            collect(root, &path, found);
        } else if data.is_symlink() {
            found.push(format!("{head} -> {}", fs::read_link(&path).unwrap().display()));
        } else if !data.is_file() {
            found.push(head);
        } else {
            let content = fs::read(&path).unwrap();
            let sum = content.iter().fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| {
                (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
            });
            found.push(format!("{head} {} bytes {sum:016x} {time}", content.len()));
        }
    }
}
