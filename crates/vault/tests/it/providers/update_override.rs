//! `UpdateProviderOverride`.

use latchkey_contract::vault::v1::provider_access::Switch;
use latchkey_contract::vault::v1::{
    ListProviderOverridesRequest, ProviderAccess, ProviderOverride, UpdateProviderOverrideRequest,
};
use tonic::Code;

use super::{
    ACME, OPENAI, OVERRIDE, details, everything, models, own_keys, update, update_override,
};
use crate::harness::{ACME_OWNER, OPERATOR, ROUTER, Router, Vault, mask, refused, resolve};
use crate::on_both_databases;

on_both_databases!(
    an_override_is_created_and_then_changed,
    an_override_replaces_the_general_terms,
    only_the_fields_of_the_mask_are_changed,
    only_routers_of_the_workspace_confirm_an_override,
    switching_own_keys_is_recorded_with_the_fallback,
    a_stale_etag_is_refused_and_changes_nothing,
    a_value_out_of_bounds_is_refused_by_field,
    a_missing_workspace_is_not_found,
    only_operators_set_overrides,
);

async fn an_override_is_created_and_then_changed(vault: Vault) {
    vault.create_workspace("acme").await;
    let request = update_override(OVERRIDE, own_keys(Switch::Off));
    let made = vault.update_override(request).await.unwrap();
    let made = made.provider_override.unwrap();
    assert_eq!((made.name.as_str(), made.etag.as_str()), (OVERRIDE, "r1"));
    assert_eq!(made.access, Some(own_keys(Switch::Off)));
    assert!(made.update_time.is_some());
    let chat = ProviderAccess {
        chat: Switch::Off.into(),
        ..ProviderAccess::default()
    };
    let changed = vault.update_override(update_override(OVERRIDE, chat)).await;
    let changed = changed.unwrap().provider_override.unwrap();
    let both = ProviderAccess {
        chat: Switch::Off.into(),
        ..own_keys(Switch::Off)
    };
    assert_eq!(
        (changed.access.as_ref(), changed.etag.as_str()),
        (Some(&both), "r2")
    );
    let vault = vault.restart().await;
    let list = ListProviderOverridesRequest {
        parent: ACME.to_owned(),
        ..Default::default()
    };
    let listed = vault
        .providers(OPERATOR)
        .list_provider_overrides(list)
        .await;
    assert_eq!(listed.unwrap().into_inner().provider_overrides, [changed]);
}

async fn an_override_replaces_the_general_terms(vault: Vault) {
    vault.create_workspace("acme").await;
    let everybody = ProviderAccess {
        images: Switch::Off.into(),
        allowed_models: models(&["gpt-5*"]),
        denied_models: models(&["gpt-5.5"]),
        ..own_keys(Switch::Off)
    };
    vault
        .update_provider(update(OPENAI, everybody))
        .await
        .unwrap();
    let own = ProviderAccess {
        allowed_models: models(&["o3"]),
        default_model: "o3".to_owned(),
        ..own_keys(Switch::On)
    };
    let answer = vault
        .update_override(update_override(OVERRIDE, own.clone()))
        .await;
    let answer = answer.unwrap().provider_override.unwrap();
    assert_eq!(answer.access, Some(own));
    let expected = ProviderAccess {
        images: Switch::Off.into(),
        allowed_models: models(&["o3"]),
        denied_models: models(&["gpt-5.5"]),
        default_model: "o3".to_owned(),
        ..everything()
    };
    assert_eq!(answer.effective_access, Some(expected));
}

async fn only_the_fields_of_the_mask_are_changed(vault: Vault) {
    vault.create_workspace("acme").await;
    let full = ProviderAccess {
        embeddings: Switch::Off.into(),
        denied_models: models(&["gpt-5.5"]),
        ..own_keys(Switch::Off)
    };
    let request = update_override(OVERRIDE, full.clone());
    vault.update_override(request).await.unwrap();
    let masked = |paths: &[&str]| UpdateProviderOverrideRequest {
        update_mask: mask(paths),
        ..update_override(OVERRIDE, own_keys(Switch::On))
    };
    let answer = vault
        .update_override(masked(&["access.denied_models"]))
        .await;
    let answer = answer.unwrap().provider_override.unwrap();
    let expected = ProviderAccess {
        denied_models: Vec::new(),
        ..full
    };
    assert_eq!(answer.access, Some(expected));
    let answer = vault.update_override(masked(&["access"])).await;
    let answer = answer.unwrap().provider_override.unwrap();
    assert_eq!(answer.access, Some(own_keys(Switch::On)));
}

