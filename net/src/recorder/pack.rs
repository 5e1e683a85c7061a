//! The bytes of inputs. Nearly all are heartbeats and answers of the witness, each much like the one before, so
//! what is written is the difference: three to ten bytes.

use safetui_core::{Beat, Echo, Event, Input, Tick};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// What the next input is told as the difference from. Begins anew with each copy of the core.
#[derive(Clone, Copy, Debug)]
pub(super) struct Before {
    now: Tick,
    beat: Option<Beat>,
}

/// An event beside those before it.
#[derive(Clone, Copy, Serialize, Deserialize)]
enum Packed {
    Woke,
    /// The last heartbeat again, but for these.
    Again {
        sent: i64,
        nth: u8,
        echo: i64,
        proof: u64,
    },
    Answered {
        ago: u64,
    },
    Other(Event),
}

impl Before {
    pub(super) const fn new(now: Tick) -> Self {
        Self { now, beat: None }
    }

    /// Appends an input: twice the time since the last, plus one if there were orders; the event; their digest.
    pub(super) fn pack(&mut self, input: &Input, to: &mut Vec<u8>) {
        let Input { now, event, orders } = *input;
        let after = now.0.wrapping_sub(self.now.0) as i64;
        put(to, &(after << 1 | i64::from(orders != 0)));
        put(to, &self.event(now, event));
        if orders != 0 {
            to.extend(orders.to_le_bytes());
        }
        self.now = now;
        self.remember(event);
    }

    /// Takes one input off the front.
    pub(super) fn unpack(&mut self, from: &mut &[u8]) -> Result<Input, postcard::Error> {
        let head: i64 = get(from)?;
        let now = Tick(self.now.0.wrapping_add((head >> 1) as u64));
        let event = self.told(now, get(from)?).ok_or(postcard::Error::SerdeDeCustom)?;
        let orders = if head & 1 == 0 {
            0
        } else {
            let (digest, rest) = from.split_first_chunk().ok_or(postcard::Error::DeserializeUnexpectedEnd)?;
            *from = rest;
            u32::from_le_bytes(*digest)
        };
        self.now = now;
        self.remember(event);
        Ok(Input { now, event, orders })
    }

    fn remember(&mut self, event: Event) {
        if let Event::Heard(beat) = event {
            self.beat = Some(beat);
        }
    }

    fn event(&self, now: Tick, event: Event) -> Packed {
        let answered = |asked: Tick| Packed::Answered { ago: now.0.wrapping_sub(asked.0) };
        match event {
            Event::Woke => Packed::Woke,
            Event::Answered { asked } => answered(asked),
            Event::Heard(beat) => self.again(&beat).unwrap_or(Packed::Other(event)),
            other => Packed::Other(other),
        }
    }

    /// Is all else as it was in the last heartbeat?
    fn again(&self, beat: &Beat) -> Option<Packed> {
        let last = self.beat?;
        let moved = |from: Tick, to: Tick| to.0.wrapping_sub(from.0) as i64;
        let packed = Packed::Again {
            sent: moved(last.sent, beat.sent),
            nth: beat.nth,
            echo: last.echo.zip(beat.echo).map_or(0, |(last, echo)| moved(last.sent, echo.sent)),
            proof: beat.proof,
        };
        (self.told(Tick(0), packed) == Some(Event::Heard(*beat))).then_some(packed)
    }

    /// The event that was packed; `None` where there is nothing to tell it by.
    fn told(&self, now: Tick, packed: Packed) -> Option<Event> {
        let moved = |from: Tick, by: i64| Tick(from.0.wrapping_add(by as u64));
        Some(match packed {
            Packed::Woke => Event::Woke,
            Packed::Answered { ago } => Event::Answered { asked: Tick(now.0.wrapping_sub(ago)) },
            Packed::Again { sent, nth, echo, proof } => {
                let last = self.beat?;
                let echo = last.echo.map(|last| Echo { sent: moved(last.sent, echo), ..last });
                Event::Heard(Beat { sent: moved(last.sent, sent), nth, echo, proof, ..last })
            }
            Packed::Other(event) => event,
        })
    }
}

/// Appends a value.
pub(super) fn put<T: Serialize>(to: &mut Vec<u8>, value: &T) {
    *to = postcard::to_extend(value, std::mem::take(to)).expect("plain data can always be written");
}

/// Takes a value off the front.
pub(super) fn get<T: DeserializeOwned>(from: &mut &[u8]) -> Result<T, postcard::Error> {
    let (value, rest) = postcard::take_from_bytes(from)?;
    *from = rest;
    Ok(value)
}
