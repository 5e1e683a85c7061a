//! A host: its own network, mounts, processes and name, and a disk that outlives a power cut.
//!
//! The folders that a host has for itself ([`PRIVATE`]) are at the same paths on every host and hide those of
//! the machine; everything else of the machine (programs, libraries, `/tmp`) is visible as it is. `/run` is
//! empty at each boot.

use std::{
    ffi::OsStr,
    fs,
    io::Write,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
};

use nix::{
    sched::{CloneFlags, setns},
    unistd::Pid,
};

use crate::{
    Disks, Error, Result, Switch, layout,
    link::Port,
    machine::Machine,
    process::{self, Process},
    sys,
};

/// Folders of the product and of the demo application that each host has for itself.
pub const PRIVATE: [&str; 4] = ["/etc/safetui", "/var/lib/safetui", "/var/log/safetui", "/srv/ledger"];

pub struct Host {
    name: String,
    disk: PathBuf,
    private: Vec<PathBuf>,
    machine: Mutex<Option<Machine>>,
    ports: Mutex<Vec<Port>>,
    _disks: Disks,
}

impl Host {
    /// Boots a host with a disk, a new folder below `disks`.
    pub fn new(name: &str, disks: &Disks) -> Result<Self> {
        Self::with_private(name, disks, &PRIVATE)
    }

    /// Boots a host that only connects others: a switch, a router.
    pub fn plain(name: &str, disks: &Disks) -> Result<Self> {
        Self::with_private(name, disks, &[])
    }

    fn with_private(name: &str, disks: &Disks, private: &[&str]) -> Result<Self> {
        let disk = disks.path().join(name);
        let private: Vec<PathBuf> = private.iter().map(PathBuf::from).collect();
        for folder in &private {
            let own = layout::below(&disk, folder);
            fs::create_dir_all(&own).map_err(Error::os(format!("create {}", own.display())))?;
        }
        let host = Self {
            name: name.into(),
            disk,
            private,
            machine: Mutex::default(),
            ports: Mutex::default(),
            _disks: disks.clone(),
        };
        host.power_on()?;
        Ok(host)
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where a path in one of the host's private folders lies on this machine; usable while the power is off.
    pub fn on_disk(&self, path: impl AsRef<Path>) -> PathBuf {
        layout::below(&self.disk, path.as_ref())
    }

    /// The host's root folder, as this machine sees it while the power is on: sockets below it can be connected to.
    pub fn root(&self) -> Result<PathBuf> {
        Ok(PathBuf::from(format!("/proc/{}/root", self.pid()?)))
    }

    /// A command that will run on the host when it is spawned, in a session of its own, with `/` as its working
    /// directory. Signals sent to the child reach the program, except SIGSTOP; see [`Self::processes`] for the
    /// real process. Killing the child, or cutting the power, kills the program.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Result<Command> {
        let mut command = Command::new(program);
        command.stdin(Stdio::null());
        sys::on_host(&mut command, self.init()?);
        Ok(command)
    }

    /// Runs a program on the host to its end; an exit code other than 0 is an error.
    pub fn run<A: AsRef<OsStr>>(&self, program: &str, args: impl IntoIterator<Item = A>) -> Result<String> {
        let mut command = self.command(program)?;
        command.args(args);
        let output = command.output().map_err(Error::os(format!("run {program} on {}", self.name)))?;
        Error::check(self.line(&command), &output)
    }

    /// Starts a program on the host whose output goes to `log`, a file on this machine, appended.
    pub fn daemon(&self, command: &mut Command, log: &Path) -> Result<Child> {
        let what = || format!("log to {}", log.display());
        let file = fs::File::options().create(true).append(true).open(log).map_err(Error::os(what()))?;
        let copy = file.try_clone().map_err(Error::os(what()))?;
        command.stdout(file).stderr(copy);
        let line = self.line(command);
        command.spawn().map_err(Error::os(format!("start {line}")))
    }

    fn line(&self, command: &Command) -> String {
        let words = std::iter::once(command.get_program()).chain(command.get_args());
        let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
        format!("{}: {}", self.name, words.join(" "))
    }

