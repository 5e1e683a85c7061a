//! `cluster.xml` files that are refused, with exactly what is said about them.

use insta::assert_snapshot;

use super::bad_cluster;

#[test]
fn an_empty_file_has_no_element() {
    assert_snapshot!(bad_cluster(r""), @r#"
    error[E0102]: the file contains no element
      --> cluster.xml:1:1
      |
      | ^
    "#);
}

#[test]
fn a_closing_tag_must_match() {
    assert_snapshot!(bad_cluster(r"<cluster>
 <lans>
</cluster>"), @r#"
    error[E0102]: expected </lans>, found </cluster>
      --> cluster.xml:3:1
      | </cluster>
      | ^
      = help: <lans> was opened in line 2
    "#);
}

#[test]
fn an_element_that_stays_open_is_named() {
    assert_snapshot!(bad_cluster(r"<cluster>
  <lans>"), @r#"
    error[E0102]: <lans> is never closed
      --> cluster.xml:2:3
      |   <lans>
      |   ^
      = help: expected </lans> before the end of the file
    "#);
}

#[test]
fn a_tag_that_stays_open_is_found() {
    assert_snapshot!(bad_cluster(r#"<cluster>
  <lans port="4800""#), @r#"
    error[E0102]: expected ">" at the end of this tag, found the end of the file
      --> cluster.xml:2:3
      |   <lans port="4800"
      |   ^
      = help: is a closing quote missing?
    "#);
}

#[test]
fn attributes_need_a_value_in_quotes() {
    assert_snapshot!(bad_cluster(r#"<cluster>
  <lans port=4800 pulse>
  <lan name="a" name="b"/></lans></cluster>"#), @r#"
    error[E0102]: expected a value in quotes
      --> cluster.xml:2:14
      |   <lans port=4800 pulse>
      |              ^

    error[E0102]: expected "=" after the name of the attribute
      --> cluster.xml:2:24
      |   <lans port=4800 pulse>
      |                        ^

    error[E0102]: the attribute is given twice
      --> cluster.xml:3:17
      |   <lan name="a" name="b"/></lans></cluster>
      |                 ^
    "#);
}

#[test]
fn a_missing_quote_is_guessed() {
    assert_snapshot!(bad_cluster(r#"<cluster>
  <lans port="4800>
 <lan name="default"/></lans></cluster>"#), @r#"
    error[E0102]: expected ">" at the end of this tag, found the end of the file
      --> cluster.xml:2:3
      |   <lans port="4800>
      |   ^
      = help: is a closing quote missing?
    "#);
    assert_snapshot!(bad_cluster("<cluster><lans>\n<lan name=\"a<b\"/></lans></cluster>"), @r#"
    error[E0102]: "<" in the value of "name"
      --> cluster.xml:2:13
      | <lan name="a<b"/></lans></cluster>
      |             ^
      = help: is the closing quote missing? A "<" that is meant is written &lt;
    "#);
    assert_snapshot!(bad_cluster("<cluster>\n<lans port=\"/></cluster>"), @r#"
    error[E0102]: expected ">" at the end of this tag, found the end of the file
      --> cluster.xml:2:1
      | <lans port="/></cluster>
      | ^
      = help: is a closing quote missing?
    "#);
}

#[test]
fn broken_markup_is_found() {
    assert_snapshot!(bad_cluster("<cluster>\n<!-- open</cluster>"), @r#"
    error[E0102]: comment not closed: `-->` not found before end of input
      --> cluster.xml:2:1
      | <!-- open</cluster>
      | ^
      = help: XML knows <element>, <!-- comment -->, <![CDATA[text]]>, <?instruction?>
    "#);
    assert_snapshot!(bad_cluster("<cluster>\n< lans/></cluster>"), @r#"
    error[E0102]: expected the name of an element after "<"
      --> cluster.xml:2:1
      | < lans/></cluster>
      | ^
    "#);
    assert_snapshot!(bad_cluster("<cluster>\nthis & that</cluster>"), @r#"
    error[E0102]: "&" without its ";"
      --> cluster.xml:2:6
      | this & that</cluster>
      |      ^
      = help: a "&" that is meant is written &amp;
    "#);
    assert_snapshot!(bad_cluster("<cluster></cluster>\n</lans>"), @r#"
    error[E0102]: </lans> closes an element that is not open
      --> cluster.xml:2:1
      | </lans>
      | ^
    "#);
}

#[test]
fn an_unknown_entity_is_refused() {
    assert_snapshot!(bad_cluster(r#"<cluster><lans>
<lan name="a&b;"/></lans></cluster>"#), @r#"
    error[E0102]: unknown "&" sequence in the value of "name"
      --> cluster.xml:2:13
      | <lan name="a&b;"/></lans></cluster>
      |             ^
      = help: XML knows &amp; &lt; &gt; &quot; &apos; and numbers such as &#65;
    "#);
}

#[test]
fn text_after_the_end_is_refused() {
    assert_snapshot!(bad_cluster(r"<cluster/>
what"), @r#"
    error[E0102]: text outside the outermost element
      --> cluster.xml:2:1
      | what
      | ^
      = help: expected "<"
    "#);
    assert_snapshot!(bad_cluster(r"<cluster/>
<cluster/>"), @r#"
    error[E0102]: <cluster> stands after the end of the document
      --> cluster.xml:2:1
      | <cluster/>
      | ^
      = help: a file has one outermost element
    "#);
}

#[test]
fn control_characters_are_refused() {
    assert_snapshot!(bad_cluster("<cluster>\n<lans\u{1}/></cluster>"), @r#"
    error[E0102]: control character U+0001
      --> cluster.xml:2:6
      | <lans /></cluster>
      |      ^
      = help: remove it: XML cannot contain it
    "#);
    assert_snapshot!(bad_cluster("<cluster>\n<lans port=\"&#1;\"/></cluster>"), @r#"
    error[E0102]: control character in the value of "port"
      --> cluster.xml:2:13
      | <lans port="&#1;"/></cluster>
      |             ^
      = help: remove it: XML cannot contain it
    "#);
}

#[test]
fn the_outermost_element_must_be_the_right_one() {
    assert_snapshot!(bad_cluster(r"<safe/>"), @r#"
    error[E0103]: expected <cluster> as the outermost element, found <safe>
      --> cluster.xml:1:1
      | <safe/>
      | ^
      = allowed: <cluster>
    "#);
}

#[test]
fn a_cluster_has_networks() {
    assert_snapshot!(bad_cluster(r"<cluster>
</cluster>"), @r#"
    error[E0107]: <cluster> contains no <lans>
      --> cluster.xml:1:1
      | <cluster>
      | ^
    "#);
}

#[test]
fn words_of_nobody_are_refused_with_the_nearest_word() {
    assert_snapshot!(bad_cluster(r#"<cluster><lans>
<lan name="l" comand="on"><nod name="a" addr="10.0.0.1"/>
<node name="b" adr="10.0.0.2"/><database/></lan>
</lans></cluster>"#), @r#"
    error[E0104]: unknown attribute "comand" of <lan>
      --> cluster.xml:2:15
      | <lan name="l" comand="on"><nod name="a" addr="10.0.0.1"/>
      |               ^
      = allowed: name, command
      = help: did you mean "command"?

    error[E0103]: unknown element <nod> in <lan>
      --> cluster.xml:2:27
      | <lan name="l" comand="on"><nod name="a" addr="10.0.0.1"/>
      |                           ^
      = allowed: <node>
      = help: did you mean "node"?

    error[E0106]: <node> lacks its attribute "addr"
      --> cluster.xml:3:1
      | <node name="b" adr="10.0.0.2"/><database/></lan>
      | ^

    error[E0104]: unknown attribute "adr" of <node>
      --> cluster.xml:3:16
      | <node name="b" adr="10.0.0.2"/><database/></lan>
      |                ^
      = allowed: name, addr, laddr
      = help: did you mean "addr"?

    error[E0103]: unknown element <database> in <lan>
      --> cluster.xml:3:32
      | <node name="b" adr="10.0.0.2"/><database/></lan>
      |                                ^
      = allowed: <node>
    "#);
}

#[test]
fn an_element_at_the_wrong_place_is_sent_home() {
    assert_snapshot!(bad_cluster(r#"<cluster><lans/>
<lan name="l"/></cluster>"#), @r#"
    error[E0103]: <lan> does not belong into <cluster>
      --> cluster.xml:2:1
      | <lan name="l"/></cluster>
      | ^
      = allowed: <lans>
      = help: it belongs into <lans>
    "#);
}

#[test]
fn text_between_elements_is_refused() {
    assert_snapshot!(bad_cluster(r#"<cluster><lans>
<lan name="l"><node name="a" addr="10.0.0.1"/><node name="b" addr="10.0.0.2"/></lan>
  10.0.0.3
</lans></cluster>"#), @r#"
    error[E0112]: text inside <lans>
      --> cluster.xml:3:3
      |   10.0.0.3
      |   ^
      = help: expected an element; a comment is written <!-- -->
    "#);
}

#[test]
fn there_is_one_list_of_networks() {
    assert_snapshot!(bad_cluster(r#"<cluster><lans><lan name="l"><node name="a" addr="10.0.0.1"/><node name="b" addr="10.0.0.2"/></lan></lans>
<lans/></cluster>"#), @r#"
    error[E0111]: a second <lans> in <cluster>
      --> cluster.xml:2:1
      | <lans/></cluster>
      | ^
      = allowed: one
    "#);
}

#[test]
fn numbers_have_their_range() {
    assert_snapshot!(bad_cluster(r#"<cluster><lans port="0">
<lan name="l"><node name="a" addr="10.0.0.1"/><node name="b" addr="10.0.0.2"/></lan></lans></cluster>"#), @r#"
    error[E0108]: "0" is not a value of "port"
      --> cluster.xml:1:22
      | <cluster><lans port="0">
      |                      ^
      = allowed: a number from 1 to 65535
    "#);
}

#[test]
fn names_have_their_letters() {
    assert_snapshot!(bad_cluster(r#"<cluster><lans>
<lan name="my lan"/>
<lan name="l"><node name="-a" addr="10.0.0.1"/></lan>
</lans></cluster>"#), @r#"
    error[E0108]: "my lan" is not a value of "name"
      --> cluster.xml:2:12
      | <lan name="my lan"/>
      |            ^
      = allowed: up to 64 letters, digits, _ - . not beginning with - or .

    error[E0108]: "-a" is not a value of "name"
      --> cluster.xml:3:27
      | <lan name="l"><node name="-a" addr="10.0.0.1"/></lan>
      |                           ^
      = allowed: up to 64 letters, digits, _ - . not beginning with - or .
    "#);
}

#[test]
fn addresses_are_those_of_one_machine() {
    assert_snapshot!(bad_cluster(r#"<cluster><lans>
<lan name="l"><node name="a" addr="10.0.0.256"/>
<node name="b" addr="0.0.0.0"/>
<node name="c" addr="224.0.0.1"/>
<node name="d" addr="fe80::1"/>
<node name="e" addr="nowhere.example"/>
<node name="f" addr="255.255.255.255"/></lan>
</lans></cluster>"#), @r#"
    error[E0108]: "10.0.0.256" is not an address
      --> cluster.xml:2:36
      | <lan name="l"><node name="a" addr="10.0.0.256"/>
      |                                    ^
      = allowed: an IPv4 address, an IPv6 address or a host name

    error[E0116]: 0.0.0.0 is the unspecified address, not the address of one machine
      --> cluster.xml:3:22
      | <node name="b" addr="0.0.0.0"/>
      |                      ^

    error[E0116]: 224.0.0.1 is a multicast address, not the address of one machine
      --> cluster.xml:4:22
      | <node name="c" addr="224.0.0.1"/>
      |                      ^

    error[E0116]: fe80::1 is a link-local address, which is ambiguous, not the address of one machine
      --> cluster.xml:5:22
      | <node name="d" addr="fe80::1"/>
      |                      ^

    error[E0108]: host name "nowhere.example" cannot be resolved
      --> cluster.xml:6:22
      | <node name="e" addr="nowhere.example"/>
      |                      ^
      = help: write its address, which also works without DNS

    error[E0116]: 255.255.255.255 is the broadcast address, not the address of one machine
      --> cluster.xml:7:22
      | <node name="f" addr="255.255.255.255"/></lan>
      |                      ^
    "#);
}

#[test]
fn nodes_and_networks_have_names_of_their_own() {
    assert_snapshot!(bad_cluster(r#"<cluster><lans>
<lan name="l"><node name="a" addr="10.0.0.1"/>
<node name="a" addr="10.0.0.2"/></lan>
<lan name="l"/>
</lans></cluster>"#), @r#"
    error[E0115]: node "a" is in this network twice
      --> cluster.xml:3:13
      | <node name="a" addr="10.0.0.2"/></lan>
      |             ^

    error[E0115]: a second network is named "l"
      --> cluster.xml:4:12
      | <lan name="l"/>
      |            ^
    "#);
}

#[test]
fn an_address_belongs_to_one_node_on_one_network() {
    assert_snapshot!(bad_cluster(r#"<cluster><lans>
<lan name="l"><node name="a" addr="10.0.0.1"/>
<node name="b" addr="10.0.0.1"/></lan>
</lans></cluster>"#), @r#"
    error[E0116]: address 10.0.0.1 is already that of node "a"
      --> cluster.xml:3:22
      | <node name="b" addr="10.0.0.1"/></lan>
      |                      ^
      = help: each address is given once
    "#);
}

#[test]
fn a_network_has_one_family() {
    assert_snapshot!(bad_cluster(r#"<cluster><lans>
<lan name="l"><node name="a" addr="10.0.0.1"/><node name="b" addr="[fd00::2]"/></lan>
</lans></cluster>"#), @r#"
    error[E0116]: network "l" mixes IPv4 and IPv6: 10.0.0.1 and fd00::2
      --> cluster.xml:2:1
      | <lan name="l"><node name="a" addr="10.0.0.1"/><node name="b" addr="[fd00::2]"/></lan>
      | ^
      = help: make it two networks
    "#);
}

#[test]
fn a_cluster_has_two_nodes() {
    assert_snapshot!(bad_cluster(r#"<cluster><lans>
<lan name="l"><node name="a" addr="10.0.0.1"/></lan>
</lans></cluster>"#), @r#"
    error[E0114]: a cluster needs at least 2 nodes, found 1
      --> cluster.xml:1:10
      | <cluster><lans>
      |          ^
    "#);
}

#[test]
fn some_network_joins_all_nodes() {
    assert_snapshot!(bad_cluster(r#"<cluster><lans>
<lan name="l"><node name="node1" addr="10.0.0.1"/><node name="node2" addr="10.0.0.2"/></lan>
<lan name="m"><node name="node1" addr="10.1.0.1"/><node name="nod2" addr="10.1.0.2"/></lan>
</lans></cluster>"#), @r#"
    error[E0114]: no network contains all nodes: node1, node2, nod2
      --> cluster.xml:1:10
      | <cluster><lans>
      |          ^
      = help: is the name of a node misspelt in one of the networks?
    "#);
}

#[test]
fn one_network_carries_commands_to_all_nodes() {
    assert_snapshot!(bad_cluster(r#"<cluster><lans><lan name="l" command="on"><node name="a" addr="10.0.0.1"/></lan>
<lan name="m"><node name="a" addr="10.1.0.1"/><node name="b" addr="10.1.0.2"/></lan></lans></cluster>"#), @r#"
    error[E0114]: network "l" has command="on" but does not contain all nodes
      --> cluster.xml:1:39
      | <cluster><lans><lan name="l" command="on"><node name="a" addr="10.0.0.1"/></lan>
      |                                       ^
      = help: the nodes are: a, b
    "#);
    assert_snapshot!(bad_cluster(r#"<cluster><lans>
<lan name="l" command="on"><node name="a" addr="10.0.0.1"/><node name="b" addr="10.0.0.2"/></lan>
<lan name="m" command="on"><node name="a" addr="10.1.0.1"/><node name="b" addr="10.1.0.2"/></lan></lans></cluster>"#), @r#"
    error[E0111]: a second network has command="on"
      --> cluster.xml:3:24
      | <lan name="m" command="on"><node name="a" addr="10.1.0.1"/><node name="b" addr="10.1.0.2"/></lan></l
      |                        ^
      = allowed: one
    "#);
    assert_snapshot!(bad_cluster(r#"<cluster><lans>
<lan name="l" command="yes"><node name="a" addr="10.0.0.1"/><node name="b" addr="10.0.0.2"/></lan></lans></cluster>"#), @r#"
    error[E0108]: "yes" is not a value of "command"
      --> cluster.xml:2:24
      | <lan name="l" command="yes"><node name="a" addr="10.0.0.1"/><node name="b" addr="10.0.0.2"/></lan></
      |                        ^
      = allowed: on, off
    "#);
}

#[test]
fn columns_count_characters() {
    assert_snapshot!(bad_cluster("<cluster>\n<!-- r\u{e9}seau --><lan/></cluster>"), @r#"
    error[E0107]: <cluster> contains no <lans>
      --> cluster.xml:1:1
      | <cluster>
      | ^

    error[E0103]: <lan> does not belong into <cluster>
      --> cluster.xml:2:16
      | <!-- réseau --><lan/></cluster>
      |                ^
      = allowed: <lans>
      = help: it belongs into <lans>
    "#);
}

#[test]
fn a_flood_of_findings_is_cut_and_errors_are_said_rather_than_warnings() {
    let warnings = "<lan name=\"l\" console=\"on\"/>".repeat(150);
    let found = bad_cluster(&format!("<cluster><lans>{warnings}</lans><oops/></cluster>"));
    assert!(found.matches("[E").count() + found.matches("warning[W0101]").count() == 100, "{found}");
    assert!(found.contains("error[E0103]: unknown element <oops>"), "{found}");
    assert!(found.ends_with(
        "warning[W0104]: there is more than what is shown here\n  --> cluster.xml\n  = help: correct these first"
    ));
}
