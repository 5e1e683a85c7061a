//! The slow work of one module: a thread that runs one job at a time. A new job ends the one under way.

use std::{
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant},
};

use safetui_core::{Job, Role};

use super::{
    News, Plan, Tell,
    address::Addresses,
    steps::{self, Step, Words},
};
use crate::{
    heartbeat::handover_priority,
    journal::{Journal, Level},
    rfs::Rfs,
    script::{Cancel, Outcome, Runner},
    vip::probe::Care,
};

/// Bound of the forced call when the role must be gone at once.
const KILL_WITHIN: Duration = Duration::from_secs(5);
/// A probe as young as this is not repeated.
const FRESH: Duration = Duration::from_secs(3);
/// How long the holder of an address may take to give it up.
const YIELD: Duration = Duration::from_secs(3);
/// Between two looks at an address that is still held.
const AGAIN: Duration = Duration::from_millis(200);

/// What the thread works with.
pub(super) struct Tools {
    pub plan: Arc<Plan>,
    pub runner: Runner,
    pub rfs: Option<Arc<Rfs>>,
    pub addresses: Addresses,
    pub journal: Journal,
    pub tell: Tell,
}

struct Task {
    /// The job whose end is reported, and its number; none for what goes on beside a role.
    job: Option<(u64, Job)>,
    words: Words,
    steps: Vec<Step>,
    kill: bool,
    cancel: Cancel,
}

/// The way to the thread.
pub(super) struct Worker {
    tasks: mpsc::Sender<Task>,
    cancel: Cancel,
    newest: u64,
}

impl Worker {
    /// Starts the thread. Each job ends with [`News::Done`], unless a newer one has taken its place.
    pub(super) fn start(tools: Tools) -> Self {
        let (tasks, taken) = mpsc::channel::<Task>();
        let bench = Bench { tools };
        thread::Builder::new()
            .name(format!("{}-worker", bench.tools.plan.module.name))
            .spawn(move || bench.run(&taken))
            .expect("a starting module has a thread left");
        Self { tasks, cancel: Cancel::new(), newest: 0 }
    }

    /// Begins a job in place of any that is under way.
    pub(super) fn begin(&mut self, job: Job) {
        self.cancel.cancel();
        self.cancel = Cancel::new();
        self.newest += 1;
        let (words, steps) = steps::of(job);
        let kill = matches!(job, Job::Leave { kill: true, .. } | Job::Close { kill: true });
        self.send(Task { job: Some((self.newest, job)), words, steps, kill, cancel: self.cancel.clone() });
    }

    /// Runs the scripts of a change of role during which the application goes on.
    pub(super) fn between(&self, from: Role, to: Role) {
        if let Some((words, steps)) = steps::between(from, to) {
            self.send(Task { job: None, words, steps, kill: false, cancel: self.cancel.clone() });
        }
    }

    /// Is this the number of the newest job?
    pub(super) fn is_newest(&self, number: u64) -> bool {
        number == self.newest
    }

    fn send(&self, task: Task) {
        self.tasks.send(task).expect("the thread lives as long as its module");
    }
}

struct Bench {
    tools: Tools,
}

impl Bench {
    fn run(self, tasks: &mpsc::Receiver<Task>) {
        handover_priority();
        for task in tasks {
            let ok = self.work(&task);
            if let Some((number, job)) = task.job {
                (self.tools.tell)(News::Done { number, job, ok });
            }
        }
    }

    /// Does the steps in order; a failure that the core must hear of ends an entry, never an exit.
    fn work(&self, task: &Task) -> bool {
        let mut ok = true;
        for step in &task.steps {
            if let Err(why) = self.step(*step, task) {
                ok = false;
                self.say(Level::Critical, why);
                if matches!(task.job, Some((_, Job::Enter { .. } | Job::Restart { .. }))) {
                    break;
                }
            }
        }
        ok
    }

