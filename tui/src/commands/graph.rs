//! `graph`: the automaton as a picture, from the core itself.

use clap::{Args, ValueEnum};
use safetui_core::Graph;
use safetui_net::api::exit::Exit;

use super::Outcome;
use crate::output::lines;

#[derive(Debug, Args)]
pub(crate) struct GraphArgs {
    /// Language of the picture
    #[arg(
        long,
        value_enum,
        default_value = "mermaid",
        hide_possible_values = true,
        value_name = "mermaid|dot"
    )]
    format: Language,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Language {
    Mermaid,
    Dot,
}

pub(super) fn run(args: &GraphArgs) -> Outcome {
    let graph = match args.format {
        Language::Mermaid => Graph::Mermaid,
        Language::Dot => Graph::Dot,
    };
    lines(&[graph.to_string().trim_end()])?;
    Ok(Exit::Ok.code())
}
