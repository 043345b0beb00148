//! The tables, as sea-orm sees them. Nothing outside `store` names these types.

pub(super) mod attempts;
pub(super) mod catalogue_models;
pub(super) mod catalogue_revision;
pub(super) mod sessions;
pub(super) mod turns;
