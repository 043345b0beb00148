//! What a router is about: attempts, who pays, which model and key a request names, roles, sessions.
//! Pure: no I/O, no clock, and of the wire only the neutral messages.

pub mod attempt;
pub mod capability;
pub mod funding;
pub mod key_query;
pub mod key_ref;
pub mod material;
pub mod member;
pub mod model_id;
pub mod model_rules;
pub mod model_target;
pub mod refusal;
pub mod role;
pub mod session;
