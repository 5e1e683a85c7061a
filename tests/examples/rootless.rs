//! Two hosts and a power cut, without root. With the argument `stay`: says which process it started on a host,
//! and waits to be killed.

use std::{
    io::{self, Write},
    sync::Arc,
    thread,
    time::Duration,
};

use safetui_lab::{Disks, Error, Host, Switch, become_root_in_userns, ledger, probe::Probe, wait};

fn main() -> Result<(), Error> {
    become_root_in_userns()?;
    let disks = Disks::new()?;
    let switch = Arc::new(Switch::new("switch", &disks)?);
    let (a, b) = (Host::new("a", &disks)?, Host::new("b", &disks)?);
    a.plug("eth0", "10.0.0.1/24", None, &switch)?;
    b.plug("eth0", "10.0.0.2/24", None, &switch)?;

    let target = "10.0.0.2:9000".parse().expect("it is an address");
    let file = b.on_disk("/srv/ledger/book");
    b.enter(|| thread::spawn(move || ledger::serve(target, &file, "b")))?;
    let probe = Probe::udp(&a, target)?;
    let answers = |expected: bool| {
        wait::until(
            format!("answers: {expected}"),
            Duration::from_secs(20),
            Duration::from_millis(10),
            || {
                let answering = probe.answering(Duration::from_millis(300)).is_some();
                if answering == expected { Ok(()) } else { Err(answering) }
            },
        )
    };
    answers(true)?;
    b.power_cut()?;
    answers(false)?;
    let disk = if b.on_disk("/srv/ledger/book").exists() { "kept" } else { "lost" };
    say(&format!("disk {disk}"))?;

    if std::env::args().nth(1).as_deref() == Some("stay") {
        let _sleeping = a.command("sleep")?.arg("1000").spawn();
        let started = || a.processes().ok().and_then(|all| all.first().map(|one| one.pid)).ok_or("nothing");
        let pid = wait::until("a process", Duration::from_secs(20), Duration::from_millis(10), started)?;
        say(&pid.to_string())?;
        loop {
            thread::park();
        }
    }
    Ok(())
}

fn say(line: &str) -> Result<(), Error> {
    writeln!(io::stdout(), "{line}").map_err(|source| Error::Os { what: "write".into(), source })
}
