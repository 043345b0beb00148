//! A key is chosen for a request, and leased to a router. The rules are in `domain::resolution`; here
//! the rows that they need are read, and the chosen key is opened.

mod candidates;
mod dry_run;
mod grant;
mod query;

pub(crate) use dry_run::dry_run;
pub(crate) use grant::{Grant, grant};
pub(crate) use query::ScopedQuery;
