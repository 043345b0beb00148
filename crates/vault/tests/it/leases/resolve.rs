//! `Resolve`.

use latchkey_contract::vault::v1::{
    CreateKeyRequest, DisableKeyRequest, Key, Payer, ResolveRequest, ResolveResponse,
};
use prost_types::Timestamp;
use tonic::Code;

use crate::harness::{
    OPERATOR, OTHER_ROUTER, OWNER, Router, SECRET_TAIL, UNGRANTED, Vault, api_key, create_key,
    key_of, refused, resolve, secret,
};
use crate::on_both_databases;

on_both_databases!(
    a_key_is_leased_with_all_that_a_call_needs,
    the_nearest_key_is_leased_and_the_others_have_their_rules,
    the_platform_pays_where_the_customer_has_no_key,
    the_revisions_of_both_scopes_are_returned,
    a_named_key_is_leased_by_its_id_or_its_full_name,
    a_full_name_names_one_key_alone,
    a_named_key_is_never_replaced,
    a_named_keys_provider_is_checked,
    another_workspaces_key_cannot_be_named,
    without_a_usable_key_each_rule_is_returned,
    a_missing_scope_or_key_is_not_found,
    a_malformed_field_is_named,
    an_unknown_session_is_refused,
    a_session_is_its_own_routers_alone,
    only_routers_resolve,
);

const ACME: &str = "workspaces/acme";
const WEB: &str = "workspaces/acme/projects/web";

fn named(parent: &str, key: &str) -> ResolveRequest {
    ResolveRequest {
        key: key.to_owned(),
        provider: String::new(),
        ..resolve(parent)
    }
}

/// A workspace with a project; each has a key `main`.
async fn acme(vault: &Vault) -> Router {
    vault.create_workspace("acme").await;
    vault.create_project("acme", "web").await;
    vault.create_key(ACME, "main").await;
    vault.create_key(WEB, "main").await;
    Router::open_router_session(vault).await
}

fn rules(response: &ResolveResponse) -> Vec<(&str, &str)> {
    let exclusions = response.exclusions.iter();
    let mut rules: Vec<_> = exclusions
        .map(|exclusion| (exclusion.key.as_str(), exclusion.rule.as_str()))
        .collect();
    rules.sort_unstable();
    rules
}

async fn a_key_is_leased_with_all_that_a_call_needs(vault: Vault) {
    vault.create_workspace("acme").await;
    let expire_time = Some(Timestamp {
        seconds: 1_900_000_000,
        nanos: 0,
    });
    let base_url = "https://llm.example/v1".to_owned();
    let key = Some(Key {
        base_url,
        expire_time,
        ..key_of("custom")
    });
    vault
        .store_key(CreateKeyRequest {
            key,
            ..create_key(ACME, "main")
        })
        .await;
    let router = Router::open_router_session(&vault).await;
    let request = ResolveRequest {
        provider: "custom".to_owned(),
        ..resolve(ACME)
    };
    let lease = router.obtains(request).await;
    assert_eq!(lease.key_version, "workspaces/acme/keys/main/versions/1");
    assert_eq!(lease.provider, "custom");
    assert_eq!(lease.base_url, "https://llm.example/v1");
    assert_eq!(api_key(lease.material.as_ref()), secret(ACME, "main"));
    assert_eq!(lease.material_tail, SECRET_TAIL);
    assert_eq!(lease.payer(), Payer::OwnKey);
    assert_eq!(lease.default_model, "gpt-5.4");
    assert_eq!(lease.expire_time, expire_time);
}

async fn the_nearest_key_is_leased_and_the_others_have_their_rules(vault: Vault) {
    let router = acme(&vault).await;
    vault.create_key("platform", "shared").await;
    let late = Some(Key {
        priority: 1,
        ..key_of("openai")
    });
    vault
        .store_key(CreateKeyRequest {
            key: late,
            ..create_key(WEB, "late")
        })
        .await;
    let response = router.resolve(resolve(WEB)).await.unwrap();
    let lease = response.lease.as_ref().unwrap();
    assert_eq!(
        lease.key_version,
        "workspaces/acme/projects/web/keys/main/versions/1"
    );
    assert_eq!(
        rules(&response),
        [
            ("platform/keys/shared", "OWN_KEY_FIRST"),
            ("workspaces/acme/keys/main", "OUTRANKED"),
            ("workspaces/acme/projects/web/keys/late", "OUTRANKED"),
        ]
    );
    let lease = router.obtains(resolve(ACME)).await;
    assert_eq!(lease.key_version, "workspaces/acme/keys/main/versions/1");
}

