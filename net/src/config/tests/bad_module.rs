//! `userconfig.xml` files that are refused, with exactly what is said about them: service, heart, user, macros.

use insta::assert_snapshot;

use super::{THREE, bad, bad_with, heart, read_cluster, read_on};

#[test]
fn a_module_has_a_service() {
    assert_snapshot!(bad(r"<safe>
</safe>"), @r#"
    error[E0107]: <safe> contains no <service>
      --> userconfig.xml:1:1
      | <safe>
      | ^
    "#);
    assert_snapshot!(bad(r"<module/>"), @r#"
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
      = help: profile="lan", "vm" or "wan" alone gives timers that work together
    "#);
    assert_snapshot!(bad(&heart(r#"<heart pulse="5"><heartbeat name="default"/></heart>"#)), @r#"
    error[E0117]: pulse is 5ms, it must be at least 10ms
      --> userconfig.xml:3:1
      | <heart pulse="5"><heartbeat name="default"/></heart>
      | ^
      = help: profile="lan", "vm" or "wan" alone gives timers that work together
    "#);
    assert_snapshot!(bad(&heart(r#"<heart guard="150"><heartbeat name="default"/></heart>"#)), @r#"
    error[E0117]: guard is 150ms with a pulse of 100ms, it must be at least 200ms
      --> userconfig.xml:3:1
      | <heart guard="150"><heartbeat name="default"/></heart>
      | ^
      = help: profile="lan", "vm" or "wan" alone gives timers that work together
    "#);
    assert_snapshot!(bad(&heart(r#"<heart guard="2s"><heartbeat name="default"/></heart>"#)), @r#"
    error[E0117]: guard is 2s, it must not exceed timeout, 1s
      --> userconfig.xml:3:1
      | <heart guard="2s"><heartbeat name="default"/></heart>
      | ^
      = help: profile="lan", "vm" or "wan" alone gives timers that work together
    "#);
    assert_snapshot!(bad(&heart(r#"<heart timeout="2h"><heartbeat name="default"/></heart>"#)), @r#"
    error[E0117]: timeout is 2h, it must be at most 1h
      --> userconfig.xml:3:1
      | <heart timeout="2h"><heartbeat name="default"/></heart>
      | ^
      = help: profile="lan", "vm" or "wan" alone gives timers that work together
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
    assert_snapshot!(bad(&heart(r"<heart/>")), @r#"
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
      = help: safetui refuses what it would not carry out; remove it to go on without it
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
