//! Roles that a scope grants by itself, beside those of configuration.

use std::fmt::Display;
use std::sync::Arc;

use super::Denied;

/// Knows the members of scopes. Asked only where the grants of configuration said no.
pub trait Memberships<R: 'static>: Clone + Send + Sync + 'static {
    /// What has members. Its text is what grants name.
    type Scope: Display + Sync + ?Sized;

    /// What else a question can end with.
    type Error: From<Denied>;

    /// The roles of `actor` in `scope`: none where it is no member, and none where there is no such
    /// scope. What can't be known for sure is an error, never a role.
    fn roles(
        &self,
        actor: &Arc<str>,
        scope: &Self::Scope,
    ) -> impl Future<Output = Result<&'static [R], Self::Error>> + Send;
}
