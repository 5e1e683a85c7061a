//! What leaves the dashboard, and what must not.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use safetui_net::api::shape::Problem;

use super::scenes::{fork, healthy};
use super::{code, hear, heard, press};
use crate::dashboard::model::{Freshness, Overlay};
use crate::dashboard::msg::{Cmd, Msg};
use crate::dashboard::update::update;
use crate::dashboard::{DemoKey, Feed, Options};

fn options() -> Options {
    Options { by: "root/tui".to_owned(), ..Options::default() }
}

#[test]
fn a_command_leaves_only_when_its_confirmation_was_typed() {
    let mut model = heard(&healthy(), options());
    assert_eq!(press(&mut model, "a"), []);
    assert_eq!(code(&mut model, KeyCode::Enter), [], "the menu previews");
    for typed in ["", "d", "dbx"] {
        press(&mut model, typed);
        assert_eq!(code(&mut model, KeyCode::Enter), [], "after {typed:?}");
        while let Some(Overlay::Confirm(confirm)) = &model.overlay
            && !confirm.typed.is_empty()
        {
            code(&mut model, KeyCode::Backspace);
        }
    }
    press(&mut model, "db");
    let orders = code(&mut model, KeyCode::Enter);
    let [Cmd::Send { node, command }] = &orders[..] else { panic!("{orders:?}") };
    assert_eq!((node.as_str(), command.module.as_str(), command.verb.as_str()), ("node1", "db", "swap"));
    assert_eq!((command.if_state, command.confirm.as_deref()), (Some(48_812), Some("db")));
    assert_eq!(command.by, "root/tui");
    assert_eq!(code(&mut model, KeyCode::Enter), [], "it leaves once");
}

#[test]
fn a_mild_one_takes_a_word_too() {
    let mut model = heard(&healthy(), options());
    press(&mut model, "la");
    code(&mut model, KeyCode::Enter);
    assert_eq!(code(&mut model, KeyCode::Enter), []);
    press(&mut model, "y");
    let orders = code(&mut model, KeyCode::Enter);
    let [Cmd::Send { node, command }] = &orders[..] else { panic!("{orders:?}") };
    assert_eq!((node.as_str(), command.verb.as_str(), &command.confirm), ("node2", "stop", &None));
}

#[test]
fn escape_cancels() {
    let mut model = heard(&healthy(), options());
    press(&mut model, "a");
    code(&mut model, KeyCode::Enter);
    press(&mut model, "db");
    assert_eq!(code(&mut model, KeyCode::Esc), []);
    assert_eq!(model.overlay, None);
    assert_eq!(code(&mut model, KeyCode::Enter), [], "Enter opens the module now");
}

#[test]
fn keys_from_before_the_dialog_was_seen_do_not_count() {
    let mut model = heard(&healthy(), options());
    press(&mut model, "a");
    let mut blind = |code| update(&mut model, Msg::Key(KeyEvent::new(code, KeyModifiers::NONE)));
    let keys = [KeyCode::Enter, KeyCode::Char('d'), KeyCode::Char('b'), KeyCode::Enter];
    assert!(keys.into_iter().all(|code| blind(code).is_empty()));
    let Some(Overlay::Confirm(confirm)) = &model.overlay else { panic!() };
    assert_eq!(confirm.typed, "");
}

#[test]
fn a_plan_that_changed_takes_the_typed_text_with_it() {
    let mut model = heard(&healthy(), options());
    press(&mut model, "a");
    code(&mut model, KeyCode::Enter);
    press(&mut model, "db");
    let mut state = healthy();
    state.seq += 1;
    state.modules[0].actions[0].steps.push("node2 has to be filled again".to_owned());
    hear(&mut model, &state);
    // Typed and confirmed before the new plan was painted.
    let enter = Msg::Key(KeyEvent::new(KeyCode::Enter, KeyModifiers::NONE));
    assert_eq!(update(&mut model, enter), []);
    update(&mut model, Msg::Painted);
    assert_eq!(code(&mut model, KeyCode::Enter), [], "the text is gone");
    press(&mut model, "db");
    let orders = code(&mut model, KeyCode::Enter);
    let [Cmd::Send { command, .. }] = &orders[..] else { panic!("{orders:?}") };
    assert_eq!(command.if_state, Some(48_813));
}

#[test]
fn the_same_plan_in_a_newer_state_is_bound_to_that_state() {
    let mut model = heard(&healthy(), options());
    press(&mut model, "a");
    code(&mut model, KeyCode::Enter);
    press(&mut model, "d");
    let mut state = healthy();
    state.seq += 5;
    state.networks[0].rtt_us = Some(999);
    hear(&mut model, &state);
    press(&mut model, "b");
    let orders = code(&mut model, KeyCode::Enter);
    let [Cmd::Send { command, .. }] = &orders[..] else { panic!("{orders:?}") };
    assert_eq!(command.if_state, Some(48_817));
}

