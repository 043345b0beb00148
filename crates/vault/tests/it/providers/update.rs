//! `UpdateProvider`.

use latchkey_contract::vault::v1::provider_access::Switch;
use latchkey_contract::vault::v1::{Provider, ProviderAccess, UpdateProviderRequest};
use tonic::Code;

use super::{OPENAI, details, everything, models, own_keys, update};
use crate::harness::{OPERATOR, OWNER, ROUTER, Router, Vault, mask, refused, resolve};
use crate::on_both_databases;

on_both_databases!(
    without_a_mask_every_field_that_is_set_is_changed,
    a_field_that_is_named_and_empty_is_cleared,
    the_whole_access_is_replaced_where_it_is_named,
    a_change_is_recorded_in_the_platforms_log,
    every_router_confirms_a_change,
    a_stale_etag_is_refused_and_changes_nothing,
    a_value_out_of_bounds_is_refused_by_field,
    only_operators_change_providers,
);

fn full() -> ProviderAccess {
    ProviderAccess {
        own_keys: Switch::Off.into(),
        chat: Switch::On.into(),
        embeddings: Switch::Off.into(),
        images: Switch::Off.into(),
        allowed_models: models(&["gpt-5*", "o3"]),
        denied_models: models(&["gpt-5.5"]),
        default_model: "gpt-5.4".to_owned(),
    }
}

fn masked(paths: &[&str], access: ProviderAccess) -> UpdateProviderRequest {
    UpdateProviderRequest {
        update_mask: mask(paths),
        ..update(OPENAI, access)
    }
}

async fn without_a_mask_every_field_that_is_set_is_changed(vault: Vault) {
    let answer = vault.update_provider(update(OPENAI, full())).await.unwrap();
    let provider = answer.provider.unwrap();
    assert_eq!(provider.access, Some(full()));
    let less = ProviderAccess {
        images: Switch::On.into(),
        denied_models: models(&["o3"]),
        ..ProviderAccess::default()
    };
    let answer = vault.update_provider(update(OPENAI, less)).await.unwrap();
    let provider = answer.provider.unwrap();
    let expected = ProviderAccess {
        images: Switch::On.into(),
        denied_models: models(&["o3"]),
        ..full()
    };
    assert_eq!(provider.access, Some(expected));
    assert_eq!(provider.etag, "r2");
    assert_eq!(vault.get_provider(OPENAI).await, provider);
}

async fn a_field_that_is_named_and_empty_is_cleared(vault: Vault) {
    vault.update_provider(update(OPENAI, full())).await.unwrap();
    // What is set beside it is not named, and stays.
    let other = ProviderAccess {
        own_keys: Switch::On.into(),
        ..ProviderAccess::default()
    };
    for (path, cleared) in [
        ("access.chat", full()),
        (
            "access.embeddings",
            ProviderAccess {
                embeddings: Switch::On.into(),
                ..full()
            },
        ),
        (
            "access.allowed_models",
            ProviderAccess {
                embeddings: Switch::On.into(),
                allowed_models: Vec::new(),
                ..full()
            },
        ),
        (
            "access.default_model",
            ProviderAccess {
                embeddings: Switch::On.into(),
                allowed_models: Vec::new(),
                default_model: String::new(),
                ..full()
            },
        ),
    ] {
        let request = masked(&[path], other.clone());
        let answer = vault.update_provider(request).await.unwrap();
        assert_eq!(answer.provider.unwrap().access, Some(cleared), "{path}");
    }
}

async fn the_whole_access_is_replaced_where_it_is_named(vault: Vault) {
    vault.update_provider(update(OPENAI, full())).await.unwrap();
    let chat = ProviderAccess {
        chat: Switch::Off.into(),
        ..ProviderAccess::default()
    };
    let answer = vault.update_provider(masked(&["access"], chat)).await;
    let expected = ProviderAccess {
        chat: Switch::Off.into(),
        ..everything()
    };
    let provider = answer.unwrap().provider.unwrap();
    assert_eq!(provider.access, Some(expected));
    let nothing = UpdateProviderRequest {
        provider: Some(Provider {
            name: OPENAI.to_owned(),
            ..Provider::default()
        }),
        update_mask: mask(&["access"]),
    };
    let answer = vault.update_provider(nothing).await.unwrap();
    assert_eq!(answer.provider.unwrap().access, Some(everything()));
}

