//! The one control API of a node: HTTP over a Unix socket, the same for command line and dashboard.

pub mod client;
pub mod exit;
pub mod server;
pub mod shape;

#[cfg(test)]
mod tests;
