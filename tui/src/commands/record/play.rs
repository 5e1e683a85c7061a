//! A record from its first item to its last, each input decided again.

use std::{
    path::Path,
    time::{Duration, UNIX_EPOCH},
};

use safetui_core::Tick;
use safetui_model::replay::{Decided, Replay};
use safetui_net::{
    driver::record::HISTORY,
    recorder::{Head, Item, Reader, Snapshot, Unreadable},
};

use crate::{
    codes,
    failure::{Case, Failure, UNCHANGED},
};

/// The core of one life, as it is followed.
pub(crate) struct Life {
    pub(crate) head: Head,
    pub(crate) replay: Replay<HISTORY>,
    /// Inputs before the first that the record still has.
    pub(crate) before: u64,
    /// It ended in good order.
    pub(crate) closed: bool,
    /// A moment on the node's clock and on everybody's.
    moment: (Tick, u64),
}

impl Life {
    fn new(head: Head, core: &Snapshot) -> Self {
        let replay = Replay::new(head.config, core.seq, core.core);
        Self { head, replay, before: core.seq, closed: false, moment: (core.now, core.wall) }
    }

    /// A moment on the node's clock in everybody's words.
    pub(crate) fn time(&self, now: Tick) -> String {
        let (tick, wall) = self.moment;
        let wall = wall.saturating_add(now.since(tick)).saturating_sub(tick.since(now));
        let time = UNIX_EPOCH.checked_add(Duration::from_millis(wall)).unwrap_or(UNIX_EPOCH);
        humantime::format_rfc3339_millis(time).to_string()
    }
}

/// What is seen next.
pub(crate) enum Scene<'a> {
    Begins,
    Input(&'a Decided<HISTORY>),
    /// So many inputs are missing here.
    Lost(u64),
    Closed,
    Torn(String),
}

/// Follows the record in `path`, a ring or an exported file, showing each scene with the life that it is of. What is
/// left at the end are the lives.
pub(crate) fn play(
    path: &Path,
    see: &mut dyn FnMut(&Life, Scene<'_>) -> Result<(), Failure>,
) -> Result<Vec<Life>, Failure> {
    let mut lives: Vec<Life> = Vec::new();
    // Of the life whose first core is still to come.
    let mut fresh: Option<Head> = None;
    for item in Reader::open(path).map_err(|error| unreadable(path, &error))? {
        match item.map_err(|error| unreadable(path, &error))? {
            Item::Head(head) => {
                let known = lives.last().is_some_and(|life| life.head == *head);
                fresh = (!known).then_some(*head);
            }
            Item::Core(core) => match fresh.take() {
                Some(head) => {
                    let life = Life::new(head, &core);
                    see(&life, Scene::Begins)?;
                    lives.push(life);
                }
                None => again(lives.last_mut(), &core, see)?,
            },
            Item::Input(input) => {
                if let Some(life) = lives.last_mut() {
                    let decided = life.replay.input(input);
                    see(life, Scene::Input(&decided))?;
                }
            }
            Item::Closed => {
                if let Some(life) = lives.last_mut() {
                    life.closed = true;
                    see(life, Scene::Closed)?;
                }
            }
            Item::Torn { file, bytes } => {
                if let Some(life) = lives.last() {
                    see(life, Scene::Torn(format!("{}: {bytes} bytes", file.display())))?;
                }
            }
        }
    }
    if lives.is_empty() {
        Err(unreadable(path, &Unreadable::Nothing { path: path.into() }))
    } else {
        Ok(lives)
    }
}

/// The core comes again within its life.
fn again(
    life: Option<&mut Life>,
    core: &Snapshot,
    see: &mut dyn FnMut(&Life, Scene<'_>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let Some(life) = life else { return Ok(()) };
    let lost = life.replay.count().lost;
    life.replay.core(core.seq, core.core);
    life.moment = (core.now, core.wall);
    match life.replay.count().lost - lost {
        0 => Ok(()),
        lost => see(life, Scene::Lost(lost)),
    }
}

/// The error of a record that cannot be read.
pub(crate) fn unreadable(path: &Path, error: &Unreadable) -> Failure {
    let (code, fix) = match error {
        Unreadable::Io { source, .. } => return Failure::read(path, source),
        Unreadable::Nothing { .. } => {
            (codes::NO_RECORD, "safetui config -m MODULE puts a module in force; its agent then records")
        }
        Unreadable::Foreign { .. } => (codes::BAD_RECORD, "name a file that `safetui record export` wrote"),
        Unreadable::CutOff { .. } | Unreadable::Damaged { .. } => {
            (codes::BAD_RECORD, "copy it once more from where it was exported")
        }
        Unreadable::Layout { .. } | Unreadable::OtherCore { .. } => {
            (codes::BAD_RECORD, "replay it with the version of safetui that recorded it")
        }
    };
    Case {
        code,
        summary: format!("cannot follow {}", path.display()),
        what: format!("reading the flight record in {}", path.display()),
        why: error.to_string(),
        now: UNCHANGED.into(),
        fix: vec![fix.into()],
    }
    .into()
}