async fn a_change_is_recorded_in_the_platforms_log(vault: Vault) {
    let access = ProviderAccess {
        own_keys: Switch::Off.into(),
        allowed_models: models(&["gpt-5*", "o3"]),
        ..ProviderAccess::default()
    };
    vault.update_provider(update(OPENAI, access)).await.unwrap();
    let request = masked(&["access.own_keys"], ProviderAccess::default());
    vault.update_provider(request).await.unwrap();
    let events = vault.events("platform").await;
    for event in &events[..2] {
        assert_eq!(event.resource, OPENAI);
        assert_eq!(event.actor, OPERATOR.actor());
        assert_eq!(
            event.method,
            "/latchkey.vault.v1.ProviderService/UpdateProvider"
        );
    }
    assert_eq!(
        details(&events[1]),
        [
            ("access.allowed_models", "gpt-5*, o3"),
            ("access.own_keys", "off"),
            ("moved_workspace_count", "0")
        ]
    );
    assert_eq!(
        details(&events[0]),
        [("access.own_keys", "unset"), ("moved_workspace_count", "0")]
    );
}

async fn every_router_confirms_a_change(vault: Vault) {
    for workspace in ["acme", "other"] {
        vault.create_workspace(workspace).await;
        let scope = format!("workspaces/{workspace}");
        vault.create_key(&scope, "main").await;
    }
    let routers = [
        Router::open_router_session(&vault).await,
        Router::open_router_session(&vault).await,
    ];
    for (router, scope) in routers.iter().zip(["workspaces/acme", "workspaces/other"]) {
        router.obtains(resolve(scope)).await;
        router.has_in_flight(2);
    }
    let request = update(OPENAI, own_keys(Switch::Off));
    let answer = vault.update_provider(request).await.unwrap();
    let propagation = answer.propagation.unwrap();
    assert_eq!(propagation.acknowledged_router_count, 2);
    assert_eq!(propagation.fenced_router_count, 0);
    assert_eq!(propagation.in_flight_count, 4);
    for router in &routers {
        let invalidation = router.invalidation("platform", 0).await;
        assert_eq!(invalidation.revision, propagation.revision);
        assert!(invalidation.revoked_key_versions.is_empty());
        // The workspaces themselves did not change.
        assert!(
            router
                .invalidations()
                .iter()
                .all(|invalidation| invalidation.scope == "platform")
        );
    }
    let again = update(OPENAI, own_keys(Switch::On));
    let answer = vault.update_provider(again).await.unwrap();
    let next = answer.propagation.unwrap().revision;
    assert_eq!(next, propagation.revision + 1);
}

async fn a_stale_etag_is_refused_and_changes_nothing(vault: Vault) {
    let with_etag = |etag: &str| {
        let mut request = update(OPENAI, own_keys(Switch::Off));
        request.provider.as_mut().unwrap().etag = etag.to_owned();
        request
    };
    let outcome = vault.update_provider(with_etag("r1")).await;
    refused(outcome, Code::Aborted, "ETAG_MISMATCH");
    assert_eq!(vault.get_provider(OPENAI).await.etag, "r0");
    vault.update_provider(with_etag("r0")).await.unwrap();
    let outcome = vault.update_provider(with_etag("r0")).await;
    refused(outcome, Code::Aborted, "ETAG_MISMATCH");
    vault.update_provider(with_etag("r1")).await.unwrap();
    assert_eq!(vault.get_provider(OPENAI).await.etag, "r2");
}

async fn a_value_out_of_bounds_is_refused_by_field(vault: Vault) {
    let of = |access: ProviderAccess| update(OPENAI, access);
    let default = ProviderAccess::default;
    for (request, field) in [
        (update("providers/acme", default()), "provider.name"),
        (UpdateProviderRequest::default(), "provider.name"),
        (
            of(ProviderAccess {
                chat: 7,
                ..default()
            }),
            "provider.access.chat",
        ),
        (
            of(ProviderAccess {
                allowed_models: models(&["gpt-5", "g*t"]),
                ..default()
            }),
            "provider.access.allowed_models[1]",
        ),
        (
            of(ProviderAccess {
                denied_models: models(&["m"; 257]),
                ..default()
            }),
            "provider.access.denied_models",
        ),
        (
            of(ProviderAccess {
                default_model: "gpt 5".to_owned(),
                ..default()
            }),
            "provider.access.default_model",
        ),
        (masked(&["access.colour"], default()), "update_mask"),
        (masked(&["own_keys"], default()), "update_mask"),
    ] {
        let outcome = vault.update_provider(request).await;
        let refused = refused(outcome, Code::InvalidArgument, "FIELD_INVALID");
        assert_eq!(refused.fields, [field]);
    }
    assert_eq!(vault.get_provider(OPENAI).await.etag, "r0");
}

async fn only_operators_change_providers(vault: Vault) {
    for who in [OWNER, ROUTER] {
        let mut client = vault.providers(who);
        let request = update(OPENAI, own_keys(Switch::Off));
        let outcome = client.update_provider(request).await;
        refused(outcome, Code::PermissionDenied, "PERMISSION_DENIED");
    }
    assert_eq!(vault.get_provider(OPENAI).await.etag, "r0");
}
