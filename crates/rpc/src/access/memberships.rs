//! Roles that a scope grants to its members, beside those of the configuration.

use std::fmt::Display;
use std::sync::Arc;

use super::Denied;

/// Looks up the members of scopes. Used only when no grant of the configuration allows a call.
pub trait Memberships<R: 'static>: Clone + Send + Sync + 'static {
    /// A scope with members. Its text form is what grants name.
    type Scope: Display + Sync + ?Sized;

    /// The error of a lookup.
    type Error: From<Denied>;

    /// The roles of `actor` in `scope`; none if the actor is not a member or the scope does not
    /// exist. A lookup that fails is an error, never a role.
    fn roles(
        &self,
        actor: &Arc<str>,
        scope: &Self::Scope,
    ) -> impl Future<Output = Result<&'static [R], Self::Error>> + Send;
}
