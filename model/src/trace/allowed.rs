//! What the world can give a core at a moment: the inputs that the model knows, and no others.

use safetui_core::{Boot, Event, Generation, Input, Job, Tick, rule::State};

use super::{Merge, Sides, clocks::Clocks, side::Side};

/// May `node` be given this now?
pub(super) fn check<const H: usize>(
    sides: &Sides<'_, H>,
    node: usize,
    input: &Input,
    clocks: &Clocks,
) -> Result<(), &'static str> {
    let (side, peer) = (&sides[node], &sides[1 - node]);
    let theirs = |at: Tick| clocks.across(node, at);
    let Some(replay) = &side.replay else { return Err("an input of no core") };
    if input.now < side.now {
        return Err("the clock of the node goes back within one life");
    }
    match input.event {
        Event::Woke => {
            let due = replay.state().next_wake(replay.config()).0;
            if input.now >= due { Ok(()) } else { Err("it wakes before anything is due") }
        }
        Event::Answered { asked } => {
            if asked <= input.now {
                Ok(())
            } else {
                Err("the witness answers what is asked later")
            }
        }
        Event::Done { job, .. } => done(side, job),
        Event::Copied { boot } => passes(side, peer, boot, theirs),
        Event::Drained { boot } => {
            passes(side, peer, boot, theirs)?;
            let asked = side.driver.drains == Some(boot) || side.driver.partial;
            if asked { Ok(()) } else { Err("all is applied though nobody asked when it is") }
        }
        Event::StreamUp { boot } => passes(side, peer, boot, theirs),
        Event::StreamLost { boot } => {
            let was_up = side.driver.up.contains(&boot) || side.driver.partial;
            if was_up { Ok(()) } else { Err("a stream breaks that was not up") }
        }
        Event::ReceiveFailed => {
            let begun = side.driver.may_fail || side.driver.partial;
            if begun { Ok(()) } else { Err("a copy fails that was not begun") }
        }
        Event::AddressTaken => {
            let looks = side.driver.probes || side.driver.partial;
            if looks { Ok(()) } else { Err("somebody is found with the address though nobody looked") }
        }
        Event::Granted { generation } => granted(side, peer, generation),
        Event::Denied { generation } => denied(side, peer, generation),
        Event::Resource { id, state } => checked(side, id, state),
        // A link may come and go, an operator order, and an arbiter be another, at any moment.
        Event::Heard(_) | Event::Linked(_) | Event::Ordered(_) | Event::Ledger(_) => Ok(()),
    }
}

fn done<const H: usize>(side: &Side<'_, H>, job: Job) -> Result<(), &'static str> {
    match side.driver.job {
        Some(newest) if newest == job => Ok(()),
        None if side.driver.partial => Ok(()),
        Some(_) => Err("a job ends that is not the newest"),
        None => Err("a job ends that was not begun"),
    }
}

/// Data pass between a source that was ordered to stream and a receiver that was ordered to receive just this, both
/// at once; `theirs` is a moment on the receiver's clock. What either was told since does not matter: the report may
/// have been under way.
fn passes<const H: usize>(
    side: &Side<'_, H>,
    peer: &Side<'_, H>,
    boot: Boot,
    theirs: impl Fn(Tick) -> Tick,
) -> Result<(), &'static str> {
    let Some(timing) = side.replay.as_ref().map(|replay| replay.config().timing) else { return Ok(()) };
    let apart = Merge::tolerance(&timing);
    let mut streamed = side.driver.streamed.iter().filter(|((to, ..), _)| *to == boot).peekable();
    if side.driver.partial {
        Ok(())
    } else if streamed.peek().is_none() {
        Err("a stream reports that was never ordered to that life of the peer")
    } else if streamed.any(|((_, generation, term), at)| {
        let from = Tick(theirs(*at).0.saturating_sub(apart));
        peer.received(boot, (side.boot, *generation, *term), from)
    }) {
        Ok(())
    } else {
        Err("data pass to a peer that had stopped receiving")
    }
}

/// An arbiter grants each generation once.
fn granted<const H: usize>(
    side: &Side<'_, H>,
    peer: &Side<'_, H>,
    generation: Generation,
) -> Result<(), &'static str> {
    asked(side, generation)?;
    if peer.granted.contains(&generation) {
        Err("the arbiter grants to both what it has to grant once")
    } else if side.denied.contains(&generation) {
        Err("the arbiter grants what it has denied")
    } else {
        Ok(())
    }
}

/// It denies what the peer has, which must have asked for it.
fn denied<const H: usize>(
    side: &Side<'_, H>,
    peer: &Side<'_, H>,
    generation: Generation,
) -> Result<(), &'static str> {
    asked(side, generation)?;
    if side.granted.contains(&generation) {
        Err("the arbiter denies what it has granted")
    } else if !peer.may_have_asked(generation) {
        Err("the arbiter denies what the peer never asked for")
    } else {
        Ok(())
    }
}

fn asked<const H: usize>(side: &Side<'_, H>, generation: Generation) -> Result<(), &'static str> {
    let asked = side.asked.contains(&generation) || side.driver.partial;
    if asked { Ok(()) } else { Err("the arbiter answers what it was not asked") }
}

/// An application that has never run cannot have been looked at.
fn checked<const H: usize>(side: &Side<'_, H>, id: u8, state: State) -> Result<(), &'static str> {
    let Some(replay) = &side.replay else { return Ok(()) };
    if state == State::Init {
        Err("a checker finds nothing")
    } else if replay.config().book.roled.has(id) && !side.driver.entered && !side.driver.partial {
        Err("an application is checked that never ran")
    } else {
        Ok(())
    }
}
