//! Behaviours, read like scenes: two cores, the shortest way between them, and what each orders.

mod arbiter;
mod commands;
mod course;
mod disks;
mod explain;
mod foretold;
mod life;
mod orders;
mod random;
mod rules;
mod scene;
mod states;
