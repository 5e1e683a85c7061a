//! Takes out of a script whatever a violation does not need.

use safetui_core::Rule;

use super::{
    clock::{MS, Moment},
    fault::{Finale, HOUR, Round, script},
    property::Broken,
    run::{Options, Tally, play},
    story::Violation,
};

/// Most simulated time that shrinking may take.
const PATIENCE: Moment = 100 * HOUR;
/// What it takes besides faults are small chances, which come out otherwise when something is left out: so many throws
/// of them are tried.
const THROWS: u64 = 32;

struct Shrinking<'a> {
    options: &'a Options,
    property: &'static str,
    spent: Moment,
}

/// The violation, with the shortest story that was found for it.
pub(super) fn shrink(options: &Options, broken: &Broken, tally: &Tally) -> Violation {
    let mut rounds = script(options.seed, options.profile);
    // What came after it had no part in it.
    rounds.truncate(tally.rounds as usize + 1);
    let mut shrinking = Shrinking { options, property: broken.property, spent: 0 };
    let rounds = shrinking.rounds(rounds);
    let rounds = shrinking.faults(rounds);
    let world = play(options, &rounds, true);
    let text = world.broken.as_ref().map_or_else(|| broken.text.clone(), |broken| broken.text.clone());
    Violation {
        property: broken.property,
        text,
        seed: options.seed,
        at_ms: broken.at / MS,
        faults: tally.faults,
        needed: rounds.iter().map(|round| round.faults.len() as u64).sum(),
        replay: replay(options),
        story: world.story(),
    }
}

/// The command that shows the same again.
fn replay(options: &Options) -> String {
    let removed = Rule::ALL.into_iter().find(|rule| !options.rules.has(*rule));
    let without = removed.map_or_else(String::new, |rule| format!(" --without {rule:?}"));
    format!("safetui sim --seed {} --hours 1 --profile {}{without}", options.seed, options.profile.word())
}

impl Shrinking<'_> {
    /// Does the same property fall with this script? With which throw, then?
    fn falls(&mut self, rounds: &[Round]) -> Option<Vec<Round>> {
        let throws = THROWS / (rounds.len() as u64).clamp(1, THROWS);
        (0..throws).find_map(|throw| {
            if self.spent > PATIENCE {
                return None;
            }
            let mut rounds = rounds.to_vec();
            for round in &mut rounds {
                round.number += throw << 32;
            }
            let world = play(self.options, &rounds, false);
            self.spent += world.now;
            world.broken.filter(|broken| broken.property == self.property).map(|_| rounds)
        })
    }

    /// The fewest rounds: mostly the last alone.
    fn rounds(&mut self, rounds: Vec<Round>) -> Vec<Round> {
        let newest = [1, 2, 4, 8].into_iter().filter(|newest| *newest < rounds.len());
        let last = newest.map(|newest| &rounds[rounds.len() - newest..]).find_map(|last| self.falls(last));
        thin(last.unwrap_or(rounds), |rounds| self.falls(rounds))
    }

    /// The fewest faults in each of them, and no more peace than needed.
    fn faults(&mut self, mut rounds: Vec<Round>) -> Vec<Round> {
        for at in 0..rounds.len() {
            let mut kept = rounds.clone();
            thin(rounds[at].faults.clone(), |faults| {
                let mut fewer = kept.clone();
                fewer[at].faults = faults.to_vec();
                kept = self.falls(&fewer)?;
                Some(faults.to_vec())
            });
            rounds = kept;
            let mut plain = rounds.clone();
            plain[at].finale = Finale::None;
            rounds = self.falls(&plain).unwrap_or(rounds);
        }
        rounds
    }
}

/// Leaves out ever smaller pieces of `list` as long as something `falls` for the rest, and says for what.
fn thin<T: Clone>(mut list: Vec<T>, mut falls: impl FnMut(&[T]) -> Option<Vec<T>>) -> Vec<T> {
    let mut piece = list.len();
    while piece > 0 {
        let mut end = list.len();
        // What comes last can be spared most often: it has not happened yet.
        while end > 0 {
            let begin = end.saturating_sub(piece);
            let rest: Vec<T> = list[..begin].iter().chain(&list[end..]).cloned().collect();
            if let Some(rest) = falls(&rest) {
                list = rest;
            }
            end = begin;
        }
        piece /= 2;
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_needed_is_left() {
        let list: Vec<u32> = (0..100).collect();
        let both = |rest: &[u32]| (rest.contains(&17) && rest.contains(&61)).then(|| rest.to_vec());
        assert_eq!(thin(list, both), [17, 61]);
        assert_eq!(thin(vec![1, 2, 3], |rest| Some(rest.to_vec())), [0; 0]);
    }
}
