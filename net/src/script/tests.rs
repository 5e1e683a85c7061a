use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use super::{Cancel, Outcome, Runner, ScriptError, environment, sweep};
use crate::paths::Paths;

const LONG: Duration = Duration::from_secs(60);

/// A module's folders, and a runner. Whatever its scripts leave behind dies with it.
struct Module {
    dir: tempfile::TempDir,
    runner: Runner,
}

impl Module {
    fn new() -> Self {
        Self::with_variables(Vec::new())
    }

    fn with_variables(variables: Vec<(String, String)>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("bin")).unwrap();
        let runner = runner(dir.path(), variables);
        Self { dir, runner }
    }

    /// Writes through another process: a descriptor open for writing here could leak into a process that a
    /// parallel test starts, and the kernel refuses to execute a file that is open for writing.
    fn script(&self, name: &str, body: &str) {
        let path = self.path("bin").join(name);
        let mut writer = Command::new("sh")
            .args(["-c", "cat > \"$0\" && chmod 755 \"$0\""])
            .arg(path)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        write!(writer.stdin.take().unwrap(), "#!/bin/sh\n{body}\n").unwrap();
        assert!(writer.wait().unwrap().success());
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn run(&self, script: &str, arguments: &[&str], bound: Duration) -> (Outcome, String) {
        let run = self.runner.run(script, arguments, bound, &Cancel::new()).unwrap();
        (run.outcome, fs::read_to_string(run.log.unwrap()).unwrap())
    }

    /// The numbers that scripts wrote into a file, once there are `count`.
    fn pids(&self, file: &str, count: usize) -> Vec<i32> {
        let mut pids = Vec::new();
        eventually("background processes have said their numbers", || {
            let text = fs::read_to_string(self.path(file)).unwrap_or_default();
            pids = text.lines().filter_map(|line| line.parse().ok()).collect();
            pids.len() == count && text.ends_with('\n')
        });
        pids
    }
}

impl Drop for Module {
    fn drop(&mut self) {
        let survivors = self.runner.kill_all(LONG);
        assert!(thread::panicking() || survivors.is_empty(), "{survivors:?}");
    }
}

fn runner(dir: &Path, variables: Vec<(String, String)>) -> Runner {
    Runner::new("shop", &dir.join("bin"), &dir.join("log"), &dir.join("state"), variables).unwrap()
}