#[test]
fn a_plan_that_is_refused_meanwhile_cannot_be_confirmed() {
    for refused in [true, false] {
        let mut model = heard(&healthy(), options());
        press(&mut model, "a");
        code(&mut model, KeyCode::Enter);
        let mut state = healthy();
        if refused {
            state.modules[0].actions[0].refused = Some("node2 is gone".to_owned());
        } else {
            state.modules[0].actions.remove(0);
        }
        hear(&mut model, &state);
        update(&mut model, Msg::Painted);
        press(&mut model, "db");
        assert_eq!(code(&mut model, KeyCode::Enter), []);
    }
}

#[test]
fn a_refused_offer_says_why_and_opens_nothing() {
    let mut model = heard(&fork(), options());
    press(&mut model, "laj");
    code(&mut model, KeyCode::Up);
    code(&mut model, KeyCode::Enter);
    assert!(matches!(model.overlay, Some(Overlay::Menu(_))));
    assert!(
        model.notice.as_ref().is_some_and(|notice| notice.text.contains("choose a side")),
        "{:?}",
        model.notice
    );
}

#[test]
fn read_only_shows_everything_and_asks_nothing() {
    let mut model = heard(&healthy(), Options { read_only: true, ..options() });
    press(&mut model, "A");
    for _ in 0..4 {
        code(&mut model, KeyCode::Enter);
        assert!(matches!(model.overlay, Some(Overlay::Menu(_))));
        press(&mut model, "j");
    }
    assert!(model.notice.as_ref().is_some_and(|notice| notice.text.contains("read-only")));
}

#[test]
fn a_lost_agent_is_counted_and_its_last_state_kept() {
    let mut model = heard(&healthy(), options());
    assert_eq!(model.freshness(), Freshness::Live);
    update(&mut model, Msg::Tick(5_500));
    assert_eq!(model.freshness(), Freshness::Stale(4_500));
    for (now, lost) in [(6_000, 0), (9_000, 3_000)] {
        update(&mut model, Msg::Tick(now));
        assert_eq!(update(&mut model, Msg::Feed(Feed::Lost { why: "refused".to_owned() })), []);
        assert_eq!(model.freshness(), Freshness::Lost(lost));
        assert!(model.state.is_some());
    }
    hear(&mut model, &healthy());
    assert_eq!(model.freshness(), Freshness::Live);
}

#[test]
fn the_selection_follows_the_module_not_the_row() {
    let mut state = fork();
    let mut model = heard(&state, options());
    assert_eq!(model.module().unwrap().name, "files", "the worst one is selected first");
    state.modules.reverse();
    hear(&mut model, &state);
    assert_eq!(model.module().unwrap().name, "files");
    state.modules.clear();
    state.nodes.clear();
    hear(&mut model, &state);
    assert_eq!((model.module(), model.node()), (None, None));
}

#[test]
fn a_refusal_is_shown_until_it_is_read() {
    let mut model = heard(&healthy(), options());
    let problem = Problem {
        code: "E0301".to_owned(),
        exit: 9,
        summary: "stale".to_owned(),
        what: "swap of db".to_owned(),
        why: "the state\u{1b}[2J moved on".to_owned(),
        now: "48813".to_owned(),
        fix: vec!["look again".to_owned()],
    };
    update(&mut model, Msg::Feed(Feed::Answer(Err(problem))));
    let Some(Overlay::Problem(shown)) = &model.overlay else { panic!() };
    assert_eq!(shown.why, "the state[2J moved on");
    code(&mut model, KeyCode::Enter);
    assert_eq!(model.overlay, None);
}

#[test]
fn demo_keys_work_on_pages_and_nowhere_else() {
    let demo = vec![
        DemoKey { key: '1', label: "kill node1".to_owned() },
        DemoKey { key: '2', label: "heal".to_owned() },
    ];
    let mut model = heard(&healthy(), Options { demo: Some(demo), ..options() });
    assert_eq!(press(&mut model, "2"), [Cmd::Demo(1)]);
    press(&mut model, "?");
    assert_eq!(press(&mut model, "1"), []);
    code(&mut model, KeyCode::Esc);
    press(&mut model, "a");
    code(&mut model, KeyCode::Enter);
    assert_eq!(press(&mut model, "1"), []);
    let Some(Overlay::Confirm(confirm)) = &model.overlay else { panic!() };
    assert_eq!(confirm.typed, "1", "in a dialog it is a character");
}
