//! One node as its record tells of it: its core, what its driver was ordered to do, and what it has sent.

use std::collections::BTreeMap;

use safetui_core::{Action, Beat, Boot, Event, Generation, Input, Mirror, Record, Role, Tick};

use super::{
    Life, Place, Told,
    driver::{Driver, End},
};
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
    /// It is recorded from its first input on.
    whole: bool,
    over: bool,
    closed: bool,
    /// Between these moments inputs are lost.
    gaps: Vec<(Tick, Tick)>,
}

/// A life of a node was ordered to receive.
struct Reception {
    boot: Boot,
    what: End,
    /// When it was ordered to receive no more.
    until: Option<Tick>,
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
    received: Vec<Reception>,
    /// Generations from which this node asked to go on, those from which the arbiter let it, and those from which not.
    pub(super) asked: Vec<Generation>,
    pub(super) granted: Vec<Generation>,
    pub(super) denied: Vec<Generation>,
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
            received: Vec::new(),
            asked: Vec::new(),
            granted: Vec::new(),
            denied: Vec::new(),
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

    /// What the arbiter denies next, if that is what comes.
    pub(super) fn denied_next(&self) -> Option<Generation> {
        match &self.coming {
            Some(Told::Input(Input { event: Event::Denied { generation }, .. })) => Some(*generation),
            _ => None,
        }
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
        let (first, last) = (life.now, life.now);
        let span = Span { first, last, whole, over: false, closed: false, gaps: Vec::new() };
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
        match input.event {
            Event::Granted { generation } => self.granted.push(generation),
            Event::Denied { generation } => self.denied.push(generation),
            _ => {}
        }
        for order in decided.orders.iter() {
            self.driver.ordered(input.now, &order);
            match order {
                Action::Persist(record) => self.durable = [Some(record), self.durable[0]],
                Action::Send(beat) => {
                    self.sent.insert((beat.boot, beat.sent, beat.nth), beat);
                }
                Action::Receive { from, generation, term, .. } => {
                    stop_receiving(&mut self.received, self.boot, input.now);
                    let what = (from, generation, term);
                    self.received.push(Reception { boot: self.boot, what, until: None });
                }
                Action::ReceiveStop => stop_receiving(&mut self.received, self.boot, input.now),
                Action::Ask { generation, .. } => self.asked.push(generation),
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
        let after = beat.sent >= span.last && self.is_over(span);
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

    /// Did that life of this node receive just this at some moment since `from`, as far as its record tells?
    pub(super) fn received(&self, boot: Boot, what: End, from: Tick) -> bool {
        let tells = self.spans.get(&boot).is_some_and(|span| self.tells_all(span));
        let mut receptions = self.received.iter().filter(|it| it.boot == boot && it.what == what);
        !tells || receptions.any(|it| it.until.is_none_or(|until| until >= from))
    }

    /// Has this node asked the arbiter for that generation, as far as its record tells?
    pub(super) fn may_have_asked(&self, generation: Generation) -> bool {
        self.asked.contains(&generation)
            || self.spans.is_empty()
            || !self.spans.values().all(|span| self.tells_all(span))
    }

    /// Is all that the life did in the record, so far? The end of one that was killed may be missing.
    fn tells_all(&self, span: &Span) -> bool {
        span.whole && span.gaps.is_empty() && (span.closed || !self.is_over(span))
    }

    fn is_over(&self, span: &Span) -> bool {
        span.over || !matches!(self.coming, Some(Told::Input(_) | Told::Core { .. }))
    }

    /// A guard has taken everything away and said so.
    pub(super) fn fenced_by_guard(&mut self) {
        self.driver.dies();
        self.driver.address = false;
    }
}

fn stop_receiving(received: &mut [Reception], boot: Boot, now: Tick) {
    let open = received.iter_mut().filter(|it| it.boot == boot && it.until.is_none());
    open.for_each(|it| it.until = Some(now));
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
