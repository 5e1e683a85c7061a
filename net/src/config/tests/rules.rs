//! Checkers and failover rules, as they are read to be verified.

use insta::assert_snapshot;
use safetui_core::rule::{Call, Found, Order, Set, State};

use super::{cluster, env, resolve, with};
use crate::{
    config::{
        Diagnostics, Loaded, Watched,
        language::Purpose,
        module::{self, Origin},
    },
    fuzz,
};

/// One of each.
const CHECKS: &str = r#"<check>
<tcp ident="web" when="prim"><to addr="10.0.0.9" port="80"/></tcp>
<ping ident="gw"><to addr="10.0.0.254" interval="5s" timeout="2s"/></ping>
<intf ident="lan"><to local_addr="10.0.0.1"/></intf>
<ip ident="10.0.0.9"><to addr="10.0.0.9"/></ip>
<custom ident="disk" when="pre" exec="disk.sh" arg="/srv" action="wait"/>
<custom ident="free" when="both" exec="free.sh"/>
<module name="base"/>
</check>"#;

fn read(text: &str) -> Result<Loaded, Diagnostics> {
    let purpose = Purpose::Verify;
    let origin = Origin { file: "userconfig.xml", name: "db", purpose, env: &env, resolve: &resolve };
    module::read(text, &origin, &cluster())
}

fn watched(more: &str) -> Watched {
    read(&with(more)).unwrap_or_else(|found| panic!("{found}")).module.watched
}

fn bad(more: &str) -> String {
    read(&with(more)).expect_err("the file is refused").to_string()
}

fn rules(rules: &str) -> String {
    format!("{CHECKS}\n<failover><![CDATA[{rules}]]></failover>")
}

/// The rule that acts, and how, when those resources are down and the rest is up.
fn calls(watched: &Watched, down: &[&str]) -> Option<(String, Order)> {
    let mut found = Found::default();
    for (id, name) in (0..).zip(watched.resources()) {
        found.note(id, if down.contains(&&*name) { State::Down } else { State::Up });
    }
    let call = watched.book.call(found, Found::told(Set::EMPTY));
    call.map(|Call { order, rule }| (watched.rules[usize::from(rule)].clone(), order))
}

#[test]
fn what_is_checked_has_its_rules_by_safekit_s_names() {
    let watched = watched(CHECKS);
    let resources =
        ["tcp.web", "ping.gw", "intf.lan", "ip.10.0.0.9", "custom.disk", "custom.free", "module.base"];
    assert_eq!(watched.resources(), resources);
    let of = |name: &str| calls(&watched, &[name]).map(|(rule, order)| (rule, order.word()));
    let some = |rule: &str, order| Some((rule.to_owned(), order));
    assert_eq!(of("tcp.web"), some("t_web", "restart"));
    assert_eq!(of("ping.gw"), some("p_gw", "wait"));
    assert_eq!(of("intf.lan"), some("interface_failure", "wait"));
    assert_eq!(of("ip.10.0.0.9"), some("ip_failure", "stopstart"));
    assert_eq!(of("custom.disk"), some("c_disk", "wait"));
    assert_eq!(of("custom.free"), None);
    assert_eq!(of("module.base"), some("module_failure", "wait"));
    // What is only checked while the application runs is not awaited, and forgotten with it.
    assert_eq!(watched.book.awaited(), Set(0b101_0110));
    assert_eq!(watched.book.roled, Set(0b010_1001));
}

#[test]
fn expressions_mean_what_they_say() {
    let own = |condition: &str| watched(&rules(&format!("own: if ({condition}) then stop();")));
    let holds =
        |condition: &str, down: &[&str]| calls(&own(condition), down).is_some_and(|(rule, _)| rule == "own");
    let both = ["tcp.web", "ping.gw"];
    assert!(holds("tcp.web == down && ping.gw == down", &both));
    assert!(!holds("tcp.web == down && ping.gw == down", &both[..1]));
    // "And" binds before "or", and a comparison before both.
    assert!(holds("tcp.web == down || ping.gw == down && custom.disk == down", &both[..1]));
    assert!(!holds("(tcp.web == down || ping.gw == down) && custom.disk == down", &both[..1]));
    assert!(holds("! ( tcp.web != down ) /* both */ && !(ping.gw == up)", &both));
    assert!(holds("custom.? == down", &["custom.free"]) && !holds("custom.* == down", &["custom.free"]));
    assert!(holds("custom.* == down", &["custom.free", "custom.disk"]));
    assert!(holds("tcp.web != up", &both) && holds("down == local.tcp.web", &both));
    assert!(holds("tcp.web != ping.gw", &both[..1]) && !holds("tcp.web != ping.gw", &both));
    assert!(holds("(tcp.web == down) == (ping.gw == down)", &both));
    assert!(holds("remote.tcp.web == up", &[]) && !holds("remote.tcp.web == unknown", &[]));
}

