//! What the core says would happen if a node were lost now: the sentence to read before touching anything.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;
use safetui_net::api::shape::Module;

use super::{Scene, paint};
use crate::dashboard::badge;
use crate::dashboard::text::{cut, width};
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

pub(crate) fn lines(frame: &mut Frame, area: Rect, scene: &Scene, module: &Module) {
    let area = Rect { x: area.x + area.width.min(2), width: area.width.saturating_sub(4), ..area };
    paint(frame, area, rows(scene, module, area.width.into()));
}

pub(crate) fn rows(scene: &Scene, module: &Module, columns: usize) -> Vec<Line<'static>> {
    let longest = module.if_node_lost.iter().map(|what| width(&what.node)).max().unwrap_or(0).min(16);
    let row = |what: &safetui_net::api::shape::WhatIf| {
        let text = cut(&what.text, columns.saturating_sub(longest + 30));
        scene
            .row()
            .put(Tone::Dim, "if ")
            .chip(longest, &[(Tone::Plain, what.node.clone())], ratatui::style::Modifier::empty())
            .put(Tone::Dim, " dies now  ")
            .cell(13, &[badge::outcome(what)])
            .put(Tone::Plain, format!(" {text}"))
            .line()
    };
    module.if_node_lost.iter().map(row).collect()
}
