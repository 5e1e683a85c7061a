//! Drills: something breaks, a client watches, and everything must come right again.

use std::{fmt, thread, time::Duration};

use serde::Serialize;

use crate::{
    Cluster, Fault, Host, Moment, Result,
    cluster::{Node, config},
    ledger::Client,
    outage::Recording,
    probe::Probe,
    wait,
};

/// How long the pair may take to be whole again after the repair.
const WHOLE_AGAIN: Duration = Duration::from_secs(120);
/// How long the client may take to get its first answers.
const WORKING: Duration = Duration::from_secs(30);
/// Undisturbed service that is recorded before the fault and after the recovery.
const QUIET: Duration = Duration::from_secs(1);
/// Length of faults that pass by themselves, unless the timeout asks for more.
const SPELL: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_secs(10);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Drill {
    /// The primary falls silent in both networks and loses power; later it boots.
    Crash,
    /// The primary's service interface loses its carrier for five seconds.
    Link,
    /// The router falls silent for five seconds. Nodes hear each other: nothing may move.
    Router,
    /// The primary falls silent for five seconds and lives on.
    Isolate,
    /// SIGKILL of the primary's agent.
    KillAgent,
    /// SIGSTOP of the primary's agent for ten seconds.
    Pause,
    /// The operator swaps the roles.
    Swap,
    /// Both nodes lose power at once, and boot.
    Power,
}

impl Drill {
    pub const ALL: [Self; 8] = [
        Self::Crash,
        Self::Link,
        Self::Router,
        Self::Isolate,
        Self::KillAgent,
        Self::Pause,
        Self::Swap,
        Self::Power,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Crash => "crash",
            Self::Link => "link",
            Self::Router => "router",
            Self::Isolate => "isolate",
            Self::KillAgent => "kill-agent",
            Self::Pause => "pause",
            Self::Swap => "swap",
            Self::Power => "power",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|drill| drill.name() == name)
    }
}

impl fmt::Display for Drill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a client saw of a drill.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Outcome {
    pub drill: Drill,
    /// Longest time without an answer, in milliseconds.
    pub outage_ms: f64,
    /// From the fault to the first answer of the other node; `null` when the service stayed where it was.
    pub takeover_ms: Option<f64>,
    /// Entries that the service acknowledged during the drill.
    pub acked: usize,
    /// Acknowledged entries that were missing afterwards.
    pub lost: usize,
    /// How long both nodes answered for the address.
    pub dual_serving_ms: f64,
    /// Roles at the end, sorted.
    #[serde(rename = "final")]
    pub final_states: Vec<String>,
}

/// How a drill comes along, for a screen.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The client works, the pair is whole.
    Began {
        drill: Drill,
        primary: String,
    },
    /// It broke. The text says what.
    Broken(String),
    Repaired,
    Ended(Outcome),
}

/// Runs `drill` on a pair that is whole, and leaves it whole. What the nodes recorded is decided again at the end.
pub fn run(cluster: &Cluster, drill: Drill, tell: &dyn Fn(Event)) -> Result<Outcome> {
    let (primary, secondary) = cluster.primary()?;
    let writer = format!("{drill}-{}", Moment::now().0);
    // Seen from behind the router, the router's loss would be the outage.
    let place: &Host = if drill == Drill::Router { &cluster.local } else { &cluster.client };
    let client = Client::start(place, cluster.target(), &writer)?;
    let (udp, arp) = (cluster.probe(place)?, cluster.arp_probe()?);
    tell(Event::Began { drill, primary: primary.name().into() });
    until_working(&client, [&udp, &arp])?;
    thread::sleep(QUIET);

    let fault = disturb(cluster, drill, (primary, secondary), tell)?;
    tell(Event::Repaired);
    cluster.revive(WHOLE_AGAIN)?;
    until_working(&client, [&udp, &arp])?;
    thread::sleep(QUIET);

    let end = Moment::now();
    let (udp, arp) = (udp.finish(), arp.finish());
    let proof = client.finish(place, WHOLE_AGAIN)?;
    cluster.replay()?;
    let mut final_states = cluster.roles().to_vec();
    final_states.sort();
    let outcome = Outcome {
        drill,
        outage_ms: ms(udp.outage(fault, end)),
        takeover_ms: udp.takeover(fault).map(ms),
        acked: proof.account.acked.len(),
        lost: proof.lost.len(),
        dual_serving_ms: ms(dual(&udp).max(dual(&arp))),
        final_states,
    };
    tell(Event::Ended(outcome.clone()));
    Ok(outcome)
}

/// Waits until the client gets something done and both probes are answered.
fn until_working(client: &Client, probes: [&Probe; 2]) -> Result<()> {
    let before = client.acked();
    wait::until("answers to the client", WORKING, Duration::from_millis(20), || {
        let (acked, answering) = (client.acked() - before, probes.map(|probe| probe.answering(QUIET)));
        let working = acked >= 10 && answering.iter().all(Option::is_some);
        if working { Ok(()) } else { Err(format!("{acked} acknowledged, answering {answering:?}")) }
    })
}

/// Breaks something and repairs it; when it began.
fn disturb(
    cluster: &Cluster,
    drill: Drill,
    (primary, secondary): (&Node, &Node),
    tell: &dyn Fn(Event),
) -> Result<Moment> {
    let name = primary.name();
    // All windows must have passed before it ends: the timeout, the guard after it, and the decision.
    let spell = SPELL.max(cluster.options().timeout * 3);
    let broken = |text: String| tell(Event::Broken(text));
    match drill {
        Drill::Crash => {
            let began = Fault::PowerCut.inject(primary)?;
            broken(format!("{name} lost power"));
            let taken_over = cluster.wait(secondary.name(), "ALONE");
            primary.boot()?;
            taken_over.map(|()| began)
        }
        Drill::Link => {
            broken(format!("{name} loses its service link for {} s", spell.as_secs()));
            Fault::Unplugged { interface: "eth0".into() }.during(primary, spell)
        }
        Drill::Router => {
            broken(format!("the router falls silent for {} s", spell.as_secs()));
            Fault::Silence.during(&cluster.router, spell)
        }
        Drill::Isolate => {
            broken(format!("{name} falls silent for {} s", spell.as_secs()));
            Fault::Silence.during(primary, spell)
        }
        Drill::KillAgent => {
            let began = Fault::Killed(primary.agent_pid()?).inject(primary)?;
            broken(format!("the agent of {name} was killed"));
            Ok(began)
        }
        Drill::Pause => {
            broken(format!("the agent of {name} is stopped for {} s", PAUSE.as_secs()));
            Fault::Paused(primary.agent_pid()?).during(primary, PAUSE)
        }
        Drill::Swap => {
            let began = Moment::now();
            broken(format!("the operator swaps {name} and {}", secondary.name()));
            primary.safetui(["swap", "-m", config::MODULE, "--confirm", config::MODULE])?;
            Ok(began)
        }
        Drill::Power => {
            let began = Fault::PowerCut.inject(primary)?;
            Fault::PowerCut.inject(secondary)?;
            broken("both nodes lost power".into());
            primary.boot()?;
            secondary.boot()?;
            Ok(began)
        }
    }
}

/// Answers of one node count as uninterrupted over this many periods: a busy machine swallows some.
const GRAIN: u32 = 10;

fn dual(seen: &Recording) -> Duration {
    seen.dual_serving(seen.period * GRAIN)
}

/// Milliseconds, with one decimal.
fn ms(length: Duration) -> f64 {
    (length.as_secs_f64() * 10_000.0).round() / 10.0
}
