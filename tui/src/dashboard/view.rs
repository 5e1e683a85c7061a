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
        if let Some(load) = &model.load {
            footer::load(frame, bottom(&mut area, 1), model, load);
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
    let wide = area.width >= 110;
    let words = explain::height(scene, area.width).clamp(3, if area.height < 20 { 5 } else { 8 });
    let boxes = if wide && area.height >= 18 { 5 } else { 0 };
    // The list gets what it wants as long as everything below keeps a useful height.
    let keep = words + boxes + if area.height < 20 { 0 } else { 6 };
    let rows = (scene.state.modules.len() as u16 + 3).clamp(4, area.height.saturating_sub(keep).max(4));
    modules::draw(frame, top(&mut area, rows), scene);
    if boxes > 0 {
        nodes::draw(frame, top(&mut area, boxes), scene);
    }
    let words = if area.width < 70 && area.height < 12 { area.height } else { words };
    explain::draw(frame, top(&mut area, words), scene);
    if area.height < 3 {
        return;
    }
    if wide && area.height >= 10 {
        let letters: usize = scene.state.modules.iter().map(|module| module.timeline.len()).sum();
        let rows = heartbeats::height(scene).max(letters as u16 + 2).clamp(5, (area.height / 3).max(9));
        let mut row = top(&mut area, rows);
        let half = row.width / 2;
        heartbeats::draw(frame, left(&mut row, half), scene);
        timeline::all(frame, row, scene);
    } else if area.width >= 70 {
        let part = (area.width * 42 / 100).max(34);
        heartbeats::draw(frame, left(&mut area, part), scene);
    }
    events::draw(frame, area, scene, false);
}

fn mirror(frame: &mut Frame, mut area: Rect, scene: &Scene) {
    let Some(module) = scene.model.module() else { return };
    let roomy = area.height >= 30;
    flow::draw(frame, top(&mut area, if roomy { 8 } else { 7 }), scene, module);
    let consequences = what_if::height(scene, module, area.width).clamp(1, 5);
    if roomy {
        let rows = (area.height / 3).max(10);
        let mut lower = bottom(&mut area, rows);
        what_if::boxed(frame, top(&mut lower, consequences + 2), scene, module);
        events::draw(frame, lower, scene, false);
    } else {
        what_if::lines(frame, bottom(&mut area, consequences), scene, module);
    }
    if area.height < 7 {
        return timeline::one(frame, area, scene, module);
    }
    let half = area.width / 2;
    resources::draw(frame, left(&mut area, half), scene, module);
    let rows = heartbeats::height(scene).min(area.height.saturating_sub(4)).max(4);
    heartbeats::draw(frame, top(&mut area, rows), scene);
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
