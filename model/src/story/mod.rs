//! A counterexample, told so that an administrator can follow it: when, at which node, what it saw, what it did,
//! and what became of the client's write.

mod ending;
mod happening;
mod turn;

use std::fmt;

use safetui_core::Witness;
use serde::Serialize;
use stateright::Path;

use crate::{
    pair::Pair,
    world::{Step, World, Write},
};

/// How a story names nodes and moments.
#[derive(Clone, Debug)]
pub struct Voice {
    pub nodes: [String; 2],
    /// Milliseconds of one tick; `None`: moments are told in ticks.
    pub tick: Option<u64>,
    /// Who is asked when the peer is silent, as the reader calls it.
    pub witness: String,
    /// The resources that are checked, by their numbers.
    pub resources: Vec<String>,
}

impl Voice {
    /// Of the built-in worlds, which have no names and no milliseconds.
    pub fn plain(witness: Witness) -> Self {
        let node = |number| format!("node{number}");
        let witness = if witness == Witness::Arbiter { "the arbiter" } else { "the router" };
        Self { nodes: [node(1), node(2)], tick: None, witness: witness.into(), resources: Vec::new() }
    }
}

/// One line of a story.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    /// Since the story began, as the voice tells time.
    pub at: String,
    /// `None`: it happens between the nodes, or to the client.
    pub node: Option<String>,
    pub text: String,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>7}  ", self.at)?;
        match &self.node {
            Some(node) => write!(f, "{node} {}", self.text),
            None => f.write_str(&self.text),
        }
    }
}

/// The story of a path of the built-in worlds, up to where `property` falls.
pub fn tell(pair: &Pair, property: &str, path: Path<World, Step>) -> Vec<String> {
    let lines = Voice::plain(pair.settings.witness).tell(pair, property, &path.into_actions());
    lines.iter().map(ToString::to_string).collect()
}

impl Voice {
    /// One line for each step that means something, and for what follows from it; the last says what is broken.
    pub fn tell(&self, pair: &Pair, property: &str, steps: &[Step]) -> Vec<Line> {
        let settings = &pair.settings;
        let mut world = World::start(settings);
        let mut lines = Vec::new();
        let mut tick = 0;
        for step in steps.iter().copied() {
            let before = world.clone();
            if world.take(settings, step).is_none() {
                break;
            }
            tick += u64::from(matches!(step, Step::Tick { .. } | Step::TickThenCrash(..)));
            let mut say = |node: Option<usize>, text: String| {
                let node = node.map(|node| self.nodes[node].clone());
                lines.push(Line { at: self.moment(tick), node, text });
            };
            if let Some((node, text)) = self.happening(settings, &before, step) {
                say(node, text);
            }
            for node in 0..2 {
                if let Some(text) = self.turn(settings, node, &before, &world) {
                    say(Some(node), text);
                }
            }
            if let Some(text) = self.fate(&before, &world, step) {
                say(None, text);
            }
        }
        lines.push(Line { at: self.moment(tick), node: None, text: self.ending(pair, property, &world) });
        lines
    }

    /// A span of the story.
    fn span(&self, ticks: u64) -> String {
        match self.tick.map(|millis| ticks * millis) {
            None if ticks == 1 => "1 tick".into(),
            None => format!("{ticks} ticks"),
            Some(millis) if millis % 1000 == 0 => format!("{} s", millis / 1000),
            Some(millis) if millis > 1000 => format!("{:.1} s", millis as f64 / 1000.0),
            Some(millis) => format!("{millis} ms"),
        }
    }

    /// A moment of the story, counted from its beginning.
    fn moment(&self, tick: u64) -> String {
        match self.tick {
            None => tick.to_string(),
            Some(millis) => format!("{:.2} s", (tick * millis) as f64 / 1000.0),
        }
    }

    fn name(&self, node: usize) -> &str {
        &self.nodes[node]
    }

    fn resource(&self, id: u8) -> String {
        self.resources.get(usize::from(id)).cloned().unwrap_or_else(|| format!("resource {id}"))
    }

    fn other(&self, node: usize) -> &str {
        self.name(1 - node)
    }

    /// What has become of the client's write, where the step itself does not say it.
    fn fate(&self, before: &World, after: &World, step: Step) -> Option<String> {
        let at = match (before.write, after.write) {
            (was, now) if was == now => return None,
            (Write::Pending { at }, _) | (_, Write::Pending { at }) => at,
            _ => return None,
        };
        match after.write {
            Write::Acknowledged if !matches!(step, Step::Acknowledge(_)) => {
                Some(format!("the client's write, which waited at {}, is acknowledged", self.name(at)))
            }
            Write::Unknown => Some("the client gets no answer to its write, and may try again".into()),
            _ => None,
        }
    }
}
