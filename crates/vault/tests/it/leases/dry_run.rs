//! `Resolve` with `dry_run`: what would be leased, and nothing is.

use latchkey_contract::vault::v1::funding_policy::FundingFallback;
use latchkey_contract::vault::v1::{
    CreateKeyRequest, DisableKeyRequest, FundingPolicy, Key, ListLeasesRequest, ResolveRequest,
    ResolveResponse,
};

use crate::harness::{OPERATOR, OWNER, Router, Vault, create_key, key_of, resolve};
use crate::on_both_databases;

on_both_databases!(
    a_dry_run_returns_the_order_of_keys_and_leases_nothing,
    a_dry_run_returns_a_refusal_as_data,
);

const ACME: &str = "workspaces/acme";

fn dry(request: ResolveRequest) -> ResolveRequest {
    ResolveRequest {
        dry_run: true,
        ..request
    }
}

/// Each candidate with its step and rule.
fn steps(response: &ResolveResponse) -> Vec<(&str, i32, &str)> {
    let candidates = response.candidates.iter();
    candidates
        .map(|candidate| (&*candidate.key, candidate.step, &*candidate.rule))
        .collect()
}

async fn a_dry_run_returns_the_order_of_keys_and_leases_nothing(vault: Vault) {
    vault.create_workspace("acme").await;
    let follows = FundingPolicy {
        when_failed: FundingFallback::Platform.into(),
        ..FundingPolicy::default()
    };
    vault.fund_workspace(ACME, follows).await;
    for (parent, id, priority, weight) in [
        (ACME, "a", 0, 3),
        (ACME, "b", 0, 1),
        (ACME, "c", 1, 0),
        (ACME, "off", 0, 0),
        ("platform", "shared", 0, 0),
    ] {
        let key = Key {
            priority,
            weight,
            ..key_of("openai")
        };
        let request = CreateKeyRequest {
            key: Some(key),
            ..create_key(parent, id)
        };
        vault.store_key(request).await;
    }
    let off = DisableKeyRequest {
        name: format!("{ACME}/keys/off"),
        ..DisableKeyRequest::default()
    };
    vault.keys(OWNER).disable_key(off).await.unwrap();
    let router = Router::open_router_session(&vault).await;
    let response = router.resolve(dry(resolve(ACME))).await.unwrap();
    assert_eq!(response.lease, None);
    assert_eq!(response.refusal, None);
    let expected = [
        ("workspaces/acme/keys/a", 1, ""),
        ("workspaces/acme/keys/b", 1, ""),
        ("workspaces/acme/keys/c", 2, ""),
        ("platform/keys/shared", 3, ""),
        ("workspaces/acme/keys/off", 0, "KEY_DISABLED"),
    ];
    assert_eq!(steps(&response), expected);
    let first = &response.candidates[0];
    assert_eq!(first.key_version, "workspaces/acme/keys/a/versions/1");
    assert_eq!((&*first.material_tail, first.weight), ("wxyz", 3));
    assert_eq!((&*first.model, &*first.provider), ("gpt-5.4", "openai"));
    assert_eq!(response.revisions.len(), 2);

    let request = ListLeasesRequest::default();
    let leases = vault.leases(OPERATOR).list_leases(request).await.unwrap();
    assert!(leases.into_inner().leases.is_empty());
    assert_eq!(vault.get_key(&first.key).await.last_used_time, None);
    // The first step names the key that is leased first.
    let lease = router.obtains(resolve(ACME)).await;
    assert!(
        steps(&response)[..2]
            .iter()
            .any(|step| lease.key_version.starts_with(step.0))
    );
}

async fn a_dry_run_returns_a_refusal_as_data(vault: Vault) {
    vault.create_workspace("acme").await;
    vault.create_key("platform", "shared").await;
    let refuses = FundingPolicy {
        when_missing: FundingFallback::Refuse.into(),
        ..FundingPolicy::default()
    };
    vault.fund_workspace(ACME, refuses).await;
    let router = Router::open_router_session(&vault).await;
    let response = router.resolve(dry(resolve(ACME))).await.unwrap();
    let expected = [("platform/keys/shared", 0, "PLATFORM_NOT_ALLOWED")];
    assert_eq!(steps(&response), expected);
    let refusal = response.refusal.unwrap();
    assert_eq!(refusal.reason, "OWN_KEY_REQUIRED");
    assert_eq!(
        refusal.metadata["platform/keys/shared"],
        "PLATFORM_NOT_ALLOWED"
    );
}
