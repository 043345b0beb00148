//! Who may call which method.
//!
//! The configuration grants roles to identities, and a scope may grant roles to its members. One table
//! per service lists the roles that each method takes. The layer refuses a caller without any of them
//! before the message is read (AIP-211: authorize before validating), unless a membership could
//! still admit it. The handler then calls [`Caller::authorize`] with the scope of the message.
//! A method that the table lacks stops the process from starting.
//!
//! Grants of the configuration are checked first. A membership is looked up only when no grant
//! allows the call and the method takes members.

mod layer;
mod memberships;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use latchkey_contract::Reason;
use latchkey_contract::names::WorkspaceName;
use prost::Message as _;
use prost_types::FileDescriptorSet;
use serde::Deserialize;

use super::identity::{SpiffeId, TokenName};
use super::refusal::Refusal;
pub use layer::{AccessLayer, AccessService, RefusalObserver};
pub use memberships::Memberships;

/// A role that is granted to an identity.
pub trait Role: Copy + Eq + std::fmt::Debug + Send + Sync + 'static {
    /// Whether the role is held in the whole deployment only, and in no scope.
    fn is_of_the_deployment(self) -> bool;
}

/// A role given to an identity.
#[derive(Clone, Debug, Deserialize)]
#[serde(
    try_from = "GrantText<R>",
    bound(deserialize = "R: Role + Deserialize<'de>")
)]
pub struct Grant<R> {
    /// The identity: a SPIFFE ID, or `token:{name}`.
    pub identity: String,
    /// The role it holds.
    pub role: R,
    /// For roles that are held in a scope: `workspaces/{workspace}`, or `workspaces/*` for every
    /// workspace. Without it, the role is held in the whole deployment.
    pub scope: Option<String>,
}

/// A grant as the configuration gives it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GrantText<R> {
    identity: String,
    role: R,
    scope: Option<String>,
}

/// A grant that could never hold, or that would hold elsewhere than it seems to.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum GrantError {
    /// The identity is of no known form.
    #[error("identity {0:?} must be a SPIFFE ID with a path, or token:{{name}}")]
    Identity(String),
    /// The scope is of no known form.
    #[error("scope {0:?} must be workspaces/{{workspace}}, or workspaces/* for every workspace")]
    Scope(String),
    /// The role is held in no scope.
    #[error("scope {0:?} must be left out: the role is held in the whole deployment")]
    OfTheDeployment(String),
}

/// The scope of every workspace.
const EVERY_WORKSPACE: &str = "workspaces/*";

impl<R: Role> TryFrom<GrantText<R>> for Grant<R> {
    type Error = GrantError;

    fn try_from(text: GrantText<R>) -> Result<Self, GrantError> {
        let GrantText {
            identity,
            role,
            scope,
        } = text;
        let is_known = match identity.strip_prefix("token:") {
            Some(name) => TokenName::parse(name).is_ok(),
            None => SpiffeId::parse(&identity).is_ok(),
        };
        if !is_known {
            return Err(GrantError::Identity(identity));
        }
        if let Some(scope) = &scope {
            if role.is_of_the_deployment() {
                return Err(GrantError::OfTheDeployment(scope.clone()));
            }
            if scope != EVERY_WORKSPACE && scope.parse::<WorkspaceName>().is_err() {
                return Err(GrantError::Scope(scope.clone()));
            }
        }
        Ok(Self {
            identity,
            role,
            scope,
        })
    }
}

impl<R> Grant<R> {
    fn covers(&self, scope: &str) -> bool {
        match self.scope.as_deref() {
            None | Some(EVERY_WORKSPACE) => true,
            Some(granted) => scope == granted,
        }
    }
}

/// The roles that a method takes.
#[derive(Clone, Copy, Debug)]
pub struct Rule<R: 'static> {
    /// Roles that may act on the deployment itself.
    pub deployment: &'static [R],
    /// Roles that may act on a resource of their scope, by a grant.
    pub scoped: &'static [R],
    /// Roles that may act on a resource of their scope, by a membership.
    pub members: &'static [R],
}

/// The rule of each method, by its path.
#[derive(Debug)]
pub struct AccessTable<R: 'static> {
    rules: HashMap<&'static str, Rule<R>>,
}

/// Methods without a rule, or rules without a method.
#[derive(Debug, thiserror::Error)]
#[error("the access table and the contract differ in {}", methods.join(", "))]
pub struct AccessTableError {
    /// Their paths.
    pub methods: Vec<String>,
}

