//! The grammar of the command line: `safetui VERB [args] -m MODULE`.

use std::{net::SocketAddrV4, path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand, ValueEnum};
use safetui_lab::Drill;

use crate::{
    commands::{
        graph::GraphArgs, record::RecordVerb, replay::ReplayArgs, sim::SimArgs, verify::VerifyArgs,
        witness::WitnessArgs,
    },
    output::{Color, Format},
};

/// High availability for two ordinary Linux machines
#[derive(Debug, Parser)]
#[command(
    name = "safetui",
    version,
    max_term_width = 100,
    disable_help_subcommand = true,
    after_help = "Without a verb: the dashboard on a terminal, otherwise `state`."
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) verb: Option<Verb>,
    #[command(flatten)]
    pub(crate) options: Options,
}

/// Options of every verb.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Options of every verb")]
pub(crate) struct Options {
    /// Module; not needed when exactly one is installed
    #[arg(short, long, global = true, env = "SAFEMODULE", hide_env_values = true)]
    pub(crate) module: Option<String>,
    /// Form of the result
    #[arg(
        short,
        long,
        global = true,
        value_enum,
        default_value = "auto",
        hide_possible_values = true,
        value_name = "auto|table|plain|json|ndjson"
    )]
    pub(crate) output: Format,
    /// Short for `-o json`
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Colour of the result
    #[arg(
        long,
        global = true,
        value_enum,
        default_value = "auto",
        hide_possible_values = true,
        value_name = "auto|always|never"
    )]
    pub(crate) color: Color,
    /// Only ASCII characters
    #[arg(long, global = true)]
    pub(crate) ascii: bool,
    /// How long to wait for the target state, such as `90` (seconds) or `10m`
    #[arg(long, global = true, default_value = "120", value_parser = duration, value_name = "TIME")]
    pub(crate) timeout: Duration,
    /// Return when the agent has taken the command
    #[arg(long, global = true)]
    pub(crate) no_wait: bool,
    /// Show what would happen and do nothing
    #[arg(long, global = true)]
    pub(crate) dry_run: bool,
    /// Refuse unless the state still has this number
    #[arg(long, global = true, value_name = "N")]
    pub(crate) if_state: Option<u64>,
    /// Never ask; a needed answer that no flag gives is an error
    #[arg(long, global = true)]
    pub(crate) no_input: bool,
    /// Yes to what is mild
    #[arg(short, long, global = true)]
    pub(crate) yes: bool,
    /// Confirm what is more than mild, with the name that it asks for
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) confirm: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Start the module; the core finds its role
    Start,
    /// Stop the module on this node; its peer takes over
    Stop,
    /// Stop and start the application, role unchanged
    Restart,
    /// Stop the module wholly, then start it
    Stopstart,
    /// Exchange the roles of both nodes
    Swap {
        /// `nosync`: without bringing the data up to date
        args: Vec<String>,
    },
    /// Take over from a primary that is dead or sick
    Failover {
        /// `on`, `off`, `status`: SafeKit's switch of the automatic failover
        args: Vec<String>,
    },
    /// Start as primary
    Prim {
        /// `fullsync`: copy everything to the secondary
        args: Vec<String>,
    },
    /// Start as secondary
    Second {
        /// `fullsync`: copy everything from the primary
        args: Vec<String>,
    },
    /// Stop at any price, when `stop` does not end
    Forcestop,
    /// Show the state of all modules on all nodes
    State(StateArgs),
    /// Explain why the module on this node does not move on
    Why,
    /// Wait until a state is reached
    Wait(WaitArgs),
    /// Wait until the module serves or follows (`wait --for READY`)
    Waitstart(OnArgs),
    /// Wait until the module is stopped (`wait --for STOP`)
    Waitstop(OnArgs),
    /// Wait for a state (`wait --for STATE`)
    Waitstate {
        /// STOP, WAIT, ALONE, UP, PRIM or SECOND
        state: String,
        #[command(flatten)]
        on: OnArgs,
    },
    /// Show what happened
    Log(LogArgs),
    /// Put a module's changed configuration in force
    Config,
    /// Check a module's configuration
    Confcheck,
    /// Install, list and remove modules
    #[command(subcommand)]
    Module(ModuleVerb),
    /// Configure the cluster: its nodes, networks and key
    #[command(subcommand)]
    Cluster(ClusterVerb),
    /// Prove the protocol, or check a module's own configuration
    Verify(VerifyArgs),
    /// Show or export what the core of a module was given
    #[command(subcommand)]
    Record(RecordVerb),
    /// Decide again what was recorded, and compare
    Replay(ReplayArgs),
    /// Simulate hours of a pair under faults that a seed decides
    Sim(SimArgs),
    /// Draw the automaton of a mirror
    Graph(GraphArgs),
    /// Run two nodes, a router and a client on this machine, and break them
    Demo(DemoArgs),
    /// Explain exit codes and error codes
    Explain {
        /// `exit-codes`, or an error code such as `E0301`
        topic: String,
    },
    /// Open the dashboard
    Tui,
    /// Run the agent of this node
    Agent,
    /// Be the arbiter of clusters, on a third machine
    ///
    /// When the two nodes of a module lose each other, the arbiter lets one of them go on: it grants what they share to
    /// the node that asks first, once and for ever. It needs no root, hardly any memory and no clock; what it has
    /// granted is on its disk before it answers. One server serves any number of modules, of all clusters whose keys it
    /// has. A module names it so: `<check><splitbrain ident="arbiter" exec="arbiter" arg="10.0.0.3:4802"/></check>`
    Witness(WitnessArgs),
    /// Be the agent that a guard has started
    #[command(hide = true)]
    AgentChild { boot: u32 },
    /// The demo's application
    #[command(hide = true)]
    Ledger { address: SocketAddrV4, file: PathBuf, node: String },
}

