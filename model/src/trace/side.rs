//! One node as its record tells of it: its core, what its driver was ordered to do, and what it has sent.

use std::collections::BTreeMap;

use safetui_core::{Action, Beat, Boot, Event, Generation, Input, Mirror, Record, Role, Tick};

use super::{Life, Place, Told, driver::Driver};
use crate::replay::{Difference, Replay};

/// What the record of a node says of a heartbeat that its peer has heard.
pub(super) enum Sent {
    AsHeard,
    /// It does not reach to that moment.
    Unrecorded,
    /// The guard of a life that has ended said so.
    LastWord,
    Never(&'static str),
}

/// What is known of when a life could send.
struct Span {
    first: Tick,
    last: Tick,
    over: bool,
    closed: bool,
    /// Between these moments inputs are lost.
    gaps: Vec<(Tick, Tick)>,
}

pub(super) struct Side<'a, const H: usize> {
    told: Box<dyn Iterator<Item = Told<H>> + 'a>,
    coming: Option<Told<H>>,
    pub(super) replay: Option<Replay<H>>,
    pub(super) driver: Driver,
    pub(super) boot: Boot,
    pub(super) now: Tick,
    /// The newest durable records, the last one first.
    durable: [Option<Record<H>>; 2],
    sent: BTreeMap<(Boot, Tick, u8), Beat>,
    spans: BTreeMap<Boot, Span>,
    /// Generations from which the arbiter let this node go on.
    pub(super) granted: Vec<Generation>,
    closed: bool,
}

impl<'a, const H: usize> Side<'a, H> {
    pub(super) fn new(told: impl Iterator<Item = Told<H>> + 'a) -> Self {
        let mut told: Box<dyn Iterator<Item = Told<H>> + 'a> = Box::new(told);
        let coming = told.next();
        Self {
            told,
            coming,
            replay: None,
            driver: Driver::default(),
            boot: Boot(0),
            now: Tick(0),
            durable: [None; 2],
            sent: BTreeMap::new(),
            spans: BTreeMap::new(),
            granted: Vec::new(),
            closed: false,
        }
    }

    pub(super) fn take(&mut self) -> Option<Told<H>> {
        let next = self.told.next();
        std::mem::replace(&mut self.coming, next)
    }

    /// The moment of what comes next; nothing when the record is at its end.
    pub(super) fn next_at(&self) -> Option<Tick> {
        self.coming.as_ref().map(|told| match told {
            Told::Life(life) => life.now,
            Told::Input(input) => input.now,
            Told::Core { .. } | Told::Closed => self.now,
        })
    }

    /// The heartbeat that is heard next, if that is what comes.
    pub(super) fn heard_next(&self) -> Option<Beat> {
        match &self.coming {
            Some(Told::Input(Input { event: Event::Heard(beat), .. })) => Some(*beat),
            _ => None,
        }
    }

    pub(super) fn place(&self, node: usize) -> Place {
        let seq = self.replay.as_ref().map_or(0, Replay::seq);
        Place { node, boot: self.boot, seq, now: self.now }
    }

