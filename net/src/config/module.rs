//! `userconfig.xml`: one module.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};

use super::{
    Diagnostics, check, code, heart,
    language::{self, Purpose},
    macros,
    report::{self, Report},
    rfs,
    rules::{self, Watched},
    units::{Unit, show},
    user,
    value::{self, Resolve},
    vip, vocabulary,
    xml::{self, Element},
};
use crate::config::cluster::Cluster;

/// A module, valid by itself and on its cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Module {
    pub name: String,
    pub mode: Mode,
    pub boot: Boot,
    /// Wait before a start at boot.
    pub boot_delay: Duration,
    /// The secondary takes over by itself.
    pub failover: bool,
    /// Bytes that the flight record may take on the disk.
    pub record: u64,
    pub heart: Heart,
    /// None: nothing is replicated.
    pub rfs: Option<Rfs>,
    pub vips: Vec<Vip>,
    /// None: scripts are never run.
    pub user: Option<User>,
    pub splitbrain: Option<Splitbrain>,
    /// Checkers and failover rules.
    pub watched: Watched,
    /// Equal on two nodes exactly when their files say the same: 16 hexadecimal digits.
    pub signature: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Mirror,
}

/// Whether the module starts when the machine boots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Boot {
    On,
    Off,
    /// If it was running before.
    Auto,
    /// As the last `safetui boot` command said.
    Ignore,
}

/// The heartbeats.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heart {
    pub pulse: Duration,
    /// Silence after which the primary decides.
    pub timeout: Duration,
    /// How much later than the primary the secondary decides.
    pub guard: Duration,
    /// Names of networks of the cluster, each with the two nodes of the module, at least one.
    pub networks: Vec<String>,
    /// The one of them that carries replication; none is named: the first.
    pub flow: Option<String>,
    pub profile: Profile,
}

/// What the defaults of the timers suit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    Lan,
    Vm,
    Wan,
}

/// Replication.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rfs {
    /// At least one; none inside another.
    pub dirs: Vec<Replicated>,
    pub acknowledge: Acknowledge,
}

/// When the secondary acknowledges a write: `<rfs async>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acknowledge {
    /// `second`: when it has it.
    Received,
    /// `none`: when its disk has it.
    Written,
}

/// A replicated directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replicated {
    /// Absolute, without `.`, `..`, doubled or trailing slashes.
    pub dir: PathBuf,
    /// Nobody may write to it on the secondary.
    pub read_only: bool,
}

/// A virtual address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vip {
    pub addr: IpAddr,
    /// Of `netmask` where the file gives one, else 32 or 128.
    pub prefix: u8,
    /// None: the interface whose network contains the address.
    pub interface: Option<String>,
}

/// The scripts of the application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Longest run of a graceful stop.
    pub nice_stop: Duration,
    /// Longest run of a forced stop.
    pub force_stop: Duration,
    /// Longest run of a start.
    pub start: Duration,
    /// What the scripts print is kept (`logging="userlog"`).
    pub logging: bool,
    /// Exported to the scripts, in the order of the file.
    pub vars: Vec<(String, String)>,
}

/// Who is asked when the peer is silent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Splitbrain {
    pub ident: String,
    pub witness: Witness,
    /// Consecutive questions that may remain unanswered before the witness counts as gone.
    pub gap: u8,
    /// Heartbeats are also sent by way of the witness; never by way of an arbiter.
    pub relay: bool,
}

/// The two kinds of witnesses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Witness {
    /// `exec="ping"`. At least one; of several, a strict majority must answer.
    Routers(Vec<IpAddr>),
    /// `exec="arbiter"`: where `safetui witness` listens.
    Arbiter(SocketAddr),
}

impl Witness {
    /// As `exec` names it.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Routers(_) => "ping",
            Self::Arbiter(_) => "arbiter",
        }
    }

    /// The routers among the witnesses.
    pub fn routers(&self) -> &[IpAddr] {
        match self {
            Self::Routers(routers) => routers,
            Self::Arbiter(_) => &[],
        }
    }
}

/// Its addresses.
impl fmt::Display for Witness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Routers(routers) => {
                f.write_str(&routers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
            }
            Self::Arbiter(server) => server.fmt(f),
        }
    }
}

/// A valid module, and what its author should know all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded {
    pub module: Module,
    pub warnings: Diagnostics,
}

