//! Inputs and orders of a core in words.

use safetui_core::{Action, Beat, Event, Gate, Job, Tick};
use safetui_net::driver::wording;

/// What came in.
pub(crate) fn event(event: &Event) -> String {
    match *event {
        Event::Woke => "time passes".into(),
        Event::Heard(beat) => format!("hears {}", of(&beat)),
        Event::Answered { .. } => "the witness answers".into(),
        Event::Granted { .. } => "the arbiter grants it".into(),
        Event::Denied { .. } => "the arbiter has granted it to the peer".into(),
        Event::Done { job: work, ok: true } => format!("{} done", job(work)),
        Event::Done { job: work, ok: false } => format!("{} FAILED", job(work)),
        Event::Copied { .. } => "the secondary has the whole copy".into(),
        Event::Drained { .. } => "the secondary has applied all".into(),
        Event::StreamLost { .. } => "the stream to the secondary broke".into(),
        Event::StreamUp { .. } => "the stream to the secondary works".into(),
        Event::ReceiveFailed => "what was sent cannot be applied here".into(),
        Event::AddressTaken => "somebody else answers for the virtual IP".into(),
        Event::Linked(true) => "the service link works".into(),
        Event::Linked(false) => "the service link is lost".into(),
        Event::Resource { id, state } => format!("resource {id} is {}", state.word()),
        Event::Ordered(command) => format!("the operator orders {}", command.verb()),
        Event::Ledger(_) => "the arbiter says which ledger it keeps".into(),
    }
}

/// What was ordered at `now`.
pub(crate) fn action<const H: usize>(now: Tick, action: &Action<H>) -> String {
    match *action {
        Action::Persist(record) => {
            format!("make durable {:?} {} term {}", record.mark, record.side.word(), record.term)
        }
        Action::Send(beat) => format!("send {}", of(&beat)),
        Action::Gate(gate) => match gate {
            Gate::Closed => "refuse writes".into(),
            Gate::Held => "hold writes".into(),
            Gate::Alone { .. } => "acknowledge writes alone".into(),
            Gate::Both { .. } => "acknowledge writes that both have".into(),
        },
        Action::Lease(until) if until <= now => "lease ends".into(),
        Action::Lease(Tick::NEVER) => "lease for ever".into(),
        Action::Lease(until) => format!("lease {} ms", until.since(now)),
        Action::Begin(work) => format!("begin {}", job(work)),
        Action::Source { .. } => "copy to the peer".into(),
        Action::SourceStop => "stop streaming".into(),
        Action::Drain => "report when all is applied".into(),
        Action::Receive { aside: false, .. } => "copy from the peer".into(),
        Action::Receive { aside: true, .. } => "copy from the peer, keeping what differs aside".into(),
        Action::ReceiveStop => "stop copying from the peer".into(),
        Action::Ask { .. } => "ask the arbiter".into(),
        Action::Probe => "probe the virtual IP".into(),
        Action::Answer { refused: None, .. } => "obey".into(),
        Action::Answer { refused: Some(why), .. } => format!("refuse: {}", wording::refusal(why)),
        Action::Became { from, to, cause } => {
            format!("{} -> {}: {}", from.word(), to.word(), cause.text())
        }
        Action::Note(note) => wording::note(note).1,
    }
}

/// Does this tell of more than time that passes in good order?
pub(crate) const fn tells<const H: usize>(action: &Action<H>) -> bool {
    match action {
        Action::Send(_) | Action::Lease(_) => false,
        Action::Persist(_)
        | Action::Gate(_)
        | Action::Begin(_)
        | Action::Source { .. }
        | Action::SourceStop
        | Action::Drain
        | Action::Receive { .. }
        | Action::ReceiveStop
        | Action::Probe
        | Action::Ask { .. }
        | Action::Answer { .. }
        | Action::Became { .. }
        | Action::Note(_) => true,
    }
}

fn of(beat: &Beat) -> String {
    let mut text = format!("{} {}", wording::remote(beat), if beat.fenced { "fenced" } else { "serving" });
    for (said, word) in [
        (beat.ask_swap, ", asks to swap"),
        (beat.dismiss, ", cannot send data"),
        (!beat.linked, ", no service link"),
        (beat.echo.is_none(), ", hears nobody"),
    ] {
        if said {
            text.push_str(word);
        }
    }
    format!("{text} (term {}, {:?}, #{}.{})", beat.term, beat.mark, beat.sent.0, beat.nth)
}

fn job(job: Job) -> String {
    match job {
        Job::Open => "preparing".into(),
        Job::Enter { to, .. } => format!("entering {}", to.word()),
        Job::Leave { from, kill: false } => format!("leaving {}", from.word()),
        Job::Leave { from, kill: true } => format!("leaving {} by force", from.word()),
        Job::Restart { .. } => "restarting".into(),
        Job::Close { kill: false } => "closing".into(),
        Job::Close { kill: true } => "closing by force".into(),
    }
}
