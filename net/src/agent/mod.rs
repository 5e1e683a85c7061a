//! The agent: all modules of this node, the heartbeats and the control API, in one process under a guard.
//!
//! | thread | does | waits for |
//! |---|---|---|
//! | pulse | heartbeats, witness, every module's core | its sockets and its clock, nothing else |
//! | NAME-hands | durable records, orders to replication | the disk |
//! | NAME-worker | scripts, addresses, mounts | the application |
//! | NAME-vip | announcements, rivals | the service network |
//! | NAME-record | the flight record | the disk |
//! | journal | log files | the disk |
//! | tokio | the control API, the published state | requests |

mod board;
mod carrier;
mod control;
mod foresee;
mod network;
pub mod packet;
mod publish;
mod pulse;
mod shapes;
mod witness;

use std::{collections::BTreeMap, io, os::unix::net::UnixStream, sync::Arc, thread};

use safetui_core::{Boot, Command};

pub use pulse::{ALIVE, RELOAD, STOP};

use board::Board;
use carrier::Carriers;
use control::{Agent, tell};
use network::Network;
use publish::Published;
use pulse::{Mail, Pulse};
use witness::Panel;

use crate::{
    api::server,
    config,
    driver::{self, Driver, id_of},
    heartbeat::realtime,
    journal::{Journal, Level},
    mailbox::Mailbox,
    node::Node,
    store::Wish,
    witness::arbiter::Asker,
};

/// Runs until the guard says stop, in the life `boot`. `guard` is the socket to the guard.
pub fn run(node: Node, boot: Boot, guard: UnixStream) -> io::Result<()> {
    let journal = Journal::open(&node.paths, node.name());
    let mailbox = Arc::new(Mailbox::default());
    let board = Arc::new(Board::default());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let listener = runtime.block_on(async { server::bind(&node.paths.socket()) })?;

    let (drivers, broken) = open_all(&node, boot, &journal, &mailbox);
    let carriers = Carriers::open().map_err(io::Error::other)?;
    let mut network = Network::open(&node, boot, journal.clone());
    let (key, cluster, sealer) = (node.key.clone(), node.cluster.name.clone(), network.sealer());
    let mut panel = Panel::new(Asker { key, cluster, me: node.me, sealer });
    for driver in &drivers {
        network.relay(driver.plan.peer, &driver.plan.module);
        if let Err(error) = panel.add(driver.plan.id, &driver.plan.module) {
            journal.say(Some(&driver.plan.module.name), "agent", Level::Critical, error.to_string());
        }
    }
    let mut pulse = Pulse {
        network,
        panel,
        carriers,
        drivers,
        broken,
        mailbox: mailbox.clone(),
        board: board.clone(),
        guard,
        journal: journal.clone(),
        state: pulse::State::default(),
    };
    let followed: Vec<u64> = pulse.drivers.iter().map(|driver| driver.plan.id).collect();
    for module in followed {
        pulse.follow_links(module);
    }
    start_wished(&node, &pulse, &journal);

    let node = Arc::new(node);
    let published = Published::new(&node, boot);
    runtime.spawn(publish::run(node.clone(), board.clone(), journal.clone(), published.clone()));
    let agent = Agent { node, boot, mailbox, board, published, journal: journal.clone() };
    runtime.spawn(server::serve(listener, Arc::new(agent)));
    beat(pulse, journal.clone())?;
    journal.flush();
    Ok(())
}

/// Runs the pulse thread to its end.
fn beat(pulse: Pulse, journal: Journal) -> io::Result<()> {
    let thread = thread::Builder::new().name("pulse".into()).spawn(move || {
        let got = realtime();
        journal.say(None, "agent", Level::Information, got.to_string());
        pulse.run();
    })?;
    thread.join().map_err(|_| io::Error::other("the pulse thread panicked"))
}

/// The drivers of all modules that can run, and why the others cannot.
fn open_all(
    node: &Node,
    boot: Boot,
    journal: &Journal,
    mailbox: &Arc<Mailbox<Mail>>,
) -> (Vec<Driver>, BTreeMap<String, String>) {
    let (mut drivers, mut broken) = (Vec::new(), BTreeMap::new());
    for name in node.modules() {
        let open = |plan| driver::open(node, plan, boot, journal, tell(mailbox, id_of(&name)));
        match node.plan(&name).and_then(open) {
            Ok(driver) => drivers.push(driver),
            Err(why) => {
                journal.say(Some(&name), "agent", Level::Critical, why.clone());
                broken.insert(name, why);
            }
        }
    }
    (drivers, broken)
}

/// Starts what the operator, or the configuration, wishes to run.
fn start_wished(node: &Node, pulse: &Pulse, journal: &Journal) {
    for driver in &pulse.drivers {
        let name = &driver.plan.module.name;
        let wish = Wish::load(&node.paths.state(name)).unwrap_or_else(|error| {
            journal.say(Some(name), "agent", Level::Critical, error.to_string());
            Wish::Stopped
        });
        if wish == Wish::Started || driver.plan.module.boot == config::Boot::On {
            journal.say(Some(name), "safekit", Level::User, "Action start called automatically");
            pulse.mailbox.post(Mail::Order { module: driver.plan.id, command: Command::Start, reply: None });
        }
    }
}
