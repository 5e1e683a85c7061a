//! The arbiter: a small server on any third machine that grants each generation of a module to one node, once.
//!
//! Everything that it says about a generation is true for ever: that it was granted to this node, or that it
//! was not. So it does not matter how late, how often or from when a message is. A repeated question gets the
//! same answer. A question that somebody has recorded and sends again has been answered, or has never arrived:
//! then it is a question that was very long under way, and a node which did ask gets what it asked for. A
//! recorded answer says what is still so. The core takes an answer only while it waits for one about that
//! generation, and no generation is ever shared twice.
//!
//! What is granted is kept in a [`Ledger`], which is on the disk before the answer is sent. A question names the
//! ledger by which it may be judged, as the core's rule `SameLedger` says: an arbiter that was installed anew would
//! grant once more what it has granted already, so it does not answer.

mod entry;
mod inquirer;
mod ledger;
mod message;
mod server;

pub use inquirer::{Asker, Heard, Inquirer};
pub use ledger::{Damage, Judgement, Ledger, LedgerError};
pub use message::{ANSWER, Answer, Claim, Echo, QUESTION, Question, Said};
pub use server::{ServeError, Server, Setup};

#[cfg(test)]
mod tests;
