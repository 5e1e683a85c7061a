//! Files that are accepted, what they mean, and what is said all the same.

use std::{net::IpAddr, path::PathBuf, time::Duration};

use insta::assert_snapshot;

use super::{CLUSTER, THREE, cluster, heart, read, read_cluster, read_on, with};
use crate::config::{
    Acknowledge, Boot, Cluster, Heart, LanAddr, Mode, Module, Profile, Replicated, Splitbrain, Vip, WhoAmI,
    Witness,
};

/// Everything that is built, written out.
pub(super) const FULL: &str = r#"<!DOCTYPE safe>
<safe>
  <!-- %UNKNOWN% in a comment is nothing -->
  <macro name="NET" value="10.0.0"/>
  <macro name="VIRTUAL" value="%NET%.9"/>
  <service mode="mirror" boot="on" boot_delay="1m" failover="off" record="64" defaultprim="alone" maxloop="3" loop_interval="24">
    <heart pulse="200" timeout="3s" guard="1000ms" permanent_arp="on">
      <heartbeat name="default" timeout="3000ms"/>
      <heartbeat name="private" ident="flow"/>
    </heart>
    <vip tcpreset="on">
      <interface_list>
        <interface check="on" arpreroute="on" arpinterval="60s" name="bond0">
          <real_interface>
            <virtual_addr addr="%VIRTUAL%" where="one_side_alias" check="on" netmask="255.255.255.0"/>
            <virtual_addr addr="fd00::9"/>
          </real_interface>
        </interface>
      </interface_list>
    </vip>
    <rfs async="none" nbrei="6" sendtimeout="30s" namespacepolicy="4">
      <replicated dir="%DATA%/db/"/>
      <replicated dir="/srv/data/database" mode="read_only"/>
    </rfs>
    <user nicestoptimeout="2m" forcestoptimeout="30s" starttimeout="90" logging="none">
      <var name="SERVICES" value="postgresql, nginx 100%"/>
      <var name="EMPTY" value=""/>
    </user>
    <check>
      <splitbrain ident="witness" exec="ping" arg="10.0.0.254  10.0.0.253 10.0.0.252" gap="5" relay="off"/>
    </check>
  </service>
</safe>
"#;

fn module(text: &str) -> Module {
    match read(text) {
        Ok(loaded) => loaded.module,
        Err(found) => panic!("{found}"),
    }
}

