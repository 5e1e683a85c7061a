//! How long a client gets no answer when the node that serves it fails or hands over.
//!
//! A client behind the router asks the virtual address every millisecond; the gap is the longest time between two
//! answers around the fault. Two pairs of timers: short ones of about equal reach, and the defaults of both.
//! All four pairs of nodes stand on the machine at once and take turns, so that its noise meets all alike.

use std::{fmt, thread, time::Duration};

use super::{
    Effort, Row, Tell,
    keepalived::{self, Keepalived},
    pair::{Ours, Pair, RESPONDER},
    report::Samples,
};
use crate::{Fault, Moment, Options, Result, cluster::Node, probe::Probe, wait};

/// Undisturbed service before the fault, and after the takeover.
const QUIET: Duration = Duration::from_millis(500);
/// The answers come from one node if that was so for this long.
const RECENT: Duration = Duration::from_millis(200);
const LOOK: Duration = Duration::from_millis(10);
const WORKING: Duration = Duration::from_secs(30);
/// Who has not taken over by then never will.
const NEVER: Duration = Duration::from_secs(20);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Case {
    Crash,
    Link,
    Kill,
    Swap,
}

impl Case {
    const ALL: [Self; 4] = [Self::Crash, Self::Link, Self::Kill, Self::Swap];
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Crash => "silent crash",
            Self::Link => "link down",
            Self::Kill => "agent killed",
            Self::Swap => "graceful swap",
        })
    }
}

/// Timers of ours, and those of the peer that they are compared with.
struct Timers {
    name: &'static str,
    ours: Options,
    advert: Duration,
}

impl Timers {
    /// The configuration gives `guard` half of the timeout when it is not named.
    fn both() -> [Self; 2] {
        let ms = Duration::from_millis;
        let short = Options { pulse: ms(20), timeout: ms(200), ..Options::default() };
        [
            Self { name: "short timers", ours: short, advert: ms(100) },
            Self { name: "default timers", ours: Options::default(), advert: ms(1000) },
        ]
    }

    /// What our timers alone impose, on average.
    fn floor(&self, case: Case) -> Duration {
        match case {
            Case::Crash => (self.ours.timeout * 3 / 2).saturating_sub(self.ours.pulse / 2),
            Case::Link | Case::Kill | Case::Swap => Duration::ZERO,
        }
    }

    fn peer(&self, case: Case) -> String {
        let floor = match case {
            Case::Crash | Case::Link | Case::Kill => keepalived::floor(self.advert),
            Case::Swap => keepalived::skew(self.advert),
        };
        format!("keepalived {} s (floor {:.0})", self.advert.as_secs_f64(), ms(floor))
    }
}

/// Gaps in milliseconds: how the address moved, and how the application came back, where there is one.
#[derive(Clone, Default)]
struct Gaps {
    address: Samples,
    application: Samples,
}

struct Contest {
    timers: Timers,
    ours: Ours,
    theirs: Keepalived,
    found: [(Gaps, Gaps); Case::ALL.len()],
}

pub(super) fn run(effort: Effort, tell: Tell<'_>) -> Result<Vec<Row>> {
    let mut contests = Vec::new();
    for timers in Timers::both() {
        tell(&format!("building the pairs with {}", timers.name));
        let (ours, theirs) = (Ours::start(timers.ours.clone())?, Keepalived::start(timers.advert)?);
        contests.push(Contest { timers, ours, theirs, found: Default::default() });
    }
    for round in 1..=effort.rounds {
        for (index, case) in Case::ALL.into_iter().enumerate() {
            for contest in &mut contests {
                let (ours, theirs) = &mut contest.found[index];
                let name = contest.timers.name;
                measure(&contest.ours, case, ours)?;
                measure(&contest.theirs, case, theirs)?;
                let last = |gaps: &Samples| gaps.0.last().copied().unwrap_or_default();
                tell(&format!(
                    "round {round} of {}, {case}, {name}: ours {:.1} ms (application {:.1}), keepalived {:.1} ms",
                    effort.rounds,
                    last(&ours.address),
                    last(&ours.application),
                    last(&theirs.address)
                ));
            }
        }
    }
    Ok(contests.iter().flat_map(rows).collect())
}