async fn only_routers_of_the_workspace_confirm_an_override(vault: Vault) {
    for workspace in ["acme", "other"] {
        vault.create_workspace(workspace).await;
        let scope = format!("workspaces/{workspace}");
        vault.create_key(&scope, "main").await;
    }
    let concerned = Router::open_router_session(&vault).await;
    concerned.obtains(resolve(ACME)).await;
    let other = Router::open_router_session(&vault).await;
    other.obtains(resolve("workspaces/other")).await;
    let request = update_override(OVERRIDE, own_keys(Switch::Off));
    let answer = vault.update_override(request).await.unwrap();
    let propagation = answer.propagation.unwrap();
    assert_eq!(propagation.acknowledged_router_count, 1);
    let invalidation = concerned.invalidation(ACME, 0).await;
    assert_eq!(invalidation.revision, propagation.revision);
    other.keeps_alive(1).await;
    assert!(other.invalidations().is_empty());
}

async fn switching_own_keys_is_recorded_with_the_fallback(vault: Vault) {
    vault.create_workspace("acme").await;
    let last = async || {
        let events = vault.events(ACME).await;
        let event = events[0].clone();
        assert_eq!(event.resource, OVERRIDE);
        assert_eq!(event.actor, OPERATOR.actor());
        assert_eq!(
            event.method,
            "/latchkey.vault.v1.ProviderService/UpdateProviderOverride"
        );
        event
    };
    let switch = async |switch: Switch| {
        let request = UpdateProviderOverrideRequest {
            update_mask: mask(&["access.own_keys"]),
            ..update_override(OVERRIDE, own_keys(switch))
        };
        vault.update_override(request).await.unwrap();
        last().await
    };
    assert_eq!(
        details(&switch(Switch::Off).await),
        [
            ("access.own_keys", "off"),
            ("fallback", "platform"),
            ("own_keys", "off")
        ]
    );
    // Nothing moves.
    assert_eq!(
        details(&switch(Switch::Off).await),
        [("access.own_keys", "off")]
    );
    assert_eq!(
        details(&switch(Switch::Unspecified).await),
        [("access.own_keys", "unset"), ("own_keys", "on")]
    );
    assert_eq!(
        details(&switch(Switch::On).await),
        [("access.own_keys", "on")]
    );
    // Off for all workspaces now: this workspace has its own switch.
    let request = update(OPENAI, own_keys(Switch::Off));
    vault.update_provider(request).await.unwrap();
    assert_eq!(
        details(&switch(Switch::Unspecified).await),
        [
            ("access.own_keys", "unset"),
            ("fallback", "platform"),
            ("own_keys", "off")
        ]
    );
}

async fn a_stale_etag_is_refused_and_changes_nothing(vault: Vault) {
    vault.create_workspace("acme").await;
    let with_etag = |etag: &str| {
        let mut request = update_override(OVERRIDE, own_keys(Switch::Off));
        request.provider_override.as_mut().unwrap().etag = etag.to_owned();
        request
    };
    for (etag, current) in [("r1", false), ("r0", true), ("r0", false), ("r1", true)] {
        let before = vault.events(ACME).await.len();
        let outcome = vault.update_override(with_etag(etag)).await;
        if current {
            outcome.unwrap();
        } else {
            refused(outcome, Code::Aborted, "ETAG_MISMATCH");
        }
        let recorded = vault.events(ACME).await.len() - before;
        assert_eq!(recorded, usize::from(current), "{etag}");
    }
}

async fn a_value_out_of_bounds_is_refused_by_field(vault: Vault) {
    vault.create_workspace("acme").await;
    let default = ProviderAccess::default;
    let without_access = ProviderOverride {
        name: OVERRIDE.to_owned(),
        ..ProviderOverride::default()
    };
    for (request, field) in [
        (update_override(OPENAI, default()), "provider_override.name"),
        (
            update_override("workspaces/acme/providers/acme", default()),
            "provider_override.name",
        ),
        (
            UpdateProviderOverrideRequest {
                provider_override: Some(without_access),
                update_mask: None,
            },
            "provider_override.access",
        ),
        (
            update_override(
                OVERRIDE,
                ProviderAccess {
                    images: -1,
                    ..default()
                },
            ),
            "provider_override.access.images",
        ),
        (
            update_override(
                OVERRIDE,
                ProviderAccess {
                    denied_models: models(&[""]),
                    ..default()
                },
            ),
            "provider_override.access.denied_models[0]",
        ),
        (
            UpdateProviderOverrideRequest {
                update_mask: mask(&["effective_access"]),
                ..update_override(OVERRIDE, default())
            },
            "update_mask",
        ),
    ] {
        let outcome = vault.update_override(request).await;
        let refused = refused(outcome, Code::InvalidArgument, "FIELD_INVALID");
        assert_eq!(refused.fields, [field]);
    }
}

async fn a_missing_workspace_is_not_found(vault: Vault) {
    let request = update_override(OVERRIDE, own_keys(Switch::Off));
    let outcome = vault.update_override(request).await;
    refused(outcome, Code::NotFound, "WORKSPACE_NOT_FOUND");
}

async fn only_operators_set_overrides(vault: Vault) {
    vault.create_workspace("acme").await;
    for who in [ACME_OWNER, ROUTER] {
        let request = update_override(OVERRIDE, own_keys(Switch::Off));
        let outcome = vault.providers(who).update_provider_override(request).await;
        refused(outcome, Code::PermissionDenied, "PERMISSION_DENIED");
    }
}
