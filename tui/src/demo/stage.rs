//! The pair that the operator breaks from the dashboard.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        mpsc::{Receiver, Sender, channel},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use futures_util::Stream;
use nix::{errno::Errno, sys::signal::kill};
use safetui_lab::{
    Cluster, Fault, Host, Result,
    cluster::{Node, config::MODULE},
};
use safetui_net::{
    api::{
        client::Client,
        shape::{Command, Problem},
    },
    paths::Paths,
};
use tokio::{sync::mpsc::UnboundedSender, time::interval};

use super::{
    meter::{Meter, Reading},
    no_lab,
};
use crate::{
    codes,
    commands::live::{Find, Live},
    dashboard::{DemoKey, Feed, Load, Source},
    failure::{Case, Failure},
};

/// How often the screen learns what the client sees.
const LOOK: Duration = Duration::from_millis(250);

/// What a key does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    Kill(&'static str),
    Cut,
    Router,
    Pause,
    Swap,
    Repair,
    /// Look with the eyes of the other node.
    Turn,
}

/// Short enough for 80 columns together; the line above them says what a key has done.
const KEYS: [(char, &str, Act); 8] = [
    ('1', "kill n1", Act::Kill("n1")),
    ('2', "kill n2", Act::Kill("n2")),
    ('3', "cut", Act::Cut),
    ('4', "router", Act::Router),
    ('5', "pause", Act::Pause),
    ('6', "swap", Act::Swap),
    ('0', "repair", Act::Repair),
    ('v', "view", Act::Turn),
];

pub(super) fn keys() -> Vec<DemoKey> {
    KEYS.iter().map(|(key, label, _)| DemoKey { key: *key, label: (*label).into() }).collect()
}

/// A fault that lasts.
struct Broken {
    fault: Fault,
    /// Name of the host.
    host: String,
    text: String,
}

impl Broken {
    /// A paused agent is killed by its guard, and another one takes its place.
    fn lasts(&self) -> bool {
        !matches!(self.fault, Fault::Paused(pid) if kill(pid, None) == Err(Errno::ESRCH))
    }
}

type Faults = Arc<Mutex<Vec<Broken>>>;

/// An act, the node that serves as far as the screen knows, and who hears of trouble.
struct Order {
    act: Act,
    serving: Option<String>,
    say: UnboundedSender<Feed>,
}

pub(super) struct Stage {
    cluster: Arc<Cluster>,
    meter: Meter,
    faults: Faults,
    orders: Sender<Order>,
    worker: JoinHandle<()>,
}

impl Stage {
    /// Takes a pair that is whole; a client begins to write.
    pub(super) fn open(cluster: Cluster) -> Result<Self> {
        let meter = Meter::start(cluster.client("demo")?);
        let (cluster, faults) = (Arc::new(cluster), Faults::default());
        let (orders, inbox) = channel();
        let (place, broken) = (cluster.clone(), faults.clone());
        let worker = thread::spawn(move || work(&place, &broken, &inbox));
        Ok(Self { cluster, meter, faults, orders, worker })
    }

    /// What the dashboard shows: the agent of n1, and that of n2 while n1 is gone.
    pub(super) fn source(&self) -> impl Source + use<> {
        let agent = |node: &'static str| (Some(node.to_owned()), find(Arc::downgrade(&self.cluster), node));
        Show {
            live: Live::new(["n1", "n2"].map(agent)),
            orders: self.orders.clone(),
            faults: self.faults.clone(),
            dial: Some(Box::new(self.meter.dial())),
        }
    }

    /// Repairs everything and hands back what is needed for the account.
    pub(super) fn close(self) -> Result<(Arc<Cluster>, Meter)> {
        drop(self.orders);
        _ = self.worker.join();
        repair(&self.cluster, &self.faults)?;
        Ok((self.cluster, self.meter))
    }
}

/// The control socket of a node, wherever its last boot has put it.
fn find(cluster: Weak<Cluster>, node: &'static str) -> Find {
    Box::new(move || {
        let cluster = cluster.upgrade().ok_or("the demo ends")?;
        let root =
            cluster.node(node).and_then(|node| node.root()).map_err(|_| format!("{node} has no power"))?;
        let socket = Paths::from_env().socket();
        Ok(Client::new(root.join(socket.strip_prefix("/").unwrap_or(&socket))))
    })
}

struct Show {
    live: Live,
    orders: Sender<Order>,
    faults: Faults,
    dial: Option<Box<dyn Fn() -> Reading + Send>>,
}

impl Source for Show {
    fn feed(&mut self) -> impl Stream<Item = Feed> + Send + 'static {
        let dial = self.dial.take().expect("the dashboard asks for its one stream once");
        tokio::spawn(report(dial, self.faults.clone(), self.live.say()));
        self.live.feed()
    }

    fn send(&mut self, node: &str, command: Command) {
        self.live.send(node, command);
    }

    fn demo(&mut self, index: usize) {
        let act = KEYS[index].2;
        if act == Act::Turn {
            return self.live.turn();
        }
        // The worker lives longer than the dashboard.
        _ = self.orders.send(Order { act, serving: self.serving(), say: self.live.say() });
    }
}

