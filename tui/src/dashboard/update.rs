//! What a message changes, and what it orders. Pure: the same messages give the same model and the same orders.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use safetui_net::api::shape::{Accepted, Command, Offer, Problem, State};

use super::Feed;
use super::clean::{clean, plain};
use super::keys::{self, Act, Place};
use super::model::{Confirm, Menu, Model, Notice, Overlay, Page, worst};
use super::msg::{Cmd, Msg};
use super::theme::Tone;

/// An answer stays on the screen for so long.
const NOTICE_MS: u64 = 15_000;
/// Nobody types a longer confirmation.
const TYPED_MAX: usize = 200;

pub(crate) fn update(model: &mut Model, msg: Msg) -> Vec<Cmd> {
    match msg {
        Msg::Key(event) => return key(model, &event),
        Msg::Feed(feed) => {
            hear(model, feed);
            model.dirty = true;
        }
        Msg::Tick(now) => tick(model, now),
        Msg::Painted => {
            model.dirty = false;
            if let Some(Overlay::Confirm(confirm)) = &mut model.overlay {
                confirm.painted = true;
            }
        }
        Msg::Damaged => model.dirty = true,
        Msg::Suspend => return vec![Cmd::Suspend],
        Msg::End => return vec![Cmd::Quit],
    }
    Vec::new()
}

fn tick(model: &mut Model, now: u64) {
    model.now = now;
    model.notice = model.notice.take().filter(|notice| notice.until > now);
    model.dirty = true;
}

fn hear(model: &mut Model, feed: Feed) {
    match feed {
        Feed::State(state) => learn(model, clean(state.as_ref())),
        Feed::Lost { why } => {
            let since = model.lost.take().map_or(model.now, |(_, since)| since);
            model.lost = Some((plain(&why), since));
        }
        Feed::Answer(Ok(accepted)) => notice(model, Tone::Good, accepted_text(&clean(&accepted))),
        Feed::Answer(Err(problem)) => refuse(model, clean(&problem)),
        Feed::Load(load) => model.load = Some(load),
    }
}

fn learn(model: &mut Model, state: State) {
    let selected = model.module().map(|module| module.name.clone());
    let node = model.node().map(str::to_owned);
    model.row = match selected {
        Some(name) => state.modules.iter().position(|module| module.name == name).unwrap_or(0),
        None => worst(&state),
    };
    model.column = state.nodes.iter().position(|other| Some(&other.name) == node.as_ref()).unwrap_or(0);
    model.heard = model.now;
    model.lost = None;
    model.state = Some(state);
    judge_again(model);
}

/// The dialog shows what the core says now. While it says the same, the operator's text stands; when it says
/// something else, nothing typed so far counts.
fn judge_again(model: &mut Model) {
    let Some(Overlay::Confirm(confirm)) = &model.overlay else { return };
    let Some(state) = &model.state else { return };
    let seq = state.seq;
    let actions = state
        .modules
        .iter()
        .filter(|module| module.name == confirm.module)
        .flat_map(|module| &module.actions);
    let now =
        actions.clone().find(|offer| offer.verb == confirm.offer.verb && offer.node == confirm.offer.node);
    let gone = Offer { refused: Some("it is not on offer any more".to_owned()), ..confirm.offer.clone() };
    let now = now.cloned().unwrap_or(gone);
    let Some(Overlay::Confirm(confirm)) = &mut model.overlay else { return };
    confirm.seq = seq;
    if now != confirm.offer {
        confirm.offer = now;
        confirm.typed.clear();
        confirm.painted = false;
        confirm.moved = true;
    }
}

fn accepted_text(accepted: &Accepted) -> String {
    format!("accepted (state {}), on the way to {}", accepted.seq, accepted.until.join(" or "))
}

/// A refusal is worth a box, unless the operator is busy with another one: then a line must do.
fn refuse(model: &mut Model, problem: Problem) {
    if matches!(model.overlay, None | Some(Overlay::Problem(_))) {
        model.overlay = Some(Overlay::Problem(Box::new(problem)));
    } else {
        notice(model, Tone::Bad, format!("{} {}", problem.code, problem.summary));
    }
}

fn notice(model: &mut Model, tone: Tone, text: String) {
    model.notice = Some(Notice { tone, text, until: model.now + NOTICE_MS });
}

fn key(model: &mut Model, event: &KeyEvent) -> Vec<Cmd> {
    let place = model.place();
    if let Some(act) = keys::act(place, event) {
        model.dirty = true;
        return act_on(model, place, act);
    }
    if let Some(Overlay::Confirm(confirm)) = &mut model.overlay {
        if confirm.painted {
            model.dirty = true;
            edit(&mut confirm.typed, event);
        }
        return Vec::new();
    }
    let demo = model.options.demo.iter().flatten();
    let pressed = if event.modifiers.is_empty() { event.code.as_char() } else { None };
    match demo.clone().position(|demo| Some(demo.key) == pressed) {
        Some(index) if model.overlay.is_none() => vec![Cmd::Demo(index)],
        _ => Vec::new(),
    }
}

