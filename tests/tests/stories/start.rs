//! What `start` does, by what each node knows of its data and of its peer.

use safetui_lab::Options;

use crate::{count, logged, new_nodes, pair, sees_nobody, write};

#[test]
fn two_new_nodes_wait_until_an_operator_says_whose_data_are_right() {
    let cluster = new_nodes(Options::default());
    for node in cluster.nodes() {
        node.order("start").unwrap();
    }
    for node in cluster.nodes() {
        cluster.wait(node.name(), "WAIT NotReady").unwrap();
        assert_eq!(node.instance().unwrap()["rule"], "notuptodate_server");
        assert!(node.safetui(["why"]).unwrap().contains("safetui prim -m demo"));
        assert_eq!(node.service_pid(), None);
    }
    cluster.n1.order("prim").unwrap();
    cluster.wait("n1", "PRIM").unwrap();
    cluster.wait("n2", "SECOND").unwrap();
    assert_eq!((cluster.n1.service_pid().is_some(), cluster.n2.service_pid()), (true, None));
}

#[test]
fn after_a_clean_life_both_find_their_roles_and_only_the_primary_starts_the_application() {
    let cluster = pair();
    cluster.n2.order("stop").unwrap();
    cluster.n1.order("stop").unwrap();
    let before = cluster.nodes().map(|node| count(node, "Script start_prim"));
    cluster.n2.order("start").unwrap();
    cluster.wait("n2", "WAIT NotReady").unwrap();
    cluster.n1.order("start").unwrap();
    cluster.wait("n1", "PRIM").unwrap();
    cluster.wait("n2", "SECOND").unwrap();
    let after = cluster.nodes().map(|node| count(node, "Script start_prim"));
    assert_eq!(after, [before[0] + 1, before[1]]);
    for (node, local, remote) in
        [(&cluster.n1, "PRIM Ready", "SECOND Ready"), (&cluster.n2, "SECOND Ready", "PRIM Ready")]
    {
        logged(node, &format!("Local state {local}"));
        logged(node, &format!("Remote state {remote}"));
    }
}

#[test]
fn who_served_last_serves_first() {
    let cluster = pair();
    cluster.n1.order("stop").unwrap();
    cluster.wait("n2", "ALONE").unwrap();
    write(&cluster.n2, "later", "of n2");
    cluster.n2.order("stop").unwrap();
    cluster.n1.order("start").unwrap();
    cluster.wait("n1", "WAIT NotReady").unwrap();
    cluster.n2.order("start").unwrap();
    cluster.wait("n2", "PRIM").unwrap();
    cluster.wait("n1", "SECOND").unwrap();
    assert_eq!(crate::on_disk(&cluster.n1, "later").as_deref(), Some("of n2"));
}

#[test]
fn the_node_with_the_newest_data_starts_alone_while_its_peer_is_off() {
    let cluster = pair();
    cluster.n2.order("stop").unwrap();
    cluster.wait("n1", "ALONE").unwrap();
    cluster.n1.order("stop").unwrap();
    cluster.n2.power_cut().unwrap();
    cluster.n1.order("start").unwrap();
    cluster.wait("n1", "ALONE").unwrap();
}

#[test]
fn a_node_that_may_have_missed_something_waits_for_its_peer() {
    let cluster = pair();
    cluster.n2.order("stop").unwrap();
    cluster.wait("n1", "ALONE").unwrap();
    cluster.n1.power_cut().unwrap();
    sees_nobody(&cluster.n2);
    cluster.n2.order("start").unwrap();
    cluster.wait("n2", "WAIT NotReady").unwrap();
    assert_eq!(cluster.n2.instance().unwrap()["rule"], "notuptodate_server");
    let why = cluster.n2.safetui(["why"]).unwrap();
    assert!(why.contains("peer is heard: no"), "{why}");
    assert_eq!(cluster.n2.service_pid(), None);
    // Its peer had the module started, so it starts it again by itself.
    cluster.n1.boot().unwrap();
    cluster.wait("n1", "PRIM").unwrap();
    cluster.wait("n2", "SECOND").unwrap();
}

#[test]
fn an_operator_may_sacrifice_what_only_the_peer_has() {
    let cluster = pair();
    cluster.n2.order("stop").unwrap();
    cluster.wait("n1", "ALONE").unwrap();
    write(&cluster.n1, "late", "of n1");
    cluster.n1.power_cut().unwrap();
    sees_nobody(&cluster.n2);
    cluster.n2.order("start").unwrap();
    cluster.wait("n2", "WAIT NotReady").unwrap();
    let asked = cluster.n2.ask(["prim", "-m", "demo"]).unwrap();
    assert_eq!(asked.code, Some(2), "{asked:?}");
    cluster.n2.order("prim").unwrap();
    cluster.wait("n2", "ALONE").unwrap();
    // The peer comes back with data that nobody has seen: it serves not, and nothing of it is overwritten.
    cluster.n1.boot().unwrap();
    cluster.wait("n1", "WAIT NotReady").unwrap();
    logged(&cluster.n1, "WAIT waits: both nodes went on alone");
    assert_eq!(crate::on_disk(&cluster.n1, "late").as_deref(), Some("of n1"));
    cluster.wait("n2", "ALONE").unwrap();
}

#[test]
fn forced_roles_are_refused_where_they_would_do_harm() {
    let cluster = pair();
    let refused = |node: &safetui_lab::cluster::Node, verb: &str, why: &str| {
        let before = node.instance().unwrap();
        let said = node.ask([verb, "-m", "demo", "--confirm", "demo"]).unwrap();
        assert_eq!(said.code, Some(3), "{said:?}");
        assert!(said.err.contains(why), "{said:?}");
        assert!(said.err.contains("E0301") && said.err.contains("nothing was changed"), "{said:?}");
        let after = node.instance().unwrap();
        for field in ["role", "readiness", "mark", "term", "generation"] {
            assert_eq!(before[field], after[field]);
        }
    };
    cluster.n2.order("stop").unwrap();
    cluster.wait("n1", "ALONE").unwrap();
    refused(&cluster.n2, "prim", "the peer serves");
    refused(&cluster.n1, "second", "means nothing in this role");
    cluster.n1.order("stop").unwrap();
    refused(&cluster.n2, "second", "the peer does not serve");
    refused(&cluster.n2, "stop", "the module is stopped");
}

#[test]
fn a_half_copied_node_may_not_serve() {
    let cluster = pair();
    cluster.n2.order("stop").unwrap();
    cluster.wait("n1", "ALONE").unwrap();
    write(&cluster.n1, "new", "text");
    // Heartbeats pass by the router, the copy does not.
    cluster.part().unwrap();
    cluster.n2.safetui(["start", "-m", "demo", "--no-wait"]).unwrap();
    crate::until("a copy that is under way", || {
        cluster.n2.instance().is_ok_and(|mine| mine["mark"] == "Copying")
    });
    cluster.n2.order("stop").unwrap();
    cluster.n1.order("stop").unwrap();
    let said = cluster.n2.ask(["prim", "-m", "demo", "--confirm", "demo"]).unwrap();
    assert_eq!(said.code, Some(3), "{said:?}");
    assert!(said.err.contains("half copied"), "{said:?}");
    cluster.join().unwrap();
    cluster.n2.safetui(["start", "-m", "demo", "--no-wait"]).unwrap();
    cluster.n1.order("start").unwrap();
    cluster.wait("n2", "SECOND").unwrap();
    assert_eq!(crate::on_disk(&cluster.n2, "new").as_deref(), Some("text"));
}