async fn the_platform_pays_where_the_customer_has_no_key(vault: Vault) {
    vault.create_workspace("acme").await;
    vault.create_key("platform", "shared").await;
    let router = Router::open_router_session(&vault).await;
    let lease = router.obtains(resolve(ACME)).await;
    assert_eq!(lease.payer(), Payer::Platform);
    assert_eq!(
        api_key(lease.material.as_ref()),
        secret("platform", "shared")
    );
}

async fn the_revisions_of_both_scopes_are_returned(vault: Vault) {
    let router = acme(&vault).await;
    let revisions = async || {
        let response = router.resolve(resolve(ACME)).await.unwrap();
        let revisions = response.revisions.into_iter();
        revisions
            .map(|revision| (revision.workspace_uid, revision.revision))
            .collect::<Vec<_>>()
    };
    let before = revisions().await;
    assert_eq!(before[0].0, vault.workspace_uid(ACME).await);
    assert_ne!(before[1].0, before[0].0);
    vault.create_key(ACME, "second").await;
    vault.create_key("platform", "shared").await;
    let after = revisions().await;
    assert_eq!(after[0].1, before[0].1 + 1);
    assert_eq!(after[1].1, before[1].1 + 1);
}

async fn a_named_key_is_leased_by_its_id_or_its_full_name(vault: Vault) {
    let router = acme(&vault).await;
    vault.create_key(ACME, "wide").await;
    for (parent, key, expected) in [
        (
            WEB,
            "main",
            "workspaces/acme/projects/web/keys/main/versions/1",
        ),
        (WEB, "wide", "workspaces/acme/keys/wide/versions/1"),
        (
            WEB,
            "workspaces/acme/keys/main",
            "workspaces/acme/keys/main/versions/1",
        ),
        (ACME, "main", "workspaces/acme/keys/main/versions/1"),
        (
            ACME,
            "workspaces/acme/keys/wide",
            "workspaces/acme/keys/wide/versions/1",
        ),
    ] {
        assert_eq!(
            router.obtains(named(parent, key)).await.key_version,
            expected
        );
    }
}

async fn a_full_name_names_one_key_alone(vault: Vault) {
    let router = acme(&vault).await;
    vault.create_key(ACME, "wide").await;
    let outcome = router
        .resolve(named(WEB, "workspaces/acme/projects/web/keys/wide"))
        .await;
    refused(outcome, Code::NotFound, "KEY_NOT_FOUND");
}

async fn a_named_key_is_never_replaced(vault: Vault) {
    let router = acme(&vault).await;
    let name = "workspaces/acme/projects/web/keys/main".to_owned();
    let disable = DisableKeyRequest {
        name,
        etag: String::new(),
    };
    vault.keys(OWNER).disable_key(disable).await.unwrap();
    let outcome = router.resolve(named(WEB, "main")).await;
    let refused = refused(outcome, Code::FailedPrecondition, "KEY_UNUSABLE");
    assert_eq!(refused.metadata["rule"], "KEY_DISABLED");
    // Unnamed, the workspace's stands in.
    router.obtains(resolve(WEB)).await;
}

async fn a_named_keys_provider_is_checked(vault: Vault) {
    let router = acme(&vault).await;
    let request = ResolveRequest {
        provider: "anthropic".to_owned(),
        ..named(ACME, "main")
    };
    let outcome = router.resolve(request).await;
    let refused = refused(outcome, Code::FailedPrecondition, "PROVIDER_MISMATCH");
    assert_eq!(refused.metadata["expected"], "anthropic");
    assert_eq!(refused.metadata["actual"], "openai");
    let request = ResolveRequest {
        provider: "openai".to_owned(),
        ..named(ACME, "main")
    };
    router.obtains(request).await;
}

async fn another_workspaces_key_cannot_be_named(vault: Vault) {
    let router = acme(&vault).await;
    vault.create_workspace("other").await;
    vault.create_key("workspaces/other", "main").await;
    vault.create_key("platform", "shared").await;
    for (parent, key) in [
        (ACME, "workspaces/other/keys/main"),
        (ACME, "workspaces/other/keys/missing"),
        (ACME, "platform/keys/shared"),
        (ACME, "workspaces/acme/projects/web/keys/main"),
        (ACME, "shared"),
    ] {
        let outcome = router.resolve(named(parent, key)).await;
        refused(outcome, Code::NotFound, "KEY_NOT_FOUND");
    }
}

