//! Whole files, good and bad.

mod bad_cluster;
mod bad_module;
mod bad_resources;
mod damage;
mod good;
mod machine;
mod rules;

use std::net::IpAddr;

use super::{Cluster, Diagnostics, Loaded, cluster, code, language::Purpose, module};

/// Two nodes on two networks; the second node is behind address translation on one of them.
const CLUSTER: &str = r#"<?xml version="1.0"?>
<!DOCTYPE cluster>
<cluster>
  <lans port="4801">
    <lan name="default">
      <node name="node1" addr="10.0.0.1"/>
      <node name="node2" addr="10.0.0.2"/>
    </lan>
    <lan name="private" command="on">
      <node name="node1" addr="10.1.0.1"/>
      <node name="node2" addr="10.1.0.2" laddr="192.168.1.2"/>
    </lan>
  </lans>
</cluster>
"#;

/// Three nodes, on a network for all and on two for pairs.
const THREE: &str = r#"<cluster><lans>
  <lan name="all"><node name="a" addr="10.0.0.1"/><node name="b" addr="10.0.0.2"/><node name="c" addr="10.0.0.3"/></lan>
  <lan name="ab"><node name="a" addr="10.1.0.1"/><node name="b" addr="10.1.0.2"/></lan>
  <lan name="bc"><node name="b" addr="10.2.0.2"/><node name="c" addr="10.2.0.3"/></lan>
</lans></cluster>"#;

/// The only name that resolves is "router"; nothing asks the network.
fn resolve(name: &str) -> Option<IpAddr> {
    (name == "router").then(|| IpAddr::from([10, 0, 0, 254]))
}

fn env(name: &str) -> Option<String> {
    (name == "DATA").then(|| "/srv/data".to_owned())
}

fn read_cluster(text: &str) -> Result<(Cluster, Diagnostics), Diagnostics> {
    cluster::read(text, "cluster.xml", &resolve)
}

fn bad_cluster(text: &str) -> String {
    read_cluster(text).expect_err("the file is refused").to_string()
}

fn cluster() -> Cluster {
    read_cluster(CLUSTER).expect("the file is good").0
}

fn read_on(text: &str, cluster: &Cluster) -> Result<Loaded, Diagnostics> {
    let origin = module::Origin {
        file: "userconfig.xml",
        name: "db",
        purpose: Purpose::Run,
        env: &env,
        resolve: &resolve,
    };
    module::read(text, &origin, cluster)
}

fn read(text: &str) -> Result<Loaded, Diagnostics> {
    read_on(text, &cluster())
}

fn bad(text: &str) -> String {
    read(text).expect_err("the file is refused").to_string()
}

/// A mirror with something more in its service, which begins at column 1 of line 4.
fn with(more: &str) -> String {
    format!(
        "<safe>\n<service mode=\"mirror\">\n<heart><heartbeat name=\"default\"/></heart>\n{more}\n</service>\n</safe>"
    )
}

fn bad_with(more: &str) -> String {
    bad(&with(more))
}

/// A mirror with this heart, which begins at column 1 of line 3.
fn heart(heart: &str) -> String {
    format!("<safe>\n<service mode=\"mirror\">\n{heart}\n</service>\n</safe>")
}

/// A code without a test could change or vanish unnoticed: each must stand in a snapshot of these files.
#[test]
fn every_code_is_produced_by_a_test() {
    let tests = [
        include_str!("bad_cluster.rs"),
        include_str!("bad_module.rs"),
        include_str!("bad_resources.rs"),
        include_str!("good.rs"),
        include_str!("machine.rs"),
        include_str!(
            "snapshots/safetui_net__config__tests__rules__what_is_wrong_with_a_rule_is_shown_where_it_stands.snap"
        ),
    ]
    .concat();
    let missing: Vec<_> =
        code::ALL.iter().filter(|(code, _)| !tests.contains(&format!("[{code}]: "))).collect();
    assert!(missing.is_empty(), "no test produces {missing:?}");
}
