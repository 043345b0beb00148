//! The tables, as sea-orm sees them. Nothing outside `store` names these types.

pub(super) mod attempts;
