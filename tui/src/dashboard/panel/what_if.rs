//! What the core says would happen if a node were lost now: the sentence to read before touching anything.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;
use safetui_net::api::shape::{Module, WhatIf};

use super::{Scene, paint};
use crate::dashboard::badge;
use crate::dashboard::text::{width, wrap};
use crate::dashboard::theme::Tone;

pub(crate) fn boxed(frame: &mut Frame, area: Rect, scene: &Scene, module: &Module) {
    let inner = super::boxed(
        frame,
        area,
        scene.theme,
        (Tone::Strong, "What if"),
        (Tone::Dim, "computed by the core"),
    );
    paint(frame, inner, rows(scene, module, inner.width.into()));
}

/// Lines that [`lines`] takes in an area of so many columns.
pub(crate) fn height(scene: &Scene, module: &Module, columns: u16) -> u16 {
    rows(scene, module, columns.saturating_sub(4).into()).len() as u16
}

pub(crate) fn lines(frame: &mut Frame, area: Rect, scene: &Scene, module: &Module) {
    let area = Rect { x: area.x + area.width.min(2), width: area.width.saturating_sub(4), ..area };
    paint(frame, area, rows(scene, module, area.width.into()));
}

pub(crate) fn rows(scene: &Scene, module: &Module, columns: usize) -> Vec<Line<'static>> {
    let longest = module.if_node_lost.iter().map(|what| width(&what.node)).max().unwrap_or(0).min(16);
    module.if_node_lost.iter().flat_map(|what| row(scene, what, longest, columns)).collect()
}

/// On narrow screens the text goes below.
fn stacked(scene: &Scene, what: &WhatIf, columns: usize) -> Vec<Line<'static>> {
    let head =
        scene.row().put(Tone::Dim, "if ").put(Tone::Plain, what.node.clone()).put(Tone::Dim, " dies now  ");
    let (tone, outcome) = scene.fact(badge::outcome(what));
    let parts = wrap(&what.text, columns.saturating_sub(3)).into_iter();
    let below = parts.map(|part| scene.row().put(Tone::Plain, format!("   {part}")).line());
    std::iter::once(head.put(tone, outcome).line()).chain(below).collect()
}

/// Node and outcome, then the text, wrapped under itself.
fn row(scene: &Scene, what: &WhatIf, longest: usize, columns: usize) -> Vec<Line<'static>> {
    let indent = 3 + longest + 12 + 14;
    if columns < indent + 24 {
        return stacked(scene, what, columns);
    }
    let parts = wrap(&what.text, columns.saturating_sub(indent)).into_iter().enumerate();
    let line = |(index, part): (usize, String)| {
        let head = if index > 0 {
            scene.row().put(Tone::Plain, " ".repeat(indent))
        } else {
            let node = scene.row().put(Tone::Dim, "if ").cell(longest, &[(Tone::Plain, what.node.clone())]);
            node.put(Tone::Dim, "dies now   ").cell(13, &[scene.fact(badge::outcome(what))])
        };
        head.put(Tone::Plain, part).line()
    };
    parts.map(line).collect()
}
