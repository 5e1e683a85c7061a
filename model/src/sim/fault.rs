//! What may go wrong, as data: a script of faults that the seed alone decides, so that entries can be taken out of
//! it and the rest stays.

use safetui_core::Command;

use super::{
    clock::{MS, Moment, SECOND},
    dice::Dice,
    network::{Cut, Weather},
    profile::Profile,
};

/// One entry of a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// Since the beginning of its round.
    pub(super) at: Moment,
    pub(super) kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The machine loses power, and starts again after that time.
    Power {
        node: usize,
        down: Moment,
    },
    /// The same at the node's next durable step, before or after it is durable.
    PowerAtNextStep {
        node: usize,
        after: bool,
        down: Moment,
    },
    /// The agent is killed; its guard clears away and says so.
    Agent {
        node: usize,
        down: Moment,
    },
    /// The node does not run for that long; its clock does, or, as that of a virtual machine, does not.
    Pause {
        node: usize,
        lasts: Moment,
        clock_stands: bool,
    },
    Cut {
        cut: Cut,
        lasts: Moment,
    },
    Weather {
        weather: Weather,
        lasts: Moment,
    },
    /// A copy of the next heartbeat to that node arrives so much later.
    Stray {
        to: usize,
        later: Moment,
    },
    /// The router does not answer that node's questions.
    Witness {
        node: usize,
        lasts: Moment,
    },
    /// The node's disk takes up to that long, its scripts up to that, and they fail so often in a million.
    Hands {
        node: usize,
        disk: Moment,
        script: Moment,
        fails: u64,
        lasts: Moment,
    },
    /// The secondary's disk is full, or fails.
    CannotApply {
        node: usize,
    },
    /// The connection of the data is reset.
    Reset,
    /// The link that clients come by.
    Link {
        node: usize,
        lasts: Moment,
    },
    Drift {
        node: usize,
        gains: i64,
    },
    Order {
        node: usize,
        command: Command,
    },
}

/// How a round of faults is followed up, once the pair is ready again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Finale {
    None,
    /// A healthy pair loses that node: the other one must serve in its window.
    Power {
        node: usize,
    },
    Swap {
        node: usize,
    },
}

/// Faults for a while, then peace.
#[derive(Clone, Debug)]
pub(super) struct Round {
    /// Its number, from which its small chances follow.
    pub(super) number: u64,
    pub(super) lasts: Moment,
    pub(super) faults: Vec<Fault>,
    pub(super) finale: Finale,
    /// Nothing happens for so long afterwards.
    pub(super) quiet: Moment,
}

/// What one seed stands for.
pub(super) const HOUR: Moment = 3600 * SECOND;

/// Rounds that fill an hour by themselves, recoveries not counted.
pub(super) fn script(seed: u64, profile: Profile) -> Vec<Round> {
    let mut rounds = Vec::new();
    let mut filled = 0;
    for number in 1.. {
        if filled >= HOUR {
            break;
        }
        let round = round(number, &mut Dice::new(seed, 2 * number), profile);
        filled += round.lasts + round.quiet;
        rounds.push(round);
    }
    rounds
}

fn round(number: u64, dice: &mut Dice, profile: Profile) -> Round {
    let rates = profile.rates();
    let lasts = dice.between(rates.phase.0, rates.phase.1);
    // What goes beyond the assumptions has rounds of its own: in the others every property is claimed.
    let beyond = dice.below(4) == 0;
    let mut faults = Vec::new();
    let mut at = dice.below(2 * rates.apart);
    while at < lasts {
        faults.push(Fault { at, kind: kind(dice, profile, beyond) });
        // Faults that come close together hit each other's consequences.
        let apart = if dice.below(3) == 0 { rates.apart / 8 } else { rates.apart };
        at += dice.below(2 * apart) + MS;
    }
    let finale = match dice.below(4) {
        0 => Finale::Power { node: dice.node() },
        1 => Finale::Swap { node: dice.node() },
        _ => Finale::None,
    };
    Round { number, lasts, faults, finale, quiet: dice.between(rates.quiet.0, rates.quiet.1) }
}

