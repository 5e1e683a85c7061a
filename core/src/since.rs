//! Where two copies of the data were equal, and what each node has changed since.
//!
//! The source of a replication stream cuts it into epochs. At a [`Cut`] both nodes have carried out the same
//! operations, so their data are equal there. A node *holds* a cut once all its data up to there are durable and whatever
//! it changes afterwards is noted, durably, before it is changed. Two nodes that hold the same cut can differ only in what
//! either of them has noted since, however often either has crashed in the meantime and whoever has served.
//!
//! A node forgets what it noted before a cut only when it knows that the other holds that cut too.

/// A place in a stream: which stream, and how many cuts came before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cut {
    pub session: u64,
    pub epoch: u64,
}

/// What was noted between two cuts.
pub trait Changes: Default {
    fn add(&mut self, later: Self);
}

/// Cuts that a node remembers. There are more than two only while answers get lost; then the oldest are given up.
const MOST: usize = 6;

/// What a node has noted from one cut to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Segment<C> {
    pub from: Cut,
    /// Everything before is durable on this node.
    pub here: bool,
    /// The other node has said so of itself.
    pub there: bool,
    pub changes: C,
}

/// The cuts of one node, with what it has changed after each. With none there is nothing that its data could be
/// compared to, so nothing needs to be noted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Since<C> {
    /// Oldest first, then the free places.
    segments: [Option<Segment<C>>; MOST],
}

impl<C> Default for Since<C> {
    fn default() -> Self {
        Self { segments: [const { None }; MOST] }
    }
}

impl<C: Changes> Since<C> {
    /// The newest segment, in which changes are noted now. `None`: nothing needs to be noted.
    pub fn changes(&mut self) -> Option<&mut C> {
        self.segments.iter_mut().rev().flatten().next().map(|segment| &mut segment.changes)
    }

    /// What has been noted in the newest segment.
    pub fn changes_so_far(&self) -> Option<&C> {
        self.segments.iter().rev().flatten().next().map(|segment| &segment.changes)
    }

    /// From here on is another segment. What was noted after a cut that this node does not hold counts to the one
    /// before: that stream is over.
    pub fn cut(&mut self, at: Cut) {
        while let Some(end) = self.end().filter(|&end| self.is_abandoned(end, at)) {
            self.merge(end);
        }
        if self.segments[MOST - 1].is_some() {
            self.merge(1);
        }
        let free = self.segments.iter_mut().find(|segment| segment.is_none());
        *free.expect("one was merged if there was none") =
            Some(Segment { from: at, here: false, there: false, changes: C::default() });
    }

    /// This node has begun anew: data before a cut that it did not hold may be lost, so it never will.
    pub fn restarted(&mut self) {
        let unheld = |segment: &Option<Segment<C>>| segment.as_ref().is_some_and(|segment| !segment.here);
        while let Some(at) = self.segments.iter().rposition(unheld) {
            self.merge(at);
        }
    }

    /// Everything before the cut is durable on this node.
    pub fn settled_here(&mut self, at: Cut) {
        if let Some(segment) = self.find(at) {
            segment.here = true;
        }
        self.forget();
    }

    /// The other node holds the cut.
    pub fn settled_there(&mut self, at: Cut) {
        if let Some(segment) = self.find(at) {
            segment.there = true;
        }
        self.forget();
    }

    /// The newest cut, held or not.
    pub fn newest(&self) -> Option<Cut> {
        self.segments.iter().rev().flatten().next().map(|segment| segment.from)
    }

    /// The cuts that this node holds, the newest first.
    pub fn held(&self) -> impl Iterator<Item = Cut> {
        self.segments.iter().rev().flatten().filter(|segment| segment.here).map(|segment| segment.from)
    }

    /// The newest cut that both nodes hold. `None`: anything may differ.
    pub fn common(&self, theirs: &[Cut]) -> Option<Cut> {
        self.held().find(|cut| theirs.contains(cut))
    }

    /// All that was changed here after the cut; `None` if this node does not hold it.
    pub fn since(&self, cut: Cut) -> Option<impl Iterator<Item = &C>> {
        let is_it = |segment: &Option<Segment<C>>| segment.as_ref().is_some_and(|s| s.here && s.from == cut);
        let begin = self.segments.iter().position(is_it)?;
        Some(self.segments[begin..].iter().flatten().map(|segment| &segment.changes))
    }

    /// Cuts and what was noted after each, oldest first, for a log that is written anew.
    pub fn segments(&self) -> impl Iterator<Item = &Segment<C>> {
        self.segments.iter().flatten()
    }

    fn find(&mut self, at: Cut) -> Option<&mut Segment<C>> {
        self.segments.iter_mut().flatten().find(|segment| segment.from == at)
    }

    fn end(&self) -> Option<usize> {
        self.segments.iter().rposition(Option::is_some)
    }

    fn is_abandoned(&self, end: usize, at: Cut) -> bool {
        let newest = self.segments[end].as_ref();
        newest.is_some_and(|segment| !segment.here && segment.from.session != at.session)
    }

    /// What was noted before the newest cut that both hold will not be asked for.
    fn forget(&mut self) {
        let both = |segment: &Option<Segment<C>>| segment.as_ref().is_some_and(|s| s.here && s.there);
        if let Some(newest) = self.segments.iter().rposition(both) {
            self.segments[..newest].fill_with(|| None);
            self.segments.rotate_left(newest);
        }
    }

    /// Gives up the cut at `index`: what was noted since counts to the one before.
    fn merge(&mut self, index: usize) {
        let given_up = self.segments[index].take();
        self.segments[index..].rotate_left(1);
        if let Some(before) = index.checked_sub(1).and_then(|before| self.segments[before].as_mut()) {
            before.changes.add(given_up.map(|segment| segment.changes).unwrap_or_default());
        }
    }
}