#[test]
fn both_languages_add_to_the_built_in_rules_and_may_take_some_away() {
    let text = format!(
        "{CHECKS}\n<failover handle_time=\"15000ms\"><![CDATA[\n{}]]>{}</failover>",
        "--Lua Rules\n-- a remark\nRules = Rules + { gone=if_then(\"custom.free\", 'down', Action.swap); _group=\"checker\" }\n\
         Rules.disable(\"ip_failure\"); Rules.disable(\"t_web\")\n",
        "<![CDATA[ allip_failure: if (ip.* == down) then stopstart(); ]]>",
    );
    let watched = watched(&text);
    let own = ["module_failure", "interface_failure", "p_gw", "c_disk", "gone", "allip_failure"];
    assert_eq!(watched.rules, own);
    assert_eq!(calls(&watched, &["ip.10.0.0.9"]), Some(("allip_failure".into(), Order::StopStart)));
    assert_eq!(calls(&watched, &["custom.free"]), Some(("gone".into(), Order::Swap)));
    assert_eq!((watched.book.pace.act, watched.book.pace.wake), (15_000, 15_000));
}

#[test]
fn without_attributes_a_failure_is_acted_on_at_once_and_a_wait_ends_slowly() {
    let pace = watched(CHECKS).book.pace;
    assert_eq!((pace.act, pace.wake, pace.maxloop, pace.interval), (100, 3000, 3, 86_400_000));
    let text = with(CHECKS).replace("<service", "<service maxloop=\"5\" loop_interval=\"0\"");
    let pace = read(&text).expect("good").module.watched.book.pace;
    assert_eq!((pace.maxloop, pace.interval), (5, 0));
}

#[test]
fn a_module_may_have_its_own_rules_alone() {
    let own = rules("own: if (tcp.web == down) then wait();");
    assert_eq!(watched(&own).rules.last().map(String::as_str), Some("own"));
    assert_eq!(watched(&own.replace("<failover>", "<failover extends=\"no\">")).rules, ["own"]);
}

#[test]
fn rules_are_part_of_what_two_nodes_compare() {
    let signature = |text: &str| read(&with(text)).expect("good").module.signature;
    let one = signature(&rules("a: if (tcp.web == down) then stop();"));
    assert_ne!(one, signature(&rules("a: if (tcp.web == down) then wait();")));
}

