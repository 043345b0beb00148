//! `Resolve`: what a request may ask of the choice beside a provider and a model.

use latchkey_contract::vault::v1::funding_policy::FundingFallback;
use latchkey_contract::vault::v1::{
    Capability, CreateKeyRequest, FundingPolicy, Key, Payer, ResolveRequest, ResolveResponse,
};
use tonic::Code;

use crate::harness::{Router, Vault, create_key, key_of, refused, resolve};
use crate::on_both_databases;

on_both_databases!(
    excluded_keys_are_skipped,
    a_named_key_that_is_excluded_is_refused,
    only_keys_that_the_payer_pays_for_are_leased,
    the_keys_of_the_best_rank_share_the_calls,
    listing_models_needs_no_allowed_model,
    every_other_capability_needs_a_model_that_is_allowed,
    a_lease_holds_the_model_rules_of_its_key,
    a_malformed_field_is_named,
);

const ACME: &str = "workspaces/acme";
const MAIN: &str = "workspaces/acme/keys/main";
const SPARE: &str = "workspaces/acme/keys/spare";
const SHARED: &str = "platform/keys/shared";

/// A workspace with two keys, of which `main` is tried first, and a key of the platform.
async fn acme(vault: &Vault) -> Router {
    vault.create_workspace("acme").await;
    vault.create_key(ACME, "main").await;
    let spare = Key {
        priority: 1,
        ..key_of("openai")
    };
    let spare = CreateKeyRequest {
        key: Some(spare),
        ..create_key(ACME, "spare")
    };
    vault.store_key(spare).await;
    vault.create_key("platform", "shared").await;
    Router::open_router_session(vault).await
}

fn excluding(keys: &[&str]) -> ResolveRequest {
    ResolveRequest {
        excluded_keys: keys.iter().map(ToString::to_string).collect(),
        ..resolve(ACME)
    }
}

/// The key that was leased, and each of the others with its rule.
fn outcome(response: &ResolveResponse) -> (&str, Vec<(&str, &str)>) {
    let version = &response.lease.as_ref().unwrap().key_version;
    let exclusions = response.exclusions.iter();
    let mut rules: Vec<_> = exclusions
        .map(|exclusion| (exclusion.key.as_str(), exclusion.rule.as_str()))
        .collect();
    rules.sort_unstable();
    (version.split("/versions/").next().unwrap(), rules)
}

async fn excluded_keys_are_skipped(vault: Vault) {
    let router = acme(&vault).await;
    let elsewhere = "workspaces/other/keys/main";
    let response = router.resolve(excluding(&[MAIN, elsewhere])).await.unwrap();
    let expected = vec![(SHARED, "PLATFORM_NOT_ALLOWED"), (MAIN, "ALREADY_TRIED")];
    assert_eq!(outcome(&response), (SPARE, expected));
    let refusal = router.resolve(excluding(&[MAIN, SPARE])).await;
    let refusal = refused(refusal, Code::FailedPrecondition, "OWN_KEY_REQUIRED");
    assert_eq!(refusal.metadata[SHARED], "PLATFORM_NOT_ALLOWED");

    let follows = FundingPolicy {
        when_failed: FundingFallback::Platform.into(),
        ..FundingPolicy::default()
    };
    vault.fund_workspace(ACME, follows).await;
    let response = router.resolve(excluding(&[MAIN, elsewhere])).await.unwrap();
    let expected = vec![(SHARED, "AFTER_FAILURE"), (MAIN, "ALREADY_TRIED")];
    assert_eq!(outcome(&response), (SPARE, expected));
    let response = router.resolve(excluding(&[MAIN, SPARE])).await.unwrap();
    let expected = vec![(MAIN, "ALREADY_TRIED"), (SPARE, "ALREADY_TRIED")];
    assert_eq!(outcome(&response), (SHARED, expected));
    let refusal = router.resolve(excluding(&[MAIN, SPARE, SHARED])).await;
    let refusal = refused(refusal, Code::FailedPrecondition, "OWN_KEY_REQUIRED");
    for key in [MAIN, SPARE, SHARED] {
        assert_eq!(refusal.metadata[key], "ALREADY_TRIED");
    }
}

async fn a_named_key_that_is_excluded_is_refused(vault: Vault) {
    let router = acme(&vault).await;
    for key in ["main", MAIN] {
        let request = ResolveRequest {
            key: key.to_owned(),
            ..excluding(&[MAIN])
        };
        let refusal = router.resolve(request).await;
        let refusal = refused(refusal, Code::FailedPrecondition, "KEY_UNUSABLE");
        assert_eq!(refusal.metadata["rule"], "ALREADY_TRIED");
    }
    let request = ResolveRequest {
        key: "spare".to_owned(),
        ..excluding(&[MAIN])
    };
    router.obtains(request).await;
}

async fn only_keys_that_the_payer_pays_for_are_leased(vault: Vault) {
    let router = acme(&vault).await;
    let paid_by = |payer: Payer, excluded: &[&str]| ResolveRequest {
        payer: payer.into(),
        ..excluding(excluded)
    };
    // Whose bill the platform has begun does not take another's place either.
    let refusal = router.resolve(paid_by(Payer::Platform, &[])).await;
    let refusal = refused(refusal, Code::FailedPrecondition, "OWN_KEY_REQUIRED");
    assert_eq!(refusal.metadata[MAIN], "PAYER_DIFFERS");
    assert_eq!(refusal.metadata[SHARED], "OWN_KEY_FIRST");
    let response = router
        .resolve(paid_by(Payer::OwnKey, &[MAIN]))
        .await
        .unwrap();
    let expected = vec![(SHARED, "PAYER_DIFFERS"), (MAIN, "ALREADY_TRIED")];
    assert_eq!(outcome(&response), (SPARE, expected));
    let refusal = router.resolve(paid_by(Payer::OwnKey, &[MAIN, SPARE])).await;
    let refusal = refused(refusal, Code::FailedPrecondition, "OWN_KEY_REQUIRED");
    assert_eq!(refusal.metadata[SHARED], "PAYER_DIFFERS");
    let named = ResolveRequest {
        key: MAIN.to_owned(),
        ..paid_by(Payer::Platform, &[])
    };
    let refusal = router.resolve(named).await;
    let refusal = refused(refusal, Code::FailedPrecondition, "KEY_UNUSABLE");
    assert_eq!(refusal.metadata["rule"], "PAYER_DIFFERS");
}

