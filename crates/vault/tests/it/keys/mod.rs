//! The methods of `KeyService`.

mod add_version;
mod create;
mod delete;
mod destinations;
mod disable;
mod enable;
mod get;
mod initial;
mod intake;
mod list;
mod materials;
mod update;
mod verify;
