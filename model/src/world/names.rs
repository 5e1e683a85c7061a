//! Two states that differ only in the names of generations and terms are one.

use safetui_core::{Gate, Generation, mirror::Names};

use super::{Question, Wire, World, node::Link};

/// Numbers the generations that anybody can still mention in the order in which they are met, and the terms by
/// their rank.
#[derive(Default)]
struct Canon {
    generations: Seen<24>,
    terms: Seen<24>,
}

/// A short list of numbers without repetition.
struct Seen<const N: usize> {
    list: [u64; N],
    len: usize,
}

impl<const N: usize> Default for Seen<N> {
    fn default() -> Self {
        Self { list: [0; N], len: 0 }
    }
}

impl<const N: usize> Seen<N> {
    fn add(&mut self, number: u64) {
        if number != 0 && !self.list[..self.len].contains(&number) {
            self.list[self.len] = number;
            self.len += 1;
        }
    }

    fn rank(&self, number: u64) -> u64 {
        self.list[..self.len].iter().position(|seen| *seen == number).map_or(0, |at| at as u64 + 1)
    }
}

/// The first pass: what is mentioned as somebody's data now. Ancestors alone do not count.
struct Collect<'a>(&'a mut Canon);

impl Names for Collect<'_> {
    fn generation(&mut self, generation: &mut Generation) {
        self.0.generations.add(generation.0);
    }

    fn ancestor(&mut self, _: &mut Generation) {}

    fn term(&mut self, term: &mut u64) {
        self.0.terms.add(*term);
    }
}

/// The second pass: every name becomes its number; an ancestor that nobody has is forgotten.
struct Rename<'a>(&'a Canon);

impl Names for Rename<'_> {
    fn generation(&mut self, generation: &mut Generation) {
        generation.0 = self.0.generations.rank(generation.0);
    }

    fn ancestor(&mut self, generation: &mut Generation) {
        generation.0 = self.0.generations.rank(generation.0);
    }

    fn term(&mut self, term: &mut u64) {
        *term = self.0.terms.rank(*term);
    }
}

/// Are all names canonical already? They are, but after the few steps that make a name or forget one.
#[derive(Default)]
struct Check {
    /// The greatest so far: each generation is one of those before, or the next.
    generations: u64,
    /// The greatest that is mentioned as an ancestor.
    ancestors: u64,
    /// One bit a term.
    terms: u64,
    wrong: bool,
}

impl Check {
    const fn passed(&self) -> bool {
        let terms = self.terms >> 1;
        !self.wrong && self.ancestors <= self.generations && terms & (terms + 1) == 0
    }
}

impl Names for Check {
    fn generation(&mut self, generation: &mut Generation) {
        self.generations += u64::from(generation.0 == self.generations + 1);
        self.wrong |= generation.0 > self.generations;
    }

    fn ancestor(&mut self, generation: &mut Generation) {
        self.ancestors = self.ancestors.max(generation.0);
    }

    fn term(&mut self, term: &mut u64) {
        self.wrong |= *term > 62;
        self.terms |= 1 << (*term & 63);
    }
}

impl World {
    /// Gives every generation and term its canonical name; was any name another?
    pub(super) fn canonize(&mut self) -> bool {
        let mut check = Check::default();
        self.rename(&mut check);
        let renamed = !check.passed();
        if renamed {
            self.rename_all();
        }
        self.arbiter.sort();
        renamed
    }

    fn rename_all(&mut self) {
        let mut canon = Canon::default();
        self.rename(&mut Collect(&mut canon));
        let len = canon.terms.len;
        canon.terms.list[..len].sort_unstable();
        self.rename(&mut Rename(&canon));
    }

    fn rename(&mut self, names: &mut impl Names) {
        for node in &mut self.nodes {
            node.disk.rename(names);
            if let Some(core) = &mut node.core {
                core.rename(names);
            }
            for Link { generation, term, .. } in [&mut node.source, &mut node.receive].into_iter().flatten() {
                names.generation(generation);
                names.term(term);
            }
            if let Gate::Alone { generation, term } | Gate::Both { generation, term } = &mut node.gate {
                names.generation(generation);
                names.term(term);
            }
        }
        for backup in self.backups.iter_mut().flatten() {
            backup.record.rename(names);
        }
        if self.arbitrates() {
            self.rename_arbitration(names);
        }
        for beat in self.wires.iter_mut().flat_map(Wire::beats_mut) {
            beat.rename(names);
        }
    }

    /// A question, an answer or a grant keeps no generation alive: without anybody who has it, it is void.
    fn rename_arbitration(&mut self, names: &mut impl Names) {
        self.arbiter.rename(names);
        for node in &mut self.nodes {
            if let Some(Question { generation, .. }) = &mut node.asked {
                names.ancestor(generation);
            }
            if let Some(verdict) = &mut node.verdict {
                names.ancestor(&mut verdict.generation);
            }
            node.asked = node.asked.filter(|question| question.generation != Generation::NONE);
            node.verdict = node.verdict.filter(|verdict| verdict.generation != Generation::NONE);
        }
    }
}
