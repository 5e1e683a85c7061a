//! A thin layer over `/dev/fuse`: the requests of the kernel, decoded, and the answers to them.
//!
//! Only what a file system over another one needs. A [`Server`] is asked on several threads at once, and may give
//! each [`Reply`] later and from any thread. The mount ends with the last descriptor of its device.
//!
//! ```text
//! kernel -> device -> request -> Server -> reply -> device -> kernel
//! ```

mod device;
mod init;
mod mount;
mod protocol;
mod reply;
mod request;
mod session;

pub(crate) use mount::mount;
pub(crate) use protocol::open;
pub(crate) use reply::{Attr, Listing, Reply, Space};
pub(crate) use request::{NewTime, Op, Request, SetAttr};
pub(crate) use session::{Server, Session};