async fn without_a_usable_key_each_rule_is_returned(vault: Vault) {
    let router = acme(&vault).await;
    let expired = Some(Timestamp {
        seconds: 1,
        nanos: 0,
    });
    let expired = Some(Key {
        expire_time: expired,
        ..key_of("openai")
    });
    vault
        .store_key(CreateKeyRequest {
            key: expired,
            ..create_key(ACME, "expired")
        })
        .await;
    let denied = vec!["gpt-5*".to_owned()];
    let denied = Some(Key {
        denied_models: denied,
        ..key_of("openai")
    });
    vault
        .store_key(CreateKeyRequest {
            key: denied,
            ..create_key("platform", "denied")
        })
        .await;
    let disable = DisableKeyRequest {
        name: "workspaces/acme/keys/main".to_owned(),
        etag: String::new(),
    };
    vault.keys(OWNER).disable_key(disable).await.unwrap();
    let outcome = router.resolve(resolve(ACME)).await;
    let refused_with = refused(outcome, Code::FailedPrecondition, "OWN_KEY_REQUIRED");
    let mut reasons: Vec<_> = refused_with.metadata.into_iter().collect();
    reasons.sort();
    let expected = [
        ("platform/keys/denied", "MODEL_DENIED"),
        ("workspaces/acme/keys/expired", "KEY_EXPIRED"),
        ("workspaces/acme/keys/main", "KEY_DISABLED"),
    ];
    assert_eq!(
        reasons,
        expected.map(|(key, rule)| (key.to_owned(), rule.to_owned()))
    );
    // No owner has a key of this provider at all.
    let request = ResolveRequest {
        provider: "anthropic".to_owned(),
        ..resolve(ACME)
    };
    let outcome = router.resolve(request).await;
    let refused = refused(outcome, Code::FailedPrecondition, "OWN_KEY_REQUIRED");
    assert!(refused.metadata.is_empty());
}

async fn a_missing_scope_or_key_is_not_found(vault: Vault) {
    let router = acme(&vault).await;
    for (request, reason) in [
        (resolve("workspaces/nowhere"), "WORKSPACE_NOT_FOUND"),
        (resolve("workspaces/acme/projects/app"), "PROJECT_NOT_FOUND"),
        (named(ACME, "missing"), "KEY_NOT_FOUND"),
    ] {
        refused(router.resolve(request).await, Code::NotFound, reason);
    }
}

async fn a_malformed_field_is_named(vault: Vault) {
    let router = acme(&vault).await;
    for (request, field) in [
        (resolve("acme"), "parent"),
        (resolve("platform"), "parent"),
        (named(ACME, "Main"), "key"),
        (
            ResolveRequest {
                provider: "acme".to_owned(),
                ..resolve(ACME)
            },
            "provider",
        ),
    ] {
        let outcome = router.resolve(request).await;
        assert_eq!(
            refused(outcome, Code::InvalidArgument, "FIELD_INVALID").fields,
            [field]
        );
    }
    let request = ResolveRequest {
        router_session: "x".to_owned(),
        ..resolve(ACME)
    };
    let outcome = vault.leases(crate::harness::ROUTER).resolve(request).await;
    assert_eq!(
        refused(outcome, Code::InvalidArgument, "FIELD_INVALID").fields,
        ["router_session"]
    );
}

async fn an_unknown_session_is_refused(vault: Vault) {
    let router = acme(&vault).await;
    let session = "00000000-0000-4000-8000-000000000000".to_owned();
    let mut client = vault.leases(crate::harness::ROUTER);
    let outcome = client
        .resolve(ResolveRequest {
            router_session: session,
            ..resolve(ACME)
        })
        .await;
    refused(outcome, Code::FailedPrecondition, "ROUTER_SESSION_UNKNOWN");
    let session = router.session.clone();
    router.leaves().await;
    let outcome = client
        .resolve(ResolveRequest {
            router_session: session,
            ..resolve(ACME)
        })
        .await;
    refused(outcome, Code::FailedPrecondition, "ROUTER_SESSION_UNKNOWN");
}

async fn a_session_is_its_own_routers_alone(vault: Vault) {
    let router = acme(&vault).await;
    let request = ResolveRequest {
        router_session: router.session.clone(),
        ..resolve(ACME)
    };
    let outcome = vault.leases(OTHER_ROUTER).resolve(request).await;
    refused(outcome, Code::FailedPrecondition, "ROUTER_SESSION_UNKNOWN");
}

async fn only_routers_resolve(vault: Vault) {
    let router = acme(&vault).await;
    for who in [OPERATOR, OWNER, UNGRANTED] {
        let request = ResolveRequest {
            router_session: router.session.clone(),
            ..resolve(ACME)
        };
        let outcome = vault.leases(who).resolve(request).await;
        refused(outcome, Code::PermissionDenied, "PERMISSION_DENIED");
    }
}
