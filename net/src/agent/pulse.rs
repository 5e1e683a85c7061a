//! The pulse thread: heartbeats, witness, and the cores of all modules, in one loop that waits for nothing but
//! its sockets and its clock.

use std::{
    collections::BTreeMap,
    io::{Read, Write},
    os::{fd::AsFd, unix::net::UnixStream},
    sync::Arc,
    time::Duration,
};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use safetui_core::{Command, Event, Role, Tick};

use super::{
    board::{Board, Snapshot},
    carrier::Carriers,
    network::Network,
    packet::Entry,
    witness::Panel,
};
use crate::{
    driver::{Driver, News, Reply, now},
    heartbeat::boottime,
    journal::{Journal, Level},
    mailbox::Mailbox,
};

/// Between two signs of life to the guard.
const SIGN: Duration = Duration::from_millis(50);
/// Between two snapshots while nothing but figures changes.
const FIGURES: Duration = Duration::from_millis(250);
/// How long a reader of snapshots looks, at most.
const READER: Duration = Duration::from_millis(1);
/// What the guard writes to have everything stopped.
pub const STOP: u8 = b's';
/// What the guard is told: still alive; read the modules anew.
pub const ALIVE: u8 = b'p';
pub const RELOAD: u8 = b'r';

/// A message to the pulse thread.
pub(super) enum Mail {
    News {
        module: u64,
        news: News,
    },
    Order {
        module: u64,
        command: Command,
        reply: Option<Reply>,
    },
    /// In place of the module of the same name, which is stopped.
    Install(Box<Driver>),
    Remove {
        module: u64,
    },
    /// A module that cannot run, and why.
    Broken {
        name: String,
        why: String,
    },
}

/// Everything that the thread owns.
pub(super) struct Pulse {
    pub network: Network,
    pub panel: Panel,
    pub carriers: Carriers,
    pub drivers: Vec<Driver>,
    pub broken: BTreeMap<String, String>,
    pub mailbox: Arc<Mailbox<Mail>>,
    pub board: Arc<Board>,
    pub guard: UnixStream,
    pub journal: Journal,
    pub state: State,
}

/// What the loop remembers of its own.
#[derive(Default)]
pub(super) struct State {
    stopping: bool,
    signed: Duration,
    published: Duration,
    /// A snapshot was made, and a reader was in its way.
    unseen: bool,
    reload: bool,
}

impl Pulse {
    /// Runs until the guard has everything stopped.
    pub(super) fn run(mut self) {
        self.guard.set_nonblocking(true).expect("a socket can be made non-blocking");
        while !(self.state.stopping && self.drivers.iter().all(|driver| driver.role() == Role::Stop)) {
            self.turn();
            self.wait();
        }
        let records: Vec<_> = self.drivers.into_iter().map(Driver::close).collect();
        // Nothing is pulsed any more: now it may wait for the disk.
        for record in records {
            _ = record.join();
        }
    }

    fn turn(&mut self) {
        self.hear();
        self.read_mail();
        self.read_guard();
        self.panel.ask(now());
        self.drivers.iter_mut().for_each(Driver::run);
        self.send();
        self.sign();
        self.publish();
    }

    fn hear(&mut self) {
        for heard in self.network.drain() {
            let of =
                |driver: &&mut Driver| driver.plan.id == heard.entry.module && driver.plan.peer == heard.peer;
            if let Some(driver) = self.drivers.iter_mut().find(of) {
                driver.heard(heard.entry.signature, heard.entry.beat);
            }
        }
        let told = self.panel.drain();
        for (module, event) in told.events {
            if let Some(driver) = driver(&mut self.drivers, module) {
                driver.happened(event);
            }
        }
        told.odd.into_iter().for_each(|text| self.network.complain(text));
        match self.carriers.drain() {
            Ok(changed) => changed.into_iter().for_each(|(module, linked)| {
                if let Some(driver) = driver(&mut self.drivers, module) {
                    driver.happened(Event::Linked(linked));
                }
            }),
            Err(error) => self.journal.say(None, "agent", Level::Critical, error.to_string()),
        }
    }

    fn read_mail(&mut self) {
        for mail in self.mailbox.take() {
            match mail {
                Mail::News { module, news } => {
                    if let Some(driver) = driver(&mut self.drivers, module) {
                        driver.news(news);
                    }
                }
                Mail::Order { module, command, reply } => {
                    if let Some(driver) = driver(&mut self.drivers, module) {
                        driver.ordered(command, reply);
                    }
                }
                Mail::Install(fresh) => self.install(*fresh),
                Mail::Remove { module } => self.remove(module),
                Mail::Broken { name, why } => {
                    self.journal.say(Some(&name), "agent", Level::Critical, why.clone());
                    self.broken.insert(name, why);
                }
            }
        }
    }