impl<R: Role> AccessTable<R> {
    /// A table that holds exactly the methods of `package` in the encoded descriptor set.
    pub fn new(
        rules: &[(&'static str, Rule<R>)],
        descriptors: &[u8],
        package: &str,
    ) -> Result<Self, AccessTableError> {
        let described = methods(descriptors, package);
        let listed: BTreeSet<String> = rules.iter().map(|(path, _)| (*path).to_owned()).collect();
        let methods: Vec<_> = described.symmetric_difference(&listed).cloned().collect();
        if !methods.is_empty() {
            return Err(AccessTableError { methods });
        }
        Ok(Self {
            rules: rules.iter().copied().collect(),
        })
    }

    /// The method of that path, and its rule.
    pub fn entry(&self, path: &str) -> Option<(&'static str, Rule<R>)> {
        self.rules
            .get_key_value(path)
            .map(|(method, rule)| (*method, *rule))
    }

    /// The paths of all methods.
    pub fn paths(&self) -> impl Iterator<Item = &'static str> {
        self.rules.keys().copied()
    }
}

/// The paths of all methods of a package.
fn methods(descriptors: &[u8], package: &str) -> BTreeSet<String> {
    let set = FileDescriptorSet::decode(descriptors).unwrap_or_default();
    set.file
        .iter()
        .filter(|file| file.package() == package)
        .flat_map(|file| &file.service)
        .flat_map(|service| {
            let methods = service.method.iter();
            methods.map(move |method| format!("/{package}.{}/{}", service.name(), method.name()))
        })
        .collect()
}

/// The caller of a request, and the rule of the method. [`AccessLayer`] puts it into each request.
#[derive(Clone, Debug)]
pub struct Caller<R: 'static, M> {
    actor: Arc<str>,
    method: &'static str,
    grants: Arc<[Grant<R>]>,
    rule: Rule<R>,
    memberships: M,
}

/// The caller lacks the role. The answer is the same whether or not the resource exists.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the caller has none of the roles that this method requires")]
pub struct Denied;

impl From<Denied> for Refusal {
    fn from(denied: Denied) -> Self {
        Self::new(Reason::PermissionDenied, denied.to_string())
    }
}

impl<R: Role, M: Memberships<R>> Caller<R, M> {
    /// A name for logs, accounts and the audit: a SPIFFE ID or `token:{name}`.
    pub fn actor(&self) -> &Arc<str> {
        &self.actor
    }

    /// The path of the method that is called.
    pub fn method(&self) -> &'static str {
        self.method
    }

    /// Whether the caller may do this to something in `scope`.
    pub async fn authorize(&self, scope: &M::Scope) -> Result<(), M::Error> {
        let Self { rule, .. } = self;
        if self.is_granted(rule.scoped, scope) {
            return Ok(());
        }
        // A membership is looked up only where it could help.
        if !rule.members.is_empty() && self.is_member(rule.members, scope).await? {
            return Ok(());
        }
        Err(Denied.into())
    }

    /// Whether the caller may do this to the deployment itself.
    pub fn authorize_deployment(&self) -> Result<(), Denied> {
        let allowed =
            |grant: &Grant<R>| self.rule.deployment.contains(&grant.role) && grant.scope.is_none();
        self.grants.iter().any(allowed).then_some(()).ok_or(Denied)
    }

    /// Whether the caller may do this to a resource outside all scopes. A grant of a fitting role in
    /// any scope is enough.
    pub fn authorize_anywhere(&self) -> Result<(), Denied> {
        self.is_granted_somewhere().then_some(()).ok_or(Denied)
    }

    /// Whether the caller holds one of `roles` in `scope`.
    pub async fn holds_any(&self, roles: &[R], scope: &M::Scope) -> Result<bool, M::Error> {
        Ok(self.is_granted(roles, scope) || self.is_member(roles, scope).await?)
    }

    /// Whether the caller holds `role` in the whole deployment.
    pub fn holds_everywhere(&self, role: R) -> bool {
        self.grants
            .iter()
            .any(|grant| grant.role == role && grant.scope.is_none())
    }

    /// Whether the configuration grants the caller this method in any scope. Without such a grant,
    /// only a membership can admit the caller; until it is looked up, no answer may reveal anything.
    pub fn is_granted_somewhere(&self) -> bool {
        self.grants.iter().any(|grant| {
            self.rule.scoped.contains(&grant.role)
                || (self.rule.deployment.contains(&grant.role) && grant.scope.is_none())
        })
    }

    fn is_granted(&self, roles: &[R], scope: &M::Scope) -> bool {
        let scope = scope.to_string();
        let granted = |grant: &Grant<R>| roles.contains(&grant.role) && grant.covers(&scope);
        self.grants.iter().any(granted)
    }

    async fn is_member(&self, roles: &[R], scope: &M::Scope) -> Result<bool, M::Error> {
        // Boxed, so that a call that a grant allows has a small future.
        let held = Box::pin(self.memberships.roles(&self.actor, scope)).await?;
        Ok(held.iter().any(|role| roles.contains(role)))
    }

    fn may_be_admitted(&self) -> bool {
        self.is_granted_somewhere() || !self.rule.members.is_empty()
    }
}

#[cfg(test)]
mod tests;
