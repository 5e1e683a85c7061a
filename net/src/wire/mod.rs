//! What nodes say to each other: sealed frames, and the key that all nodes of a cluster share.
//!
//! A frame is a plain header, which tells whom it is from and which protocols its sender speaks, and an
//! encrypted payload, which is opaque here. The header is authenticated together with the payload.
//!
//! What a frame proves: a holder of the cluster key sealed exactly these bytes, and this opener has not
//! taken them before. What it does not prove: that they were sealed lately. An opener that has just started
//! knows no newer boot, so frames recorded earlier pass until the sender itself is heard; the payload must
//! therefore name the boot of the receiver that it answers before it may renew any right.

mod frame;
mod key;
mod seal;
mod window;

pub use frame::{ARBITER, ClusterId, EVERYONE, HEADER_LEN, Header, Versions, is_frame};
pub use key::{ClusterKey, KeyError};
pub use seal::{Opener, Packet, Reject, Sealer};
pub use window::{Verdict, Window};
