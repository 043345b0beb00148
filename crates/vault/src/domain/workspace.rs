//! Workspaces and projects. The platform is a workspace too: it holds the platform's own keys.

use latchkey_clock::Timestamp;
use latchkey_contract::names::{ProjectName, ResourceId, RevisionScope, WorkspaceName};

use super::fallback::Fallback;
use super::funding::{Funding, Narrowing};
use super::uid::{ProjectUid, WorkspaceUid};
use super::usage_rules::UsageRules;

/// The name of a workspace.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum WorkspaceSlug {
    /// The platform's own.
    Platform,
    /// A customer's, by the last segment of its name.
    Customer(ResourceId),
    /// Deleted; the name is free again.
    Deleted,
}

/// A scope with keys, a revision and an audit log.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Workspace {
    /// The identity behind the name.
    pub uid: WorkspaceUid,
    /// The name.
    pub slug: WorkspaceSlug,
    /// For people.
    pub display_name: String,
    /// The models that are called where another one can't answer, in this order.
    pub fallbacks: Vec<Fallback>,
    /// The funding policy.
    pub funding: Funding,
    /// The usage rules of its requests.
    pub rules: UsageRules,
    /// Grows by one with each change of anything in it.
    pub revision: u64,
    /// The sequence number of the last audit event.
    pub audit_sequence: u64,
    /// Grows by one with each change of the workspace itself; its etag.
    pub row_revision: u64,
    /// When it was created.
    pub create_time: Timestamp,
    /// When it was last changed.
    pub update_time: Timestamp,
    /// When it was deleted.
    pub delete_time: Option<Timestamp>,
}

impl Workspace {
    /// A new one. `revision` is where the count of its changes begins: not below that of any
    /// workspace of the same name before it, because routers remember revisions by name.
    pub fn new(
        uid: WorkspaceUid,
        slug: WorkspaceSlug,
        display_name: String,
        now: Timestamp,
    ) -> Self {
        Self {
            uid,
            slug,
            display_name,
            fallbacks: Vec::new(),
            funding: Funding::default(),
            rules: UsageRules::default(),
            revision: 0,
            audit_sequence: 0,
            row_revision: 1,
            create_time: now,
            update_time: now,
            delete_time: None,
        }
    }

    /// The scope of its revisions; `None` once it is deleted.
    pub fn scope(&self) -> Option<RevisionScope> {
        match &self.slug {
            WorkspaceSlug::Platform => Some(RevisionScope::Platform),
            WorkspaceSlug::Customer(id) => Some(RevisionScope::Workspace(WorkspaceName {
                workspace: id.clone(),
            })),
            WorkspaceSlug::Deleted => None,
        }
    }

    /// Its name, if it is a customer's.
    pub fn name(&self) -> Option<WorkspaceName> {
        match &self.slug {
            WorkspaceSlug::Customer(id) => Some(WorkspaceName {
                workspace: id.clone(),
            }),
            WorkspaceSlug::Platform | WorkspaceSlug::Deleted => None,
        }
    }

    /// The same with another display name.
    #[must_use]
    pub fn rename(mut self, display_name: String, now: Timestamp) -> Self {
        self.display_name = display_name;
        self.touched(now)
    }

    /// The same with other fallbacks.
    #[must_use]
    pub fn with_fallbacks(mut self, fallbacks: Vec<Fallback>, now: Timestamp) -> Self {
        self.fallbacks = fallbacks;
        self.touched(now)
    }

    /// The same with another funding policy.
    #[must_use]
    pub fn with_funding(mut self, funding: Funding, now: Timestamp) -> Self {
        self.funding = funding;
        self.touched(now)
    }

    /// The same with other usage rules.
    #[must_use]
    pub fn with_rules(mut self, rules: UsageRules, now: Timestamp) -> Self {
        self.rules = rules;
        self.touched(now)
    }

    /// The tombstone: without a name.
    #[must_use]
    pub fn delete(mut self, now: Timestamp) -> Self {
        self.slug = WorkspaceSlug::Deleted;
        self.delete_time = Some(now);
        self.touched(now)
    }

    fn touched(mut self, now: Timestamp) -> Self {
        self.row_revision += 1;
        self.update_time = now;
        self
    }
}

/// A part of a workspace with keys of its own.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Project {
    /// The identity behind the name.
    pub uid: ProjectUid,
    /// The workspace it belongs to.
    pub workspace: WorkspaceUid,
    /// The last segment of its name; `None` once it is deleted.
    pub slug: Option<ResourceId>,
    /// For people.
    pub display_name: String,
    /// The project's funding policy.
    pub funding: Narrowing,
    /// The usage rules of its requests, beside the workspace's.
    pub rules: UsageRules,
    /// Grows by one with each change; its etag.
    pub row_revision: u64,
    /// When it was created.
    pub create_time: Timestamp,
    /// When it was last changed.
    pub update_time: Timestamp,
    /// When it was deleted.
    pub delete_time: Option<Timestamp>,
}

impl Project {
    /// A new one.
    pub fn new(
        uid: ProjectUid,
        workspace: WorkspaceUid,
        slug: ResourceId,
        display_name: String,
        now: Timestamp,
    ) -> Self {
        Self {
            uid,
            workspace,
            slug: Some(slug),
            display_name,
            funding: Narrowing::default(),
            rules: UsageRules::default(),
            row_revision: 1,
            create_time: now,
            update_time: now,
            delete_time: None,
        }
    }

    /// Its name in its workspace.
    pub fn name(&self, workspace: &WorkspaceName) -> Option<ProjectName> {
        let project = self.slug.clone()?;
        Some(ProjectName {
            workspace: workspace.clone(),
            project,
        })
    }

    /// The same with another display name.
    #[must_use]
    pub fn rename(mut self, display_name: String, now: Timestamp) -> Self {
        self.display_name = display_name;
        self.touched(now)
    }

    /// The same with another funding policy.
    #[must_use]
    pub fn with_funding(mut self, funding: Narrowing, now: Timestamp) -> Self {
        self.funding = funding;
        self.touched(now)
    }

    /// The same with other usage rules.
    #[must_use]
    pub fn with_rules(mut self, rules: UsageRules, now: Timestamp) -> Self {
        self.rules = rules;
        self.touched(now)
    }

    /// The tombstone: without a name.
    #[must_use]
    pub fn delete(mut self, now: Timestamp) -> Self {
        self.slug = None;
        self.delete_time = Some(now);
        self.touched(now)
    }

    fn touched(mut self, now: Timestamp) -> Self {
        self.row_revision += 1;
        self.update_time = now;
        self
    }
}
