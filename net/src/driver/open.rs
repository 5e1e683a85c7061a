//! Making a driver: the durable record is read, the addresses are made mute, the threads are started.

use std::{path::Path, sync::Arc, time::Duration};

use safetui_core::{Actions, Boot, Mirror};

use super::{
    Driver, News, Plan, Tell, Trouble,
    address::Addresses,
    hands::Hands,
    lease, now,
    record::{self, HISTORY},
    worker::{Tools, Worker},
};
use crate::{
    config::Acknowledge,
    journal::Journal,
    node::Node,
    recorder::{Head, Recorder},
    rfs::{self, Rfs},
    script::{Runner, environment},
};

/// Ports of replication begin behind the heartbeat's; as many as a cluster may have modules.
const PORTS: u64 = 512;
/// A disk writes back what it was given within five seconds or so anyway.
const EPOCH: Duration = Duration::from_secs(10);

/// Prepares a module to run in this life of the agent; a sentence for the operator when that cannot be.
pub fn open(node: &Node, plan: Plan, boot: Boot, journal: &Journal, tell: Tell) -> Result<Driver, String> {
    let plan = Arc::new(plan);
    let name = plan.module.name.clone();
    let state = node.paths.state(&name);
    let (store, record) = record::load(&state).map_err(|error| error.to_string())?;
    let vips: Vec<_> = plan.module.vips.iter().map(|vip| vip.addr).collect();
    let lease = lease::Keeper::install(&name, &vips).map_err(|error| error.to_string())?;
    super::address::remove(&plan.module.vips).map_err(|error| error.to_string())?;
    let rfs = replication(node, &plan, &tell)?;
    let runner = runner(node, &plan)?;
    let born = now();
    let core = Mirror::<HISTORY>::new(born, boot, random(), record);
    let head = Head::new(node.name(), &name, plan.core, boot, born);
    let recorder = Recorder::start(&node.paths.flight(&name), plan.module.record, head, &core, journal);
    let addresses = Addresses::start(&name, &plan.module.vips, journal.clone());
    let tools = Tools {
        plan: plan.clone(),
        runner,
        rfs: rfs.clone(),
        addresses: addresses.clone(),
        journal: journal.clone(),
        tell: tell.clone(),
    };
    Ok(Driver {
        core,
        settled: core,
        recorder,
        out: Actions::default(),
        orders: [].into(),
        events: [].into(),
        blocked: false,
        replies: [].into(),
        beat: None,
        question: None,
        heard: None,
        sink: Boot(0),
        said: None,
        waits: None,
        remote: None,
        trouble: Trouble::default(),
        changed: true,
        hands: Hands::start(&name, store, rfs.clone(), boot, tell.clone()),
        worker: Worker::start(tools),
        lease,
        addresses,
        rfs,
        journal: journal.clone(),
        tell,
        plan,
    })
}

fn random() -> u64 {
    getrandom::u64().expect("every Linux that can run this has a random source")
}

/// What runs the scripts of a module.
pub fn runner(node: &Node, plan: &Plan) -> Result<Runner, String> {
    let name = &plan.module.name;
    let program = std::env::current_exe().unwrap_or_default();
    let program = program.parent().unwrap_or(Path::new("/"));
    let variables = plan.module.user.iter().flat_map(|user| user.vars.clone());
    let environment = environment(name, &node.paths, program, variables);
    let (log, state) = (node.paths.module_log(name), node.paths.state(name));
    Runner::new(name, &plan.bin, &log, &state, environment).map_err(|error| error.to_string())
}

fn replication(node: &Node, plan: &Plan, tell: &Tell) -> Result<Option<Arc<Rfs>>, String> {
    let Some(replicated) = &plan.module.rfs else { return Ok(None) };
    let port = node.cluster.port + 1 + (plan.id % PORTS) as u16;
    let heart = &plan.module.heart;
    let flow =
        heart.flow.iter().chain(heart.networks.iter().filter(|name| Some(*name) != heart.flow.as_ref()));
    let lans: Vec<_> = flow.filter_map(|name| node.cluster.lan(name)).collect();
    let of = |name: &str, local: bool| {
        let addrs = lans.iter().filter_map(|lan| lan.addrs.iter().find(|addr| addr.node == name));
        addrs.map(|addr| (addr.laddr.filter(|_| local).unwrap_or(addr.addr), port).into()).collect()
    };
    let settings = rfs::Settings {
        dirs: replicated.dirs.iter().map(|dir| dir.dir.clone()).collect(),
        listen: of(node.name(), true),
        peer: of(&plan.peer_name, false),
        secret: blake3::derive_key("safetui 1 replication", node.key.to_hex().as_bytes()),
        module: plan.module.name.clone(),
        me: node.name().into(),
        peer_name: plan.peer_name.clone(),
        aside: node.paths.module(&plan.module.name).join("aside"),
        notes: node.paths.state(&plan.module.name).join("notes"),
        durable: replicated.acknowledge == Acknowledge::Written,
        patience: heart.timeout,
        epoch: EPOCH,
    };
    let tell = tell.clone();
    let rfs = Rfs::new(settings, move |report| tell(News::Replication(report))).map_err(|e| e.to_string())?;
    Ok(Some(rfs))
}