    fn install(&mut self, fresh: Driver) {
        let (id, name) = (fresh.plan.id, fresh.plan.module.name.clone());
        if let Some(at) = self.drivers.iter().position(|driver| driver.plan.id == id) {
            self.drivers.remove(at).succeeded();
        }
        self.broken.remove(&name);
        if let Err(error) = self.panel.add(id, &fresh.plan.module) {
            self.journal.say(Some(&name), "agent", Level::Critical, error.to_string());
        }
        self.network.relay(fresh.plan.peer, &fresh.plan.module);
        self.drivers.push(fresh);
        self.follow_links(id);
        self.drivers.sort_by(|one, other| one.plan.module.name.cmp(&other.plan.module.name));
        self.state.reload = true;
    }

    /// Tells a module how its links are, and from now on whenever they change.
    pub(super) fn follow_links(&mut self, module: u64) {
        let Some(driver) = driver(&mut self.drivers, module) else { return };
        match self.carriers.follow(module, &driver.plan.module.vips) {
            Ok(linked) => driver.happened(Event::Linked(linked)),
            Err(error) => self.journal.say(None, "agent", Level::Critical, error.to_string()),
        }
    }

    fn remove(&mut self, module: u64) {
        self.panel.remove(module);
        self.carriers.forget(module);
        if let Some(at) = self.drivers.iter().position(|driver| driver.plan.id == module) {
            self.drivers.remove(at).close();
        }
        self.state.reload = true;
    }

    fn read_guard(&mut self) {
        let mut buffer = [0; 64];
        let read = self.guard.read(&mut buffer).unwrap_or(0);
        if buffer[..read].contains(&STOP) && !self.state.stopping {
            self.state.stopping = true;
            self.drivers
                .iter_mut()
                .filter(|driver| driver.role() != Role::Stop)
                .for_each(|driver| driver.ordered(Command::Stop, None));
        }
    }

    /// One packet to each peer, with the heartbeats of all modules that have one to send, and what an arbiter is
    /// to be asked.
    fn send(&mut self) {
        let mut packets: BTreeMap<u8, Vec<Entry>> = BTreeMap::new();
        for driver in &mut self.drivers {
            if let Some(beat) = driver.take_beat() {
                let entry = Entry { module: driver.plan.id, signature: driver.plan.signature, beat };
                packets.entry(driver.plan.peer).or_default().push(entry);
            }
            if let Some((generation, ledger)) = driver.take_question() {
                self.panel.claim(driver.plan.id, generation, ledger);
            }
        }
        for (peer, beats) in packets {
            self.network.send(peer, &beats);
        }
    }

    fn sign(&mut self) {
        let now = boottime();
        if std::mem::take(&mut self.state.reload) {
            _ = self.guard.write(&[RELOAD]);
        }
        if now.saturating_sub(self.state.signed) >= SIGN {
            self.state.signed = now;
            // A guard that does not read is a guard that does not watch.
            _ = self.guard.write(&[ALIVE]);
        }
    }

    fn publish(&mut self) {
        let now = boottime();
        let mut changed = self.state.unseen;
        for driver in &mut self.drivers {
            changed |= driver.take_changed();
        }
        if !changed && now.saturating_sub(self.state.published) < FIGURES {
            return;
        }
        self.state.published = now;
        let snapshot = Snapshot {
            at: Tick(now.as_millis() as u64),
            modules: self.drivers.iter().map(Driver::shot).collect(),
            broken: self.broken.clone(),
            paths: self.network.view(),
            versions: self.network.versions(),
            witnesses: self.panel.view(),
            warnings: self.network.warnings(),
        };
        self.state.unseen = !self.board.publish(snapshot);
    }

    fn wait(&self) {
        let wakes = self.drivers.iter().map(Driver::next_wake).chain([self.panel.due()]);
        let next = wakes.min().unwrap_or(Tick::NEVER);
        let longest = if self.state.unseen { READER } else { SIGN };
        let left = next.since(now()).min(longest.as_millis() as u64);
        let mut fds: Vec<PollFd<'_>> = [self.mailbox.as_fd(), self.guard.as_fd(), self.carriers.fd()]
            .into_iter()
            .chain(self.network.fds())
            .chain(self.panel.fds())
            .map(|fd| PollFd::new(fd, PollFlags::POLLIN))
            .collect();
        // Interrupted or not, everything is looked at.
        _ = poll(&mut fds, PollTimeout::from(left as u16));
    }
}

fn driver(drivers: &mut [Driver], module: u64) -> Option<&mut Driver> {
    drivers.iter_mut().find(|driver| driver.plan.id == module)
}
