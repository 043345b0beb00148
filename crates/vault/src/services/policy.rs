//! The access table: the roles that may call each method.

use latchkey_contract::FILE_DESCRIPTOR_SET;
use latchkey_rpc::access::{AccessTable, AccessTableError, Rule};

use crate::domain::role::Role::{self, Member, Operator, Owner, Router};

/// The package that the table covers, method for method.
const PACKAGE: &str = "latchkey.vault.v1";

const OPERATOR: Rule<Role> = Rule {
    deployment: &[Operator],
    scoped: &[],
    members: &[],
};
const OPERATOR_OR_OWNER: Rule<Role> = Rule {
    deployment: &[Operator],
    scoped: &[Operator, Owner],
    members: &[Owner],
};
/// Reading a workspace and its projects, without the keys.
const EVERY_MEMBER: Rule<Role> = Rule {
    members: &[Owner, Member],
    ..OPERATOR_OR_OWNER
};
/// The platform's keys are the operator's, a workspace's its owner's.
const KEYS: Rule<Role> = Rule {
    deployment: &[Operator],
    scoped: &[Owner],
    members: &[Owner],
};
const ROUTER: Rule<Role> = Rule {
    deployment: &[Router],
    scoped: &[],
    members: &[],
};

const RULES: &[(&str, Rule<Role>)] = &[
    (
        "/latchkey.vault.v1.AuditService/ListAuditEvents",
        OPERATOR_OR_OWNER,
    ),
    ("/latchkey.vault.v1.KeyService/AddKeyVersion", KEYS),
    ("/latchkey.vault.v1.KeyService/CreateKey", KEYS),
    ("/latchkey.vault.v1.KeyService/DeleteKey", KEYS),
    ("/latchkey.vault.v1.KeyService/DisableKey", KEYS),
    ("/latchkey.vault.v1.KeyService/EnableKey", KEYS),
    ("/latchkey.vault.v1.KeyService/GetKey", KEYS),
    ("/latchkey.vault.v1.KeyService/ListKeys", KEYS),
    ("/latchkey.vault.v1.KeyService/UpdateKey", KEYS),
    ("/latchkey.vault.v1.KeyService/VerifyKey", KEYS),
    ("/latchkey.vault.v1.LeaseService/OpenRouterSession", ROUTER),
    ("/latchkey.vault.v1.LeaseService/CreateDataKey", ROUTER),
    ("/latchkey.vault.v1.LeaseService/DestroyDataKey", ROUTER),
    ("/latchkey.vault.v1.LeaseService/LeaseDataKey", ROUTER),
    ("/latchkey.vault.v1.LeaseService/ListLeases", OPERATOR),
    ("/latchkey.vault.v1.LeaseService/LookUpMember", ROUTER),
    ("/latchkey.vault.v1.LeaseService/LookUpScope", ROUTER),
    ("/latchkey.vault.v1.LeaseService/ReleaseLease", ROUTER),
    ("/latchkey.vault.v1.LeaseService/Resolve", ROUTER),
    (
        "/latchkey.vault.v1.ProviderService/DeleteProviderOverride",
        OPERATOR,
    ),
    ("/latchkey.vault.v1.ProviderService/GetProvider", OPERATOR),
    (
        "/latchkey.vault.v1.ProviderService/ListProviderOverrides",
        OPERATOR,
    ),
    ("/latchkey.vault.v1.ProviderService/ListProviders", OPERATOR),
    (
        "/latchkey.vault.v1.ProviderService/UpdateProvider",
        OPERATOR,
    ),
    (
        "/latchkey.vault.v1.ProviderService/UpdateProviderOverride",
        OPERATOR,
    ),
    (
        "/latchkey.vault.v1.WorkspaceService/CreateProject",
        OPERATOR_OR_OWNER,
    ),
    (
        "/latchkey.vault.v1.WorkspaceService/CreateWorkspace",
        OPERATOR,
    ),
    (
        "/latchkey.vault.v1.WorkspaceService/DeleteProject",
        OPERATOR_OR_OWNER,
    ),
    (
        "/latchkey.vault.v1.WorkspaceService/DeleteWorkspace",
        OPERATOR,
    ),
    (
        "/latchkey.vault.v1.WorkspaceService/GetProject",
        EVERY_MEMBER,
    ),
    (
        "/latchkey.vault.v1.WorkspaceService/GetWorkspace",
        EVERY_MEMBER,
    ),
    (
        "/latchkey.vault.v1.WorkspaceService/ListProjects",
        EVERY_MEMBER,
    ),
    (
        "/latchkey.vault.v1.WorkspaceService/ListWorkspaces",
        OPERATOR,
    ),
    (
        "/latchkey.vault.v1.WorkspaceService/ListMembers",
        OPERATOR_OR_OWNER,
    ),
    (
        "/latchkey.vault.v1.WorkspaceService/RemoveMember",
        OPERATOR_OR_OWNER,
    ),
    (
        "/latchkey.vault.v1.WorkspaceService/SetMember",
        OPERATOR_OR_OWNER,
    ),
    (
        "/latchkey.vault.v1.WorkspaceService/UpdateProject",
        OPERATOR_OR_OWNER,
    ),
    (
        "/latchkey.vault.v1.WorkspaceService/UpdateWorkspace",
        OPERATOR_OR_OWNER,
    ),
];

/// The table, if it holds exactly the methods of the contract.
pub fn table() -> Result<AccessTable<Role>, AccessTableError> {
    AccessTable::new(RULES, FILE_DESCRIPTOR_SET, PACKAGE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_method_of_the_contract_has_a_rule() {
        assert!(table().is_ok());
    }
}
