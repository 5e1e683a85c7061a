//! `userconfig.xml` files that are refused, with exactly what is said about them.

use insta::assert_snapshot;

use super::{THREE, bad, bad_with, heart, read_cluster, read_on};

#[test]
fn a_module_has_a_service() {
    assert_snapshot!(bad(r#"<safe>
</safe>"#), @r#"
    error[E0107]: <safe> contains no <service>
      --> userconfig.xml:1:1
      | <safe>
      | ^
    "#);
    assert_snapshot!(bad(r#"<module/>"#), @r#"
    error[E0103]: expected <safe> as the outermost element, found <module>
      --> userconfig.xml:1:1
      | <module/>
      | ^
      = allowed: <safe>
    "#);
}

#[test]
fn a_service_has_a_mode_and_a_mirror_has_a_heart() {
    assert_snapshot!(bad(r#"<safe>
<service boot="on"/>
</safe>"#), @r#"
    error[E0106]: <service> lacks its attribute "mode"
      --> userconfig.xml:2:1
      | <service boot="on"/>
      | ^
    "#);
    assert_snapshot!(bad(r#"<safe>
<service mode="mirror" boot="yes"/>
</safe>"#), @r#"
    error[E0107]: a mirror needs a <heart> in its <service>
      --> userconfig.xml:2:1
      | <service mode="mirror" boot="yes"/>
      | ^
      = help: add <heart><heartbeat name="private"/></heart>

    error[E0108]: "yes" is not a value of "boot"
      --> userconfig.xml:2:30
      | <service mode="mirror" boot="yes"/>
      |                              ^
      = allowed: on, off, auto, ignore
    "#);
}

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
      = help: remove it: it would have no effect

    error[E0105]: <virtual_interface> is not supported yet
      --> userconfig.xml:4:33
      | <vip><interface_list><interface><virtual_interface type="vmac_directed">
      |                                 ^
      = help: remove it: it would have no effect

    error[E0105]: <loadbalancing_list> is not supported yet
      --> userconfig.xml:6:1
      | <loadbalancing_list><group name="FarmProto"><rule port="80" proto="tcp" filter="on_addr"/></group></
      | ^
      = help: remove it: it would have no effect
    "#);
}

#[test]
fn settings_of_the_service_that_are_not_built_are_said() {
    assert_snapshot!(bad(r#"<safe>
<service mode="light" boot_delay="soon" defaultprim="lastprim" maxloop="5" loop_interval="1h" automatic_reboot="on"><heart><heartbeat name="default"/></heart></service></safe>"#), @r#"
    error[E0105]: mode="light" is not supported yet
      --> userconfig.xml:2:16
      | <service mode="light" boot_delay="soon" defaultprim="lastprim" maxloop="5" loop_interval="1h" automa
      |                ^
      = allowed: mirror

    error[E0109]: "soon" is not a time
      --> userconfig.xml:2:35
      | <service mode="light" boot_delay="soon" defaultprim="lastprim" maxloop="5" loop_interval="1h" automa
      |                                   ^
      = allowed: a whole number, in s or with one of the units d h m s ms us

    error[E0105]: defaultprim="lastprim" is not supported yet in <service>
      --> userconfig.xml:2:54
      | <service mode="light" boot_delay="soon" defaultprim="lastprim" maxloop="5" loop_interval="1h" automa
      |                                                      ^
      = allowed: "alone"
      = help: leave out "defaultprim"

    error[E0105]: maxloop="5" is not supported yet in <service>
      --> userconfig.xml:2:73
      | <service mode="light" boot_delay="soon" defaultprim="lastprim" maxloop="5" loop_interval="1h" automa
      |                                                                         ^
      = allowed: "3"
      = help: leave out "maxloop"

    error[E0105]: loop_interval="1h" is not supported yet in <service>
      --> userconfig.xml:2:91
      | <service mode="light" boot_delay="soon" defaultprim="lastprim" maxloop="5" loop_interval="1h" automa
      |                                                                                           ^
      = allowed: "24h"
      = help: leave out "loop_interval"

    error[E0105]: automatic_reboot="on" is not supported yet in <service>
      --> userconfig.xml:2:113
      |  maxloop="5" loop_interval="1h" automatic_reboot="on"><heart><heartbeat name="default"/></heart></se
      |                                                   ^
      = allowed: "off"
      = help: leave out "automatic_reboot"
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
      = help: remove it: it would have no effect

    error[E0105]: <vhost> is not supported yet
      --> userconfig.xml:6:1
      | <vhost><virtualhostname name="v" envfile="e"/></vhost>
      | ^
      = help: remove it: it would have no effect

    error[E0105]: <tcp> is not supported yet
      --> userconfig.xml:7:8
      | <check><tcp ident="t" when="prim"><to addr="10.0.0.9" port="80"/></tcp>
      |        ^
      = help: remove it: it would have no effect

    error[E0105]: <ping> is not supported yet
      --> userconfig.xml:8:1
      | <ping ident="p"><to addr="10.0.0.9"/></ping>
      | ^
      = help: remove it: it would have no effect

    error[E0105]: <intf> is not supported yet
      --> userconfig.xml:9:1
      | <intf ident="i" when="pre"><to local_addr="10.0.0.1"/></intf>
      | ^
      = help: remove it: it would have no effect

    error[E0105]: <ip> is not supported yet
      --> userconfig.xml:10:1
      | <ip ident="x"><to addr="10.0.0.9"/></ip>
      | ^
      = help: remove it: it would have no effect

    error[E0105]: <custom> is not supported yet
      --> userconfig.xml:11:1
      | <custom ident="c" when="prim" exec="c.sh"/>
      | ^
      = help: remove it: it would have no effect

    error[E0105]: <module> is not supported yet
      --> userconfig.xml:12:1
      | <module name="other"/></check>
      | ^
      = help: remove it: it would have no effect

    error[E0105]: <failover> is not supported yet
      --> userconfig.xml:13:1
      | <failover><![CDATA[ rule: if (custom.c == down) then stop(); ]]></failover>
      | ^
      = help: remove it: it would have no effect
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
      = help: remove it: it would have no effect

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
fn words_of_nobody_are_refused() {
    assert_snapshot!(bad_with(r#"<haert/>
<replicated dir="/srv"/>
<rfs asinc="second"><replicated dir="/srv"/></rfs>
<database/>"#), @r#"
    error[E0103]: unknown element <haert> in <service>
      --> userconfig.xml:4:1
      | <haert/>
      | ^
      = allowed: <heart>, <vip>, <rfs>, <user>, <check>
      = help: did you mean "heart"?

    error[E0103]: <replicated> does not belong into <service>
      --> userconfig.xml:5:1
      | <replicated dir="/srv"/>
      | ^
      = allowed: <heart>, <vip>, <rfs>, <user>, <check>
      = help: it belongs into <rfs>

    error[E0104]: unknown attribute "asinc" of <rfs>
      --> userconfig.xml:6:6
      | <rfs asinc="second"><replicated dir="/srv"/></rfs>
      |      ^
      = allowed: async, mountoversuffix, mountover, acl, reipacketsize, ruzone_blocksize, iotimeout, roflags, locktimeout, sendtimeout, nbrei, namespacepolicy, reitimeout, reicommit, reidetail, allocthreshold, nbremconn, checktime, checkintv, nfsbox_options, scripts, syncdelta
      = help: did you mean "async"?

    error[E0103]: unknown element <database> in <service>
      --> userconfig.xml:7:1
      | <database/>
      | ^
      = allowed: <heart>, <vip>, <rfs>, <user>, <check>
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
      = help: remove it: it would have no effect

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
      = help: remove it: it would have no effect

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
      = help: remove it: it would have no effect

    error[E0105]: <tocheck> is not supported yet
      --> userconfig.xml:8:1
      | <tocheck path="data"/></replicated></rfs>
      | ^
      = help: remove it: it would have no effect
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
<replicated dir="/"/></rfs>"#), @r#"
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
      | <replicated dir="/"/></rfs>
      |                  ^
      = help: replicate the directory of the application's data
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
fn times_have_units() {
    assert_snapshot!(bad(&heart(r#"<heart pulse="fast" timeout="1.5s" guard="500us"><heartbeat name="default"/></heart>"#)), @r#"
    error[E0109]: "fast" is not a time
      --> userconfig.xml:3:15
      | <heart pulse="fast" timeout="1.5s" guard="500us"><heartbeat name="default"/></heart>
      |               ^
      = allowed: a whole number, in ms or with one of the units d h m s ms us

    error[E0109]: "1.5s" is not a time
      --> userconfig.xml:3:30
      | <heart pulse="fast" timeout="1.5s" guard="500us"><heartbeat name="default"/></heart>
      |                              ^
      = allowed: a whole number, in ms or with one of the units d h m s ms us

    error[E0109]: "500us" is lost when rounded to the unit of guard
      --> userconfig.xml:3:43
      | <heart pulse="fast" timeout="1.5s" guard="500us"><heartbeat name="default"/></heart>
      |                                           ^
      = allowed: a whole number, in ms or with one of the units d h m s ms us
      = help: the smallest time here is 1ms
    "#);
}

#[test]
fn a_script_has_time() {
    assert_snapshot!(bad_with(r#"<user nicestoptimeout="500ms" forcestoptimeout="0" starttimeout="99999999999999999999" logging="syslog" userlogsize="4096"/>"#), @r#"
    error[E0109]: "500ms" is lost when rounded to the unit of nicestoptimeout
      --> userconfig.xml:4:24
      | <user nicestoptimeout="500ms" forcestoptimeout="0" starttimeout="99999999999999999999" logging="sysl
      |                        ^
      = allowed: a whole number, in s or with one of the units d h m s ms us
      = help: the smallest time here is 1s

    error[E0109]: forcestoptimeout is 0: the script would be killed as it starts
      --> userconfig.xml:4:49
      | <user nicestoptimeout="500ms" forcestoptimeout="0" starttimeout="99999999999999999999" logging="sysl
      |                                                 ^
      = allowed: 1s or more

    error[E0109]: "99999999999999999999" is too large a time
      --> userconfig.xml:4:66
      | <user nicestoptimeout="500ms" forcestoptimeout="0" starttimeout="99999999999999999999" logging="sysl
      |                                                                  ^
      = allowed: a whole number, in s or with one of the units d h m s ms us

    error[E0108]: "syslog" is not a value of "logging"
      --> userconfig.xml:4:97
      | <user nicestoptimeout="500ms" forcestoptimeout="0" starttimeout="99999999999999999999" logging="sysl
      |                                                                                                 ^
      = allowed: userlog, none

    error[E0105]: userlogsize="4096" is not supported yet in <user>
      --> userconfig.xml:4:118
      | 999999999999999999" logging="syslog" userlogsize="4096"/>
      |                                                   ^
      = allowed: "2048"
      = help: leave out "userlogsize"
    "#);
}

#[test]
fn variables_have_names_of_their_own() {
    assert_snapshot!(bad_with(r#"<user><var name="A" value="1"/>
<var name="A" value="2"/>
<var name="1A" value=""/>
<var name="B"/></user>"#), @r#"
    error[E0115]: variable "A" is set twice
      --> userconfig.xml:5:12
      | <var name="A" value="2"/>
      |            ^

    error[E0108]: "1A" cannot be the name of an environment variable
      --> userconfig.xml:6:12
      | <var name="1A" value=""/>
      |            ^
      = allowed: letters, digits and _, not beginning with a digit

    error[E0106]: <var> lacks its attribute "value"
      --> userconfig.xml:7:1
      | <var name="B"/></user>
      | ^
    "#);
}

#[test]
fn timers_must_work_together() {
    assert_snapshot!(bad(&heart(r#"<heart pulse="700"><heartbeat name="default"/></heart>"#)), @r#"
    error[E0117]: timeout is 1s with a pulse of 700ms, it must be at least 2100ms
      --> userconfig.xml:3:1
      | <heart pulse="700"><heartbeat name="default"/></heart>
      | ^
    "#);
    assert_snapshot!(bad(&heart(r#"<heart pulse="5"><heartbeat name="default"/></heart>"#)), @r#"
    error[E0117]: pulse is 5ms, it must be at least 10ms
      --> userconfig.xml:3:1
      | <heart pulse="5"><heartbeat name="default"/></heart>
      | ^
    "#);
    assert_snapshot!(bad(&heart(r#"<heart guard="150"><heartbeat name="default"/></heart>"#)), @r#"
    error[E0117]: guard is 150ms with a pulse of 100ms, it must be at least 200ms
      --> userconfig.xml:3:1
      | <heart guard="150"><heartbeat name="default"/></heart>
      | ^
    "#);
    assert_snapshot!(bad(&heart(r#"<heart guard="2s"><heartbeat name="default"/></heart>"#)), @r#"
    error[E0117]: guard is 2s, it must not exceed timeout, 1s
      --> userconfig.xml:3:1
      | <heart guard="2s"><heartbeat name="default"/></heart>
      | ^
    "#);
    assert_snapshot!(bad(&heart(r#"<heart timeout="2h"><heartbeat name="default"/></heart>"#)), @r#"
    error[E0117]: timeout is 2h, it must be at most 1h
      --> userconfig.xml:3:1
      | <heart timeout="2h"><heartbeat name="default"/></heart>
      | ^
    "#);
}

#[test]
fn an_unknown_profile_is_refused() {
    assert_snapshot!(bad(&heart(r#"<heart profile="lam"><heartbeat name="default"/></heart>"#)), @r#"
    error[E0108]: "lam" is not a value of "profile"
      --> userconfig.xml:3:17
      | <heart profile="lam"><heartbeat name="default"/></heart>
      |                 ^
      = allowed: lan, vm, wan
      = help: did you mean "lan"?
    "#);
}

#[test]
fn heartbeats_use_networks_of_the_cluster() {
    assert_snapshot!(bad(&heart(r#"<heart><heartbeat name="defualt"/>
<heartbeat name="third"/></heart>"#)), @r#"
    error[E0113]: network "defualt" is not in cluster.xml
      --> userconfig.xml:3:25
      | <heart><heartbeat name="defualt"/>
      |                         ^
      = allowed: private, default
      = help: did you mean "default"?

    error[E0113]: network "third" is not in cluster.xml
      --> userconfig.xml:4:18
      | <heartbeat name="third"/></heart>
      |                  ^
      = allowed: private, default
    "#);
}

#[test]
fn there_is_a_heartbeat() {
    assert_snapshot!(bad(&heart(r#"<heart/>"#)), @r#"
    error[E0107]: <heart> needs at least one <heartbeat>
      --> userconfig.xml:3:1
      | <heart/>
      | ^
      = help: add <heartbeat name="private"/>
    "#);
}

#[test]
fn heartbeats_are_apart() {
    assert_snapshot!(bad(&heart(r#"<heart><heartbeat name="default"/>
<heartbeat name="default"/>
<heartbeat name="private" ident="default"/></heart>"#)), @r#"
    error[E0115]: a second heartbeat is named "default"
      --> userconfig.xml:4:18
      | <heartbeat name="default"/>
      |                  ^

    error[E0115]: network "default" carries two heartbeats of this module
      --> userconfig.xml:4:18
      | <heartbeat name="default"/>
      |                  ^
      = help: one on each network is enough

    error[E0115]: a second heartbeat is named "default"
      --> userconfig.xml:5:34
      | <heartbeat name="private" ident="default"/></heart>
      |                                  ^
    "#);
}

#[test]
fn one_network_has_no_timers_of_its_own_yet() {
    assert_snapshot!(bad(&heart(r#"<heart><heartbeat name="default" pulse="100" timeout="3s"/></heart>"#)), @r#"
    error[E0105]: a timeout of its own (3s) for one network is not supported yet
      --> userconfig.xml:3:55
      | <heart><heartbeat name="default" pulse="100" timeout="3s"/></heart>
      |                                                       ^
      = allowed: 1s
      = help: set timeout on <heart>, for all networks
    "#);
}

#[test]
fn old_heartbeats_by_address_are_not_supported_yet() {
    assert_snapshot!(bad(&heart(r#"<heart><heartbeat name="default"><server addr="10.0.0.1"/></heartbeat></heart>"#)), @r#"
    error[E0105]: <server> is not supported yet
      --> userconfig.xml:3:34
      | <heart><heartbeat name="default"><server addr="10.0.0.1"/></heartbeat></heart>
      |                                  ^
      = help: remove it: it would have no effect
    "#);
}

#[test]
fn macros_are_defined_before_they_are_used() {
    assert_snapshot!(bad(r#"<safe>
<macro name="DIR" value="%DATE%"/>
<macro name="DIR" value="/srv"/>
<macro name="a b" value=""/>
<service mode="mirror"><heart><heartbeat name="%LATER%"/></heart>
<rfs><replicated dir="%DRI%"/></rfs></service>
<macro name="LATER" value="default"/></safe>"#), @r#"
    error[E0110]: macro "DATE" is neither defined before nor in the environment
      --> userconfig.xml:2:26
      | <macro name="DIR" value="%DATE%"/>
      |                          ^
      = help: add <macro name="DATE" value="..."/> before

    error[E0108]: "a b" cannot be the name of a macro
      --> userconfig.xml:4:14
      | <macro name="a b" value=""/>
      |              ^
      = allowed: letters, digits, _ - .

    error[E0110]: macro "LATER" is neither defined before nor in the environment
      --> userconfig.xml:5:48
      | <service mode="mirror"><heart><heartbeat name="%LATER%"/></heart>
      |                                                ^
      = help: add <macro name="LATER" value="..."/> before

    error[E0110]: macro "DRI" is neither defined before nor in the environment
      --> userconfig.xml:6:23
      | <rfs><replicated dir="%DRI%"/></rfs></service>
      |                       ^
      = help: did you mean "DIR"?
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
      = help: did you mean "on"?

    error[E0111]: a second <splitbrain> in <check>
      --> userconfig.xml:5:1
      | <splitbrain ident="w2" exec="curl" arg="10.0.0.254"/></check>
      | ^
      = allowed: one

    error[E0105]: exec="curl" is not supported yet in <splitbrain>
      --> userconfig.xml:5:30
      | <splitbrain ident="w2" exec="curl" arg="10.0.0.254"/></check>
      |                              ^
      = allowed: "ping"
      = help: leave out "exec"
    "#);
}

#[test]
fn a_mirror_has_two_nodes_the_same_on_each_network() {
    let three = read_cluster(THREE).expect("the file is good").0;
    let text = heart(
        "<heart>\n<heartbeat name=\"ab\"/>\n<heartbeat name=\"all\"/>\n<heartbeat name=\"bc\"/></heart>",
    );
    assert_snapshot!(read_on(&text, &three).expect_err("the file is refused"), @r#"
    error[E0114]: a mirror needs a network of exactly 2 nodes, "all" has 3
      --> userconfig.xml:5:18
      | <heartbeat name="all"/>
      |                  ^
      = help: its nodes are a, b, c; give this pair a network of its own in cluster.xml

    error[E0114]: network "bc" joins b, c, network "ab" joins a, b
      --> userconfig.xml:6:18
      | <heartbeat name="bc"/></heart>
      |                  ^
      = help: all heartbeats of a mirror join the same two nodes
    "#);
}
