//! Every screen in every size, in both character sets.

use ratatui::crossterm::event::KeyCode;
use ratatui::style::{Color, Modifier};
use safetui_net::api::shape::State;

use super::scenes::{fork, healthy, many, outage, reintegrating};
use super::{buffer, code, heard, picture, press};
use crate::dashboard::model::Model;
use crate::dashboard::msg::Msg;
use crate::dashboard::update::update;
use crate::dashboard::{DemoKey, Feed, Load, Options, Theme};

const SIZES: [(u16, u16); 5] = [(80, 24), (120, 40), (200, 60), (60, 15), (40, 10)];

/// Name, state, and the keys that lead there; `\n` is Enter.
type Screen = (&'static str, fn() -> State, &'static str);

const SCREENS: &[Screen] = &[
    ("overview_healthy", healthy, ""),
    ("overview_fork", fork, ""),
    ("overview_reintegrating", reintegrating, ""),
    ("overview_outage", outage, ""),
    ("overview_many", many, "jj"),
    ("mirror_healthy", healthy, "\n"),
    ("mirror_fork", fork, "\n"),
    ("mirror_reintegrating", reintegrating, "\n"),
    ("mirror_outage", outage, "\n"),
    ("why_fork", fork, "w"),
    ("why_outage", outage, "w"),
    ("why_healthy", healthy, "w"),
    ("events", healthy, "e"),
    ("menu_fork", fork, "A"),
    ("confirm_swap", healthy, "a\nd"),
    ("confirm_severe", fork, "Aj\n"),
    ("help", healthy, "?"),
];

fn model(screen: &Screen, ascii: bool) -> Model {
    let demo = (screen.0 == "overview_healthy").then(|| {
        vec![
            DemoKey { key: '1', label: "kill node1".to_owned() },
            DemoKey { key: '2', label: "cut the cable".to_owned() },
        ]
    });
    let mut model = heard(&screen.1(), Options { ascii, demo, ..Options::default() });
    if model.options.demo.is_some() {
        update(&mut model, Msg::Feed(Feed::Load(load())));
    }
    for key in screen.2.chars() {
        if key == '\n' {
            code(&mut model, KeyCode::Enter);
        } else {
            press(&mut model, &key.to_string());
        }
    }
    model
}

fn load() -> Load {
    let broken = vec!["node2 off".to_owned(), "router gone".to_owned()];
    Load { acked: 12_345, gap_ms: Some(1_240), last_gap_ms: Some(113), longest_gap_ms: Some(1_624), broken }
}

#[test]
fn every_screen_in_every_size() {
    for screen in SCREENS {
        for ascii in [false, true] {
            let model = model(screen, ascii);
            let set = if ascii { "ascii" } else { "unicode" };
            let sizes = SIZES.map(|(columns, rows)| {
                format!("{columns}x{rows}\n{}", picture(&buffer(columns, rows, &model)))
            });
            insta::assert_snapshot!(format!("{}_{set}", screen.0), sizes.join("\n"));
        }
    }
}

#[test]
fn a_lost_agent_and_none_at_all() {
    let mut lost = heard(&healthy(), Options::default());
    let mut none = Model::new(Options::default());
    for model in [&mut lost, &mut none] {
        update(model, Msg::Feed(Feed::Lost { why: "connection refused".to_owned() }));
        update(model, Msg::Tick(42_000));
    }
    let sizes = SIZES.map(|(columns, rows)| picture(&buffer(columns, rows, &lost)));
    insta::assert_snapshot!("lost", sizes.join("\n"));
    insta::assert_snapshot!("never_connected", picture(&buffer(80, 24, &none)));
}

/// One letter per style under each line, so that a moved highlight shows.
#[test]
fn styles_of_the_overview_and_the_menu() {
    for (name, theme) in [("auto", Theme::Auto), ("mono", Theme::Mono), ("cvd", Theme::Cvd)] {
        let mut model = model(&SCREENS[1], false);
        model.options.theme = theme;
        insta::assert_snapshot!(format!("styles_overview_{name}"), styles(&model));
        press(&mut model, "A");
        insta::assert_snapshot!(format!("styles_menu_{name}"), styles(&model));
    }
}

fn styles(model: &Model) -> String {
    let buffer = buffer(80, 24, model);
    let mut legend = vec![format!("{:?} {:?} {:?}", Color::Reset, Color::Reset, Modifier::empty())];
    let mut text = String::new();
    for (row, line) in buffer.content.chunks(80).enumerate() {
        let mut letters = String::new();
        for cell in line {
            let style = format!("{:?} {:?} {:?}", cell.fg, cell.bg, cell.modifier);
            let index = legend.iter().position(|known| *known == style).unwrap_or_else(|| {
                legend.push(style);
                legend.len() - 1
            });
            letters.push(if index == 0 { ' ' } else { char::from(b'a' + index as u8 - 1) });
        }
        text.push_str(picture(&buffer).lines().nth(row).unwrap_or(""));
        text.push('\n');
        text.push_str(letters.trim_end());
        text.push('\n');
    }
    for (index, style) in legend.iter().enumerate().skip(1) {
        text.push(char::from(b'a' + index as u8 - 1));
        text.push(' ');
        text.push_str(style);
        text.push('\n');
    }
    text
}

#[test]
fn without_styles_every_state_is_still_a_word() {
    let words = |picture: &str, words: &[&str]| {
        for word in words {
            assert!(picture.contains(word), "{word} is missing in\n{picture}");
        }
    };
    let overview = |state: State, ascii| {
        picture(&buffer(80, 24, &heard(&state, Options { ascii, ..Options::default() })))
    };
    for ascii in [false, true] {
        words(
            &overview(healthy(), ascii),
            &["OK", "PRIM", "SECOND", "Ready", "LIVE", "UP", "in sync", "SERVICE UP"],
        );
        words(
            &overview(fork(), ascii),
            &["DEGRADED", "ALONE", "WAIT", "NotReady", "2 versions", "OUTAGE", "NO CHANGE"],
        );
        words(&overview(reintegrating(), ascii), &["TRANSIENT", "SECOND", "Transient", "41%"]);
        words(
            &overview(outage(), ascii),
            &["OUTAGE", "WAIT", "UNKNOWN", "lost 41s", "DOWN", "contested", "not here"],
        );
        words(&overview(many(), ascii), &["STOP"]);
    }
}

#[test]
fn ascii_is_ascii_and_differs_in_no_column() {
    for screen in SCREENS.iter().filter(|screen| screen.0 != "overview_many") {
        for (columns, rows) in SIZES {
            let ascii = buffer(columns, rows, &model(screen, true));
            let unicode = buffer(columns, rows, &model(screen, false));
            for (plain, fancy) in ascii.content.iter().zip(&unicode.content) {
                assert!(plain.symbol().is_ascii(), "{} in {}", plain.symbol(), screen.0);
                assert_eq!(plain.style(), fancy.style());
                assert!(fancy.symbol() == plain.symbol() || !fancy.symbol().is_ascii());
            }
        }
    }
}
