//! What a router is about: attempts, who pays, roles. Pure: no I/O, no clock, no wire.

pub mod attempt;
pub mod fallback;
pub mod funding;
pub mod role;