/// A key without a default model, whose lists allow none.
async fn closed(vault: &Vault) -> Router {
    vault.create_workspace("acme").await;
    let key = Key {
        provider: "openai".to_owned(),
        denied_models: vec!["*".to_owned()],
        ..Key::default()
    };
    let request = CreateKeyRequest {
        key: Some(key),
        ..create_key(ACME, "main")
    };
    vault.store_key(request).await;
    Router::open_router_session(vault).await
}

fn for_capability(capability: Capability, model: &str) -> ResolveRequest {
    ResolveRequest {
        capability: capability.into(),
        model: model.to_owned(),
        ..resolve(ACME)
    }
}

async fn listing_models_needs_no_allowed_model(vault: Vault) {
    let router = closed(&vault).await;
    for model in ["", "gpt-5.4"] {
        let request = for_capability(Capability::ListModels, model);
        let lease = router.obtains(request.clone()).await;
        assert_eq!(lease.key_version, format!("{MAIN}/versions/1"));
        let named = ResolveRequest {
            key: "main".to_owned(),
            ..request
        };
        router.obtains(named).await;
    }
}

async fn every_other_capability_needs_a_model_that_is_allowed(vault: Vault) {
    let router = closed(&vault).await;
    for capability in [
        Capability::Unspecified,
        Capability::Generate,
        Capability::Embed,
        Capability::GenerateImages,
    ] {
        for (model, rule) in [("", "NO_DEFAULT_MODEL"), ("gpt-5.4", "MODEL_DENIED")] {
            let refusal = router.resolve(for_capability(capability, model)).await;
            let refusal = refused(refusal, Code::FailedPrecondition, "OWN_KEY_REQUIRED");
            assert_eq!(refusal.metadata[MAIN], rule, "{capability:?}");
        }
    }
}

async fn a_lease_holds_the_model_rules_of_its_key(vault: Vault) {
    vault.create_workspace("acme").await;
    let key = Key {
        allowed_models: vec!["gpt-5*".to_owned()],
        denied_models: vec!["gpt-5.5".to_owned()],
        ..key_of("openai")
    };
    let request = CreateKeyRequest {
        key: Some(key.clone()),
        ..create_key(ACME, "main")
    };
    vault.store_key(request).await;
    let lease = Router::open_router_session(&vault)
        .await
        .obtains(resolve(ACME))
        .await;
    assert_eq!(lease.allowed_models, key.allowed_models);
    assert_eq!(lease.denied_models, key.denied_models);
    assert!(lease.deployments.is_empty());
}

async fn a_malformed_field_is_named(vault: Vault) {
    let router = acme(&vault).await;
    let many: Vec<_> = (0..65).map(|n| format!("{ACME}/keys/k{n}")).collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    for (request, field) in [
        (excluding(&[MAIN, "main"]), "excluded_keys[1]"),
        (excluding(&[""]), "excluded_keys[0]"),
        (
            excluding(&["workspaces/acme/keys/main/versions/1"]),
            "excluded_keys[0]",
        ),
        (excluding(&many), "excluded_keys"),
        (
            ResolveRequest {
                capability: 99,
                ..resolve(ACME)
            },
            "capability",
        ),
        (
            ResolveRequest {
                payer: 99,
                ..resolve(ACME)
            },
            "payer",
        ),
    ] {
        let refusal = router.resolve(request).await;
        let refusal = refused(refusal, Code::InvalidArgument, "FIELD_INVALID");
        assert_eq!(refusal.fields, [field]);
    }
    router.obtains(excluding(&many[..64])).await;
}

async fn the_keys_of_the_best_rank_share_the_calls(vault: Vault) {
    let router = acme(&vault).await;
    let second = Key {
        weight: 3,
        ..key_of("openai")
    };
    let second = CreateKeyRequest {
        key: Some(second),
        ..create_key(ACME, "second")
    };
    vault.store_key(second).await;
    let drawing = |key: &str| ResolveRequest {
        preferred_key: key.to_owned(),
        ..resolve(ACME)
    };
    let name = "workspaces/acme/keys/second";
    for wanted in [MAIN, name] {
        let response = router.resolve(drawing(wanted)).await.unwrap();
        assert_eq!(outcome(&response).0, wanted);
        let weighted_keys = response.weighted_keys.iter();
        let weighted_keys: Vec<_> = weighted_keys
            .map(|share| (&*share.key, share.weight))
            .collect();
        assert_eq!(weighted_keys, [(MAIN, 1), (name, 3)]);
    }
    // Whose turn it can't be is not leased for that.
    for wanted in [SPARE, SHARED, "workspaces/other/keys/main"] {
        let response = router.resolve(drawing(wanted)).await.unwrap();
        assert!([MAIN, name].contains(&outcome(&response).0), "{wanted}");
    }
    let refusal = router.resolve(drawing("main")).await;
    let refusal = refused(refusal, Code::InvalidArgument, "FIELD_INVALID");
    assert_eq!(refusal.fields, ["preferred_key"]);
}