fn edit(typed: &mut String, event: &KeyEvent) {
    let plain_key = event.modifiers.difference(KeyModifiers::SHIFT).is_empty();
    match event.code {
        KeyCode::Backspace => {
            typed.pop();
        }
        KeyCode::Char(c) if plain_key && typed.len() < TYPED_MAX => typed.push_str(&plain(&c.to_string())),
        _ => {}
    }
}

fn act_on(model: &mut Model, place: Place, act: Act) -> Vec<Cmd> {
    match act {
        Act::Quit => return vec![Cmd::Quit],
        Act::Suspend => return vec![Cmd::Suspend],
        Act::Redraw => return vec![Cmd::Repaint],
        Act::Open => return open(model, place),
        Act::Back => back(model),
        Act::Help => cover(model, Overlay::Help),
        Act::Menu => menu(model, model.node().map(str::to_owned)),
        Act::MenuAll => menu(model, None),
        Act::Why => visit(model, Page::Why),
        Act::Events => visit(model, Page::Events),
        Act::Filter => {
            model.filtered = !model.filtered;
            model.scroll = 0;
        }
        Act::Up | Act::Down | Act::First | Act::Last => step(model, place, act),
        Act::Left => model.column = model.column.saturating_sub(1),
        Act::Right => {
            let nodes = model.state.as_ref().map_or(0, |state| state.nodes.len());
            model.column = (model.column + 1).min(nodes.saturating_sub(1));
        }
    }
    Vec::new()
}

fn step(model: &mut Model, place: Place, act: Act) {
    let modules = model.state.as_ref().map_or(0, |state| state.modules.len());
    match (&model.overlay, place) {
        (Some(Overlay::Menu(menu)), _) => {
            let row = moved(menu.row, model.offers(menu).len(), act);
            if let Some(Overlay::Menu(menu)) = &mut model.overlay {
                menu.row = row;
            }
        }
        (None, Place::Overview | Place::Mirror) => model.row = moved(model.row, modules, act),
        _ => model.scroll = moved(model.scroll, usize::MAX, act).min(scroll_max(model)),
    }
}

fn moved(at: usize, count: usize, act: Act) -> usize {
    let last = count.saturating_sub(1);
    match act {
        Act::Up => at.saturating_sub(1),
        Act::Down => at.saturating_add(1).min(last),
        Act::First => 0,
        Act::Last => last,
        _ => at,
    }
}

/// The view stops earlier, at what fits; this only keeps the number from running away.
fn scroll_max(model: &Model) -> usize {
    match model.place() {
        Place::Events => super::panel::events::listed(model).saturating_sub(1),
        Place::Help => keys::KEYS.len(),
        _ => model
            .module()
            .and_then(|module| module.why.as_ref())
            .map_or(0, |why| why.causes.len() + why.guards.len() + why.ways_out.len()),
    }
}

fn open(model: &mut Model, place: Place) -> Vec<Cmd> {
    match (&model.overlay, place) {
        (Some(Overlay::Menu(menu)), _) => {
            let menu = menu.clone();
            choose(model, &menu);
            Vec::new()
        }
        (Some(Overlay::Confirm(_)), _) => run(model),
        (None, Place::Overview) if model.module().is_some() => {
            visit(model, Page::Mirror);
            Vec::new()
        }
        _ => Vec::new(),
    }
}

fn visit(model: &mut Model, page: Page) {
    if model.trail.last() != Some(&page) {
        model.trail.push(page);
    }
    model.scroll = 0;
}

fn cover(model: &mut Model, overlay: Overlay) {
    model.overlay = Some(overlay);
    model.scroll = 0;
}

fn back(model: &mut Model) {
    model.scroll = 0;
    if model.overlay.take().is_none() {
        model.trail.pop();
    }
}

fn menu(model: &mut Model, node: Option<String>) {
    if let Some(module) = model.module() {
        let module = module.name.clone();
        cover(model, Overlay::Menu(Menu { module, node, row: 0 }));
    }
}

fn choose(model: &mut Model, menu: &Menu) {
    let Some(seq) = model.state.as_ref().map(|state| state.seq) else { return };
    let Some(offer) = model.offers(menu).get(menu.row).map(|offer| (*offer).clone()) else { return };
    if let Some(reason) = model.refusal(&offer) {
        let text = format!("{} on {} is refused: {reason}", offer.verb, offer.node);
        return notice(model, Tone::Bad, text);
    }
    let module = menu.module.clone();
    let confirm = Confirm { module, offer, seq, typed: String::new(), painted: false, moved: false };
    cover(model, Overlay::Confirm(confirm));
}

/// The one place from which a command leaves.
fn run(model: &mut Model) -> Vec<Cmd> {
    let Some(Overlay::Confirm(confirm)) = &model.overlay else { return Vec::new() };
    let agreed = confirm.painted && confirm.typed == confirm.expected();
    if !agreed || model.refusal(&confirm.offer).is_some() {
        return Vec::new();
    }
    let command = Command {
        module: confirm.module.clone(),
        verb: confirm.offer.verb.clone(),
        args: Vec::new(),
        if_state: Some(confirm.seq),
        confirm: confirm.offer.confirm.clone(),
        by: model.options.by.clone(),
    };
    let node = confirm.offer.node.clone();
    let text = format!("asked {node} to {} {}", command.verb, command.module);
    notice(model, Tone::Accent, text);
    model.overlay = None;
    vec![Cmd::Send { node, command }]
}