    /// Runs `work` on a thread in the host's network: sockets made there belong to the host, wherever they are
    /// used later. Files and processes are those of this machine.
    pub fn enter<T: Send>(&self, work: impl FnOnce() -> T + Send) -> Result<T> {
        let init = self.init()?;
        thread::scope(|scope| {
            let inside = scope.spawn(move || {
                setns(&*init, CloneFlags::CLONE_NEWNET).map_err(Error::os("enter a network"))?;
                Ok(work())
            });
            inside.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    /// Runs `ip -batch` in the host's network with one command per line.
    pub(crate) fn ip(&self, lines: &str) -> Result<()> {
        self.feed("ip", &["-batch", "-"], lines)
    }

    /// Runs a tool of this machine in the host's network only, and feeds it.
    pub(crate) fn feed(&self, tool: &str, args: &[&str], input: &str) -> Result<()> {
        let mut command = Command::new(tool);
        command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        sys::in_network(&mut command, self.init()?);
        let what =
            format!("{} ({}) with `{}`", self.line(&command), "set-up", input.trim().replace('\n', "; "));
        let mut child = command.spawn().map_err(Error::os(format!("start {what}")))?;
        if let Some(mut stdin) = child.stdin.take() {
            // A tool that stops reading says why on its standard error.
            let _ = stdin.write_all(input.as_bytes());
        }
        let output: Output = child.wait_with_output().map_err(Error::os(format!("wait for {what}")))?;
        Error::check(what, &output).map(drop)
    }

    /// Connects the host: `interface` with `address` (such as `10.77.0.11/24`) on `switch`, and, when given, the
    /// default route through `gateway`. It is connected again at each boot.
    pub fn plug(
        &self,
        interface: &str,
        address: &str,
        gateway: Option<&str>,
        switch: &Arc<Switch>,
    ) -> Result<()> {
        let port = Port::new(self, interface, address, gateway, switch);
        port.connect(self)?;
        lock(&self.ports).push(port);
        Ok(())
    }

    /// The port of the host's `interface`.
    pub fn port(&self, interface: &str) -> Result<Port> {
        let found = self.ports().into_iter().find(|port| port.interface() == interface);
        found.ok_or_else(|| {
            Error::setup(format!("host {} has no interface {interface}", self.name), "plug it in first")
        })
    }

    pub fn ports(&self) -> Vec<Port> {
        lock(&self.ports).clone()
    }

    /// The loss of power: no process runs another instruction, no frame leaves, what was only in memory and in
    /// `/run` is lost. Nothing happens when the power is off already.
    ///
    /// The frames stop first, at the switches: a network namespace answers ARP for a while after its last
    /// process has gone.
    pub fn power_cut(&self) -> Result<()> {
        let Some(machine) = lock(&self.machine).take() else { return Ok(()) };
        let ports = self.ports();
        for port in &ports {
            port.switch().silence(port.name())?;
        }
        drop(machine);
        for port in &ports {
            port.remove()?;
            port.switch().hear(port.name())?;
        }
        Ok(())
    }

    /// Boots the host and connects it as it was. Nothing happens when it is on.
    pub fn power_on(&self) -> Result<()> {
        {
            let mut machine = lock(&self.machine);
            if machine.is_some() {
                return Ok(());
            }
            *machine =
                Some(Machine::boot(&self.name, &layout::plan(&self.name, &self.disk, &self.private)?)?);
        }
        self.ip("link set lo up\n")?;
        self.ports().iter().try_for_each(|port| port.connect(self))
    }

    pub fn is_on(&self) -> bool {
        lock(&self.machine).is_some()
    }

    /// All processes of the host except its init.
    pub fn processes(&self) -> Result<Vec<Process>> {
        process::below(self.pid()?)
    }

    pub(crate) fn pid(&self) -> Result<Pid> {
        lock(&self.machine).as_ref().map(Machine::pid).ok_or_else(|| self.is_off())
    }

    pub(crate) fn init(&self) -> Result<Arc<OwnedFd>> {
        lock(&self.machine).as_ref().map(Machine::init).ok_or_else(|| self.is_off())
    }

    fn is_off(&self) -> Error {
        Error::setup(format!("host {} has no power", self.name), "call power_on() first")
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // First, so that ports need no removal: they disappear with the namespace.
        drop(lock(&self.machine).take());
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is guarded here is replaced whole; a panicking test must still be able to clean up.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
