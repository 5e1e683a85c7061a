//! The dashboard: one cluster, live, in a terminal.
//!
//! Three parts, each replaceable alone: [`update::update`] is pure and says what a message changes and what it
//! orders, [`view::draw`] is pure and says how that looks, [`run::run`] does everything that touches the world.

mod badge;
mod clean;
mod glyph;
mod keys;
mod model;
mod msg;
mod panel;
mod run;
mod screen;
mod text;
mod theme;
mod update;
mod view;

#[cfg(test)]
mod tests;

use futures_util::Stream;
use safetui_net::api::shape::{Accepted, Command, Problem, State};

pub(crate) use run::run;
pub(crate) use theme::Theme;

/// What reaches the dashboard from an agent.
#[derive(Clone, Debug)]
pub(crate) enum Feed {
    State(Box<State>),
    /// The agent does not answer; the source goes on trying. Repeating it with another text is fine.
    Lost {
        why: String,
    },
    /// The answer to a command that was sent.
    Answer(Result<Accepted, Problem>),
    /// What the client of a demo sees.
    Load(Load),
}

/// The client of `safetui demo` at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Load {
    /// Entries that were acknowledged so far.
    pub(crate) acked: usize,
    /// How long the client has been waiting, when that is worth a word.
    pub(crate) gap_ms: Option<u64>,
    pub(crate) last_gap_ms: Option<u64>,
    pub(crate) longest_gap_ms: Option<u64>,
    /// What is broken, in words.
    pub(crate) broken: Vec<String>,
}

/// Where states come from and commands go to.
pub(crate) trait Source: Send + 'static {
    /// Starts the one stream of everything that the agent says. It should never end: a lost agent is
    /// [`Feed::Lost`], then the source tries again. A state at least every second keeps the screen `LIVE`.
    fn feed(&mut self) -> impl Stream<Item = Feed> + Send + 'static;

    /// Hands a command for `node` over without waiting; the answer comes as [`Feed::Answer`].
    fn send(&mut self, node: &str, command: Command);

    /// A demo key was pressed: its place in [`Options::demo`].
    fn demo(&mut self, index: usize);
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    /// Draw with ASCII characters only, column for column the same picture.
    pub(crate) ascii: bool,
    pub(crate) theme: Theme,
    /// Show what could be asked, and ask nothing.
    pub(crate) read_only: bool,
    /// Who asks, for the log, such as `root/tui`.
    pub(crate) by: String,
    /// Extra keys, shown in a bar at the bottom.
    pub(crate) demo: Option<Vec<DemoKey>>,
}

/// A key of `safetui demo`, such as `1 kill node1`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DemoKey {
    pub(crate) key: char,
    pub(crate) label: String,
}
