//! The methods of `KeyService`.

mod add_version;
mod create;
mod delete;
mod disable;
mod enable;
mod get;
mod intake;
mod list;
mod update;
mod verify;
