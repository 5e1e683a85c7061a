//! What each job consists of, in order: SafeKit's order of scripts, with addresses and mounts in their places.

use safetui_core::{Job, Role};

/// One step of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// A script that must end well.
    Start(&'static str),
    /// A script whose end changes nothing; `force` is its second, harder call.
    Stop {
        script: &'static str,
        force: bool,
    },
    /// The script that is told of each change of the role.
    Transition,
    Mount,
    Unmount,
    Claim,
    /// Claim what the primary has given up, or was asked for in vain while its window was contested.
    Inherit,
    Release,
    /// End everything that the scripts have left.
    KillAll,
}

/// What scripts are told: the role that is left, the one that comes, the action.
pub(super) type Words = [&'static str; 3];

/// The steps of a job and the words for its scripts.
pub(super) fn of(job: Job) -> (Words, Vec<Step>) {
    use Step::{Claim, Inherit, Mount, Release, Start, Transition};
    match job {
        Job::Open => (words(Role::Stop, Role::Wait, "start"), vec![Transition, Start("prestart"), Mount]),
        Job::Enter { from: Role::Second, to } if to.serves() => {
            let mut steps = vec![Mount, stop("stop_second", false), Transition, Inherit];
            steps.push(Start("start_prim"));
            (words(Role::Second, to, "start"), steps)
        }
        Job::Enter { from, to } => {
            let mut steps = vec![Transition];
            if to.serves() {
                steps.extend([Mount, Claim]);
            }
            steps.extend(starts(to));
            (words(from, to, "start"), steps)
        }
        Job::Leave { from, kill } => {
            let mut steps = vec![Release];
            steps.extend(stops(from, kill));
            steps.extend([Step::KillAll, Transition]);
            (words(from, Role::Wait, "stop"), steps)
        }
        Job::Restart { role } => {
            let mut steps = stops(role, false);
            steps.push(Step::KillAll);
            steps.extend(starts(role));
            (words(role, role, "restart"), steps)
        }
        Job::Close { kill } => {
            let mut steps = vec![Release];
            if !kill {
                steps.extend(["stop_sec", "stop_prim", "stop_second", "stop_both"].map(|s| stop(s, true)));
            }
            steps.extend([Step::KillAll, stop("poststop", false), Step::Unmount, Transition]);
            (words(Role::Wait, Role::Stop, "stop"), steps)
        }
    }
}

/// The steps of a change of role during which the application goes on.
pub(super) fn between(from: Role, to: Role) -> Option<(Words, Vec<Step>)> {
    let steps = match (from, to) {
        (Role::Alone, Role::Prim) => vec![stop("stop_sec", false), Step::Transition],
        (Role::Prim, Role::Alone) => vec![Step::Transition, Step::Start("start_sec")],
        _ => return None,
    };
    Some((words(from, to, "start"), steps))
}

fn starts(role: Role) -> Vec<Step> {
    let scripts: &[&str] = match role {
        Role::Alone => &["start_both", "start_prim", "start_sec"],
        Role::Prim => &["start_both", "start_prim"],
        Role::Second => &["start_both", "start_second", "start_sec"],
        Role::Stop | Role::Wait => &[],
    };
    scripts.iter().map(|script| Step::Start(script)).collect()
}

/// What serves is stopped twice: asked, then forced. What must not be trusted to end is only forced.
fn stops(role: Role, kill: bool) -> Vec<Step> {
    let scripts: &[&str] = match role {
        Role::Alone => &["stop_sec", "stop_prim", "stop_both"],
        Role::Prim => &["stop_prim", "stop_both"],
        Role::Second => &["stop_sec", "stop_second", "stop_both"],
        Role::Stop | Role::Wait => &[],
    };
    let calls: &[bool] = match (kill, role.serves()) {
        (true, _) => &[true],
        (false, true) => &[false, true],
        (false, false) => &[false],
    };
    scripts.iter().flat_map(|script| calls.iter().map(|force| stop(script, *force))).collect()
}

const fn stop(script: &'static str, force: bool) -> Step {
    Step::Stop { script, force }
}

fn words(from: Role, to: Role, action: &'static str) -> Words {
    [from.word(), to.word(), action]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A job's steps as a reader of the manual would write them.
    fn told(job: Job) -> String {
        let (_, steps) = of(job);
        let word = |step: &Step| match step {
            Step::Start(script) => (*script).to_string(),
            Step::Stop { script, force: true } => format!("{script}!"),
            Step::Stop { script, force: false } => (*script).to_string(),
            other => format!("{other:?}"),
        };
        steps.iter().map(word).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn scripts_run_in_safekit_s_order() {
        assert_eq!(told(Job::Open), "Transition prestart Mount");
        assert_eq!(
            told(Job::Enter { from: Role::Wait, to: Role::Alone }),
            "Transition Mount Claim start_both start_prim start_sec"
        );
        assert_eq!(
            told(Job::Enter { from: Role::Wait, to: Role::Second }),
            "Transition start_both start_second start_sec"
        );
        assert_eq!(
            told(Job::Enter { from: Role::Second, to: Role::Alone }),
            "Mount stop_second Transition Inherit start_prim"
        );
        assert_eq!(
            told(Job::Leave { from: Role::Prim, kill: false }),
            "Release stop_prim stop_prim! stop_both stop_both! KillAll Transition"
        );
        assert_eq!(
            told(Job::Close { kill: false }),
            "Release stop_sec! stop_prim! stop_second! stop_both! KillAll poststop Unmount Transition"
        );
    }

    #[test]
    fn who_is_fenced_gives_up_the_address_first_and_is_not_asked() {
        for from in [Role::Alone, Role::Prim, Role::Second] {
            let (_, steps) = of(Job::Leave { from, kill: true });
            assert_eq!(steps.first(), Some(&Step::Release));
            assert!(steps.contains(&Step::KillAll));
            assert!(!steps.iter().any(|step| matches!(step, Step::Stop { force: false, .. })));
        }
    }

    #[test]
    fn an_application_starts_only_where_the_address_is_held_and_the_data_are_mounted() {
        for from in [Role::Wait, Role::Second] {
            let (_, steps) = of(Job::Enter { from, to: Role::Alone });
            let at = |wanted: Step| steps.iter().position(|step| *step == wanted).unwrap();
            let claim = if from == Role::Second { Step::Inherit } else { Step::Claim };
            assert!(at(Step::Mount) < at(claim));
            assert!(at(claim) < at(Step::Start("start_prim")));
        }
    }

    #[test]
    fn the_application_of_a_primary_is_left_alone_when_its_secondary_comes_or_goes() {
        for (from, to) in [(Role::Alone, Role::Prim), (Role::Prim, Role::Alone)] {
            let (_, steps) = between(from, to).unwrap();
            assert!(!steps.iter().any(|step| matches!(step, Step::Stop { script: "stop_prim", .. })));
        }
        assert!(between(Role::Wait, Role::Alone).is_none());
    }
}
