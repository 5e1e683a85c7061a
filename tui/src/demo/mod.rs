//! `safetui demo`: two nodes with this very program, a router and a client in namespaces of this machine, and
//! what breaks them.

mod headless;
mod meter;
mod stage;
mod summary;

use std::{env, net::SocketAddrV4, path::Path, time::Instant};

use safetui_lab::{Cluster, become_root_in_userns, cluster, ledger as book, userns::require_fuse};
use safetui_net::api::exit::Exit;

use crate::{
    cli::{DemoArgs, Witness},
    codes,
    commands::tui::{require_terminal, show},
    context::Context,
    failure::{Case, Failure},
    output::say,
};

pub(crate) fn run(cx: &Context, args: &DemoArgs) -> Result<u8, Failure> {
    if args.drill.is_none() {
        require_terminal("demo", "safetui demo --headless --drill crash")?;
    }
    // Before anything starts a thread: afterwards the kernel refuses it.
    become_root_in_userns().map_err(|error| no_lab(&error))?;
    require_fuse().map_err(|error| no_lab(&error))?;
    let cluster = build(args)?;
    match args.drill {
        Some(drill) => headless::run(cx, &cluster, drill).map(Exit::code),
        None => watch(cx, cluster),
    }
}

/// The application of the demo, on one of its nodes.
pub(crate) fn ledger(address: SocketAddrV4, file: &Path, node: &str) -> Result<Exit, Failure> {
    book::serve(address, file, node).map_err(|error| Failure::write(file, &error))?;
    Ok(Exit::Ok)
}

/// The pair, whole, with the ledger on n1.
fn build(args: &DemoArgs) -> Result<Cluster, Failure> {
    let this = env::current_exe().map_err(|error| Failure::read(Path::new("/proc/self/exe"), &error))?;
    let options = cluster::Options {
        pulse: args.pulse,
        timeout: args.timeout,
        guard: args.guard,
        witness: match args.witness {
            Witness::None => cluster::Witness::None,
            Witness::Router => cluster::Witness::Router,
            Witness::Arbiter => cluster::Witness::Arbiter,
        },
        ledger: vec![this.to_string_lossy().into_owned(), "ledger".into()],
        safetui: Some(this),
        // Each drill has done so.
        replay: false,
        ..cluster::Options::default()
    };
    let began = Instant::now();
    let progress = |text: &str| say(&format!("{:>5.1} s  {text}", began.elapsed().as_secs_f64()));
    progress("two nodes, a router and a client, each in namespaces of its own");
    let cluster = Cluster::build(options).map_err(|error| no_lab(&error))?;
    progress("the agents start");
    cluster.start_agents().map_err(|error| no_lab(&error))?;
    progress("n1 serves first, n2 copies its data");
    cluster.first_start().map_err(|error| no_lab(&error))?;
    progress("n1 is PRIM, n2 is SECOND");
    Ok(cluster)
}

fn watch(cx: &Context, cluster: Cluster) -> Result<u8, Failure> {
    let stage = stage::Stage::open(cluster).map_err(|error| no_lab(&error))?;
    let code = show(cx, stage.source(), Some(stage::keys()))?;
    summary::tell(stage).map(|()| code)
}

fn no_lab(error: &safetui_lab::Error) -> Failure {
    use safetui_lab::Error;
    let (why, fix) = match error {
        Error::Setup { what, fix } => (what.clone(), fix.clone()),
        Error::Os { .. } => (error.to_string(), "scripts/demo installs what it needs: ip, nft, fuse3".into()),
        Error::Tool { .. } | Error::Late { .. } => (
            error.to_string(),
            "SAFETUI_LAB_KEEP=1 safetui demo ...    keeps the nodes' logs for a look".into(),
        ),
    };
    Case {
        code: codes::NO_LAB,
        summary: "the demo cannot go on".into(),
        what: "two nodes, a router and a client in namespaces".into(),
        why,
        now: "nothing of it is left".into(),
        fix: vec![fix],
    }
    .into()
}
