//! Whatever comes, in whatever order, on whatever screen: no panic, and nothing selected that is not there.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::buffer;
use super::scenes::{fork, healthy, many, outage, reintegrating};
use crate::dashboard::model::{Model, Overlay};
use crate::dashboard::msg::{Cmd, Msg};
use crate::dashboard::update::update;
use crate::dashboard::{DemoKey, Feed, Options, Theme};

/// Numbers that are the same in every run (splitmix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % sides as u64) as usize
    }
}

/// Now and then the operator knows what to type.
fn typed(dice: &mut Dice, model: &Model) -> Option<Msg> {
    let Some(Overlay::Confirm(confirm)) = &model.overlay else { return None };
    let rest = confirm.expected().strip_prefix(confirm.typed.as_str())?;
    let code = rest.chars().next().map_or(KeyCode::Enter, KeyCode::Char);
    (dice.below(4) > 0).then(|| Msg::Key(KeyEvent::new(code, KeyModifiers::NONE)))
}

fn random_key(dice: &mut Dice) -> Msg {
    const CODES: [KeyCode; 8] = [
        KeyCode::Enter,
        KeyCode::Esc,
        KeyCode::Up,
        KeyCode::Down,
        KeyCode::Right,
        KeyCode::End,
        KeyCode::Backspace,
        KeyCode::Tab,
    ];
    const CHARS: &[u8] = b"aAwemjklhgG?[]dby1/files2";
    let code = match dice.below(2) {
        0 => CODES[dice.below(CODES.len())],
        _ => KeyCode::Char(CHARS[dice.below(CHARS.len())].into()),
    };
    Msg::Key(KeyEvent::new(code, KeyModifiers::NONE))
}

fn random_feed(dice: &mut Dice) -> Feed {
    let states = [healthy, fork, reintegrating, outage, many];
    let mut state = states[dice.below(states.len())]();
    state.seq += dice.below(3) as u64;
    match dice.below(6) {
        0 => state.modules.clear(),
        1 => state.nodes.truncate(dice.below(3)),
        2 => state.modules.iter_mut().for_each(|module| {
            module.instances.truncate(1);
            module.replication = None;
        }),
        3 => {
            state.networks.clear();
            state.witness = None;
            state.time = "not a time".to_owned();
        }
        4 => {
            for network in &mut state.networks {
                network.history_us = vec![u64::MAX, 0, u64::MAX];
                network.rtt_us = Some(u64::MAX);
                network.last_heard_ms = Some(u64::MAX);
                network.loss_percent = Some(f64::NAN);
            }
            for module in &mut state.modules {
                module.timeout_ms = 0;
                module.timeline = vec!["日本語\u{301}".repeat(40)];
            }
            state.time = "9999-12-31T23:59:59.999Z".to_owned();
        }
        _ => {}
    }
    if dice.below(8) == 0 {
        Feed::Lost { why: "connection refused".repeat(dice.below(9)) }
    } else {
        Feed::State(Box::new(state))
    }
}

#[test]
fn nothing_panics_and_no_command_leaves_unconfirmed() {
    let mut dice = Dice(42);
    let demo = vec![DemoKey { key: '1', label: "kill node1".to_owned() }];
    let options = Options {
        ascii: false,
        theme: Theme::Auto,
        read_only: false,
        by: "root/tui".to_owned(),
        demo: Some(demo),
    };
    let mut model = Model::new(options);
    let mut sent = 0;
    for step in 0..6_000_u64 {
        model.options.ascii = dice.below(2) == 0;
        let msg = match dice.below(10) {
            0 => Msg::Feed(random_feed(&mut dice)),
            1 => Msg::Tick(step * 400),
            2 => Msg::Damaged,
            _ => typed(&mut dice, &model).unwrap_or_else(|| random_key(&mut dice)),
        };
        let before = model.clone();
        for order in update(&mut model, msg) {
            if let Cmd::Send { .. } = order {
                let Some(Overlay::Confirm(confirm)) = &before.overlay else { panic!("{before:?}") };
                assert!(confirm.painted && confirm.typed == confirm.expected());
                sent += 1;
            }
        }
        if let Some(state) = &model.state {
            assert!(model.row < state.modules.len().max(1) && model.column < state.nodes.len().max(1));
        }
        let (columns, rows) = if dice.below(4) == 0 {
            (1 + dice.below(300) as u16, 1 + dice.below(100) as u16)
        } else {
            (1 + dice.below(90) as u16, 1 + dice.below(30) as u16)
        };
        buffer(columns, rows, &model);
        update(&mut model, Msg::Painted);
    }
    assert!(sent > 0, "the dice never confirmed anything: this run proved nothing");
}