fn seconds(s: u64) -> Duration {
    Duration::from_secs(s)
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

#[test]
fn a_cluster_is_read_with_the_network_of_commands_first() {
    let Cluster { name, lans, nodes, port, signature } = cluster();
    // Nodes compare signatures across versions of safetui: it must not change for an unchanged file.
    assert_eq!((name.as_str(), port, signature.as_str()), ("", 4801, "eeef1caba6104d31"));
    assert_eq!(nodes, ["node1", "node2"]);
    assert_eq!(lans.iter().map(|l| &*l.name).collect::<Vec<_>>(), ["private", "default"]);
    let translated = LanAddr { node: "node2".into(), addr: ip("10.1.0.2"), laddr: Some(ip("192.168.1.2")) };
    assert_eq!(lans[0].addrs[1], translated);
    assert_eq!(lans[1].addrs[0], LanAddr { node: "node1".into(), addr: ip("10.0.0.1"), laddr: None });
}

#[test]
fn a_cluster_may_be_ipv6_and_have_more_nodes_than_a_network() {
    let v6 = CLUSTER.replace("10.0.0.1", "[fd00::1]").replace("10.0.0.2", "fd00::2");
    assert_eq!(read_cluster(&v6).expect("good").0.lans[1].addrs[0].addr, ip("fd00::1"));
    assert_eq!(read_cluster(THREE).expect("good").0.nodes, ["a", "b", "c"]);
    let marked = format!("\u{feff}{CLUSTER}");
    assert_eq!(read_cluster(&marked).expect("good").0, cluster());
}

#[test]
fn what_is_obsolete_or_resolved_is_said_and_accepted() {
    let text = r#"<cluster><lans pulse="200">
<lan name="l" console="on"><node name="a" addr="router"/><node name="b" addr="10.0.0.2"/></lan>
</lans></cluster>"#;
    let (cluster, warnings) = read_cluster(text).expect("good");
    assert_eq!(cluster.lans[0].addrs[0].addr, ip("10.0.0.254"));
    assert_snapshot!(warnings, @r#"
    warning[W0101]: attribute "pulse" of <lans> has no effect
      --> cluster.xml:1:16
      | <cluster><lans pulse="200">
      |                ^
      = help: safetui has no cluster-wide membership; <heart> of each module decides about loss

    warning[W0101]: attribute "console" of <lan> has no effect
      --> cluster.xml:2:15
      | <lan name="l" console="on"><node name="a" addr="router"/><node name="b" addr="10.0.0.2"/></lan>
      |               ^
      = help: obsolete since SafeKit 8.2; it can be removed

    warning[W0103]: host name "router" was resolved to 10.0.0.254
      --> cluster.xml:2:49
      | <lan name="l" console="on"><node name="a" addr="router"/><node name="b" addr="10.0.0.2"/></lan>
      |                                                 ^
      = help: write the address: a later change is not followed
    "#);
}

#[test]
fn a_machine_knows_its_node_by_name_or_by_address() {
    let cluster = cluster();
    let whoami = |name: Option<&str>, local: &[&str]| {
        cluster.whoami(name, &local.iter().map(|a| ip(a)).collect::<Vec<_>>())
    };
    assert_eq!(whoami(Some("node2\n"), &["10.0.0.1"]), Ok("node2".to_owned()));
    assert_eq!(whoami(Some("  \n"), &["127.0.0.1", "10.0.0.1"]), Ok("node1".to_owned()));
    assert_eq!(whoami(None, &["192.168.1.2"]), Ok("node2".to_owned()));
    // Others see this address, the node itself does not have it.
    assert_eq!(whoami(None, &["10.1.0.2"]), Err(WhoAmI::NoAddress));
    let both = WhoAmI::Ambiguous { nodes: "node1, node2".to_owned() };
    assert_eq!(whoami(None, &["10.0.0.2", "10.0.0.1"]), Err(both));
    let unknown = whoami(Some("node3"), &[]).expect_err("unknown").to_string();
    assert_snapshot!(unknown, @r#"this node is named "node3", which cluster.xml does not know; its nodes are: node1, node2"#);
}

#[test]
fn signatures_follow_the_content_and_not_its_layout() {
    let of = |text: &str| read_cluster(text).expect("good").0.signature;
    let same = CLUSTER.replace("  ", "\t").replace("<lans", "<!-- here --><lans");
    let reordered = CLUSTER.replace(r#"name="node1" addr="10.0.0.1""#, r"addr='10.0.0.1'   name='node1'");
    assert_ne!(CLUSTER, reordered);
    assert_eq!(of(CLUSTER), of(&same));
    assert_eq!(of(CLUSTER), of(&reordered));
    assert_ne!(of(CLUSTER), of(&CLUSTER.replace("10.0.0.1", "10.0.0.3")));

    let macros = r#"<macro name="VIRTUAL" value="%NET%.9"/>"#;
    let expanded = FULL.replace(macros, "").replace("%VIRTUAL%", "10.0.0.9").replace("%DATA%", "/srv/data");
    assert_eq!(module(FULL).signature, module(&expanded).signature);
    assert_ne!(module(FULL).signature, module(&FULL.replace("gap=\"5\"", "gap=\"4\"")).signature);
}

#[test]
fn a_full_module_is_read() {
    let loaded = read(FULL).unwrap_or_else(|found| panic!("{found}"));
    assert!(loaded.warnings.is_empty(), "{}", loaded.warnings);
    let module = loaded.module;
    assert_eq!((module.name.as_str(), module.mode, module.boot), ("db", Mode::Mirror, Boot::On));
    assert_eq!((module.boot_delay, module.failover), (seconds(60), false));
    assert_eq!(module.record, 64 << 20);
    let networks = vec!["default".to_owned(), "private".to_owned()];
    let flow = Some("private".to_owned());
    let (pulse, timeout, guard) = (ms(200), seconds(3), seconds(1));
    assert_eq!(module.heart, Heart { pulse, timeout, guard, networks, flow, profile: Profile::Lan });
    let interface = Some("bond0".to_owned());
    let v4 = Vip { addr: ip("10.0.0.9"), prefix: 24, interface: interface.clone() };
    assert_eq!(module.vips, [v4, Vip { addr: ip("fd00::9"), prefix: 128, interface }]);
    let rfs = module.rfs.expect("replicates");
    assert_eq!(rfs.acknowledge, Acknowledge::Written);
    let dirs = [("/srv/data/db", false), ("/srv/data/database", true)];
    assert_eq!(rfs.dirs, dirs.map(|(dir, read_only)| Replicated { dir: PathBuf::from(dir), read_only }));
    let user = module.user.expect("runs scripts");
    assert_eq!((user.nice_stop, user.force_stop, user.start), (seconds(120), seconds(30), seconds(90)));
    assert!(!user.logging);
    let vars = [("SERVICES", "postgresql, nginx 100%"), ("EMPTY", "")];
    assert_eq!(user.vars, vars.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let witnesses = ["10.0.0.254", "10.0.0.253", "10.0.0.252"].map(ip).to_vec();
    let witness = Witness::Routers(witnesses);
    let splitbrain = Splitbrain { ident: "witness".to_owned(), witness, gap: 5, relay: false };
    assert_eq!(module.splitbrain, Some(splitbrain));
}

#[test]
fn the_smallest_module_has_the_defaults() {
    let module = module(&with(""));
    assert_eq!((module.boot, module.boot_delay, module.failover), (Boot::Ignore, Duration::ZERO, true));
    assert_eq!((&module.rfs, &module.user, &module.splitbrain, module.vips.len()), (&None, &None, &None, 0));
    assert_eq!(module.heart.flow, None);
}

#[test]
fn timers_come_from_the_profile_unless_they_are_written() {
    let timers = |attributes: &str| {
        let heart =
            module(&heart(&format!(r#"<heart {attributes}><heartbeat name="default"/></heart>"#))).heart;
        [heart.pulse, heart.timeout, heart.guard].map(|d| d.as_millis())
    };
    assert_eq!(timers(""), [100, 1_000, 500]);
    assert_eq!(timers(r#"profile="lan""#), [100, 1_000, 500]);
    assert_eq!(timers(r#"profile="vm""#), [500, 5_000, 2_500]);
    assert_eq!(timers(r#"profile="wan""#), [1_000, 10_000, 5_000]);
    assert_eq!(timers(r#"pulse="700ms" timeout="30000""#), [700, 30_000, 15_000]);
    assert_eq!(timers(r#"timeout="300""#), [100, 300, 200]);
    assert_eq!(timers(r#"profile="wan" guard="6s""#), [1_000, 10_000, 6_000]);
}

#[test]
fn the_least_of_each_part_is_enough() {
    let module = module(&with(
        r#"<rfs><replicated dir="/srv"/></rfs><user/><check><splitbrain ident="w" arg="router"/></check>"#,
    ));
    assert_eq!(module.rfs.map(|rfs| rfs.acknowledge), Some(Acknowledge::Received));
    let user = module.user.expect("runs scripts");
    assert_eq!([user.nice_stop, user.force_stop, user.start], [seconds(300); 3]);
    assert!(user.logging && user.vars.is_empty());
    let splitbrain = module.splitbrain.expect("has a witness");
    let router = Witness::Routers(vec![ip("10.0.0.254")]);
    assert_eq!((splitbrain.witness, splitbrain.gap, splitbrain.relay), (router, 3, true));
}

#[test]
fn an_arbiter_has_a_port_and_reflects_nothing() {
    let arbiter = |arg: &str| {
        let check = format!(r#"<check><splitbrain ident="w" exec="arbiter" arg="{arg}"/></check>"#);
        let splitbrain = module(&with(&check)).splitbrain.expect("has a witness");
        assert!(!splitbrain.relay);
        splitbrain.witness
    };
    assert_eq!(arbiter("10.0.0.3:4802"), Witness::Arbiter("10.0.0.3:4802".parse().expect("an address")));
    assert_eq!(arbiter(" [fd00::3]:1 "), Witness::Arbiter("[fd00::3]:1".parse().expect("an address")));
    assert_eq!(arbiter("router:9"), Witness::Arbiter("10.0.0.254:9".parse().expect("an address")));
    let text =
        with(r#"<check><splitbrain ident="w" exec="arbiter" arg="10.0.0.3:4802" relay="on"/></check>"#);
    let warnings = read(&text).expect("good").warnings.to_string();
    assert!(warnings.contains(r#"attribute "relay" of <splitbrain> has no effect"#), "{warnings}");
}

#[test]
fn a_pair_of_three_nodes_can_be_a_mirror() {
    let three = read_cluster(THREE).expect("good").0;
    let loaded = read_on(&heart(r#"<heart><heartbeat name="bc"/></heart>"#), &three).expect("good");
    assert_eq!(loaded.module.heart.networks, ["bc"]);
}

#[test]
fn rounded_times_and_ports_without_effect_are_said_and_accepted() {
    let text = with(r#"<user nicestoptimeout="1500ms"/>"#).replace("<heart>", r#"<heart port="8888">"#);
    assert_snapshot!(read(&text).expect("good").warnings, @r#"
    warning[W0101]: attribute "port" of <heart> has no effect
      --> userconfig.xml:3:8
      | <heart port="8888"><heartbeat name="default"/></heart>
      |        ^
      = help: heartbeats of all modules use the port of <lans> in cluster.xml: open that one in firewalls

    warning[W0102]: nicestoptimeout="1500ms" is rounded to 2s
      --> userconfig.xml:4:24
      | <user nicestoptimeout="1500ms"/>
      |                        ^
      = help: nicestoptimeout holds whole s
    "#);
}

#[test]
fn a_macro_wins_over_the_environment() {
    let text = with(r#"<rfs><replicated dir="%DATA%"/></rfs>"#);
    let dir = |text: &str| module(text).rfs.expect("replicates").dirs[0].dir.clone();
    assert_eq!(dir(&text), PathBuf::from("/srv/data"));
    let text = text.replacen("<safe>", r#"<safe><macro name="DATA" value="/srv/own"/>"#, 1);
    assert_eq!(dir(&text), PathBuf::from("/srv/own"));
}
