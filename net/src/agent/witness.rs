//! The routers and arbiters that are asked, once for all modules that name the same ones.

use std::{io, os::fd::BorrowedFd, time::Duration};

use safetui_core::{Event, Generation, Ledger, Tick};

use crate::{
    config::{Module, Witness},
    driver::asked_every,
    heartbeat::boottime,
    witness::{
        Witnesses,
        arbiter::{Asker, Claim, Heard, Inquirer},
    },
};

/// An answer older than this many periods is no sign of life on a screen.
const SILENT: u64 = 10;

/// One witness, and who relies on it.
pub(super) struct Asked {
    witness: Witness,
    way: Way,
    modules: Vec<u64>,
    period: u64,
    due: Tick,
    last: Option<(Tick, u64)>,
    /// Of an arbiter: the ledger that the modules have been told of.
    ledger: Option<u64>,
}

enum Way {
    Routers(Witnesses),
    Arbiter(Inquirer),
}

/// A witness as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct View {
    pub witness: Witness,
    pub modules: Vec<u64>,
    pub answers: bool,
    pub rtt_us: Option<u64>,
}

/// What witnesses have said.
#[derive(Default)]
pub(super) struct Told {
    pub events: Vec<(u64, Event)>,
    /// What came in place of an answer, in sentences for the operator.
    pub odd: Vec<String>,
}

/// All witnesses.
pub(super) struct Panel {
    asker: Asker,
    asked: Vec<Asked>,
}

impl Panel {
    pub(super) const fn new(asker: Asker) -> Self {
        Self { asker, asked: Vec::new() }
    }

    /// Asks for a module too; in place of what was asked for it before.
    pub(super) fn add(&mut self, id: u64, module: &Module) -> io::Result<()> {
        self.remove(id);
        let Some(splitbrain) = &module.splitbrain else { return Ok(()) };
        let period = asked_every(&module.heart);
        if let Some(known) = self.asked.iter_mut().find(|known| known.witness == splitbrain.witness) {
            known.modules.push(id);
            known.period = known.period.min(period);
            known.ledger = None;
            return Ok(());
        }
        let witness = splitbrain.witness.clone();
        let way = match &witness {
            Witness::Routers(routers) => Way::Routers(Witnesses::open(routers).map_err(io::Error::other)?),
            Witness::Arbiter(server) => Way::Arbiter(Inquirer::open(*server, &self.asker)?),
        };
        let modules = vec![id];
        self.asked.push(Asked { witness, way, modules, period, due: now(), last: None, ledger: None });
        Ok(())
    }

    pub(super) fn remove(&mut self, id: u64) {
        self.asked.iter_mut().for_each(|known| known.modules.retain(|module| *module != id));
        self.asked.retain(|known| !known.modules.is_empty());
    }

    /// To poll for reading.
    pub(super) fn fds(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.asked.iter().flat_map(|known| match &known.way {
            Way::Routers(witnesses) => witnesses.fds().collect(),
            Way::Arbiter(inquirer) => vec![inquirer.fd()],
        })
    }

    /// When the next one is to be asked.
    pub(super) fn due(&self) -> Tick {
        self.asked.iter().map(|known| known.due).min().unwrap_or(Tick::NEVER)
    }

    /// Asks those that are due whether they are there.
    pub(super) fn ask(&mut self, now: Tick) {
        for known in self.asked.iter_mut().filter(|known| known.due <= now) {
            match &mut known.way {
                Way::Routers(witnesses) => witnesses.send(now.0),
                Way::Arbiter(inquirer) => inquirer.ping(),
            }
            known.due = now.plus(known.period);
        }
    }

    /// Asks the arbiter of a module for its shared generation, by that ledger alone.
    pub(super) fn claim(&mut self, module: u64, generation: Generation, ledger: Ledger) {
        for known in self.asked.iter_mut().filter(|known| known.modules.contains(&module)) {
            if let Way::Arbiter(inquirer) = &mut known.way {
                inquirer.claim(Claim { module, generation: generation.0 }, ledger.0);
            }
        }
    }

    /// What has arrived, for the modules that rely on who said it.
    pub(super) fn drain(&mut self) -> Told {
        let mut told = Told::default();
        for Asked { way, modules, last, ledger: told_of, .. } in &mut self.asked {
            let mut here = |asked_ms, rtt_us, events: &mut Vec<(u64, Event)>| {
                let asked = Tick(asked_ms);
                *last = Some((asked, rtt_us));
                events.extend(modules.iter().map(|module| (*module, Event::Answered { asked })));
            };
            let ruled = |claim: Claim, event: fn(Generation) -> Event| {
                let ours = modules.contains(&claim.module);
                ours.then(|| (claim.module, event(Generation(claim.generation))))
            };
            match way {
                Way::Routers(witnesses) => {
                    witnesses.drain(|answer| here(answer.asked_ms, answer.rtt_us, &mut told.events));
                }
                Way::Arbiter(inquirer) => inquirer.drain(|heard| match heard {
                    Heard::Here { asked_ms, rtt_us, ledger } => {
                        if told_of.replace(ledger) != Some(ledger) {
                            let event = Event::Ledger(Ledger(ledger));
                            told.events.extend(modules.iter().map(|module| (*module, event)));
                        }
                        here(asked_ms, rtt_us, &mut told.events);
                    }
                    Heard::Granted(claim) => {
                        told.events.extend(ruled(claim, |generation| Event::Granted { generation }));
                    }
                    Heard::Denied(claim) => {
                        told.events.extend(ruled(claim, |generation| Event::Denied { generation }));
                    }
                    Heard::Odd(text) => told.odd.push(text),
                }),
            }
        }
        told
    }

    pub(super) fn view(&self) -> Vec<View> {
        let now = now();
        let fresh =
            |known: &Asked| known.last.filter(|(asked, _)| now.since(*asked) <= SILENT * known.period);
        let view = |known: &Asked| View {
            witness: known.witness.clone(),
            modules: known.modules.clone(),
            answers: fresh(known).is_some(),
            rtt_us: fresh(known).map(|(_, rtt)| rtt),
        };
        self.asked.iter().map(view).collect()
    }
}

fn now() -> Tick {
    let now: Duration = boottime();
    Tick(now.as_millis() as u64)
}
