//! Cutting the stream into epochs: so that what has to be compared after a crash is what was changed lately.

use std::io;
use std::thread;
use std::time::{Duration, Instant};

use safetui_core::since::Cut;

use super::Shared;
use super::backing;
use super::frame::Op;

/// Whether the session is over is looked at this often. Nobody is woken for it, as each acknowledgement would.
const LOOK: Duration = Duration::from_millis(200);

/// Cuts now and then until the session is over. Called when its copy is.
pub(super) fn run(shared: &Shared, session: u64) -> io::Result<()> {
    let mut at = Cut { session, epoch: 0 };
    let mut last = Instant::now();
    settle(shared, at)?;
    while let Some(connected) =
        shared.flow.with_session(|s| (s.id == session).then_some(s.connection)).flatten()
    {
        let is_due =
            last.elapsed() >= shared.settings.epoch && connected.is_some() && shared.notes.has_changes();
        if !is_due {
            thread::sleep(LOOK);
            continue;
        }
        at.epoch += 1;
        last = Instant::now();
        if cut(shared, at, Op::Cut(at))? {
            settle(shared, at)?;
        }
    }
    Ok(())
}

/// Tells the receiver that here both have carried out the same. False when the session is over.
pub(super) fn cut(shared: &Shared, at: Cut, op: Op) -> io::Result<bool> {
    let _alone = shared.flow.enter_alone();
    shared.notes.cut(at)?;
    Ok(shared.flow.append_copy(at.session, |_, out| out.push(op)))
}

/// Makes everything before the cut durable here, and tells the receiver so.
fn settle(shared: &Shared, at: Cut) -> io::Result<()> {
    sync_trees(shared)?;
    shared.notes.settled_here(at)?;
    shared.flow.append_copy(at.session, |_, out| out.push(Op::Settled(at)));
    Ok(())
}

/// Everything that was ever written to the replicated directories is durable.
pub(super) fn sync_trees(shared: &Shared) -> io::Result<()> {
    for tree in &shared.trees {
        rustix::fs::syncfs(backing::reopen(&tree.root, false)?)?;
    }
    Ok(())
}
