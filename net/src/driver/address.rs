//! The virtual addresses of one module: claimed, announced and defended by a thread of their own.

use std::{
    net::IpAddr,
    os::fd::AsFd,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use safetui_core::Tick;

use crate::{
    config::Vip,
    heartbeat::{boottime, handover_priority},
    journal::{Journal, Level},
    mailbox::Mailbox,
    vip::{
        Address, Announcer, ConflictWatch, Interface, LinkEvent, LinkMonitor, Mac, Route, VipError,
        probe::{Care, probe},
    },
};

/// Longest the thread is without looking at its clock.
const LOOK: Duration = Duration::from_secs(5);
/// The same while it may not announce what is due.
const MUTE_LOOK: Duration = Duration::from_millis(50);

/// Somebody answers for one of the addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    pub ip: IpAddr,
    pub mac: Mac,
}

enum Order {
    Claim,
    Release,
}

type Request = (Order, mpsc::SyncSender<Result<(), String>>);

/// The way to the thread.
#[derive(Clone)]
pub struct Addresses {
    vips: Vec<Vip>,
    requests: Arc<Mailbox<Request>>,
    /// When nobody else was last found to answer.
    free: Arc<Mutex<Option<Instant>>>,
    until: Until,
}

/// Until when this node may answer for the addresses. Announcements do not pass the lease in the kernel, so whoever
/// sends them looks here: a process that was stopped must not win back what it lost meanwhile. One number, compared
/// with the clock alone.
#[derive(Clone, Default)]
struct Until(Arc<AtomicU64>);

impl Until {
    fn holds(&self) -> bool {
        boottime().as_millis() < u128::from(self.0.load(Ordering::SeqCst))
    }
}

impl Addresses {
    /// Starts the thread, unless the module has no addresses.
    pub fn start(module: &str, vips: &[Vip], journal: Journal) -> Self {
        let (requests, until) = (Arc::new(Mailbox::default()), Until::default());
        if !vips.is_empty() {
            let keeper = Keeper {
                module: module.into(),
                vips: vips.to_vec(),
                requests: requests.clone(),
                journal,
                held: Vec::new(),
                links: None,
                until: until.clone(),
            };
            thread::Builder::new()
                .name(format!("{module}-vip"))
                .spawn(move || keeper.run())
                .expect("a starting module has a thread left");
        }
        Self { vips: vips.to_vec(), requests, free: Arc::default(), until }
    }

    /// The right to answer ends at `until`.
    pub fn serve_until(&self, until: Tick) {
        self.until.0.store(until.0, Ordering::SeqCst);
    }

    /// Holds and announces the addresses from now on, as long as they may be served.
    pub fn claim(&self) -> Result<(), String> {
        self.ask(Order::Claim)
    }

    /// Gives the addresses up; gone when this returns.
    pub fn release(&self) -> Result<(), String> {
        self.ask(Order::Release)
    }

    /// Who answers for one of the addresses now, if somebody does. Waits for answers as long as `care` says.
    pub fn owner(&self, care: Care) -> Result<Option<Owner>, VipError> {
        let mut route = Route::open()?;
        for vip in &self.vips {
            let interface = interface_of(&mut route, vip)?;
            if let Some(mac) = probe(vip.addr, &interface, care)? {
                return Ok(Some(Owner { ip: vip.addr, mac }));
            }
        }
        *self.free.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        Ok(None)
    }

    /// Was nobody found to answer for the addresses, at most `age` ago?
    pub fn found_free(&self, age: Duration) -> bool {
        self.free.lock().unwrap_or_else(PoisonError::into_inner).is_some_and(|at| at.elapsed() <= age)
    }

    fn ask(&self, order: Order) -> Result<(), String> {
        if self.vips.is_empty() {
            return Ok(());
        }
        let (answer, wait) = mpsc::sync_channel(1);
        self.requests.post((order, answer));
        wait.recv().map_err(|_| "the thread of the virtual addresses has ended".to_owned())?
    }
}

/// Takes the addresses of a module off this node, whoever set them.
pub fn remove(vips: &[Vip]) -> Result<(), VipError> {
    let mut route = Route::open()?;
    let wanted =
        |address: &Address| vips.iter().any(|vip| vip.addr == address.ip && vip.prefix == address.prefix);
    for address in route.addresses()?.iter().filter(|address| wanted(address)) {
        route.delete(address)?;
    }
    Ok(())
}

/// The interface that an address belongs on.
pub fn interface_of(route: &mut Route, vip: &Vip) -> Result<Interface, VipError> {
    match &vip.interface {
        Some(name) => route.interface_named(name),
        None => route.interface_towards(vip.addr),
    }
}

struct Held {
    address: Address,
    announcer: Announcer,
    watch: ConflictWatch,
}