    fn step(&self, step: Step, task: &Task) -> Result<(), String> {
        match step {
            Step::Start(script) => self.script(script, &task.words, self.bounds().start, task),
            Step::Stop { script, force } => {
                let [from, to, action] = task.words;
                let bound = match (task.kill, force) {
                    (true, _) => KILL_WITHIN,
                    (false, true) => self.bounds().force,
                    (false, false) => self.bounds().nice,
                };
                let forced = ["force", from, to, action];
                let words = if force { &forced[..] } else { &forced[1..] };
                self.tolerated(script, words, bound, task);
                Ok(())
            }
            Step::Transition => {
                self.tolerated("transition", &task.words, self.bounds().start, task);
                Ok(())
            }
            Step::Mount => {
                self.tools.rfs.as_ref().map_or(Ok(()), |rfs| rfs.mount().map_err(|e| e.to_string()))
            }
            Step::Unmount => self.unmount(),
            Step::Claim => self.claim(Care::FULL, &task.cancel),
            Step::Inherit => self.claim(Care::BRIEF, &task.cancel),
            Step::Release => self.tools.addresses.release(),
            Step::KillAll => self.kill_all(),
        }
    }

    fn unmount(&self) -> Result<(), String> {
        self.tools.rfs.as_ref().map_or(Ok(()), |rfs| rfs.unmount().map_err(|error| error.to_string()))
    }

    /// Nobody claims an address that somebody else answers for.
    fn claim(&self, care: Care, cancel: &Cancel) -> Result<(), String> {
        let until = Instant::now() + YIELD;
        while !self.tools.addresses.found_free(FRESH) {
            match self.tools.addresses.owner(care).map_err(|error| error.to_string())? {
                None => {}
                Some(_) if cancel.is_cancelled() => return Err("the virtual IP was not claimed".into()),
                Some(owner) if Instant::now() > until => {
                    return Err(format!(
                        "{} answers for the virtual IP {}: it is not claimed; find that machine, or correct the \
                         address in <virtual_addr>",
                        owner.mac, owner.ip
                    ));
                }
                Some(_) => thread::sleep(AGAIN),
            }
        }
        self.tools.addresses.claim()
    }

    fn kill_all(&self) -> Result<(), String> {
        let survivors = self.tools.runner.kill_all(KILL_WITHIN);
        if survivors.is_empty() {
            return Ok(());
        }
        Err(format!(
            "processes {survivors:?} of the application cannot be killed: they wait for a device or a file system"
        ))
    }

    fn tolerated(&self, script: &str, words: &[&str], bound: Duration, task: &Task) {
        if let Err(why) = self.script(script, words, bound, task) {
            self.say(Level::Event, why);
        }
    }

    fn script(&self, script: &str, words: &[&str], bound: Duration, task: &Task) -> Result<(), String> {
        if self.tools.plan.module.user.is_none() {
            return Ok(());
        }
        let run =
            self.tools.runner.run(script, words, bound, &task.cancel).map_err(|error| error.to_string())?;
        if let Some(log) = run.log.as_ref().and_then(|log| log.file_name()) {
            let word = if words[0] == "force" { " \"force\"" } else { "" };
            self.say(Level::Script, format!("Script {script}{word} > {}", log.display()));
        }
        match run.outcome {
            Outcome::Ok => Ok(()),
            Outcome::Failed(code) => Err(format!("Script {script} failed with exit code {code}")),
            Outcome::Killed(signal) => Err(format!("Script {script} was killed by signal {signal}")),
            Outcome::TimedOut => {
                Err(format!("Script {script} did not end within {} s and was killed", bound.as_secs()))
            }
            Outcome::Cancelled if run.log.is_none() => Ok(()),
            Outcome::Cancelled => Err(format!("Script {script} was ended by a newer order")),
        }
    }

    fn bounds(&self) -> Bounds {
        const DEFAULT: Duration = Duration::from_secs(300);
        self.tools.plan.module.user.as_ref().map_or(
            Bounds { start: DEFAULT, nice: DEFAULT, force: DEFAULT },
            |user| Bounds { start: user.start, nice: user.nice_stop, force: user.force_stop },
        )
    }

    fn say(&self, level: Level, text: String) {
        self.tools.journal.say(Some(&self.tools.plan.module.name), "userplug", level, text);
    }
}

struct Bounds {
    start: Duration,
    nice: Duration,
    force: Duration,
}
