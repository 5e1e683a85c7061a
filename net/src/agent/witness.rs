//! The routers that are asked, once for all modules that name the same ones.

use std::{net::IpAddr, os::fd::BorrowedFd, time::Duration};

use safetui_core::Tick;

use crate::{
    config::Module,
    driver::asked_every,
    heartbeat::boottime,
    witness::{Witnesses, WitnessesError},
};

/// An answer older than this many periods is no sign of life on a screen.
const SILENT: u64 = 10;

/// One list of routers, and who relies on it.
pub(super) struct Asked {
    routers: Vec<IpAddr>,
    witnesses: Witnesses,
    modules: Vec<u64>,
    period: u64,
    due: Tick,
    last: Option<(Tick, u64)>,
}

/// A list of routers as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct View {
    pub routers: Vec<IpAddr>,
    pub modules: Vec<u64>,
    pub answers: bool,
    pub rtt_us: Option<u64>,
}

/// All lists.
#[derive(Default)]
pub(super) struct Panel {
    lists: Vec<Asked>,
}

impl Panel {
    /// Asks for a module too; in place of what was asked for it before.
    pub(super) fn add(&mut self, id: u64, module: &Module) -> Result<(), WitnessesError> {
        self.remove(id);
        let Some(splitbrain) = &module.splitbrain else { return Ok(()) };
        let period = asked_every(&module.heart);
        if let Some(list) = self.lists.iter_mut().find(|list| list.routers == splitbrain.witnesses) {
            list.modules.push(id);
            list.period = list.period.min(period);
            return Ok(());
        }
        let (routers, witnesses) = (splitbrain.witnesses.clone(), Witnesses::open(&splitbrain.witnesses)?);
        self.lists.push(Asked { routers, witnesses, modules: vec![id], period, due: now(), last: None });
        Ok(())
    }

    pub(super) fn remove(&mut self, id: u64) {
        self.lists.iter_mut().for_each(|list| list.modules.retain(|known| *known != id));
        self.lists.retain(|list| !list.modules.is_empty());
    }

    /// To poll for reading.
    pub(super) fn fds(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.lists.iter().flat_map(|list| list.witnesses.fds())
    }

    /// When the next list is to be asked.
    pub(super) fn due(&self) -> Tick {
        self.lists.iter().map(|list| list.due).min().unwrap_or(Tick::NEVER)
    }

    /// Asks the lists that are due.
    pub(super) fn ask(&mut self, now: Tick) {
        for list in self.lists.iter_mut().filter(|list| list.due <= now) {
            list.witnesses.send(now.0);
            list.due = now.plus(list.period);
        }
    }

    /// The modules whose witness has answered, and when it was asked.
    pub(super) fn drain(&mut self) -> Vec<(u64, Tick)> {
        let mut answered = Vec::new();
        for Asked { witnesses, modules, last, .. } in &mut self.lists {
            witnesses.drain(|answer| {
                *last = Some((Tick(answer.asked_ms), answer.rtt_us));
                answered.extend(modules.iter().map(|module| (*module, Tick(answer.asked_ms))));
            });
        }
        answered
    }

    pub(super) fn view(&self) -> Vec<View> {
        let now = now();
        let fresh = |list: &Asked| list.last.filter(|(asked, _)| now.since(*asked) <= SILENT * list.period);
        let view = |list: &Asked| View {
            routers: list.routers.clone(),
            modules: list.modules.clone(),
            answers: fresh(list).is_some(),
            rtt_us: fresh(list).map(|(_, rtt)| rtt),
        };
        self.lists.iter().map(view).collect()
    }
}

fn now() -> Tick {
    let now: Duration = boottime();
    Tick(now.as_millis() as u64)
}
