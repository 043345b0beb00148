//! What a router is about: attempts, who pays, roles, sessions. Pure: no I/O, no clock, no wire.

pub mod attempt;
pub mod fallback;
pub mod funding;
pub mod member;
pub mod role;
pub mod session;
