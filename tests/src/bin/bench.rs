//! `bench NAME [--quick] [--json]`: measures, and prints a table or one JSON object a line.

use std::{
    env,
    io::{self, Write},
    process::ExitCode,
};

use safetui_lab::bench::{self, BENCHES, Bench, Effort, report};

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words[..] {
        // What a bench starts on its nodes.
        ["respond", address, node] => respond(address, node),
        [name, ref options @ ..] if options.iter().all(|word| ["--quick", "--json"].contains(word)) => {
            match bench::named(name) {
                Some(bench) => measure(bench, options.contains(&"--quick"), options.contains(&"--json")),
                None => usage(),
            }
        }
        _ => usage(),
    }
}

fn usage() -> ExitCode {
    eprintln!("usage: bench NAME [--quick] [--json]\n\nNAME is one of:");
    for bench in BENCHES {
        eprintln!("  {:<12} {}", bench.name, bench.about);
    }
    ExitCode::from(2)
}

fn respond(address: &str, node: &str) -> ExitCode {
    let done = address.parse().map_err(io::Error::other).and_then(|at| bench::responder::respond(at, node));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&format!("cannot answer at {address}: {error}")),
    }
}

fn measure(bench: &Bench, quick: bool, json: bool) -> ExitCode {
    let effort = if quick { Effort::QUICK } else { Effort::FULL };
    let rows = match (bench.run)(effort, &|line| eprintln!("{line}")) {
        Ok(rows) => rows,
        Err(error) => return fail(&error.to_string()),
    };
    let text = if json {
        rows.iter().map(|row| row.json().to_string() + "\n").collect()
    } else {
        report::table(&rows)
    };
    match io::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&format!("cannot write the results: {error}")),
    }
}

fn fail(why: &str) -> ExitCode {
    eprintln!("bench: {why}");
    ExitCode::FAILURE
}
