//! What the world can give a core at a moment: the inputs that the model knows, and no others.

use safetui_core::{Boot, Event, Generation, Input, Job};

use super::side::Side;

/// May `side`, whose peer is `peer`, be given this now?
pub(super) fn check<const H: usize>(
    side: &Side<'_, H>,
    peer: &Side<'_, H>,
    input: &Input,
) -> Result<(), &'static str> {
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
        Event::Copied { boot } => copied(side, peer, boot),
        Event::Drained { boot } => drained(side, boot),
        Event::StreamLost { boot } | Event::StreamUp { boot } => streamed(side, boot),
        Event::Granted { generation } => granted(side, peer, generation),
        Event::Denied { .. }
        | Event::Heard(_)
        | Event::ReceiveFailed
        | Event::AddressTaken
        | Event::Linked(_)
        | Event::Resource { .. }
        | Event::Ordered(_) => Ok(()),
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

/// A stream that was stopped may have reported just before.
fn streamed<const H: usize>(side: &Side<'_, H>, boot: Boot) -> Result<(), &'static str> {
    if side.driver.streamed.contains(&boot) || side.driver.partial {
        Ok(())
    } else {
        Err("a stream reports that was never ordered to that life of the peer")
    }
}

fn copied<const H: usize>(side: &Side<'_, H>, peer: &Side<'_, H>, boot: Boot) -> Result<(), &'static str> {
    streamed(side, boot)?;
    let receives = peer.driver.copied.contains(&side.boot) || peer.driver.partial;
    // Of a life that is over it is not known any more.
    if receives || boot != peer.boot { Ok(()) } else { Err("the peer has the copy and never received it") }
}

fn drained<const H: usize>(side: &Side<'_, H>, boot: Boot) -> Result<(), &'static str> {
    streamed(side, boot)?;
    if side.driver.drains || side.driver.partial {
        Ok(())
    } else {
        Err("all is applied though nobody asked when it is")
    }
}

/// An arbiter grants each generation once.
fn granted<const H: usize>(
    side: &Side<'_, H>,
    peer: &Side<'_, H>,
    generation: Generation,
) -> Result<(), &'static str> {
    if peer.granted.contains(&generation) {
        Err("the arbiter grants to both what it has to grant once")
    } else if side.driver.asked || side.driver.partial {
        Ok(())
    } else {
        Err("the arbiter answers though it was not asked")
    }
}
