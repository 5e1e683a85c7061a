//! The same for replication, addresses, witness, and for what is not built.

use insta::assert_snapshot;

use super::{bad, bad_with};

#[test]
fn farms_are_not_supported_yet() {
    assert_snapshot!(bad(r#"<safe>
<service mode="farm">
<farm><lan name="default"/></farm>
<vip><interface_list><interface><virtual_interface type="vmac_directed">
<virtual_addr addr="10.0.0.9" where="alias"/></virtual_interface></interface></interface_list>
<loadbalancing_list><group name="FarmProto"><rule port="80" proto="tcp" filter="on_addr"/></group></loadbalancing_list></vip>
</service></safe>"#), @r#"
    error[E0105]: mode="farm" is not supported yet
      --> userconfig.xml:2:16
      | <service mode="farm">
      |                ^
      = allowed: mirror

    error[E0105]: <farm> is not supported yet
      --> userconfig.xml:3:1
      | <farm><lan name="default"/></farm>
      | ^
      = help: safetui refuses what it would not carry out; remove it to go on without it

    error[E0105]: <virtual_interface> is not supported yet
      --> userconfig.xml:4:33
      | <vip><interface_list><interface><virtual_interface type="vmac_directed">
      |                                 ^
      = help: safetui refuses what it would not carry out; remove it to go on without it

    error[E0105]: <loadbalancing_list> is not supported yet
      --> userconfig.xml:6:1
      | <loadbalancing_list><group name="FarmProto"><rule port="80" proto="tcp" filter="on_addr"/></group></
      | ^
      = help: safetui refuses what it would not carry out; remove it to go on without it
    "#);
}

#[test]
fn what_safekit_has_beyond_is_known_by_name() {
    assert_snapshot!(bad_with(r#"<errd polltimer="10">
<proc name="postgres" atleast="1" class="prim" action="restart"/></errd>
<vhost><virtualhostname name="v" envfile="e"/></vhost>
<check><tcp ident="t" when="prim"><to addr="10.0.0.9" port="80"/></tcp>
<ping ident="p"><to addr="10.0.0.9"/></ping>
<intf ident="i" when="pre"><to local_addr="10.0.0.1"/></intf>
<ip ident="x"><to addr="10.0.0.9"/></ip>
<custom ident="c" when="prim" exec="c.sh"/>
<module name="other"/></check>
<failover><![CDATA[ rule: if (custom.c == down) then stop(); ]]></failover>"#), @r#"
    error[E0105]: <errd> is not supported yet
      --> userconfig.xml:4:1
      | <errd polltimer="10">
      | ^
      = help: safetui refuses what it would not carry out; remove it to go on without it

    error[E0105]: <vhost> is not supported yet
      --> userconfig.xml:6:1
      | <vhost><virtualhostname name="v" envfile="e"/></vhost>
      | ^
      = help: safetui refuses what it would not carry out; remove it to go on without it

    error[E0105]: <tcp> is not supported yet
      --> userconfig.xml:7:8
      | <check><tcp ident="t" when="prim"><to addr="10.0.0.9" port="80"/></tcp>
      |        ^
      = help: safetui refuses what it would not carry out; remove it to go on without it

    error[E0105]: <ping> is not supported yet
      --> userconfig.xml:8:1
      | <ping ident="p"><to addr="10.0.0.9"/></ping>
      | ^
      = help: safetui refuses what it would not carry out; remove it to go on without it

    error[E0105]: <intf> is not supported yet
      --> userconfig.xml:9:1
      | <intf ident="i" when="pre"><to local_addr="10.0.0.1"/></intf>
      | ^
      = help: safetui refuses what it would not carry out; remove it to go on without it

    error[E0105]: <ip> is not supported yet
      --> userconfig.xml:10:1
      | <ip ident="x"><to addr="10.0.0.9"/></ip>
      | ^
      = help: safetui refuses what it would not carry out; remove it to go on without it

    error[E0105]: <custom> is not supported yet
      --> userconfig.xml:11:1
      | <custom ident="c" when="prim" exec="c.sh"/>
      | ^
      = help: safetui refuses what it would not carry out; remove it to go on without it

    error[E0105]: <module> is not supported yet
      --> userconfig.xml:12:1
      | <module name="other"/></check>
      | ^
      = help: safetui refuses what it would not carry out; remove it to go on without it

    error[E0105]: <failover> is not supported yet
      --> userconfig.xml:13:1
      | <failover><![CDATA[ rule: if (custom.c == down) then stop(); ]]></failover>
      | ^
      = help: safetui refuses what it would not carry out; remove it to go on without it
    "#);
}

#[test]
fn inside_what_is_not_built_words_are_checked_too() {
    assert_snapshot!(bad_with(r#"<errd>
<proc nam="postgres"/><procs/></errd>"#), @r#"
    error[E0105]: <errd> is not supported yet
      --> userconfig.xml:4:1
      | <errd>
      | ^
      = help: safetui refuses what it would not carry out; remove it to go on without it

    error[E0104]: unknown attribute "nam" of <proc>
      --> userconfig.xml:5:7
      | <proc nam="postgres"/><procs/></errd>
      |       ^
      = allowed: name, service, nameregex, argregex, class, action, restart_services, start_after, atleast, atmax
      = help: did you mean "name"?

    error[E0103]: unknown element <procs> in <errd>
      --> userconfig.xml:5:23
      | <proc nam="postgres"/><procs/></errd>
      |                       ^
      = allowed: <proc>
      = help: did you mean "proc"?
    "#);
}

#[test]
fn replication_beyond_the_defaults_is_not_supported_yet() {
    assert_snapshot!(bad_with(r#"<rfs nbrei="3" reitimeout="2m" acl="on" packetsize="1024" locktimeout="200">
<flow name="private"/>
<replicated dir="/srv" mode="read-only">
<notreplicated path="tmp"/>
<tocheck path="data"/></replicated></rfs>"#), @r#"
    error[E0105]: reitimeout="2m" is not supported yet in <rfs>
      --> userconfig.xml:4:28
      | <rfs nbrei="3" reitimeout="2m" acl="on" packetsize="1024" locktimeout="200">
      |                            ^
      = allowed: "150s"
      = help: leave out "reitimeout"

    error[E0105]: acl="on" is not supported yet in <rfs>
      --> userconfig.xml:4:37
      | <rfs nbrei="3" reitimeout="2m" acl="on" packetsize="1024" locktimeout="200">
      |                                     ^
      = allowed: "off"
      = help: leave out "acl"

    error[E0105]: attribute "packetsize" of <rfs> is not supported yet
      --> userconfig.xml:4:41
      | <rfs nbrei="3" reitimeout="2m" acl="on" packetsize="1024" locktimeout="200">
      |                                         ^
      = help: safetui refuses what it would not carry out; remove it to go on without it

    error[E0105]: locktimeout="200" is not supported yet in <rfs>
      --> userconfig.xml:4:72
      | <rfs nbrei="3" reitimeout="2m" acl="on" packetsize="1024" locktimeout="200">
      |                                                                        ^
      = allowed: "100s"
      = help: leave out "locktimeout"

    error[E0105]: <flow> is not supported yet
      --> userconfig.xml:5:1
      | <flow name="private"/>
      | ^
      = help: safetui refuses what it would not carry out; remove it to go on without it

    error[E0108]: "read-only" is not a value of "mode"
      --> userconfig.xml:6:30
      | <replicated dir="/srv" mode="read-only">
      |                              ^
      = allowed: read_only
      = help: did you mean "read_only"?

    error[E0105]: <notreplicated> is not supported yet
      --> userconfig.xml:7:1
      | <notreplicated path="tmp"/>
      | ^
      = help: safetui refuses what it would not carry out; remove it to go on without it

    error[E0105]: <tocheck> is not supported yet
      --> userconfig.xml:8:1
      | <tocheck path="data"/></replicated></rfs>
      | ^
      = help: safetui refuses what it would not carry out; remove it to go on without it
    "#);
}

#[test]
fn replicated_directories_are_absolute_and_apart() {
    assert_snapshot!(bad_with(r#"<rfs><replicated dir="srv"/>
<replicated dir="/srv/data"/>
<replicated dir="/srv//data/"/>
<replicated dir="/srv"/>
<replicated dir="/srv/../etc"/>
<replicated dir="/proc/1"/>
<replicated dir="/"/>
<replicated dir="/opt/a&#10;b"/></rfs>"#), @r#"
    error[E0118]: replicated directory "srv" is not an absolute path
      --> userconfig.xml:4:23
      | <rfs><replicated dir="srv"/>
      |                       ^
      = allowed: a path that begins with /

    error[E0118]: directory /srv/data is replicated twice
      --> userconfig.xml:6:18
      | <replicated dir="/srv//data/"/>
      |                  ^
      = help: a directory is replicated with all that it contains

    error[E0118]: directory /srv/data lies inside /srv, both are replicated
      --> userconfig.xml:7:18
      | <replicated dir="/srv"/>
      |                  ^
      = help: a directory is replicated with all that it contains

    error[E0118]: replicated directory "/srv/../etc" contains ".."
      --> userconfig.xml:8:18
      | <replicated dir="/srv/../etc"/>
      |                  ^
      = help: write the path without it

    error[E0118]: /proc/1 cannot be replicated: it belongs to this one machine
      --> userconfig.xml:9:18
      | <replicated dir="/proc/1"/>
      |                  ^
      = help: replicate the directory of the application's data

    error[E0118]: / cannot be replicated: it belongs to this one machine
      --> userconfig.xml:10:18
      | <replicated dir="/"/>
      |                  ^
      = help: replicate the directory of the application's data

    error[E0118]: the path of a replicated directory contains a line break or another control character
      --> userconfig.xml:11:18
      | <replicated dir="/opt/a&#10;b"/></rfs>
      |                  ^
      = help: rename the directory
    "#);
}

#[test]
fn replication_needs_a_directory() {
    assert_snapshot!(bad_with(r#"<rfs async="first"/>"#), @r#"
    error[E0107]: <rfs> needs at least one <replicated>
      --> userconfig.xml:4:1
      | <rfs async="first"/>
      | ^
      = help: add <replicated dir="/path"/>, or remove <rfs>

    error[E0108]: "first" is not a value of "async"
      --> userconfig.xml:4:13
      | <rfs async="first"/>
      |             ^
      = allowed: second, none
    "#);
}

#[test]
fn virtual_addresses_are_nobody_elses() {
    assert_snapshot!(bad_with(r#"<vip><interface_list><interface><real_interface>
<virtual_addr addr="10.0.0.1" where="one_side_alias"/>
<virtual_addr addr="10.0.0.9"/>
<virtual_addr addr="10.0.0.9"/>
<virtual_addr addr="192.168.1.2"/>
</real_interface></interface></interface_list></vip>"#), @r#"
    error[E0119]: virtual address 10.0.0.1 is the address of node "node1"
      --> userconfig.xml:5:21
      | <virtual_addr addr="10.0.0.1" where="one_side_alias"/>
      |                     ^
      = help: take an address of the same network that no machine has

    error[E0119]: virtual address 10.0.0.9 is given twice
      --> userconfig.xml:7:21
      | <virtual_addr addr="10.0.0.9"/>
      |                     ^

    error[E0119]: virtual address 192.168.1.2 is the address of node "node2"
      --> userconfig.xml:8:21
      | <virtual_addr addr="192.168.1.2"/>
      |                     ^
      = help: take an address of the same network that no machine has
    "#);
}

#[test]
fn virtual_addresses_are_aliases_with_a_netmask() {
    assert_snapshot!(bad_with(r#"<vip><interface_list><interface name="a/b" arpinterval="10" arpelapse="1200"><real_interface>
<virtual_addr addr="10.0.0.9" where="one_side" netmask="255.0.255.0"/>
<virtual_addr addr="10.0.0.10" where="alias" check="off"/>
<virtual_addr addr="10.0.0" where="here" connections="on"/>
<virtual_addr addr="fd00::9" netmask="255.255.255.0"/>
</real_interface></interface></interface_list></vip>"#), @r#"
    error[E0108]: "a/b" cannot be the name of a network interface
      --> userconfig.xml:4:39
      | <vip><interface_list><interface name="a/b" arpinterval="10" arpelapse="1200"><real_interface>
      |                                       ^
      = allowed: 1 to 15 bytes without spaces and slashes

    error[E0105]: arpinterval="10" is not supported yet in <interface>
      --> userconfig.xml:4:57
      | <vip><interface_list><interface name="a/b" arpinterval="10" arpelapse="1200"><real_interface>
      |                                                         ^
      = allowed: "60s"
      = help: leave out "arpinterval"

    error[E0105]: where="one_side" is not supported yet
      --> userconfig.xml:5:38
      | <virtual_addr addr="10.0.0.9" where="one_side" netmask="255.0.255.0"/>
      |                                      ^
      = allowed: one_side_alias

    error[E0108]: "255.0.255.0" is not a netmask for 10.0.0.9
      --> userconfig.xml:5:57
      | <virtual_addr addr="10.0.0.9" where="one_side" netmask="255.0.255.0"/>
      |                                                         ^
      = allowed: such as 255.255.255.0

    error[E0105]: where="alias" is not supported yet
      --> userconfig.xml:6:39
      | <virtual_addr addr="10.0.0.10" where="alias" check="off"/>
      |                                       ^
      = allowed: one_side_alias

    error[E0105]: check="off" is not supported yet in <virtual_addr>
      --> userconfig.xml:6:53
      | <virtual_addr addr="10.0.0.10" where="alias" check="off"/>
      |                                                     ^
      = allowed: "on"
      = help: leave out "check"

    error[E0108]: "10.0.0" is not an address
      --> userconfig.xml:7:21
      | <virtual_addr addr="10.0.0" where="here" connections="on"/>
      |                     ^
      = allowed: an IPv4 address, an IPv6 address or a host name

    error[E0108]: "here" is not a value of "where"
      --> userconfig.xml:7:36
      | <virtual_addr addr="10.0.0" where="here" connections="on"/>
      |                                    ^
      = allowed: one_side_alias

    error[E0105]: connections="on" is not supported yet in <virtual_addr>
      --> userconfig.xml:7:55
      | <virtual_addr addr="10.0.0" where="here" connections="on"/>
      |                                                       ^
      = allowed: "off"
      = help: leave out "connections"

    error[E0108]: "255.255.255.0" is not a netmask for fd00::9
      --> userconfig.xml:8:39
      | <virtual_addr addr="fd00::9" netmask="255.255.255.0"/>
      |                                       ^
      = allowed: such as ffff:ffff:ffff:ffff::
    "#);
}

#[test]
fn a_witness_is_a_third_machine() {
    assert_snapshot!(bad_with(r#"<check><splitbrain ident="w" exec="ping" arg="10.0.0.2 10.0.0.254 10.0.0.254 10.0.0.300"/></check>"#), @r#"
    error[E0120]: witness 10.0.0.2 is node "node2" itself
      --> userconfig.xml:4:47
      | <check><splitbrain ident="w" exec="ping" arg="10.0.0.2 10.0.0.254 10.0.0.254 10.0.0.300"/></check>
      |                                               ^
      = help: a witness is a machine apart from the nodes, such as their router

    error[E0120]: witness 10.0.0.254 is given twice
      --> userconfig.xml:4:47
      | <check><splitbrain ident="w" exec="ping" arg="10.0.0.2 10.0.0.254 10.0.0.254 10.0.0.300"/></check>
      |                                               ^
      = help: a witness is a machine apart from the nodes, such as their router

    error[E0108]: "10.0.0.300" is not an address
      --> userconfig.xml:4:47
      | <check><splitbrain ident="w" exec="ping" arg="10.0.0.2 10.0.0.254 10.0.0.254 10.0.0.300"/></check>
      |                                               ^
      = allowed: an IPv4 address, an IPv6 address or a host name
    "#);
}

#[test]
fn a_witness_is_not_the_virtual_address() {
    assert_snapshot!(bad_with(r#"<vip><interface_list><interface><real_interface><virtual_addr addr="10.0.0.9"/></real_interface></interface></interface_list></vip>
<check><splitbrain ident="w" arg="10.0.0.9"/></check>"#), @r#"
    error[E0120]: witness 10.0.0.9 is a virtual address of this module
      --> userconfig.xml:5:35
      | <check><splitbrain ident="w" arg="10.0.0.9"/></check>
      |                                   ^
      = help: a witness is a machine apart from the nodes, such as their router
    "#);
}

#[test]
fn there_is_one_witness_check() {
    assert_snapshot!(bad_with(r#"<check><splitbrain ident="w" arg=" " gap="0" relay="no"/>
<splitbrain ident="w2" exec="curl" arg="10.0.0.254"/></check>"#), @r#"
    error[E0120]: <splitbrain> names no witness in "arg"
      --> userconfig.xml:4:35
      | <check><splitbrain ident="w" arg=" " gap="0" relay="no"/>
      |                                   ^
      = allowed: addresses, separated by spaces

    error[E0108]: "0" is not a value of "gap"
      --> userconfig.xml:4:43
      | <check><splitbrain ident="w" arg=" " gap="0" relay="no"/>
      |                                           ^
      = allowed: a number from 1 to 100

    error[E0108]: "no" is not a value of "relay"
      --> userconfig.xml:4:53
      | <check><splitbrain ident="w" arg=" " gap="0" relay="no"/>
      |                                                     ^
      = allowed: on, off

    error[E0111]: a second <splitbrain> in <check>
      --> userconfig.xml:5:1
      | <splitbrain ident="w2" exec="curl" arg="10.0.0.254"/></check>
      | ^
      = allowed: one

    error[E0105]: exec="curl" is not supported yet in <splitbrain>
      --> userconfig.xml:5:30
      | <splitbrain ident="w2" exec="curl" arg="10.0.0.254"/></check>
      |                              ^
      = allowed: "ping", "arbiter"
      = help: leave out "exec"
    "#);
}

#[test]
fn an_arbiter_is_one_address_with_a_port_on_a_third_machine() {
    let arbiter = |arg: &str| {
        bad_with(&format!(r#"<check><splitbrain ident="w" exec="arbiter" arg="{arg}"/></check>"#))
    };
    assert_snapshot!(arbiter("10.0.0.254"), @r#"
    error[E0120]: "10.0.0.254" does not say where the arbiter listens
      --> userconfig.xml:4:50
      | <check><splitbrain ident="w" exec="arbiter" arg="10.0.0.254"/></check>
      |                                                  ^
      = allowed: one address and a port, such as 10.0.0.3:4802 or [fd00::3]:4802
    "#);
    assert_snapshot!(arbiter("10.0.0.2:4802"), @r#"
    error[E0120]: witness 10.0.0.2 is node "node2" itself
      --> userconfig.xml:4:50
      | <check><splitbrain ident="w" exec="arbiter" arg="10.0.0.2:4802"/></check>
      |                                                  ^
      = help: a witness is a machine apart from the nodes, such as their router
    "#);
    assert_snapshot!(arbiter("10.0.0.300:4802"), @r#"
    error[E0108]: "10.0.0.300" is not an address
      --> userconfig.xml:4:50
      | <check><splitbrain ident="w" exec="arbiter" arg="10.0.0.300:4802"/></check>
      |                                                  ^
      = allowed: an IPv4 address, an IPv6 address or a host name
    "#);
    for arg in ["", "fd00::3:4802", "10.0.0.3:0", "10.0.0.3:65536", "10.0.0.3:x", "10.0.0.3:1 10.0.0.4:1"] {
        let said = arbiter(arg);
        assert!(
            said.starts_with("error[E01") && said.contains("10.0.0.3:4802") != said.contains("E0108"),
            "{said}"
        );
    }
}

#[test]
fn a_vip_has_an_address() {
    assert_snapshot!(bad_with("<vip><interface_list><interface/></interface_list></vip>"), @r#"
    error[E0107]: <vip> contains no <virtual_addr>
      --> userconfig.xml:4:1
      | <vip><interface_list><interface/></interface_list></vip>
      | ^
      = help: its place is <interface_list><interface><real_interface>; or remove <vip>
    "#);
}
