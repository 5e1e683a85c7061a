//! The one table of keys: dispatch, help and footer read it, so they cannot disagree.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// Where a key is read: a page, or what lies over it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Overview,
    Mirror,
    Why,
    Events,
    Help,
    Menu,
    Confirm,
    Problem,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    Up,
    Down,
    Left,
    Right,
    First,
    Last,
    Open,
    Back,
    Menu,
    MenuAll,
    Why,
    Events,
    Filter,
    Help,
    Redraw,
    Suspend,
    Quit,
}

pub(crate) struct Key {
    pub(crate) codes: &'static [KeyCode],
    pub(crate) ctrl: bool,
    /// How the key is written.
    pub(crate) label: &'static str,
    pub(crate) act: Act,
    pub(crate) text: &'static str,
    pub(crate) places: &'static [Place],
    /// Worth a place in the footer.
    pub(crate) footer: bool,
}

impl Key {
    /// Does it work on every page?
    pub(crate) fn everywhere(&self) -> bool {
        PAGES.iter().all(|page| self.places.contains(page))
    }
}

use KeyCode::{Char, Down, End, Enter, Esc, Home, Left, Right, Up};
use Place::{Confirm, Events, Help, Menu, Mirror, Overview, Problem, Why};

const PAGES: &[Place] = &[Overview, Mirror, Why, Events];
const ALL: &[Place] = &[Overview, Mirror, Why, Events, Help, Menu, Confirm, Problem];

const fn key(
    codes: &'static [KeyCode],
    label: &'static str,
    act: Act,
    text: &'static str,
    places: &'static [Place],
    footer: bool,
) -> Key {
    Key { codes, ctrl: false, label, act, text, places, footer }
}

const fn ctrl(
    codes: &'static [KeyCode],
    label: &'static str,
    act: Act,
    text: &'static str,
    places: &'static [Place],
) -> Key {
    Key { codes, ctrl: true, label, act, text, places, footer: false }
}

pub(crate) const KEYS: &[Key] = &[
    key(&[Char('?')], "?", Act::Help, "help", PAGES, true),
    key(&[Enter], "Enter", Act::Open, "detail", &[Overview], true),
    key(&[Enter], "Enter", Act::Open, "choose", &[Menu], true),
    key(&[Enter], "Enter", Act::Open, "run", &[Confirm], true),
    key(&[Esc], "Esc", Act::Back, "back", &[Mirror, Why, Events], true),
    key(&[Esc], "Esc", Act::Back, "cancel", &[Menu, Confirm], true),
    key(&[Esc, Enter, Char('q'), Char('?')], "Esc", Act::Back, "close", &[Help, Problem], true),
    key(&[Char('a')], "a", Act::Menu, "actions", &[Overview, Mirror, Why], true),
    key(&[Char('A')], "A", Act::MenuAll, "actions of all nodes", &[Overview, Mirror, Why], false),
    key(&[Char('w')], "w", Act::Why, "why", &[Overview, Mirror], true),
    key(&[Char('e')], "e", Act::Events, "events", &[Overview, Mirror, Why], true),
    key(&[Char('m')], "m", Act::Filter, "this module only", &[Events], true),
    key(&[Up, Char('k')], "k Up", Act::Up, "up", &[Overview, Events, Help, Menu, Why], false),
    key(&[Down, Char('j')], "j Down", Act::Down, "down", &[Overview, Events, Help, Menu, Why], false),
    key(&[Left, Char('h')], "h Left", Act::Left, "node to the left", &[Overview, Mirror], false),
    key(&[Right, Char('l')], "l Right", Act::Right, "node to the right", &[Overview, Mirror], false),
    key(
        &[Home, Char('g')],
        "g Home",
        Act::First,
        "first, newest",
        &[Overview, Events, Help, Menu, Why],
        false,
    ),
    key(&[End, Char('G')], "G End", Act::Last, "last, oldest", &[Overview, Events, Help, Menu, Why], false),
    key(&[Char('[')], "[", Act::Up, "previous module", &[Mirror], false),
    key(&[Char(']')], "]", Act::Down, "next module", &[Mirror], false),
    key(&[Char('q')], "q", Act::Quit, "quit", PAGES, true),
    ctrl(&[Char('c')], "Ctrl-C", Act::Quit, "quit", ALL),
    ctrl(&[Char('l')], "Ctrl-L", Act::Redraw, "redraw", ALL),
    ctrl(&[Char('z')], "Ctrl-Z", Act::Suspend, "suspend", ALL),
];

/// What a key means in a place.
pub(crate) fn act(place: Place, event: &KeyEvent) -> Option<Act> {
    // Shift is part of the character already; Alt and the rest belong to the terminal.
    let ctrl = match event.modifiers - KeyModifiers::SHIFT {
        KeyModifiers::NONE => false,
        KeyModifiers::CONTROL => true,
        _ => return None,
    };
    let hit = |key: &&Key| key.ctrl == ctrl && key.places.contains(&place) && key.codes.contains(&event.code);
    KEYS.iter().find(hit).map(|key| key.act)
}

/// The keys of a place, in the order of the table.
pub(crate) fn of(place: Place) -> impl Iterator<Item = &'static Key> {
    KEYS.iter().filter(move |key| key.places.contains(&place))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_means_two_things_in_one_place() {
        for place in ALL {
            let mut seen = Vec::new();
            for key in of(*place) {
                for code in key.codes {
                    assert!(!seen.contains(&(key.ctrl, *code)), "{code} twice in {place:?}");
                    seen.push((key.ctrl, *code));
                }
            }
        }
    }

    #[test]
    fn control_and_alt_are_not_the_plain_key() {
        let press = |modifiers| act(Overview, &KeyEvent::new(Char('a'), modifiers));
        assert_eq!(press(KeyModifiers::NONE), Some(Act::Menu));
        assert_eq!(press(KeyModifiers::CONTROL), None);
        assert_eq!(press(KeyModifiers::ALT), None);
    }
}