#[derive(Debug, Default, Args)]
pub(crate) struct StateArgs {
    /// Resources, addresses, networks and witness too
    #[arg(short, long)]
    pub(crate) verbose: bool,
    /// This node only
    #[arg(short, long)]
    pub(crate) local: bool,
    /// No text; `-lq` ends with SafeKit's number: STOP 0, WAIT 1, ALONE 2, UP 2, PRIM 3, SECOND 4
    #[arg(short, long)]
    pub(crate) quiet: bool,
    /// End with 10 when degraded, 11 at an outage
    #[arg(long)]
    pub(crate) exit_code: bool,
}

#[derive(Debug, Args)]
pub(crate) struct WaitArgs {
    /// STOP, WAIT, ALONE, UP, PRIM, SECOND or READY; with a readiness too, such as `SECOND/Transient`
    #[arg(long = "for", value_name = "STATE")]
    pub(crate) state: String,
    #[command(flatten)]
    pub(crate) on: OnArgs,
}

#[derive(Debug, Args)]
pub(crate) struct OnArgs {
    /// Node to look at; this one unless named
    #[arg(long, value_name = "NODE")]
    pub(crate) on: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct LogArgs {
    /// Go on with what happens next
    #[arg(short, long)]
    pub(crate) follow: bool,
    /// Newest lines to begin with
    #[arg(short = 's', long = "lines", default_value_t = 300, value_name = "N")]
    pub(crate) lines: usize,
}

#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// Without a screen: run the drill that --drill names, and report
    #[arg(long, requires = "drill")]
    pub(crate) headless: bool,
    /// What breaks: crash, link, router, isolate, kill-agent, pause, swap or power
    #[arg(long, value_name = "NAME", value_parser = drill, requires = "headless")]
    pub(crate) drill: Option<Drill>,
    /// Time between two heartbeats
    #[arg(long, default_value = "100ms", value_parser = duration, value_name = "TIME")]
    pub(crate) pulse: Duration,
    // Takes the place of the option of every verb: a demo waits for nothing else.
    /// Silence after which a primary doubts that it is still needed
    #[arg(long, default_value = "1s", value_parser = duration, value_name = "TIME")]
    pub(crate) timeout: Duration,
    /// How much longer a secondary waits; half the timeout unless named
    #[arg(long, value_parser = duration, value_name = "TIME")]
    pub(crate) guard: Option<Duration>,
    /// Who decides when the nodes do not hear each other
    #[arg(
        long,
        value_enum,
        default_value = "router",
        hide_possible_values = true,
        value_name = "none|router|arbiter"
    )]
    pub(crate) witness: Witness,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Witness {
    None,
    Router,
    Arbiter,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ModuleVerb {
    /// Install a module from a directory with conf/ and bin/
    Install {
        /// Directory (or, later, a .safe file)
        source: PathBuf,
    },
    /// List the installed modules
    List,
    /// Remove a module with its configuration and durable state; its data stay
    Uninstall,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ClusterVerb {
    /// Check a cluster.xml and put it in force; creates the cluster's key if there is none
    Config { file: PathBuf },
    /// Check a cluster.xml
    Confcheck { file: PathBuf },
    /// Create the cluster's key, to be copied to the other node
    Genkey,
    /// Show the nodes as this one sees them
    State,
    /// Show what is in force, with signatures to compare between nodes
    Confinfo,
}

/// `90` is seconds; `10m`, `1h 30m` and `500ms` say their unit.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    match text.parse() {
        Ok(seconds) => Ok(Duration::from_secs(seconds)),
        Err(_) => humantime::parse_duration(text)
            .map_err(|error| format!("{error}; write seconds, or a time such as 90s or 10m")),
    }
}

fn drill(name: &str) -> Result<Drill, String> {
    Drill::named(name).ok_or_else(|| {
        let names: Vec<&str> = Drill::ALL.into_iter().map(Drill::name).collect();
        format!("the drills are {}", names.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_grammar_holds_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_timeout_of_a_demo_is_its_own() {
        let demo = |line: &str| match Cli::try_parse_from(line.split(' ')).unwrap().verb {
            Some(Verb::Demo(args)) => args.timeout.as_millis(),
            verb => panic!("{verb:?}"),
        };
        assert_eq!(demo("safetui demo"), 1000);
        assert_eq!(demo("safetui demo --timeout 700ms"), 700);
        assert_eq!(Cli::try_parse_from(["safetui", "start"]).unwrap().options.timeout.as_secs(), 120);
    }

    #[test]
    fn times_are_seconds_or_say_their_unit() {
        assert_eq!(duration("90"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("10m"), Ok(Duration::from_secs(600)));
        assert!(duration("soon").is_err());
    }
}
