//! `safetui`: the command line and the dashboard of one node.

mod cli;
mod codes;
mod commands;
mod confirm;
mod context;
mod dashboard;
mod demo;
mod failure;
mod files;
mod follow;
mod goal;
mod output;

use std::{env, process::ExitCode};

use clap::Parser;
use safetui_net::{
    api::{client::Client, exit::Exit, shape::Problem},
    paths::Paths,
};

use crate::{
    cli::{Cli, Options},
    context::Context,
    failure::Failure,
    output::{Format, Output, clean, say},
};

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help goes to stdout, errors to stderr. A reader who left has seen enough.
            _ = error.print();
            let exit = if error.use_stderr() { Exit::Usage } else { Exit::Ok };
            return exit.code().into();
        }
    };
    let cx = context(cli.options);
    match commands::run(&cx, cli.verb) {
        Ok(code) => code.into(),
        Err(failure) => {
            if let Failure::Problem(problem) = &failure {
                say(&text(cx.output, problem));
            }
            failure::exit_code(&failure).into()
        }
    }
}

fn context(options: Options) -> Context {
    let format = if options.json { Format::Json } else { options.output };
    let variable = |name: &str| env::var(name).ok();
    let output = Output::new(format, options.color, options.ascii, &variable);
    let paths = Paths::from_env();
    Context { client: Client::new(paths.socket()), paths, options, output }
}

/// A problem as one line of JSON for programs, as the house form for humans.
fn text(output: Output, problem: &Problem) -> String {
    if output.json() {
        return serde_json::to_string(problem).expect("a problem is plain data, which JSON can always say");
    }
    failure::render(problem).lines().map(clean).collect::<Vec<_>>().join("\n")
}
