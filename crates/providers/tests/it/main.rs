//! The crate as its users see it.

mod cases;
mod golden;
mod properties;
mod refusals;
mod streams;
