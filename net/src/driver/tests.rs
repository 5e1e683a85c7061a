//! A whole driver with real threads, files and scripts; only the network is missing.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};

use safetui_core::{Boot, Command, Mark, Refusal, Role, Status};
use tokio::sync::oneshot;

use super::{Driver, News, open, record};
use crate::{config::cluster, journal::Journal, node::Node, paths::Paths, wire::ClusterKey};

const CLUSTER: &str = r#"<cluster><lans><lan name="a">
<node name="n1" addr="127.0.0.1"/><node name="n2" addr="127.0.0.2"/></lan></lans></cluster>"#;
const MODULE: &str = r#"<safe><service mode="mirror"><heart pulse="100ms" timeout="1000ms" guard="500ms">
<heartbeat name="a"/></heart><user starttimeout="300s" nicestoptimeout="20s"/></service></safe>"#;
const LIMIT: Duration = Duration::from_secs(30);

struct Bench {
    dir: tempfile::TempDir,
    node: Node,
    driver: Driver,
    news: mpsc::Receiver<News>,
}

/// A module `am` whose scripts are those that are given.
fn bench(scripts: &[(&str, &str)]) -> Bench {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path();
    let paths = Paths { etc: home.into(), var: home.into(), run: home.into(), log: home.join("log") };
    let active = paths.active("am");
    fs::create_dir_all(active.join("conf")).unwrap();
    fs::create_dir_all(active.join("bin")).unwrap();
    fs::write(active.join("conf/userconfig.xml"), MODULE).unwrap();
    for (name, text) in scripts {
        let path = active.join("bin").join(name);
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let names = vec!["n1".to_owned(), "n2".to_owned()];
    let cluster = cluster::parse(CLUSTER, "cluster.xml").unwrap();
    let node = Node { cluster, key: ClusterKey::generate(), names, me: 0, paths };
    let journal = Journal::open(&node.paths, "n1");
    let (tell, news) = mpsc::channel();
    let plan = node.plan("am").unwrap();
    let driver = open(&node, plan, Boot(7), &journal, Arc::new(move |news| _ = tell.send(news))).unwrap();
    Bench { dir, node, driver, news }
}

impl Bench {
    /// Runs the module until it is what is wanted.
    fn until(&mut self, role: Role, status: Status) {
        let deadline = Instant::now() + LIMIT;
        while (self.driver.core.role(), self.driver.core.status()) != (role, status) {
            assert!(
                Instant::now() < deadline,
                "it is {:?}",
                (self.driver.core.role(), self.driver.core.status())
            );
            self.turn();
        }
    }

    fn turn(&mut self) {
        if let Ok(news) = self.news.recv_timeout(Duration::from_millis(20)) {
            self.driver.news(news);
        }
        self.driver.run();
    }

    fn order(&mut self, command: Command) -> Option<Refusal> {
        let (reply, mut answer) = oneshot::channel();
        self.driver.ordered(command, Some(reply));
        self.driver.run();
        answer.try_recv().unwrap()
    }

    fn said(&self) -> String {
        fs::read_to_string(self.dir.path().join("order")).unwrap_or_default()
    }

    fn script(&self, word: &str) -> String {
        format!("echo {word} \"$@\" >> {}", self.dir.path().join("order").display())
    }
}

#[test]
fn a_module_serves_and_stops_and_its_record_is_durable() {
    let mut bench = bench(&[]);
    for name in ["prestart", "start_prim", "stop_prim", "poststop"] {
        let path = bench.node.paths.active("am").join("bin").join(name);
        fs::write(&path, format!("#!/bin/sh\n{}\n", bench.script(name))).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    assert_eq!(bench.order(Command::Prim), None);
    bench.until(Role::Alone, Status::Ready);
    let (_, record) = record::load(&bench.node.paths.state("am")).unwrap();
    assert_eq!(record.mark, Mark::Exclusive);
    assert_eq!(record, *bench.driver.core.record());
    assert_eq!(bench.order(Command::Start), Some(Refusal::AlreadyStarted));
    assert_eq!(bench.order(Command::Stop), None);
    bench.until(Role::Stop, Status::NotReady);
    let expected = "prestart STOP WAIT start\nstart_prim WAIT ALONE start\nstop_prim ALONE WAIT stop\n\
                    stop_prim force ALONE WAIT stop\nstop_prim force WAIT STOP stop\npoststop WAIT STOP stop\n";
    assert_eq!(bench.said(), expected);
}

#[test]
fn what_is_not_yet_in_force_is_not_shown() {
    let mut bench = bench(&[]);
    let (deadline, mut waited) = (Instant::now() + LIMIT, false);
    let mut shown = bench.driver.shot().core;
    bench.driver.ordered(Command::Prim, None);
    while shown.role() != Role::Alone || shown.status() != Status::Ready {
        assert!(Instant::now() < deadline, "{shown:?}");
        bench.driver.run();
        let now = bench.driver.shot().core;
        if bench.driver.blocked {
            assert_eq!(now, shown, "an order is still under way");
            waited = true;
        }
        shown = now;
        if let Ok(news) = bench.news.recv_timeout(Duration::from_millis(20)) {
            bench.driver.news(news);
        }
    }
    assert!(waited, "a record must become durable on the way");
}

#[test]
fn a_start_script_that_fails_leaves_the_role_not_ready() {
    let mut bench = bench(&[("start_prim", "exit 3")]);
    assert_eq!(bench.order(Command::Prim), None);
    bench.until(Role::Alone, Status::NotReady);
}

#[test]
fn a_forced_stop_ends_a_start_script_that_hangs_and_what_it_has_left() {
    let mut bench = bench(&[("start_prim", "sleep 1000 & sleep 1000")]);
    assert_eq!(bench.order(Command::Prim), None);
    bench.until(Role::Alone, Status::Transient);
    let runner = super::runner(&bench.node, &bench.driver.plan).unwrap();
    let deadline = Instant::now() + LIMIT;
    while runner.left_behind().len() < 2 {
        assert!(Instant::now() < deadline, "the script was not started");
        bench.turn();
    }
    assert_eq!(bench.order(Command::ForceStop), None);
    bench.until(Role::Stop, Status::NotReady);
    assert!(runner.left_behind().is_empty());
}

#[test]
fn beats_of_a_peer_with_another_configuration_do_not_reach_the_core() {
    let mut bench = bench(&[]);
    let beat = crate::agent::packet::longest();
    bench.driver.heard(bench.driver.plan.signature ^ 1, beat);
    bench.driver.run();
    assert!(bench.driver.core.peer().is_none());
    assert!(bench.driver.shot().trouble.differs);
    bench.driver.heard(bench.driver.plan.signature, beat);
    bench.driver.run();
    assert!(bench.driver.core.peer().is_some());
    assert!(!bench.driver.shot().trouble.differs);
}
