//! The values of a router: attempts, payers, the model and the key that a request names, roles, and
//! sessions. They are pure: no I/O and no clock, and from the contract only neutral messages.

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
pub mod scope_identity;
pub mod session;
pub mod target_fields;
