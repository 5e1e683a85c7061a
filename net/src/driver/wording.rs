//! How the log words what the core decides: SafeKit's messages where it has them.

use safetui_core::{Beat, Cause, Note, Refusal, Role, Status};

use crate::journal::Level;

/// Why a role changed, for the causes that SafeKit's operators look for.
pub fn cause(cause: Cause, to: Role) -> (Level, String) {
    match cause {
        Cause::PeerLeft => (Level::Critical, "Action alone called by heart: remote stop".into()),
        Cause::PeerLost => (Level::Critical, "Action alone called by heart: no heartbeat".into()),
        Cause::Dismissed
        | Cause::ContestLost
        | Cause::Superseded
        | Cause::Forked
        | Cause::CannotApply
        | Cause::CopyBroken
        | Cause::PeerHeld
        | Cause::Ruled => (Level::Critical, format!("{}: {}", to.word(), cause.text())),
        Cause::Paired => (Level::Event, "Reintegration ended (synchronize)".into()),
        Cause::Followed => (Level::Event, "Reintegration begins: copying from the peer".into()),
        Cause::Started | Cause::Owner | Cause::Reunited | Cause::Forced | Cause::Left | Cause::Stopped => {
            (Level::Information, format!("{}: {}", to.word(), cause.text()))
        }
    }
}

/// A note of the core.
pub fn note(note: Note) -> (Level, String) {
    match note {
        Note::Slept { span } => {
            (Level::Critical, format!("this node did not run for {span} ms: its suspicions are void"))
        }
        Note::AsksArbiter => {
            (Level::Critical, "the peer is silent: the arbiter is asked which of the two goes on".into())
        }
        Note::PeerHeard => (Level::Event, "the peer is heard".into()),
        Note::Contested { continuity, echo } => {
            let told = |fact, yes: &'static str, no| if fact { yes } else { no };
            let witness = told(
                continuity,
                "the witness answered without a gap",
                "the witness did not answer throughout",
            );
            let peer =
                told(echo, "the peer had just heard this node", "the peer had not heard this node lately");
            (Level::Critical, format!("no heartbeat: the window has ended; {witness}; {peer}"))
        }
        Note::FailoverOff => (Level::Event, "Failover-off configured: no takeover".into()),
        Note::AddressTaken => {
            (Level::Critical, "another machine answers for the virtual IP: no takeover".into())
        }
        Note::ScriptsFailed => (Level::Critical, "scripts of this role failed".into()),
        Note::RuleActs { rule, order } => {
            (Level::Critical, format!("Action {} from failover rule {rule}", order.word()))
        }
        Note::WakesUp => (Level::Critical, "Action wakeup from failover rule Implicit_wakeup".into()),
        Note::TooOften => (Level::Critical, "Action stop called by maxloop".into()),
    }
}

/// Why a command was refused.
pub const fn refusal(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::AlreadyStarted => "the module is started already",
        Refusal::NotStarted => "the module is stopped",
        Refusal::Busy => "a change is under way",
        Refusal::NoSecondary => "there is no secondary that could take over",
        Refusal::PeerServes => "the peer serves",
        Refusal::PeerDoesNotServe => "the peer does not serve, so there is nothing to copy",
        Refusal::HalfCopied => "the data here are half copied",
        Refusal::Healthy => "the pair is healthy: change roles with `swap`",
        Refusal::WrongRole => "the verb means nothing in this role",
    }
}

/// A role with its second word, as SafeKit writes it.
pub fn state(role: Role, status: Status) -> String {
    format!("{} {}", role.word(), status.word())
}

/// What a heartbeat says of its sender.
pub fn remote(beat: &Beat) -> String {
    state(beat.role, beat.status)
}
