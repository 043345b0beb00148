//! The crate from outside: what opens, what is refused, what is promised for ever.

mod contexts;
mod fixtures;
mod golden;
mod opacity;
mod roundtrip;
mod tampering;
mod tlv;
mod turns;