impl Show {
    /// Name of the node that serves, as the newest state says.
    fn serving(&self) -> Option<String> {
        let state = self.live.latest()?;
        let module = state.modules.iter().find(|module| module.name == MODULE)?;
        let serves = |role: &str| matches!(role, "PRIM" | "ALONE");
        module.instances.iter().find(|instance| serves(&instance.role)).map(|instance| instance.node.clone())
    }
}

async fn report(dial: Box<dyn Fn() -> Reading + Send>, faults: Faults, say: UnboundedSender<Feed>) {
    let mut due = interval(LOOK);
    let ms = |gap: Duration| gap.as_millis() as u64;
    loop {
        due.tick().await;
        let (reading, now) = (dial(), Instant::now());
        let mut faults = lock(&faults);
        faults.retain(Broken::lasts);
        let broken = faults.iter().map(|broken| broken.text.clone()).collect();
        drop(faults);
        let load = Load {
            acked: reading.acked,
            gap_ms: reading.gap(now).map(ms),
            last_gap_ms: reading.last_gap.map(ms),
            longest_gap_ms: reading.last_gap.map(|_| ms(reading.longest)),
            broken,
        };
        if say.send(Feed::Load(load)).is_err() {
            return;
        }
    }
}

fn work(cluster: &Cluster, faults: &Faults, inbox: &Receiver<Order>) {
    for order in inbox {
        if let Err(problem) = carry_out(cluster, faults, &order) {
            _ = order.say.send(Feed::Answer(Err(*problem)));
        }
    }
}

fn carry_out(cluster: &Cluster, faults: &Faults, order: &Order) -> std::result::Result<(), Box<Problem>> {
    let serving = || order.serving.clone().ok_or_else(nobody_serves);
    let done = match order.act {
        Act::Kill(node) => breaks(cluster, faults, node, Fault::PowerCut, format!("{node} off")),
        Act::Router => {
            breaks(cluster, faults, "router", Fault::Silence, "router gone: the client is behind it".into())
        }
        Act::Cut => {
            let node = serving()?;
            breaks(cluster, faults, &node, Fault::Silence, format!("{node} cut off"))
        }
        Act::Pause => {
            let node = serving()?;
            let text = format!("agent of {node} paused");
            let pid = cluster.node(&node).and_then(Node::agent_pid);
            pid.and_then(|pid| breaks(cluster, faults, &node, Fault::Paused(pid), text))
        }
        Act::Swap => {
            let node = serving()?;
            let swap = ["swap", "-m", MODULE, "--confirm", MODULE, "--no-wait"];
            cluster.node(&node).and_then(|node| node.safetui(swap)).map(drop)
        }
        Act::Repair => repair(cluster, faults),
        Act::Turn => Ok(()),
    };
    done.map_err(|error| match no_lab(&error) {
        Failure::Problem(problem) => problem,
        Failure::OutputClosed => unreachable!("a lab writes no output"),
    })
}

fn breaks(cluster: &Cluster, faults: &Faults, host: &str, fault: Fault, text: String) -> Result<()> {
    if lock(faults).iter().any(|broken| broken.host == host && broken.fault == fault) {
        return Ok(());
    }
    fault.inject(host_of(cluster, host)?)?;
    lock(faults).push(Broken { fault, host: host.into(), text });
    Ok(())
}

/// Undoes every fault and starts what does not start by itself. The pair becomes whole later.
fn repair(cluster: &Cluster, faults: &Faults) -> Result<()> {
    let broken = std::mem::take(&mut *lock(faults));
    cluster.nodes().into_iter().try_for_each(|node| node.power_on())?;
    broken.iter().try_for_each(|it| it.fault.repair(host_of(cluster, &it.host)?))?;
    for node in cluster.nodes() {
        node.boot()?;
        if node.seen().is_ok_and(|seen| seen.role == "STOP") {
            node.safetui(["start", "-m", MODULE, "--no-wait"])?;
        }
    }
    Ok(())
}

fn host_of<'a>(cluster: &'a Cluster, name: &str) -> Result<&'a Host> {
    if name == "router" { Ok(&cluster.router) } else { cluster.node(name).map(|node| &**node) }
}

fn nobody_serves() -> Box<Problem> {
    let case = Case {
        code: codes::NO_LAB,
        summary: "no node serves now".into(),
        what: "breaking the node that serves".into(),
        why: "neither n1 nor n2 is PRIM or ALONE".into(),
        now: "nothing was changed".into(),
        fix: vec!["press 0 to repair everything, and wait for a PRIM".into()],
    };
    Box::new(case.into())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
