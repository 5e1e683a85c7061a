//! What a node and the arbiter say to each other: the payloads of sealed frames, one datagram each.

use serde::{Deserialize, Serialize};

/// Kind of a frame with a question, and of one with its answer.
pub const QUESTION: u8 = 3;
pub const ANSWER: u8 = 4;

/// What a node asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    pub echo: Echo,
    /// The ledger by which alone the claim may be judged; `None`: by any.
    pub ledger: Option<u64>,
    /// `None`: only whether anybody is there.
    pub claim: Option<Claim>,
}

/// Comes back with the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Echo {
    /// Random for each run of the asking agent: answers to others and to earlier runs are not ours.
    pub run: u64,
    /// When it was asked, on the asker's clock.
    pub asked_us: u64,
}

/// The right to go on alone from a generation that two nodes share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// See [`crate::driver::Plan::id`].
    pub module: u64,
    pub generation: u64,
}

/// What the arbiter answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    pub echo: Echo,
    /// The ledger that it keeps.
    pub ledger: u64,
    pub said: Said,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Said {
    Here,
    /// To the asker, and to nobody else.
    Granted(Claim),
    /// Another node has it.
    Denied(Claim),
    /// It was to be judged by a ledger that is not kept here.
    OtherLedger(Claim),
}

impl Question {
    pub fn encode(&self) -> Vec<u8> {
        postcard::to_allocvec(self).expect("plain numbers can always be written")
    }

    /// `None` for what a later version may send.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        postcard::from_bytes(bytes).ok()
    }
}

impl Answer {
    pub fn encode(&self) -> Vec<u8> {
        postcard::to_allocvec(self).expect("plain numbers can always be written")
    }

    /// `None` for what a later version may send.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        postcard::from_bytes(bytes).ok()
    }
}
