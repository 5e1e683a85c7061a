//! The built command line against a served control API: exit codes, texts, files.

mod agent;
mod demo;
mod errors;
mod exits;
mod files;
mod graph;
mod output;
mod record;
mod verify;
mod witness;