fn rows(contest: &Contest) -> Vec<Row> {
    let mut rows = Vec::new();
    for (case, (ours, theirs)) in Case::ALL.into_iter().zip(&contest.found) {
        let row = |what: &str, ours: &Samples, peer: String, theirs: Samples| Row {
            bench: "failover",
            row: format!("{case}, {}: {what}", contest.timers.name),
            unit: "ms",
            ours: ours.clone(),
            peer,
            theirs,
            floor: Some(ms(contest.timers.floor(case))),
        };
        rows.push(row("address moved", &ours.address, contest.timers.peer(case), theirs.address.clone()));
        rows.push(row("application started", &ours.application, String::new(), Samples::default()));
    }
    rows
}

/// Breaks a pair that is whole, adds what a client saw, and repairs it.
fn measure(pair: &dyn Pair, case: Case, gaps: &mut Gaps) -> Result<()> {
    pair.revive()?;
    let place = &pair.cluster().client;
    let address = Probe::udp(place, RESPONDER)?;
    let application = pair.application().map(|target| Probe::udp(place, target)).transpose()?;
    let probes: Vec<&Probe> = std::iter::once(&address).chain(&application).collect();
    let holder = answering(&probes)?;
    let holder = pair.cluster().node(&holder)?;
    thread::sleep(QUIET);

    let fault = strike(pair, case, holder)?;
    let taken_over = wait::until("answers of the other node", NEVER, LOOK, || {
        let seen: Vec<_> = probes.iter().map(|probe| probe.answering(RECENT)).collect();
        let moved = seen.iter().all(|node| node.as_deref().is_some_and(|node| node != holder.name()));
        if moved { Ok(()) } else { Err(format!("{seen:?}")) }
    });
    if taken_over.is_ok() {
        thread::sleep(QUIET);
    }
    let end = Moment::now();
    let gap = |probe: Probe| match taken_over {
        Ok(()) => ms(probe.finish().outage(fault, end)),
        Err(_) => f64::INFINITY,
    };
    gaps.address.0.push(gap(address));
    gaps.application.0.extend(application.map(gap));
    repair(case, holder)
}

/// Who answers all probes.
fn answering(probes: &[&Probe]) -> Result<String> {
    wait::until("answers of one node", WORKING, LOOK, || {
        let mut seen: Vec<_> = probes.iter().map(|probe| probe.answering(RECENT)).collect();
        seen.dedup();
        match &seen[..] {
            [Some(node)] => Ok(node.clone()),
            _ => Err(format!("{seen:?}")),
        }
    })
}

fn strike(pair: &dyn Pair, case: Case, holder: &Node) -> Result<Moment> {
    match case {
        Case::Crash => {
            // The service network last: until then heartbeats and clients pass, from then on neither does.
            let began = Moment::now();
            for port in holder.ports().iter().rev() {
                port.switch().silence(port.name())?;
            }
            Ok(began)
        }
        Case::Link => Fault::Unplugged { interface: "eth0".into() }.inject(holder),
        Case::Kill => Fault::Killed(pair.daemon(holder)?).inject(holder),
        Case::Swap => {
            let began = Moment::now();
            pair.hand_over(holder)?;
            Ok(began)
        }
    }
}

fn repair(case: Case, holder: &Node) -> Result<()> {
    match case {
        // It must not come back as who it was: it has crashed.
        Case::Crash => holder.power_cut(),
        Case::Link => Fault::Unplugged { interface: "eth0".into() }.repair(holder),
        Case::Kill | Case::Swap => Ok(()),
    }
}

fn ms(length: Duration) -> f64 {
    length.as_secs_f64() * 1000.0
}
