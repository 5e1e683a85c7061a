//! A small real service that a cluster keeps alive, and the client that holds it to its word.
//!
//! `POST /append` with one line as its body adds the line to a file and is answered `200` with its number only
//! after fsync; `GET /all` returns the file. On the same port, UDP datagrams are echoed with the name of the
//! node and the time ([`echo`]). The service refuses nothing by itself: when the file system waits, it waits.

pub mod client;
pub mod echo;
mod http;
pub mod server;

pub use client::{Account, Client};
pub use server::serve;
