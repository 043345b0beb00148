//! What the README and the cookbook say, run.

mod cookbook;
mod dev;
mod process;