/// Mostly short, sometimes long.
fn span(dice: &mut Dice, least: Moment, most: Moment) -> Moment {
    let most = match dice.below(4) {
        0 => most,
        1 => most / 4 + least,
        _ => most / 16 + least,
    };
    dice.between(least, most.max(least))
}

fn kind(dice: &mut Dice, profile: Profile, beyond: bool) -> Kind {
    let rates = profile.rates();
    let mut left = dice.below(rates.weights.iter().map(|(weight, _)| u64::from(*weight)).sum());
    let mut what = What::Power;
    for (weight, of) in rates.weights {
        if left < u64::from(*weight) {
            what = *of;
            break;
        }
        left -= u64::from(*weight);
    }
    if matches!(what, What::Freeze | What::Force) && !beyond {
        what = What::Step;
    }
    let node = dice.node();
    let down = span(dice, 200 * MS, 20 * SECOND);
    match what {
        What::Power => Kind::Power { node, down },
        What::Step => Kind::PowerAtNextStep { node, after: dice.below(2) == 0, down },
        What::Agent => Kind::Agent { node, down },
        What::Pause => Kind::Pause { node, lasts: span(dice, 20 * MS, 8 * SECOND), clock_stands: false },
        What::Freeze => Kind::Pause { node, lasts: span(dice, 20 * MS, 8 * SECOND), clock_stands: true },
        What::Cut => Kind::Cut { cut: cut(dice), lasts: span(dice, 20 * MS, 12 * SECOND) },
        What::Weather => {
            Kind::Weather { weather: weather(dice, profile), lasts: span(dice, SECOND, 30 * SECOND) }
        }
        What::Stray => Kind::Stray { to: node, later: span(dice, 100 * MS, 60 * SECOND) },
        What::Witness => Kind::Witness { node, lasts: span(dice, 50 * MS, 5 * SECOND) },
        What::Hands => Kind::Hands {
            node,
            disk: span(dice, 5 * MS, SECOND),
            script: span(dice, 50 * MS, 4 * SECOND),
            fails: 100_000,
            lasts: span(dice, SECOND, 30 * SECOND),
        },
        What::CannotApply => Kind::CannotApply { node },
        What::Reset => Kind::Reset,
        What::Link => Kind::Link { node, lasts: span(dice, 100 * MS, 10 * SECOND) },
        What::Drift => Kind::Drift { node, gains: dice.between(0, 800) as i64 - 400 },
        What::Order => Kind::Order { node, command: order(dice) },
        What::Force => Kind::Order { node, command: force(dice) },
    }
}

/// The kinds as a profile weighs them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    Power,
    Step,
    Agent,
    Pause,
    /// A pause in which the clock stands.
    Freeze,
    Cut,
    Weather,
    Stray,
    Witness,
    Hands,
    CannotApply,
    Reset,
    Link,
    Drift,
    /// Of an operator, without loss.
    Order,
    /// Of an operator who takes it upon himself.
    Force,
}

fn cut(dice: &mut Dice) -> Cut {
    match dice.below(10) {
        0..3 => Cut::Off(0),
        3..6 => Cut::Off(1),
        6 => Cut::Router,
        7 => Cut::All,
        8 => Cut::Direct,
        _ => Cut::Deaf(dice.node()),
    }
}

fn weather(dice: &mut Dice, profile: Profile) -> Weather {
    let worst = profile.rates().weather;
    Weather { delay: dice.between(2 * MS, worst.delay), loss: dice.below(worst.loss + 1) }
}

fn order(dice: &mut Dice) -> Command {
    const ORDERS: [Command; 7] = [
        Command::Start,
        Command::Stop,
        Command::Restart,
        Command::StopStart,
        Command::Swap,
        Command::Swap,
        Command::ForceStop,
    ];
    ORDERS[dice.below(ORDERS.len() as u64) as usize]
}

fn force(dice: &mut Dice) -> Command {
    const FORCES: [Command; 3] = [Command::Prim, Command::Failover, Command::Second];
    FORCES[dice.below(FORCES.len() as u64) as usize]
}
