//! What a recording of answers says: how long nobody answered, who took over when, who answered at once.

use std::time::Duration;

use crate::Moment;

/// One answer to a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Index into [`Recording::nodes`].
    pub node: usize,
    /// When the node answered, by the clock that all hosts share.
    pub answered: Moment,
    /// When the answer arrived at the prober.
    pub received: Moment,
}

/// All answers of a probe, in the order of their arrival.
#[derive(Clone, Debug, Default)]
pub struct Recording {
    pub nodes: Vec<String>,
    pub answers: Vec<Answer>,
    /// Time between two questions.
    pub period: Duration,
}

impl Recording {
    /// Adds an answer.
    pub fn note(&mut self, node: &str, answered: Moment, received: Moment) {
        let known = self.nodes.iter().position(|name| name == node);
        let node = known.unwrap_or_else(|| {
            self.nodes.push(node.into());
            self.nodes.len() - 1
        });
        self.answers.push(Answer { node, answered, received });
    }

    /// Name of the node that answered last.
    pub fn latest(&self) -> Option<&str> {
        self.answers.last().map(|answer| self.nodes[answer.node].as_str())
    }

    /// The longest hole between two answers that ends after `fault`; `end`, the end of the recording, closes the
    /// last hole. What a client saw at worst.
    pub fn outage(&self, fault: Moment, end: Moment) -> Duration {
        let arrivals = self.answers.iter().map(|answer| answer.received).filter(|at| *at <= end);
        let mut longest = Duration::ZERO;
        let mut last: Option<Moment> = None;
        for at in arrivals.chain([end]) {
            if at > fault {
                longest = longest.max(at - last.unwrap_or(fault));
            }
            last = Some(at);
        }
        longest
    }

    /// From `fault` to the first answer of another node than the one that answered last before it. `None` when
    /// no other node answered, or none had before.
    pub fn takeover(&self, fault: Moment) -> Option<Duration> {
        let before = self.answers.iter().rfind(|answer| answer.received <= fault)?.node;
        let first = self.answers.iter().find(|answer| answer.answered > fault && answer.node != before)?;
        Some(first.answered - fault)
    }

    /// How long two nodes answered in turn.
    ///
    /// A node serves from one answer to its next if these are at most `grain` apart. The result is the total
    /// time during which two nodes serve by this measure; a single answer within another node's time counts as
    /// one period. A handover without overlap is zero however close the two answers are, and so is a service
    /// that comes back later: only interleaved answers count. It is a lower bound, because the network hides a
    /// second holder whom it sends no question; an ARP probe, whose questions reach all, complements it.
    pub fn dual_serving(&self, grain: Duration) -> Duration {
        let spans: Vec<_> = (0..self.nodes.len()).map(|node| self.spans(node, grain)).collect();
        let mut total = Duration::ZERO;
        for (index, ours) in spans.iter().enumerate() {
            for theirs in &spans[index + 1..] {
                for a in ours {
                    total += theirs.iter().map(|b| self.overlap(*a, *b)).sum::<Duration>();
                }
            }
        }
        total
    }

    fn overlap(&self, a: Span, b: Span) -> Duration {
        let (from, to) = (a.from.max(b.from), a.to.min(b.to));
        let single = a.from == a.to || b.from == b.to;
        match from <= to {
            true if single => self.period,
            true => to - from,
            false => Duration::ZERO,
        }
    }

    fn spans(&self, node: usize, grain: Duration) -> Vec<Span> {
        let own = self.answers.iter().filter(|answer| answer.node == node);
        let mut moments: Vec<_> = own.map(|answer| answer.answered).collect();
        moments.sort_unstable();
        let mut spans: Vec<Span> = Vec::new();
        for at in moments {
            match spans.last_mut() {
                Some(span) if at - span.to <= grain => span.to = at,
                _ => spans.push(Span { from: at, to: at }),
            }
        }
        spans
    }
}

#[derive(Clone, Copy, Debug)]
struct Span {
    from: Moment,
    to: Moment,
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRAIN: Duration = Duration::from_millis(20);

    fn ms(number: u64) -> Moment {
        Moment(number * 1_000_000)
    }

    fn recording(answers: impl IntoIterator<Item = (&'static str, u64)>) -> Recording {
        let mut recording = Recording { period: Duration::from_millis(1), ..Recording::default() };
        for (node, at) in answers {
            recording.note(node, ms(at), ms(at));
        }
        recording
    }

    fn each(node: &'static str, range: std::ops::Range<u64>) -> impl Iterator<Item = (&'static str, u64)> {
        range.map(move |at| (node, at))
    }

    #[test]
    fn the_outage_is_the_longest_hole_after_the_fault() {
        // A longer hole before the fault does not count; the one that the fault falls into counts from its start.
        let seen = recording(each("n1", 0..10).chain(each("n1", 600..610)).chain(each("n2", 850..900)));
        assert_eq!(seen.outage(ms(615), ms(900)), Duration::from_millis(241));
        assert_eq!(seen.takeover(ms(615)), Some(Duration::from_millis(235)));
        assert_eq!(seen.dual_serving(GRAIN), Duration::ZERO);
    }

    #[test]
    fn an_outage_that_does_not_end_lasts_until_the_end() {
        let seen = recording(each("n1", 0..100));
        assert_eq!(seen.outage(ms(50), ms(700)), Duration::from_millis(601));
        assert_eq!(seen.takeover(ms(50)), None);
    }

    #[test]
    fn interleaved_answers_are_dual_serving() {
        let both = (100..150).flat_map(|at| [("n1", at), ("n2", at)]);
        let seen = recording(each("n1", 0..100).chain(both).chain(each("n2", 150..200)));
        assert_eq!(seen.dual_serving(GRAIN), Duration::from_millis(49));
    }

    #[test]
    fn one_late_answer_counts_as_one_period() {
        let seen = recording(
            each("n1", 0..100).chain(each("n2", 100..150)).chain([("n1", 150)]).chain(each("n2", 151..200)),
        );
        assert_eq!(seen.dual_serving(GRAIN), Duration::from_millis(1));
    }

    #[test]
    fn going_there_and_back_is_not_dual_serving() {
        let seen = recording(each("n1", 0..100).chain(each("n2", 100..150)).chain(each("n1", 150..200)));
        assert_eq!(seen.dual_serving(GRAIN), Duration::ZERO);
    }
}
