//! `witness`: the arbiter of clusters, on a machine that is none of their nodes.

use std::{net::SocketAddr, path::PathBuf};

use clap::Args;
use safetui_net::{
    api::exit::Exit,
    witness::arbiter::{LedgerError, ServeError, Server, Setup},
};

use crate::{
    codes,
    context::Context,
    failure::{Case, Failure},
    output::{clean, say},
};

const AFTER: &str =
    "While it is away, pairs go on as before; only a node that loses its peer then waits for it.
Keep its directory: a server that has forgotten what it granted says nothing about a pair before that is made anew,
which a pair does by itself while both nodes are up.
It runs until it is killed, at any moment, without harm.";

#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct WitnessArgs {
    /// UDP address and port of this machine, as the nodes reach them
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: SocketAddr,
    /// Directory of what has been granted [default: /var/lib/safetui/witness]
    #[arg(long, value_name = "DIRECTORY")]
    state: Option<PathBuf>,
    /// Key of a cluster that may ask; once for each cluster [default: /etc/safetui/cluster.key]
    #[arg(long, value_name = "FILE")]
    key: Vec<PathBuf>,
}

/// Serves until it is killed, or its socket fails.
pub(super) fn run(cx: &Context, args: &WitnessArgs) -> Result<Exit, Failure> {
    let state = args.state.clone().unwrap_or_else(|| cx.paths.var.join("witness"));
    let keys = if args.key.is_empty() { vec![cx.paths.cluster_key()] } else { args.key.clone() };
    let setup = Setup { listen: args.listen, state, keys };
    let server = Server::open(&setup).map_err(|error| failure(&error))?;
    let kept = setup.state.display();
    say(&format!("listening on UDP {}; {} grants kept in {kept}", server.address(), server.grants()));
    match server.run(&mut |line| say(&clean(line))) {
        Ok(never) => match never {},
        Err(error) => Err(failure(&error)),
    }
}

fn failure(error: &ServeError) -> Failure {
    let mut why = error.to_string();
    let (code, summary, fix) = match error {
        ServeError::Key(_) => {
            let fix =
                "copy cluster.key from a node (mode 0600, owned by who runs this), and name it with --key";
            (codes::NO_KEY, "there is no usable cluster key", fix.into())
        }
        ServeError::Second(state) => {
            let fix = format!(
                "fuser {}/lock    shows it; a second one needs a --state of its own",
                state.display()
            );
            (codes::SECOND_WITNESS, "a second witness server on this directory", fix)
        }
        ServeError::Listen { listen, .. } => {
            let fix = format!(
                "ss -lunp sport = :{}    and: ip address    or choose another --listen",
                listen.port()
            );
            (codes::WITNESS_PORT, "the witness server cannot listen", fix)
        }
        ServeError::Ledger(LedgerError::Damaged { path, .. }) => {
            why.push_str("; restored from a backup, it would lack what was granted since");
            let fix = format!(
                "when no module waits for the arbiter (safetui why, on the nodes): mv {0} {0}.damaged, start again",
                path.display()
            );
            (codes::WITNESS_LEDGER, "the record of grants is damaged", fix)
        }
        ServeError::State { .. }
        | ServeError::Boot(_)
        | ServeError::Ledger(LedgerError::Io { .. })
        | ServeError::Receive { .. } => (
            codes::NO_WITNESS,
            "the witness server cannot run",
            "correct the cause, or choose another --state".into(),
        ),
    };
    Case {
        code,
        summary: summary.into(),
        what: "running the witness server".into(),
        why,
        now: "it does not run, and grants nothing; pairs go on as before".into(),
        fix: vec![fix],
    }
    .into()
}
