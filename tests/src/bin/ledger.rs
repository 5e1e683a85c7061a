//! `ledger ADDRESS:PORT FILE NODE`: the demo application.

use std::{env, process::ExitCode};

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    let [address, file, node] = &args[..] else {
        eprintln!("usage: ledger ADDRESS:PORT FILE NODE");
        return ExitCode::from(2);
    };
    let Ok(address) = address.parse() else {
        eprintln!("ledger: {address} is not an IPv4 address with a port");
        return ExitCode::from(2);
    };
    match safetui_lab::ledger::serve(address, file.as_ref(), node) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("ledger: cannot serve {file} at {address}: {error}");
            ExitCode::FAILURE
        }
    }
}
