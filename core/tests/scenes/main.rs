//! Behaviours, read like scenes: two cores, the shortest way between them, and what each orders.

mod arbiter;
mod commands;
mod contest;
mod course;
mod disks;
mod explain;
mod foretold;
mod hearing;
mod life;
mod orders;
mod random;
mod rules;
mod scene;
mod since;
mod states;
mod without;
