//! The choice of a key for a request, and its lease to a router. The rules are in `domain::resolution`;
//! this folder reads the rows that they need, and opens the chosen key.

mod candidates;
mod dry_run;
mod grant;
mod query;

pub(crate) use dry_run::dry_run;
pub(crate) use grant::{Grant, grant};
pub(crate) use query::ScopedQuery;
