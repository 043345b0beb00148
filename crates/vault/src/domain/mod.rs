//! The nouns of a vault, their states and the rules. Pure: no I/O, no clock, no wire format.

pub mod audit;
pub mod availability;
pub mod capability;
pub mod data_key;
pub mod destination;
pub mod fallback;
pub mod funding;
pub mod key;
pub mod material;
pub mod member;
pub mod recheck;
pub mod resolution;
pub mod role;
pub mod settings;
pub mod stamped;
pub mod uid;
pub mod usage_rules;
pub mod verification;
pub mod version;
pub mod workspace;