#[track_caller]
fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + LONG;
    while !condition() {
        assert!(Instant::now() < deadline, "not in time: {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

fn alive(pid: i32) -> bool {
    // Not by its command line: whoever is just becoming another program has none.
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next());
    state.is_some_and(|state| !matches!(state, 'Z' | 'X'))
}

#[test]
fn the_exit_of_a_script_is_told_and_its_output_kept() {
    let module = Module::new();
    module.script("start_prim", "echo from \"$@\"; echo trouble >&2; exit 0");
    module.script("stop_prim", "exit 3");
    module.script("transition", "kill -9 $$");
    let (outcome, log) = module.run("start_prim", &["WAIT", "ALONE", "start"], LONG);
    assert_eq!((outcome, log.as_str()), (Outcome::Ok, "from WAIT ALONE start\ntrouble\n"));
    assert_eq!(module.run("stop_prim", &["force"], LONG).0, Outcome::Failed(3));
    assert_eq!(module.run("transition", &[], LONG).0, Outcome::Killed(9));
}

#[test]
fn each_run_has_a_log_named_after_it() {
    let module = Module::new();
    module.script("stop_prim", "echo \"$1\"");
    let logs: Vec<_> = ["gentle", "force"].map(|word| module.run("stop_prim", &[word], LONG).1).into();
    assert_eq!(logs, ["gentle\n", "force\n"]);
    let names: Vec<_> =
        fs::read_dir(module.path("log")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 2);
    for name in names {
        let name = name.to_str().unwrap();
        assert!(
            name.starts_with("userlog_20")
                && name.contains("_stop_prim")
                && name.strip_suffix(".ulog").is_some(),
            "{name}"
        );
    }
}

#[test]
fn a_script_that_is_not_there_succeeds_without_a_run() {
    let module = Module::new();
    let run = module.runner.run("start_sec", &[], LONG, &Cancel::new()).unwrap();
    assert_eq!((run.outcome, run.log), (Outcome::Ok, None));
    assert!(!module.path("log").exists());
}

#[test]
fn a_script_that_cannot_be_started_says_how_to_repair_it() {
    let module = Module::new();
    fs::write(module.path("bin/plain"), "#!/bin/sh\n").unwrap();
    module.script("astray", "");
    let astray = fs::read_to_string(module.path("bin/astray")).unwrap().replace("/bin/sh", "/no/such");
    fs::write(module.path("bin/astray"), astray).unwrap();
    for (script, hint) in [("plain", "chmod +x"), ("astray", "the interpreter in its first line")] {
        let error = module.runner.run(script, &[], LONG, &Cancel::new()).unwrap_err();
        assert!(matches!(error, ScriptError::Start { .. }) && error.to_string().contains(hint), "{error}");
    }
}

#[test]
fn a_script_finds_safekits_variables_and_its_own() {
    let paths = Paths { etc: "/e".into(), var: "/v".into(), run: "/r".into(), log: "/l".into() };
    let own = [("PORT".to_string(), "80".to_string())];
    let module = Module::with_variables(environment("shop", &paths, Path::new("/opt/x"), own));
    module.script("show", "env | grep -E '^(SAFE[A-Z]*|PORT)=' | sort");
    let expected = "PORT=80\nSAFE=/opt/x\nSAFEBIN=/opt/x\nSAFEMODULE=shop\nSAFEUSERBIN=/v/modules/shop/bin\n\
                    SAFEUSERCONF=/v/modules/shop/conf\nSAFEUSERVAR=/v/modules/shop\nSAFEVAR=/v\n";
    assert_eq!(module.run("show", &[], LONG).1, expected);
}

#[test]
fn a_script_beyond_its_bound_is_killed_with_its_children() {
    let module = Module::new();
    let file = module.path("pids");
    module.script("start_prim", &format!("sleep 1000 & echo $! > {0}; echo $$ >> {0}; wait", file.display()));
    let mut running = module.runner.start("start_prim", &[], LONG).unwrap().unwrap();
    let pids = module.pids("pids", 2);
    assert_eq!(running.try_wait().unwrap(), None);
    running.deadline = Instant::now();
    assert_eq!(running.wait(&Cancel::new()).unwrap(), Outcome::TimedOut);
    for pid in pids {
        eventually("the group is dead", || !alive(pid));
    }
}

#[test]
fn the_bound_ends_a_wait_by_itself() {
    let module = Module::new();
    module.script("stop_prim", "exec sleep 1000");
    assert_eq!(module.run("stop_prim", &[], Duration::from_millis(50)).0, Outcome::TimedOut);
}

#[test]
fn a_run_is_cancelled_from_another_thread_and_later_runs_do_not_begin() {
    let module = Module::new();
    let file = module.path("pids");
    module.script("start_prim", &format!("echo $$ >> {}; exec sleep 1000", file.display()));
    let cancel = Cancel::new();
    thread::scope(|scope| {
        let run = scope.spawn(|| module.runner.run("start_prim", &[], LONG * 10, &cancel).unwrap());
        module.pids("pids", 1);
        cancel.cancel();
        assert_eq!(run.join().unwrap().outcome, Outcome::Cancelled);
    });
    let again = module.runner.run("start_prim", &[], LONG, &cancel).unwrap();
    assert_eq!((again.outcome, again.log), (Outcome::Cancelled, None));
    assert_eq!(module.pids("pids", 1).len(), 1);
}

/// A script that leaves three processes behind: in its own group, in a session of its own, and twice forked
/// into a session of its own so that nothing of its descent is left.
fn leaving_daemons(module: &Module) -> Vec<i32> {
    let file = module.path("pids");
    let daemon = format!("sh -c 'echo $$ >> {}; exec sleep 1000'", file.display());
    module.script(
        "start_prim",
        &format!(
            "{daemon} & setsid {daemon} & setsid sh -c \"setsid {daemon2} & exit\"\n",
            daemon2 = daemon.replace('$', "\\$")
        ),
    );
    assert_eq!(module.run("start_prim", &[], LONG).0, Outcome::Ok);
    module.pids("pids", 3)
}

#[test]
fn what_a_start_script_leaves_behind_goes_on_and_is_found_again_by_the_next_agent() {
    let module = Module::new();
    let mut pids = leaving_daemons(&module);
    pids.sort_unstable();
    assert!(pids.iter().all(|pid| alive(*pid)));
    let next = runner(module.dir.path(), Vec::new());
    assert_eq!(next.left_behind(), pids);
    assert_eq!(next.kill_all(LONG), Vec::<i32>::new());
    assert!(!pids.iter().any(|pid| alive(*pid)));
}

#[test]
fn the_same_module_of_another_node_on_this_machine_is_left_alone() {
    let (module, other) = (Module::new(), Module::new());
    let (pids, others) = (leaving_daemons(&module), leaving_daemons(&other));
    assert!(module.runner.kill_all(LONG).is_empty());
    assert!(!pids.iter().any(|pid| alive(*pid)));
    assert!(others.iter().all(|pid| alive(*pid)));
}

#[test]
fn without_control_groups_the_mark_finds_everything() {
    let mut module = Module::new();
    module.runner.cgroup = None;
    let pids = leaving_daemons(&module);
    assert!(module.runner.kill_all(LONG).is_empty());
    assert!(!pids.iter().any(|pid| alive(*pid)));
}

#[test]
fn a_family_that_forks_faster_than_one_look_is_killed() {
    let mut module = Module::new();
    module.runner.cgroup = None;
    let file = module.path("pids");
    let body = format!("echo $$ >> {0}; n() {{ sleep 0.01; setsid \"$0\" & exit; }}; n", file.display());
    module.script("hydra", &body);
    module.run("hydra", &[], LONG);
    eventually("it multiplies", || fs::read_to_string(&file).unwrap().lines().count() > 3);
    assert!(module.runner.kill_all(LONG).is_empty());
    assert!(module.runner.left_behind().is_empty());
}

#[test]
fn a_process_that_hides_its_environment_is_found_by_its_control_group() {
    let module = Module::new();
    if !module.runner.has_cgroup() {
        eprintln!("not tried: this machine has no writable control groups of version 2");
        return;
    }
    let file = module.path("pids");
    module.script(
        "start_prim",
        &format!("setsid env -i sh -c 'echo $$ > {}; exec sleep 1000' &", file.display()),
    );
    assert_eq!(module.run("start_prim", &[], LONG).0, Outcome::Ok);
    let pids = module.pids("pids", 1);
    assert_eq!(sweep::find(&module.runner.mark, None), Vec::<i32>::new());
    assert_eq!(module.runner.left_behind(), pids);
    assert!(module.runner.kill_all(LONG).is_empty());
    assert!(!alive(pids[0]));
}
