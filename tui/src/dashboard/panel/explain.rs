//! The selected module in words: why it is as it is, what would help, and what a loss would mean.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;
use safetui_net::api::shape::{Instance, Module, Why};

use super::{Scene, boxed, paint, what_if};
use crate::dashboard::badge;
use crate::dashboard::text::wrap;
use crate::dashboard::theme::Tone;

/// Lines for the module that needs most, so that moving the cursor moves nothing else.
pub(crate) fn height(scene: &Scene, columns: u16) -> u16 {
    let columns = usize::from(columns.saturating_sub(4));
    let lines = scene.state.modules.iter().map(|module| words(scene, module, columns).len()).max();
    lines.unwrap_or(0) as u16 + 2
}

pub(crate) fn draw(frame: &mut Frame, area: Rect, scene: &Scene) {
    let Some(module) = scene.model.module() else { return };
    let worst = module
        .instances
        .iter()
        .reduce(|worst, other| if badge::concern(other) > badge::concern(worst) { other } else { worst });
    let title = worst.map_or(module.name.clone(), |instance| headline(scene, module, instance));
    let tone = worst.map_or(Tone::Strong, |instance| match badge::mark(instance).1 {
        Tone::Good | Tone::Dim => Tone::Strong,
        tone => tone,
    });
    let remark = if module.why.is_some() { "w explanation" } else { "" };
    let inner = boxed(frame, area, scene.theme, (tone, &title), (Tone::Dim, remark));
    paint(frame, inner, words(scene, module, inner.width.into()));
}

fn words(scene: &Scene, module: &Module, columns: usize) -> Vec<Line<'static>> {
    let mut lines = module.why.as_ref().map_or(Vec::new(), |why| because(scene, why, columns));
    lines.extend(what_if::rows(scene, module, columns));
    lines
}

fn headline(scene: &Scene, module: &Module, instance: &Instance) -> String {
    let since = badge::since(instance, scene.state).map_or(String::new(), |since| format!(" ({since})"));
    let readiness = if instance.readiness == "Unknown" { "" } else { instance.readiness.as_str() };
    let state = format!("{} {readiness}", instance.role);
    format!("{}@{} is {}{since}", module.name, instance.node, state.trim_end())
}

/// Why, and the safest way out.
fn because(scene: &Scene, why: &Why, columns: usize) -> Vec<Line<'static>> {
    let room = columns.saturating_sub(7);
    let mut lines = Vec::new();
    let mut say = |label: &str, tone: Tone, text: &str| {
        for (index, part) in wrap(text, room).into_iter().enumerate() {
            let label = if index == 0 { label } else { "" };
            lines.push(scene.row().put(Tone::Dim, format!("{label:<7}")).put(tone, part).line());
        }
    };
    say("why", Tone::Plain, &why.headline);
    match why.ways_out.first() {
        Some(way) => say("fix", Tone::Strong, &way.text),
        None => say("fix", Tone::Bad, "never ends by itself"),
    }
    lines
}
