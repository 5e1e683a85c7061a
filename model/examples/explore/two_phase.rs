//! Two-phase commit (Gray and Lamport, "Consensus on Transaction Commit"), the usual yardstick of the checker: 8
//! resource managers have 1,745,408 states.

use std::collections::BTreeSet;

use stateright::{Model, Property};

/// One transaction manager, and this many resource managers.
#[derive(Clone, Debug)]
pub(crate) struct TwoPhase {
    pub(crate) managers: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct State {
    managers: Vec<Manager>,
    outcome: Outcome,
    /// From whom the transaction manager has heard.
    prepared: Vec<bool>,
    /// Everything that was ever sent; nothing is lost.
    sent: BTreeSet<Message>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Manager {
    Working,
    Prepared,
    Committed,
    Aborted,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Outcome {
    Open,
    Committed,
    Aborted,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Message {
    Prepared(usize),
    Commit,
    Abort,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    HearPrepared(usize),
    Commit,
    Abort,
    Prepare(usize),
    ChooseAbort(usize),
    HearCommit(usize),
    HearAbort(usize),
}

impl Model for TwoPhase {
    type State = State;
    type Action = Step;

    fn init_states(&self) -> Vec<State> {
        vec![State {
            managers: vec![Manager::Working; self.managers],
            outcome: Outcome::Open,
            prepared: vec![false; self.managers],
            sent: BTreeSet::new(),
        }]
    }

    fn actions(&self, state: &State, steps: &mut Vec<Step>) {
        let open = state.outcome == Outcome::Open;
        if open && state.prepared.iter().all(|prepared| *prepared) {
            steps.push(Step::Commit);
        }
        if open {
            steps.push(Step::Abort);
        }
        for (it, manager) in state.managers.iter().enumerate() {
            if open && state.sent.contains(&Message::Prepared(it)) {
                steps.push(Step::HearPrepared(it));
            }
            if *manager == Manager::Working {
                steps.extend([Step::Prepare(it), Step::ChooseAbort(it)]);
            }
            if state.sent.contains(&Message::Commit) {
                steps.push(Step::HearCommit(it));
            }
            if state.sent.contains(&Message::Abort) {
                steps.push(Step::HearAbort(it));
            }
        }
    }

    fn next_state(&self, state: &State, step: Step) -> Option<State> {
        let mut next = state.clone();
        match step {
            Step::HearPrepared(it) => next.prepared[it] = true,
            Step::Commit => {
                next.outcome = Outcome::Committed;
                next.sent.insert(Message::Commit);
            }
            Step::Abort => {
                next.outcome = Outcome::Aborted;
                next.sent.insert(Message::Abort);
            }
            Step::Prepare(it) => {
                next.managers[it] = Manager::Prepared;
                next.sent.insert(Message::Prepared(it));
            }
            Step::HearCommit(it) => next.managers[it] = Manager::Committed,
            Step::ChooseAbort(it) | Step::HearAbort(it) => next.managers[it] = Manager::Aborted,
        }
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::sometimes("all abort", |_, state: &State| {
                state.managers.iter().all(|it| *it == Manager::Aborted)
            }),
            Property::sometimes("all commit", |_, state: &State| {
                state.managers.iter().all(|it| *it == Manager::Committed)
            }),
            Property::always("nobody aborts what another commits", |_, state: &State| {
                !(state.managers.contains(&Manager::Aborted) && state.managers.contains(&Manager::Committed))
            }),
        ]
    }
}
