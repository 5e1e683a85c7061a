//! Machines that are shut down, lose power, and come back.

use safetui_lab::Fault;

use crate::{LONG, logged, pair, sees_nobody, until_acked, write};

#[test]
fn an_orderly_shutdown_hands_over_and_the_node_comes_back_as_secondary() {
    let cluster = pair();
    cluster.n1.shut_down(LONG).unwrap();
    cluster.wait("n2", "ALONE").unwrap();
    logged(&cluster.n1, "Script stop_prim > ");
    logged(&cluster.n1, "Local state STOP");
    logged(&cluster.n2, "Action alone called by heart: remote stop");
    assert_eq!(cluster.n1.service_pid(), None);
    cluster.n1.power_cut().unwrap();
    sees_nobody(&cluster.n2);
    cluster.n1.boot().unwrap();
    cluster.wait("n1", "SECOND").unwrap();
    cluster.wait("n2", "PRIM").unwrap();
}

#[test]
fn a_primary_without_power_is_replaced_and_comes_back_as_secondary() {
    let cluster = pair();
    let client = cluster.client("w").unwrap();
    until_acked(&client, 50);
    Fault::PowerCut.inject(&cluster.n1).unwrap();
    cluster.wait("n2", "ALONE").unwrap();
    logged(&cluster.n2, "Action alone called by heart: no heartbeat");
    logged(&cluster.n2, "Remote state UNKNOWN");
    logged(&cluster.n2, "Script start_prim");
    sees_nobody(&cluster.n2);
    until_acked(&client, 50);
    cluster.n1.boot().unwrap();
    cluster.wait("n1", "SECOND").unwrap();
    cluster.wait("n2", "PRIM").unwrap();
    let proof = client.finish(&cluster.client, LONG).unwrap();
    assert!(proof.lost.is_empty(), "{proof:?}");
}

#[test]
fn a_secondary_without_power_does_not_interrupt_the_application() {
    let cluster = pair();
    let serving = cluster.n1.service_pid();
    Fault::PowerCut.inject(&cluster.n2).unwrap();
    cluster.wait("n1", "ALONE").unwrap();
    logged(&cluster.n1, "no heartbeat");
    write(&cluster.n1, "meanwhile", "text");
    cluster.n2.boot().unwrap();
    cluster.wait("n1", "PRIM").unwrap();
    cluster.wait("n2", "SECOND").unwrap();
    assert_eq!(cluster.n1.service_pid(), serving);
    assert_eq!(crate::on_disk(&cluster.n2, "meanwhile").as_deref(), Some("text"));
}

#[test]
fn after_a_double_power_failure_the_first_to_boot_waits_and_the_old_roles_return() {
    for first in ["n1", "n2"] {
        let cluster = pair();
        let client = cluster.client("w").unwrap();
        until_acked(&client, 50);
        for node in cluster.nodes() {
            Fault::PowerCut.inject(node).unwrap();
        }
        let first = cluster.node(first).unwrap();
        first.boot().unwrap();
        // It cannot know whether its peer went on.
        cluster.wait(first.name(), "WAIT NotReady").unwrap();
        assert_eq!(first.service_pid(), None);
        for node in cluster.nodes() {
            node.boot().unwrap();
        }
        cluster.wait("n1", "PRIM").unwrap();
        cluster.wait("n2", "SECOND").unwrap();
        until_acked(&client, 50);
        let proof = client.finish(&cluster.client, LONG).unwrap();
        assert!(proof.lost.is_empty(), "{proof:?}");
    }
}

#[test]
fn who_went_on_alone_before_a_double_power_failure_serves_afterwards() {
    let cluster = pair();
    Fault::PowerCut.inject(&cluster.n1).unwrap();
    cluster.wait("n2", "ALONE").unwrap();
    write(&cluster.n2, "newest", "text");
    Fault::PowerCut.inject(&cluster.n2).unwrap();
    cluster.n1.boot().unwrap();
    cluster.wait("n1", "WAIT NotReady").unwrap();
    cluster.n2.boot().unwrap();
    cluster.wait("n2", "PRIM").unwrap();
    cluster.wait("n1", "SECOND").unwrap();
    assert_eq!(crate::on_disk(&cluster.n1, "newest").as_deref(), Some("text"));
}