struct Keeper {
    module: String,
    vips: Vec<Vip>,
    requests: Arc<Mailbox<Request>>,
    journal: Journal,
    held: Vec<Held>,
    links: Option<LinkMonitor>,
    until: Until,
}

impl Keeper {
    fn run(mut self) {
        handover_priority();
        loop {
            self.wait();
            for (order, answer) in self.requests.take() {
                let done = match order {
                    Order::Claim => self.claim(),
                    Order::Release => self.release(),
                };
                _ = answer.send(done.map_err(|error| error.to_string()));
            }
            let tended = self.tend();
            self.complain(tended);
        }
    }

    fn wait(&self) {
        let now = boottime();
        let due = self.held.iter().filter_map(|held| held.announcer.schedule.next_due()).min();
        let left = match due.map_or(LOOK, |due| due.saturating_sub(now)).min(LOOK) {
            left if left.is_zero() && !self.until.holds() => MUTE_LOOK,
            left => left,
        };
        let mut fds = vec![PollFd::new(self.requests.as_fd(), PollFlags::POLLIN)];
        fds.extend(self.held.iter().map(|held| PollFd::new(held.watch.as_fd(), PollFlags::POLLIN)));
        fds.extend(self.links.iter().map(|links| PollFd::new(links.as_fd(), PollFlags::POLLIN)));
        let timeout = PollTimeout::try_from(left.as_millis() as i32 + 1).unwrap_or(PollTimeout::MAX);
        // Interrupted or not, everything is looked at.
        _ = poll(&mut fds, timeout);
    }

    fn claim(&mut self) -> Result<(), VipError> {
        let mut route = Route::open()?;
        let mut held = Vec::new();
        for vip in &self.vips {
            let interface = interface_of(&mut route, vip)?;
            let address = Address { ip: vip.addr, prefix: vip.prefix, interface: interface.index };
            route.add(&address)?;
            let mut announcer = Announcer::open(vip.addr, &interface)?;
            announcer.schedule.start(boottime());
            // Before anything else is prepared: clients come here only from now on.
            announcer.announce_due(boottime())?;
            held.push(Held { address, announcer, watch: ConflictWatch::open(vip.addr, &interface)? });
            self.say(Level::Information, format!("Virtual IP {} set on {}", vip.addr, interface.name));
        }
        self.held = held;
        let addresses: Vec<IpAddr> = self.vips.iter().map(|vip| vip.addr).collect();
        self.links = Some(LinkMonitor::open(&addresses)?);
        Ok(())
    }

    fn release(&mut self) -> Result<(), VipError> {
        // No event of ours is a surprise.
        self.links = None;
        let removed = remove(&self.vips);
        // Closing packet sockets takes the kernel some ten milliseconds: last.
        if !self.held.is_empty() {
            self.held.clear();
            self.say(Level::Information, "Virtual IP removed".into());
        }
        removed
    }

    /// Announces what is due, answers rivals, and puts back what somebody took away.
    fn tend(&mut self) -> Result<(), VipError> {
        let now = boottime();
        let events = self.links.as_mut().map_or(Ok(Vec::new()), LinkMonitor::drain)?;
        for event in events {
            match event {
                LinkEvent::Carrier { interface, up } => {
                    self.say(
                        Level::Event,
                        format!("interface {interface} is {}", if up { "up" } else { "down" }),
                    );
                    self.held.iter_mut().filter(|_| up).for_each(|held| held.announcer.schedule.start(now));
                }
                LinkEvent::AddressGone(ip) => self.restore(ip)?,
            }
        }
        let mut rivals = Vec::new();
        for held in &mut self.held {
            for conflict in held.watch.drain()? {
                held.announcer.schedule.contested(now);
                rivals.push(format!("{} also claims the virtual IP {}", conflict.mac, conflict.ip));
            }
            if self.until.holds() {
                held.announcer.announce_due(now)?;
            }
        }
        rivals.dedup();
        for rival in rivals {
            self.say(Level::Critical, rival);
        }
        Ok(())
    }

    fn restore(&mut self, ip: IpAddr) -> Result<(), VipError> {
        let gone = self.held.iter_mut().filter(|held| held.address.ip == ip);
        for held in gone {
            Route::open()?.add(&held.address)?;
            held.announcer.schedule.start(boottime());
        }
        self.say(Level::Critical, format!("somebody removed the virtual IP {ip}: set again"));
        Ok(())
    }

    fn complain(&self, tended: Result<(), VipError>) {
        if let Err(error) = tended {
            self.say(Level::Critical, error.to_string());
        }
    }

    fn say(&self, level: Level, text: String) {
        self.journal.say(Some(&self.module), "vipd", level, text);
    }
}