    /// A life begins; what is wrong with how it does.
    pub(super) fn begin(&mut self, life: &Life<H>) -> Option<&'static str> {
        let earlier = self.boot;
        self.end(false);
        let whole = life.seq == 0;
        let fault = match self.durable {
            _ if life.boot < earlier => Some("a life whose number is not larger than that of the one before"),
            [Some(last), before] if whole => self.fault(life.core.record(), &last, before.as_ref()),
            _ => None,
        };
        (self.boot, self.now, self.closed) = (life.boot, life.now, false);
        self.driver = Driver::of(&life.core, !whole);
        self.durable = [Some(*life.core.record()), None];
        let span = Span { first: life.now, last: life.now, over: false, closed: false, gaps: Vec::new() };
        self.spans.entry(life.boot).or_insert(span).over = false;
        self.replay = Some(Replay::new(life.config, life.seq, life.core));
        fault
    }

    /// A node begins with what it made durable last; after a kill, one record more or less is where the record of
    /// its inputs may not reach.
    fn fault(&self, now: &Record<H>, last: &Record<H>, before: Option<&Record<H>>) -> Option<&'static str> {
        let killed = !self.closed && (Some(now) == before || now.term >= last.term);
        (now != last && !killed).then_some("it begins with a record that is not what it made durable last")
    }

    /// The life is over.
    pub(super) fn end(&mut self, closed: bool) {
        if let Some(span) = self.spans.get_mut(&self.boot) {
            span.over = true;
            span.closed |= closed;
        }
        self.closed |= closed;
        self.driver.dies();
    }

    pub(super) fn input(&mut self, input: Input) -> Option<Difference> {
        let replay = self.replay.as_mut()?;
        let decided = replay.input(input);
        self.now = input.now;
        if let Some(span) = self.spans.get_mut(&self.boot) {
            span.last = input.now;
        }
        self.driver.told(&input.event);
        if let Event::Granted { generation } = input.event {
            self.granted.push(generation);
        }
        for order in decided.orders.iter() {
            self.driver.ordered(&order);
            match order {
                Action::Persist(record) => self.durable = [Some(record), self.durable[0]],
                Action::Send(beat) => {
                    self.sent.insert((beat.boot, beat.sent, beat.nth), beat);
                }
                _ => {}
            }
        }
        replay.difference().cloned()
    }

    /// The core as it was recorded.
    pub(super) fn core(&mut self, seq: u64, core: Mirror<H>, now: Tick) -> Option<Difference> {
        let replay = self.replay.as_mut()?;
        let lost = replay.count().lost;
        replay.core(seq, core);
        if replay.count().lost > lost {
            if let Some(span) = self.spans.get_mut(&self.boot) {
                span.gaps.push((span.last, now));
                span.last = now;
            }
            self.driver = Driver::of(&core, true);
            self.durable = [Some(*core.record()), None];
            self.now = now;
        }
        replay.difference().cloned()
    }

    /// Must more of this record be followed before it is known whether that heartbeat was sent?
    pub(super) fn is_to_send(&self, beat: &Beat) -> bool {
        let place = (beat.boot, beat.sent, beat.nth);
        if self.coming.is_none() || self.sent.contains_key(&place) || beat.boot < self.boot {
            return false;
        }
        match &self.coming {
            Some(Told::Life(life)) => life.boot <= beat.boot,
            _ => beat.boot > self.boot || self.next_at().is_some_and(|at| at <= beat.sent),
        }
    }

    /// Has this node sent that heartbeat?
    pub(super) fn sent(&self, beat: &Beat) -> Sent {
        if let Some(sent) = self.sent.get(&(beat.boot, beat.sent, beat.nth)) {
            let same = sent == beat;
            return if same { Sent::AsHeard } else { Sent::Never("the peer sent another at that moment") };
        }
        let Some(span) = self.spans.get(&beat.boot) else { return Sent::Unrecorded };
        let lost = span.gaps.iter().any(|(from, to)| (from.0..=to.0).contains(&beat.sent.0));
        let over = span.over || !matches!(self.coming, Some(Told::Input(_) | Told::Core { .. }));
        let after = beat.sent >= span.last && over;
        if beat.sent < span.first || lost {
            Sent::Unrecorded
        } else if after && is_last_word(beat) {
            Sent::LastWord
        } else if after && !span.closed {
            Sent::Unrecorded
        } else {
            Sent::Never("the peer never sent it")
        }
    }

    /// A guard has taken everything away and said so.
    pub(super) fn fenced_by_guard(&mut self) {
        self.driver.dies();
        self.driver.address = false;
    }
}

/// What only a guard says: nothing serves, and nothing was heard.
fn is_last_word(beat: &Beat) -> bool {
    beat.role == Role::Stop
        && beat.fenced
        && beat.echo.is_none()
        && beat.partner == Boot(0)
        && beat.kin_of == Generation::NONE
        && beat.proof == u64::MAX
}