/// Reads and validates a file. `env` serves `%NAME%` where no macro does.
pub fn load(
    path: &Path,
    name: &str,
    cluster: &Cluster,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<Loaded, Diagnostics> {
    load_for(Purpose::Run, path, name, cluster, env)
}

/// The same for a file that is to be verified and not to be run: checkers and failover rules, which the agent
/// does not carry out yet, are read.
pub fn load_to_verify(
    path: &Path,
    name: &str,
    cluster: &Cluster,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<Loaded, Diagnostics> {
    load_for(Purpose::Verify, path, name, cluster, env)
}

fn load_for(
    purpose: Purpose,
    path: &Path,
    name: &str,
    cluster: &Cluster,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<Loaded, Diagnostics> {
    let text = report::read(path)?;
    let file = &path.display().to_string();
    let origin = Origin { file, name, purpose, env, resolve: &value::system_resolve };
    read(&text, &origin, cluster)
}

/// Where a text comes from and what it may ask.
pub(super) struct Origin<'a> {
    pub(super) file: &'a str,
    /// Of the module.
    pub(super) name: &'a str,
    pub(super) purpose: Purpose,
    pub(super) env: &'a dyn Fn(&str) -> Option<String>,
    pub(super) resolve: Resolve<'a>,
}

pub(super) fn read(text: &str, origin: &Origin<'_>, cluster: &Cluster) -> Result<Loaded, Diagnostics> {
    let mut report = Report::new(origin.file, text);
    let Some(mut root) = xml::parse(text, &mut report) else {
        return Err(report.into_diagnostics());
    };
    macros::expand(&mut root, origin.env, &mut report);
    if !language::check(&root, &vocabulary::SAFE, origin.purpose, &mut report) {
        return Err(report.into_diagnostics());
    }
    let Some(service) = root.first("service") else {
        report.error(code::MISSING_ELEMENT, root.at, "<safe> contains no <service>");
        return Err(report.into_diagnostics());
    };
    let module = module(&mut report, service, origin, cluster, root.signature());
    report.finish(module).map(|(module, warnings)| Loaded { module, warnings })
}

fn module(
    report: &mut Report<'_>,
    service: &Element,
    origin: &Origin<'_>,
    cluster: &Cluster,
    signature: String,
) -> Module {
    let mode = value::choice(report, service, "mode", &[("mirror", Mode::Mirror)], &["farm", "light"]);
    let boots = [("on", Boot::On), ("off", Boot::Off), ("auto", Boot::Auto), ("ignore", Boot::Ignore)];
    let boot = value::choice(report, service, "boot", &boots, &[]);
    let boot_delay = value::duration(report, service, "boot_delay", Unit::Seconds);
    let failover = value::on_off(report, service, "failover", true);
    let record = value::number(report, service, "record", 1..=4096);
    // A module of another mode has no <heart>; that it is not supported has been said already.
    if mode.is_some() && service.first("heart").is_none() {
        let message = "a mirror needs a <heart> in its <service>";
        report
            .error(code::MISSING_ELEMENT, service.at, message)
            .help(format!("add <heart>{}</heart>", heart::example(cluster)));
    }
    let vips = service.first("vip").map_or_else(Vec::new, |e| vip::read(report, e, cluster, origin.resolve));
    let heart = heart::read(report, service.first("heart"), cluster);
    let watched = match origin.purpose {
        Purpose::Run => Watched::default(),
        Purpose::Verify => rules::read(report, service, heart.pulse, origin.resolve),
    };
    Module {
        name: origin.name.to_owned(),
        mode: mode.unwrap_or(Mode::Mirror),
        boot: boot.unwrap_or(Boot::Ignore),
        boot_delay: boot_delay.unwrap_or_default(),
        failover,
        record: u64::from(record.unwrap_or(RECORD)) << 20,
        heart,
        rfs: service.first("rfs").map(|e| rfs::read(report, e)),
        user: service.first("user").map(|e| user::read(report, e)),
        splitbrain: check::splitbrain(report, service, cluster, &vips, origin.resolve),
        watched,
        vips,
        signature,
    }
}

/// Size of the flight record, in mebibytes: more than a day, at ten heartbeats a second.
const RECORD: u16 = 32;

/// Shortest period of heartbeats that a busy machine can keep.
const SHORTEST_PULSE: Duration = Duration::from_millis(10);

/// The longest silence worth waiting for; more is a mistaken unit.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(3600);

/// Whether the timers can work together: what is wrong and what would do, else `Ok`.
pub fn timers(heart: &Heart) -> Result<(), String> {
    let Heart { pulse, timeout, guard, .. } = *heart;
    let bound = |holds: bool, what: &str, least: Duration| {
        if holds { Ok(()) } else { Err(format!("{what} must be at least {}", show(least))) }
    };
    bound(pulse >= SHORTEST_PULSE, &format!("pulse is {}, it", show(pulse)), SHORTEST_PULSE)?;
    if timeout > LONGEST_TIMEOUT {
        return Err(format!("timeout is {}, it must be at most {}", show(timeout), show(LONGEST_TIMEOUT)));
    }
    // With fewer, one lost packet and ordinary jitter look like a dead peer.
    let least = pulse.saturating_mul(3);
    let what = format!("timeout is {} with a pulse of {}, it", show(timeout), show(pulse));
    bound(timeout >= least, &what, least)?;
    // The secondary must not decide before the last heartbeat that the primary counted has reached it.
    let least = pulse.saturating_mul(2);
    let what = format!("guard is {} with a pulse of {}, it", show(guard), show(pulse));
    bound(guard >= least, &what, least)?;
    if guard > timeout {
        return Err(format!("guard is {}, it must not exceed timeout, {}", show(guard), show(timeout)));
    }
    Ok(())
}
