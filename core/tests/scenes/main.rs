//! Behaviours, read like scenes: two cores, the shortest way between them, and what each orders.

mod arbiter;
mod foretold;
mod life;
mod rules;
mod scene;
