//! What the operator may ask now. What the core refuses stays in the list, with its reason.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use ratatui::text::Line;
use safetui_net::api::shape::Offer;

use super::{Scene, boxed, clear, floating, paint};
use crate::dashboard::badge;
use crate::dashboard::glyph;
use crate::dashboard::model;
use crate::dashboard::text::{width, wrap};
use crate::dashboard::theme::Tone;

/// Lines below the list for the selected offer.
const DETAIL: u16 = 4;

pub(crate) fn draw(frame: &mut Frame, area: Rect, scene: &Scene, menu: &model::Menu) {
    let offers = scene.model.offers(menu);
    let rows = offers.len().max(1) as u16;
    let page = area;
    let area = floating(page, 76, rows + DETAIL + 2);
    clear(frame, page, area, scene.theme);
    let node = menu.node.as_deref().unwrap_or("all nodes");
    let title = format!("Actions for {} on {node}", menu.module);
    let inner = boxed(frame, area, scene.theme, (Tone::Strong, &title), (Tone::Dim, "Enter previews"));
    let columns = usize::from(inner.width);
    let room = usize::from(inner.height.saturating_sub(DETAIL)).max(1);
    let first = (menu.row + 1).saturating_sub(room);
    let verb = offers.iter().map(|offer| width(&offer.verb)).max().unwrap_or(0).clamp(10, 16);
    let mut lines: Vec<_> = offers
        .iter()
        .enumerate()
        .skip(first)
        .take(room)
        .map(|(index, offer)| line(scene, offer, verb, index == menu.row))
        .collect();
    match offers.get(menu.row) {
        Some(offer) => lines.extend(detail(scene, offer, columns)),
        None => lines.push(
            scene.row().put(Tone::Dim, "offered on that node: its own dashboard gives it orders").line(),
        ),
    }
    paint(frame, inner, lines);
}

fn line(scene: &Scene, offer: &Offer, verb: usize, selected: bool) -> Line<'static> {
    let refusal = scene.model.refusal(offer);
    let (mark, tone) =
        if refusal.is_some() { (glyph::FAILED, Tone::Dim) } else { (glyph::READY, Tone::Good) };
    let cursor = if selected { glyph::CURSOR } else { ' ' };
    let modifier = if selected { Modifier::REVERSED } else { Modifier::empty() };
    let text_tone = if refusal.is_some() { Tone::Dim } else { Tone::Plain };
    let (last, word) = match refusal {
        Some(reason) => (Tone::Dim, format!("refused: {reason}")),
        None => badge::severity(&offer.severity),
    };
    scene
        .row()
        .put(Tone::Accent, format!("{cursor} "))
        .put(tone, format!("{mark} "))
        .chip(verb, &[(text_tone, offer.verb.clone())], modifier)
        .put(Tone::Plain, "  ")
        .cell(10, &[(Tone::Dim, offer.node.clone())])
        .cell(44, &[(last, word)])
        .line()
}

/// The whole reason, or what would happen first.
fn detail(scene: &Scene, offer: &Offer, columns: usize) -> Vec<Line<'static>> {
    let (label, text) = match scene.model.refusal(offer) {
        Some(reason) => ("refused because ", reason.to_owned()),
        None => ("would ", offer.steps.join(", then ")),
    };
    let mut lines = vec![Line::default()];
    let parts = wrap(&format!("{label}{text}"), columns).into_iter().take(usize::from(DETAIL) - 1);
    lines.extend(parts.map(|part| scene.row().put(Tone::Plain, part).line()));
    lines
}
