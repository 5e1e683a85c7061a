//! Which panel gets which part of the screen. Every page has a header on top and notice, demo keys and key hints below,
//! so nothing jumps when something happens.

use ratatui::Frame;
use ratatui::layout::Rect;

use super::glyph;
use super::keys::Place;
use super::model::{Model, Overlay};
use super::panel::{
    Scene, bottom, confirm, events, explain, flow, footer, header, heartbeats, help, left, menu, modules,
    nodes, problem, resources, timeline, tiny, top, waiting, what_if, why,
};

/// Below this a page of boxes says less than a few lines.
const SMALL: (u16, u16) = (60, 15);

pub(crate) fn draw(frame: &mut Frame, model: &Model) {
    let mut area = frame.area();
    let scene = Scene::new(model);
    if area.height > 4 {
        footer::keys(frame, bottom(&mut area, 1), model);
        if model.options.demo.is_some() {
            footer::demo(frame, bottom(&mut area, 1), model);
        }
        footer::notice(frame, bottom(&mut area, 1), model);
    }
    match &scene {
        Some(scene) => page(frame, area, scene),
        None => waiting::draw(frame, area, model),
    }
    overlay(frame, area, model, scene.as_ref());
    if model.options.ascii {
        glyph::to_ascii(frame.buffer_mut());
    }
}

fn page(frame: &mut Frame, mut area: Rect, scene: &Scene) {
    let small = frame.area().width < SMALL.0 || frame.area().height < SMALL.1;
    let place = scene.model.page();
    if small && matches!(place, Place::Overview | Place::Mirror) {
        return tiny::draw(frame, area, scene);
    }
    header::draw(frame, top(&mut area, 1), scene);
    match place {
        Place::Mirror => mirror(frame, area, scene),
        Place::Why => why::draw(frame, area, scene),
        Place::Events => events::draw(frame, area, scene, true),
        _ => overview(frame, area, scene),
    }
}

fn overview(frame: &mut Frame, mut area: Rect, scene: &Scene) {
    let rows = scene.state.modules.len() as u16 + 3;
    let wide = area.width >= 110;
    let below = match area.height {
        0..16 => 5,
        16..30 => 11,
        _ => 20,
    };
    let rows = rows.clamp(4, area.height.saturating_sub(below).max(4));
    modules::draw(frame, top(&mut area, rows), scene);
    if wide && area.height >= 18 {
        nodes::draw(frame, top(&mut area, 5), scene);
    }
    let tall = if area.height >= 24 { 8 } else { 5 };
    explain::draw(frame, top(&mut area, tall), scene);
    if area.height < 3 {
        return;
    }
    if wide && area.height >= 10 {
        let instances: usize = scene.state.modules.iter().map(|module| module.timeline.len()).sum();
        let want = (scene.state.networks.len() + 2).max(instances) as u16 + 2;
        let rows = want.clamp(5, row_limit(area.height).max(9));
        let mut row = top(&mut area, rows);
        let half = row.width / 2;
        heartbeats::draw(frame, left(&mut row, half), scene);
        timeline::all(frame, row, scene);
        return events::draw(frame, area, scene, false);
    }
    if area.width < 70 {
        return events::draw(frame, area, scene, false);
    }
    let part = (area.width * 42 / 100).max(34);
    heartbeats::draw(frame, left(&mut area, part), scene);
    events::draw(frame, area, scene, false);
}

/// The events below keep two thirds of what is left.
fn row_limit(height: u16) -> u16 {
    height / 3
}

fn mirror(frame: &mut Frame, mut area: Rect, scene: &Scene) {
    let Some(module) = scene.model.module() else { return };
    let roomy = area.height >= 30;
    flow::draw(frame, top(&mut area, if roomy { 8 } else { 7 }), scene, module);
    let consequences = (module.if_node_lost.len() as u16).clamp(1, 4);
    if roomy {
        let rows = (area.height / 3).max(10);
        let mut lower = bottom(&mut area, rows);
        what_if::boxed(frame, top(&mut lower, consequences + 2), scene, module);
        events::draw(frame, lower, scene, false);
    } else {
        what_if::lines(frame, bottom(&mut area, consequences), scene, module);
    }
    let half = area.width / 2;
    resources::draw(frame, left(&mut area, half), scene, module);
    let beats = (scene.state.networks.len() as u16 + 3 + u16::from(scene.state.witness.is_some()))
        .min(area.height / 2);
    heartbeats::draw(frame, top(&mut area, beats.max(4)), scene);
    timeline::one(frame, area, scene, module);
}

fn overlay(frame: &mut Frame, area: Rect, model: &Model, scene: Option<&Scene>) {
    match (&model.overlay, scene) {
        (Some(Overlay::Help), _) => help::draw(frame, area, model),
        (Some(Overlay::Problem(what)), _) => problem::draw(frame, area, model.options.theme, what),
        (Some(Overlay::Menu(menu)), Some(scene)) => menu::draw(frame, area, scene, menu),
        (Some(Overlay::Confirm(confirm)), Some(scene)) => confirm::draw(frame, area, scene, confirm),
        _ => {}
    }
}
