//! The table of the roles that each method requires.

use latchkey_contract::FILE_DESCRIPTOR_SET;
use latchkey_rpc::access::{AccessTable, AccessTableError, Rule};

use crate::domain::role::Role::{self, Caller, Operator, Owner};

/// The package whose methods the table lists.
const PACKAGE: &str = "latchkey.router.v1";

const CALLER: Rule<Role> = Rule {
    deployment: &[],
    scoped: &[Caller],
    members: &[Caller],
};
/// A caller sees only its own attempts, and only an operator those of a workspace that it names by uid.
/// The handlers restrict them.
const USAGE: Rule<Role> = Rule {
    deployment: &[Operator],
    scoped: &[Operator, Owner, Caller],
    members: &[Owner, Caller],
};

/// A grant of a role in any workspace is enough to read prices. A membership is not: these requests
/// name no workspace in which to look it up.
const CATALOGUE: Rule<Role> = Rule {
    deployment: &[],
    scoped: &[Operator, Owner, Caller],
    members: &[],
};
const OPERATOR: Rule<Role> = Rule {
    deployment: &[Operator],
    scoped: &[],
    members: &[],
};

const RULES: &[(&str, Rule<Role>)] = &[
    (
        "/latchkey.router.v1.CatalogueService/DeleteCatalogueModel",
        OPERATOR,
    ),
    (
        "/latchkey.router.v1.CatalogueService/GetCatalogueModel",
        CATALOGUE,
    ),
    (
        "/latchkey.router.v1.CatalogueService/ListCatalogueModels",
        CATALOGUE,
    ),
    (
        "/latchkey.router.v1.CatalogueService/UpsertCatalogueModel",
        OPERATOR,
    ),
    ("/latchkey.router.v1.InferenceService/Compare", CALLER),
    ("/latchkey.router.v1.InferenceService/CountTokens", CALLER),
    ("/latchkey.router.v1.InferenceService/Embed", CALLER),
    ("/latchkey.router.v1.InferenceService/Explain", CALLER),
    ("/latchkey.router.v1.InferenceService/Generate", CALLER),
    (
        "/latchkey.router.v1.InferenceService/GenerateImages",
        CALLER,
    ),
    ("/latchkey.router.v1.InferenceService/ListModels", CALLER),
    (
        "/latchkey.router.v1.InferenceService/StreamGenerate",
        CALLER,
    ),
    ("/latchkey.router.v1.SessionService/CreateSession", CALLER),
    ("/latchkey.router.v1.SessionService/DeleteSession", CALLER),
    ("/latchkey.router.v1.SessionService/GetSession", CALLER),
    ("/latchkey.router.v1.SessionService/ListSessions", CALLER),
    ("/latchkey.router.v1.SessionService/ListTurns", CALLER),
    ("/latchkey.router.v1.SessionService/UpdateSession", CALLER),
    ("/latchkey.router.v1.UsageService/GetAttempt", USAGE),
    ("/latchkey.router.v1.UsageService/ListAttempts", USAGE),
    ("/latchkey.router.v1.UsageService/SummarizeUsage", USAGE),
];

/// Builds the table. Fails unless it lists exactly the methods of the contract.
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
