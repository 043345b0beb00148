//! The intake of a key: it is read, verified with its provider, admitted and stored. `CreateKey` takes
//! one key, a new workspace or project brings some, and `AddKeyVersion` replaces the material of one.

mod admit;
mod draft;
mod initial;
mod new_version;
mod verify;

pub(crate) use draft::{Draft, NewKey};
pub(crate) use initial::{Drafts, MAX_INITIAL_KEYS};
pub(crate) use new_version::VersionDraft;
pub(crate) use verify::verify_stored;
