//! Several routers as one witness.

use std::{collections::VecDeque, io, net::IpAddr, os::fd::BorrowedFd};

use super::ping::Ping;

/// How many rounds are kept open for late answers.
const ROUNDS: usize = 32;
/// Most addresses on the list: a bit each.
const MOST: usize = 64;

/// A list of routers, the same on both nodes. It has answered when a strict majority of it has: two
/// majorities of one list share a router, two halves or two single ones need not.
pub struct Witnesses {
    pings: Vec<Ping>,
    rounds: Rounds,
}

/// A strict majority has answered the pings asked at `asked_ms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answered {
    pub asked_ms: u64,
    /// Of the answer that completed the majority.
    pub rtt_us: u64,
}

/// Why a list of routers is no witness.
#[derive(Debug, thiserror::Error)]
pub enum WitnessesError {
    #[error("the list of routers to ping is empty: name at least one")]
    Empty,
    #[error("the list of routers to ping has {0} addresses: name at most 64")]
    TooMany(usize),
    #[error("{0} is listed twice as a router to ping: it would count for two")]
    Twice(IpAddr),
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Witnesses {
    /// Opens a socket for each; no router need be reachable yet.
    pub fn open(routers: &[IpAddr]) -> Result<Self, WitnessesError> {
        if routers.is_empty() {
            return Err(WitnessesError::Empty);
        }
        if routers.len() > MOST {
            return Err(WitnessesError::TooMany(routers.len()));
        }
        if let Some((_, twice)) = routers.iter().enumerate().find(|(at, ip)| routers[..*at].contains(ip)) {
            return Err(WitnessesError::Twice(*twice));
        }
        let pings = routers.iter().map(|&ip| Ping::open(ip)).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { rounds: Rounds::new(pings.len()), pings })
    }

    /// Asks all of them. `now_ms` names the round and must grow. What cannot be sent counts as not answered.
    pub fn send(&mut self, now_ms: u64) {
        self.rounds.begin(now_ms);
        for ping in &mut self.pings {
            let _ = ping.send(now_ms);
        }
    }

    /// Hands over each round once, when its majority is complete. Rounds may complete out of order.
    pub fn drain(&mut self, mut take: impl FnMut(Answered)) {
        for (router, ping) in self.pings.iter_mut().enumerate() {
            ping.drain(|answer| {
                if self.rounds.answered(router, answer.asked_ms) {
                    take(Answered { asked_ms: answer.asked_ms, rtt_us: answer.rtt_us });
                }
            });
        }
    }

    /// To poll for reading.
    pub fn fds(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.pings.iter().map(Ping::fd)
    }
}

/// The rounds that are still open.
struct Rounds {
    majority: u32,
    open: VecDeque<Round>,
}

struct Round {
    asked_ms: u64,
    /// A bit for each router.
    answered: u64,
}

impl Rounds {
    fn new(routers: usize) -> Self {
        Self { majority: routers as u32 / 2 + 1, open: VecDeque::with_capacity(ROUNDS + 1) }
    }

    fn begin(&mut self, asked_ms: u64) {
        self.open.push_back(Round { asked_ms, answered: 0 });
        if self.open.len() > ROUNDS {
            self.open.pop_front();
        }
    }

    /// Did this answer complete the majority of its round?
    fn answered(&mut self, router: usize, asked_ms: u64) -> bool {
        let Some(round) = self.open.iter_mut().find(|round| round.asked_ms == asked_ms) else { return false };
        let before = round.answered.count_ones();
        round.answered |= 1 << router;
        let after = round.answered.count_ones();
        before < self.majority && after >= self.majority
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Which of the answers (router, round) complete a majority of `routers`.
    fn completing(routers: usize, answers: &[(usize, u64)]) -> Vec<u64> {
        let mut rounds = Rounds::new(routers);
        (1..=3).for_each(|asked| rounds.begin(asked));
        let complete = |&&(router, asked): &&(usize, u64)| rounds.answered(router, asked);
        answers.iter().filter(complete).map(|answer| answer.1).collect()
    }

    #[test]
    fn half_of_a_list_is_no_majority() {
        assert_eq!(completing(1, &[(0, 1)]), [1]);
        assert_eq!(completing(2, &[(0, 1)]), [0u64; 0]);
        assert_eq!(completing(2, &[(0, 1), (1, 1)]), [1]);
        assert_eq!(completing(3, &[(0, 1), (2, 1)]), [1]);
        assert_eq!(completing(4, &[(0, 1), (2, 1)]), [0u64; 0]);
    }

    #[test]
    fn a_router_that_answers_twice_counts_once() {
        assert_eq!(completing(3, &[(0, 1), (0, 1), (0, 1)]), [0u64; 0]);
        assert_eq!(completing(3, &[(0, 1), (1, 1), (2, 1), (1, 1)]), [1], "and a round is reported once");
    }

    #[test]
    fn answers_of_different_rounds_do_not_add_up() {
        assert_eq!(completing(2, &[(0, 1), (1, 2), (0, 3)]), [0u64; 0]);
        assert_eq!(completing(2, &[(0, 1), (1, 2), (0, 2), (1, 1)]), [2, 1]);
    }

    #[test]
    fn an_answer_to_no_round_of_ours_counts_nothing() {
        assert_eq!(completing(1, &[(0, 9)]), [0u64; 0]);
    }

    #[test]
    fn old_rounds_are_closed() {
        let mut rounds = Rounds::new(1);
        (0..=ROUNDS as u64).for_each(|asked| rounds.begin(asked));
        assert!(!rounds.answered(0, 0));
        assert!(rounds.answered(0, 1));
    }

    #[test]
    fn a_list_that_is_no_common_list_is_refused() {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        assert!(matches!(Witnesses::open(&[]), Err(WitnessesError::Empty)));
        let twice = [ip("10.0.0.1"), ip("10.0.0.2"), ip("10.0.0.1")];
        assert!(matches!(Witnesses::open(&twice), Err(WitnessesError::Twice(who)) if who == twice[0]));
        assert!(matches!(Witnesses::open(&[ip("::1"); 65]), Err(WitnessesError::TooMany(65))));
    }
}