#[test]
fn what_is_wrong_with_a_rule_is_shown_where_it_stands() {
    let text = "
bad_class: if (pnig.gw == down) then wait();
bad_ident: if (tcp.wbe == down) then wait();
bad_state: if (tcp.web == dwon) then wait();
bad_action: if (tcp.web == down) then watt();
bare: if (tcp.web && ping.gw == down) then wait();
core: if (rfs.uptodate == down) then rfs.uptodate=up;
sets: if (tcp.web == down) then rfs.uptodate=up;
mixed: if (tcp.web == (ping.gw == down)) then wait();
many: if (custom.* == custom.?) then wait();
told: if (remote.tcp.web == init) then wait();
open: if (tcp.web == down then wait();
t_web: if (tcp.web == down) then wait();
last: if (tcp.web == down) then wait()
";
    assert_snapshot!(bad(&rules(text)));
}

#[test]
fn what_is_wrong_with_a_table_is_shown_where_it_stands() {
    let table = |table: &str| {
        let shown = bad(&rules(&format!("--Lua Rules\n{table}")));
        shown.replace("  --> userconfig.xml:", "")
    };
    let tables = [
        "Rules = Rules + { a=if_then(\"tcp.wbe\",\"dwon\",Action.restrat) }",
        "Rules = { a=if_then(\"tcp.web\",\"down\",Action.stop) }",
        "Rules = Rules + { a=function() return 1 end }",
        "os.execute(\"reboot\")",
        "Rules.disabel(\"t_web\")",
        "Rules.disable(\"t_wbe\")",
        "Rules = Rules + { a=if_then(\"tcp.web\",\"down\",Action.stop) b=1 }",
        "Rules = Rules + { a=if_then(\"tcp.web\"",
    ];
    assert_snapshot!(tables.map(table).join("\n\n"));
}

#[test]
fn what_is_wrong_with_a_checker_is_shown_where_it_stands() {
    assert_snapshot!(bad(r#"<check>
<tcp ident="a" when="pre" action="restart"><to addr="10.0.0.9" port="0"/></tcp>
<tcp ident="a" when="never"><to addr="10.0.0.999" port="80" interval="0"/></tcp>
<ping ident="b"/>
<ping><to/></ping>
<intf ident="c" when="prim"><to local_addr="10.0.0.1"/></intf>
<custom ident="d" when="prim" exec="d.sh" action="wait"/>
<module/>
<splitbrain ident="w" arg="10.0.0.254"/>
<ping ident="e"><to addr="10.0.0.254"/><to addr="10.0.0.253"/></ping>
</check>"#));
}

#[test]
fn more_than_the_core_can_hold_is_refused() {
    let custom = |n: u32| format!("<custom ident=\"c{n}\" when=\"prim\" exec=\"c.sh\" action=\"stop\"/>");
    let many = (0..33).map(custom).collect::<Vec<_>>().concat();
    assert!(bad(&format!("<check>{many}</check>")).contains("more than 32 resources"));
    let deep = format!("a: if ({}tcp.web == down) then stop();", "!(".repeat(10_000));
    assert!(bad(&rules(&deep)).contains("nested more than 32 deep"));
    let long = format!("a: if (tcp.web == down{}) then stop();", " && tcp.web == down".repeat(1_000));
    let found = bad(&rules(&long));
    assert!(found.contains("a rule of more than 256 parts"), "{found}");
    let stop = |n: u32| format!("r{n}: if (tcp.web == down) then stop();");
    let long = (0..40).map(stop).collect::<Vec<_>>().concat();
    assert!(bad(&rules(&long)).contains("more than 32 rules"));
}

#[test]
fn damaged_rules_are_refused_and_nothing_worse() {
    let good = rules("a: if (!(tcp.web == down) || remote.ping.gw != up) then restart(); /* */");
    let lua = rules("--Lua Rules\nRules = Rules + { a=if_then(\"tcp.web\",\"down\",Action.stop) }");
    for text in [good, lua] {
        for at in (0..text.len()).filter(|at| text.is_char_boundary(*at)) {
            for put in ["", "(", "\"", "==", "é", "]]>", "--[["] {
                let damaged = format!("{}{put}{}", &text[..at], &text[at + 1..]);
                if let Err(found) = read(&with(&damaged)) {
                    assert!(found.iter().all(|one| one.line > 0), "{found}");
                }
            }
        }
    }
}

const OWN: &str =
    "/* both */ own: if (tcp.web == down && !(remote.ping.gw != up) || custom.* == down) then stop();
next: if (tcp.web != ping.gw) then swap();";

const LUA: &str = "--Lua Rules
Rules = Rules + { gone=if_then(\"custom.free\", 'down', Action.swap); _group=\"checker\" }
Rules.disable(\"ip_failure\"); -- a remark
";

fuzz::target!(any_text_is_rules_or_refused, [OWN, LUA], |bytes| {
    let text = String::from_utf8_lossy(bytes);
    match read(&with(&rules(&text))) {
        Ok(loaded) => {
            let watched = loaded.module.watched;
            assert_eq!(watched.rules.len(), usize::from(watched.book.rules()), "{text}");
            let call = watched.book.call(Found::told(watched.numbers()), Found::default());
            assert!(call.is_none_or(|call| usize::from(call.rule) < watched.rules.len()), "{text}");
        }
        Err(found) => assert!(found.has_errors(), "{text}"),
    }
});

#[test]
fn what_the_damage_starts_from_is_good() {
    for text in [OWN, LUA] {
        watched(&rules(text));
    }
}
