//! What happened, told so that an administrator can follow it.

use serde::Serialize;

use super::{
    World,
    clock::{MS, Moment, SECOND},
    fault::Kind,
    network::Cut,
};

/// One line, and when.
#[derive(Clone, Debug)]
pub(super) struct Line {
    at: Moment,
    text: String,
}

/// A property that fell, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Violation {
    pub property: &'static str,
    /// What was seen.
    pub text: String,
    /// The seed of the hour in which it fell.
    pub seed: u64,
    /// Simulated time in that hour, in milliseconds.
    pub at_ms: u64,
    /// Faults until then, and those that are left of them when nothing more can be left out.
    pub faults: u64,
    pub needed: u64,
    /// The command that shows it again.
    pub replay: String,
    /// The shortest story that was found.
    pub story: Vec<String>,
}

impl World {
    /// Adds a line, if somebody listens.
    pub(super) fn tell(&mut self, text: impl FnOnce() -> String) {
        if let Some(lines) = &mut self.lines {
            lines.push(Line { at: self.now, text: text() });
        }
    }

    /// The story so far; of writes that follow each other only the last is told.
    pub(super) fn story(&self) -> Vec<String> {
        let lines = self.lines.as_deref().unwrap_or_default();
        let is_write = |line: &&Line| line.text.contains("acknowledges write");
        let told = lines
            .iter()
            .enumerate()
            .filter(|(at, line)| !(is_write(line) && lines.get(at + 1).as_ref().is_some_and(is_write)));
        told.map(|(_, line)| format!("{:>9.3} s  {}", line.at as f64 / SECOND as f64, line.text)).collect()
    }
}

impl Kind {
    /// The fault in words.
    pub(super) fn text(self) -> String {
        let name = |node: usize| format!("node{}", node + 1);
        let span = |lasts: Moment| format!("{} ms", lasts / MS);
        match self {
            Self::Power { node, down } => format!("{} loses power for {}", name(node), span(down)),
            Self::PowerAtNextStep { node, after, down } => {
                let when = if after { "after" } else { "before" };
                format!("{} will lose power for {} {when} its next record is durable", name(node), span(down))
            }
            Self::Agent { node, down } => {
                format!("{}'s agent is killed, to start again in {}", name(node), span(down))
            }
            Self::Pause { node, lasts, clock_stands } => {
                let clock = if clock_stands { ", its clock too" } else { "" };
                format!("{} stops running for {}{clock}", name(node), span(lasts))
            }
            Self::Cut { cut, lasts } => format!("{}, for {}", cut_text(cut), span(lasts)),
            Self::Weather { weather, lasts } => format!(
                "the network is bad for {}: up to {} under way, {} % lost",
                span(lasts),
                span(weather.delay),
                weather.loss / 10_000
            ),
            Self::Stray { to, later } => {
                format!("a copy of the next heartbeat to {} will arrive {} late", name(to), span(later))
            }
            Self::Witness { node, lasts } => {
                format!("the router does not answer {} for {}", name(node), span(lasts))
            }
            Self::Hands { node, disk, script, lasts, .. } => format!(
                "{} is slow for {}: up to {} a record, {} a script",
                name(node),
                span(lasts),
                span(disk),
                span(script)
            ),
            Self::CannotApply { node } => format!("{} cannot apply what it is sent", name(node)),
            Self::Reset => "the connection of the data is reset".into(),
            Self::Link { node, lasts } => {
                format!("{}'s link to its clients is lost for {}", name(node), span(lasts))
            }
            Self::Drift { node, gains } => format!("{}'s clock gains {gains} millionths", name(node)),
            Self::Order { node, command } => format!("an operator says {} on {}", command.verb(), name(node)),
        }
    }
}

fn cut_text(cut: Cut) -> String {
    match cut {
        Cut::None => "the network heals".into(),
        Cut::Off(node) => format!("node{} is cut off from its peer and from the router", node + 1),
        Cut::Router => "the router is gone".into(),
        Cut::All => "the nodes and the router are all cut off from each other".into(),
        Cut::Direct => "the way between the nodes is cut; both reach the router".into(),
        Cut::Deaf(node) => format!("node{} no longer hears its peer, which still hears it", node + 1),
    }
}
