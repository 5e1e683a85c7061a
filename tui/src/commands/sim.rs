//! `sim`: hours of a pair in which everything goes wrong that may, decided by a seed.

use std::thread;

use clap::{Args, ValueEnum};
use safetui_core::{Rule, Rules};
use safetui_model::sim::{Options, PROPERTIES, Profile, Report, Violation, run as simulate};
use safetui_net::api::exit::Exit;

use crate::{
    context::Context,
    failure::{Failure, seen},
    output::{Tone, align, lines, plain, say},
};

#[derive(Debug, Args)]
pub(crate) struct SimArgs {
    /// Decides everything; each further hour has the next
    #[arg(long, default_value_t = 1, value_name = "S")]
    seed: u64,
    /// Simulated hours
    #[arg(long, default_value_t = 100, value_name = "H", value_parser = clap::value_parser!(u64).range(1..))]
    hours: u64,
    /// How rough the surroundings are
    #[arg(
        long,
        value_enum,
        default_value = "rough",
        hide_possible_values = true,
        value_name = "calm|rough|hostile"
    )]
    profile: Surroundings,
    /// Take a rule out of the protocol, such as `Hold`: what then falls is what the rule is for
    #[arg(long, value_name = "RULE", value_parser = rule)]
    without: Option<Rule>,
    /// Threads that simulate [default: as many as there are cores]
    #[arg(long)]
    threads: Option<usize>,
}

/// [`Profile`], as the command line spells it.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Surroundings {
    Calm,
    Rough,
    Hostile,
}

impl From<Surroundings> for Profile {
    fn from(word: Surroundings) -> Self {
        match word {
            Surroundings::Calm => Self::Calm,
            Surroundings::Rough => Self::Rough,
            Surroundings::Hostile => Self::Hostile,
        }
    }
}

fn rule(name: &str) -> Result<Rule, String> {
    let named = |rule: &Rule| format!("{rule:?}").eq_ignore_ascii_case(name);
    Rule::ALL.into_iter().find(named).ok_or_else(|| {
        let names: Vec<String> = Rule::ALL.iter().map(|rule| format!("{rule:?}")).collect();
        format!("the rules are {}", names.join(", "))
    })
}

pub(crate) fn run(cx: &Context, args: &SimArgs) -> Result<Exit, Failure> {
    let threads = args.threads.or_else(|| thread::available_parallelism().ok().map(usize::from)).unwrap_or(1);
    let options = Options {
        seed: args.seed,
        hours: args.hours,
        profile: args.profile.into(),
        rules: args.without.map_or(Rules::ALL, Rules::without),
    };
    let report = simulate(&options, threads, &|done| {
        if done % 100 == 0 {
            say(&format!("simulated: {done} h of {}", options.hours));
        }
    });
    let shown = if cx.output.json() {
        cx.output.document(&report)
    } else if cx.output.plain() {
        lines(&plain(&rows(cx, &report, true)))
    } else {
        lines(&text(cx, &report))
    };
    seen(shown.map_err(Failure::from))?;
    Ok(if report.violation.is_some() { Exit::Violation } else { Exit::Ok })
}

/// Each property, and how it fared.
fn rows(cx: &Context, report: &Report, bare: bool) -> Vec<Vec<String>> {
    let mark = |tone, word: &str| if bare { word.into() } else { cx.output.paint(tone, word) };
    let fallen = report.violation.as_ref().map(|violation| violation.property);
    let row = |property: &&str| {
        let held = fallen != Some(*property);
        let verdict = if held { mark(Tone::Good, "held") } else { mark(Tone::Bad, "VIOLATED") };
        vec![verdict, (*property).to_string()]
    };
    PROPERTIES.iter().map(row).collect()
}

fn text(cx: &Context, report: &Report) -> Vec<String> {
    let tally = &report.tally;
    let mut out = align(&rows(cx, report, false));
    out.push(format!(
        "{:.1} h of a pair from seed {} on, {}: {} inputs to the cores, {} faults, {} commands, {} takeovers, {} contests lost",
        report.seconds as f64 / 3600.0,
        report.seed,
        report.profile.word(),
        tally.events,
        tally.faults,
        tally.orders,
        tally.takeovers,
        tally.contests_lost
    ));
    out.push(format!(
        "{} times ready again after faults, in {:.1} s at most; beyond the assumptions {} times, {} forks from that",
        tally.rounds,
        tally.slowest_recovery_ms as f64 / 1000.0,
        tally.strained,
        tally.forks
    ));
    out.push(format!(
        "{} writes acknowledged, {} of them given up where an operator chose between forks",
        tally.writes_acknowledged, tally.writes_given_up
    ));
    if let Some(violation) = &report.violation {
        tell(violation, &mut out);
    }
    out
}

fn tell(violation: &Violation, out: &mut Vec<String>) {
    out.push(String::new());
    out.push(format!("how \"{}\" fell: {}", violation.property, violation.text));
    out.push(format!(
        "{} faults had struck until then, these were needed: {}",
        violation.faults, violation.needed
    ));
    out.extend(violation.story.iter().map(|line| format!("  {line}")));
    out.push(format!("again: {}", violation.replay));
}

#[cfg(test)]
mod tests {
    use safetui_model::sim::TIMING;
    use safetui_net::{config, driver};

    /// What is simulated is what the agent would run with.
    #[test]
    fn the_timers_are_those_of_a_module_that_names_none() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("userconfig.xml");
        let text = "<safe><service mode=\"mirror\"><heart><heartbeat name=\"default\"/></heart><check>\
                    <splitbrain ident=\"w\" exec=\"ping\" arg=\"10.0.0.254\"/></check></service></safe>";
        std::fs::write(&file, text).unwrap();
        let cluster = "<cluster><lans><lan name=\"default\"><node name=\"node1\" addr=\"10.0.0.1\"/>\
                       <node name=\"node2\" addr=\"10.0.0.2\"/></lan></lans></cluster>";
        let cluster = config::cluster::parse(cluster, "cluster.xml").unwrap();
        let module = config::module::load(&file, "db", &cluster, &|_| None).unwrap().module;
        assert_eq!(driver::timing(&module.heart, module.splitbrain.as_ref()), Ok(TIMING));
        assert_eq!(driver::asked_every(&module.heart), TIMING.period / 2);
    }
}
