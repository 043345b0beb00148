//! Where `CreateKey` and `AddKeyVersion` have keys sent: more than an address, for some providers.

use latchkey_contract::ProviderId;
use latchkey_contract::vault::v1::{
    AddKeyVersionRequest, AuditEvent, CreateKeyRequest, Key, Lease, ListAuditEventsRequest,
    ResolveRequest, VerifyKeyRequest,
};
use tonic::Code;

use crate::harness::{
    AZURE, OWNER, Router, Vault, complete_key_of, create_key_of, material, refused, resolve,
    secret, service_account, service_account_file,
};
use crate::on_both_databases;

on_both_databases!(
    a_vertex_key_has_a_region_and_maybe_a_project,
    an_azure_key_has_a_version_and_deployments,
    addresses_of_azures_portal_are_parsed,
    a_deployment_that_no_model_leads_to_is_refused,
    a_field_that_the_provider_does_not_use_is_refused_by_name,
    a_malformed_field_is_named,
    a_new_version_keeps_the_fields_that_it_leaves_empty,
    a_new_service_account_brings_its_own_project,
    a_changed_destination_is_audited,
);

const ACME: &str = "workspaces/acme";
const NAME: &str = "workspaces/acme/keys/main";

async fn acme(vault: &Vault) -> Router {
    vault.create_workspace("acme").await;
    Router::open_router_session(vault).await
}

fn create(provider: ProviderId, change: impl FnOnce(&mut Key)) -> CreateKeyRequest {
    let mut key = complete_key_of(provider.as_str());
    change(&mut key);
    CreateKeyRequest {
        key: Some(key),
        ..create_key_of(provider, ACME, "main")
    }
}

fn add(change: impl FnOnce(&mut AddKeyVersionRequest)) -> AddKeyVersionRequest {
    let mut request = AddKeyVersionRequest {
        name: NAME.to_owned(),
        material: material(&secret(ACME, "second")),
        skip_verification: true,
        ..AddKeyVersionRequest::default()
    };
    change(&mut request);
    request
}

async fn add_version(vault: &Vault, request: AddKeyVersionRequest) -> Key {
    let answer = vault.keys(OWNER).add_key_version(request).await.unwrap();
    answer.into_inner().key.unwrap()
}

async fn obtain(router: &Router, provider: &str) -> Lease {
    let request = ResolveRequest {
        provider: provider.to_owned(),
        ..resolve(ACME)
    };
    router.obtains(request).await
}

async fn a_vertex_key_has_a_region_and_maybe_a_project(vault: Vault) {
    let router = acme(&vault).await;
    let request = create(ProviderId::Vertex, |key| {
        key.cloud_project = "other-models".into();
    });
    let key = vault.store_key(request).await;
    assert_eq!(
        (key.location.as_str(), key.cloud_project.as_str()),
        ("europe-west4", "other-models")
    );
    assert_eq!(vault.get_key(NAME).await, key);
    let lease = obtain(&router, "vertex").await;
    assert_eq!(
        (lease.location.as_str(), lease.cloud_project.as_str()),
        ("europe-west4", "other-models")
    );
    let request = VerifyKeyRequest {
        name: NAME.to_owned(),
    };
    vault.keys(OWNER).verify_key(request).await.unwrap();
    let task = router.task().await;
    assert_eq!(
        (task.location.as_str(), task.cloud_project.as_str()),
        ("europe-west4", "other-models")
    );
}

async fn an_azure_key_has_a_version_and_deployments(vault: Vault) {
    let router = acme(&vault).await;
    let request = CreateKeyRequest {
        skip_verification: false,
        ..create(ProviderId::Azure, |key| {
            key.api_version = "2024-10-21".into();
            key.deployments = [("gpt-5.4".to_owned(), "prod".to_owned())].into();
        })
    };
    let deployments = request.key.as_ref().unwrap().deployments.clone();
    let key = vault.store_key(request).await;
    assert_eq!(key.base_url, AZURE);
    assert_eq!(key.api_version, "2024-10-21");
    assert_eq!(key.deployments, deployments);
    assert_eq!(vault.get_key(NAME).await, key);
    let task = router.task().await;
    assert_eq!(
        (task.base_url.as_str(), task.api_version.as_str()),
        (AZURE, "2024-10-21")
    );
    let lease = obtain(&router, "azure").await;
    assert_eq!(
        (lease.base_url.as_str(), lease.api_version.as_str()),
        (AZURE, "2024-10-21")
    );
    assert_eq!(lease.deployments, deployments);
}

async fn addresses_of_azures_portal_are_parsed(vault: Vault) {
    let router = acme(&vault).await;
    let target = format!("{AZURE}/openai/deployments/prod/chat/completions?api-version=2024-10-21");
    let request = create(ProviderId::Azure, |key| {
        key.base_url = target;
        key.default_model = String::new();
    });
    let key = vault.store_key(request).await;
    assert_eq!(key.base_url, AZURE);
    assert_eq!(key.api_version, "2024-10-21");
    assert_eq!(key.default_model, "prod");
    assert_eq!(obtain(&router, "azure").await.default_model, "prod");
    // The address of a deployment that the key leads to already is as good as the resource's.
    let elsewhere = "https://other.openai.azure.com";
    let target = format!("{elsewhere}/openai/deployments/prod/embeddings");
    let key = add_version(&vault, add(|request| request.base_url = target)).await;
    assert_eq!(key.base_url, elsewhere);
    assert_eq!(key.api_version, "2024-10-21");
    let v1 = format!("{AZURE}/openai/v1/");
    let key = add_version(&vault, add(|request| request.base_url = v1)).await;
    assert_eq!(
        (key.base_url.as_str(), key.api_version.as_str()),
        (AZURE, "")
    );
}

async fn a_deployment_that_no_model_leads_to_is_refused(vault: Vault) {
    acme(&vault).await;
    let target = || format!("{AZURE}/openai/deployments/prod");
    let request = create(ProviderId::Azure, |key| key.base_url = target());
    let outcome = vault.keys(OWNER).create_key(request).await;
    let refusal = refused(outcome, Code::InvalidArgument, "FIELD_INVALID");
    assert_eq!(refusal.fields, ["key.base_url"]);
    assert!(
        refusal.message.contains("deployment prod"),
        "{}",
        refusal.message
    );
    let request = create(ProviderId::Azure, |key| {
        key.base_url = target();
        key.deployments = [("gpt-5.4".to_owned(), "prod".to_owned())].into();
    });
    let key = vault.store_key(request).await;
    assert_eq!(key.default_model, "gpt-5.4");
    let other = format!("{AZURE}/openai/deployments/other");
    let request = add(|request| request.base_url = other);
    let outcome = vault.keys(OWNER).add_key_version(request).await;
    let refusal = refused(outcome, Code::InvalidArgument, "FIELD_INVALID");
    assert_eq!(refusal.fields, ["base_url"]);
}

async fn a_field_that_the_provider_does_not_use_is_refused_by_name(vault: Vault) {
    acme(&vault).await;
    let deployments = || [("gpt-5.4".to_owned(), "prod".to_owned())].into();
    for provider in ProviderId::ALL {
        let id = provider.as_str();
        let main = create_key_of(provider, ACME, id);
        let material = main.material.clone();
        vault.store_key(main).await;
        let mut client = vault.keys(OWNER);
        let (azure, vertex) = (
            provider == ProviderId::Azure,
            provider == ProviderId::Vertex,
        );
        for (of_use, field) in [
            (vertex, "location"),
            (vertex, "cloud_project"),
            (azure, "api_version"),
            (azure, "deployments"),
        ] {
            if of_use {
                continue;
            }
            let request = create(provider, |key| match field {
                "location" => key.location = "global".into(),
                "cloud_project" => key.cloud_project = "acme-models".into(),
                "api_version" => key.api_version = "2024-10-21".into(),
                _ => key.deployments = deployments(),
            });
            let outcome = client.create_key(request).await;
            let refusal = refused(outcome, Code::InvalidArgument, "FIELD_INVALID");
            assert_eq!(refusal.fields, [format!("key.{field}")], "{provider}");
            let request = add(|request| {
                request.name = format!("{ACME}/keys/{id}");
                request.material = material.clone();
                match field {
                    "location" => request.location = "global".into(),
                    "cloud_project" => request.cloud_project = "acme-models".into(),
                    _ => request.api_version = "2024-10-21".into(),
                }
            });
            if field != "deployments" {
                let outcome = client.add_key_version(request).await;
                let refusal = refused(outcome, Code::InvalidArgument, "FIELD_INVALID");
                assert_eq!(refusal.fields, [field], "{provider}");
            }
        }
    }
}

async fn a_malformed_field_is_named(vault: Vault) {
    acme(&vault).await;
    for (request, field) in [
        (
            create(ProviderId::Vertex, |key| key.location = String::new()),
            "key.location",
        ),
        (
            create(ProviderId::Vertex, |key| {
                key.location = "evil.example/".into();
            }),
            "key.location",
        ),
        (
            create(ProviderId::Vertex, |key| {
                key.cloud_project = "a/../b".into();
            }),
            "key.cloud_project",
        ),
        (
            create(ProviderId::Azure, |key| key.api_version = "soon".into()),
            "key.api_version",
        ),
        (
            create(ProviderId::Azure, |key| {
                key.deployments = [("gpt-5.4".to_owned(), "a/b".to_owned())].into();
            }),
            "key.deployments[gpt-5.4]",
        ),
    ] {
        let outcome = vault.keys(OWNER).create_key(request).await;
        let refusal = refused(outcome, Code::InvalidArgument, "FIELD_INVALID");
        assert_eq!(refusal.fields, [field]);
    }
    for base_url in [
        "",
        "https://10.0.0.1/openai/v1",
        "https://acme.openai.azure.com/openai/v2",
        "https://acme.openai.azure.com?api-key=not-a-key",
    ] {
        let request = create(ProviderId::Azure, |key| key.base_url = base_url.into());
        let outcome = vault.keys(OWNER).create_key(request).await;
        let refusal = refused(outcome, Code::InvalidArgument, "DESTINATION_FORBIDDEN");
        assert_eq!(refusal.fields, ["key.base_url"], "{base_url}");
    }
}

async fn a_new_version_keeps_the_fields_that_it_leaves_empty(vault: Vault) {
    acme(&vault).await;
    let request = create(ProviderId::Azure, |key| {
        key.api_version = "2024-10-21".into();
    });
    vault.store_key(request).await;
    for (given, kept) in [
        ("", "2024-10-21"),
        ("2025-04-01-preview", "2025-04-01-preview"),
        ("", "2025-04-01-preview"),
        ("v1", ""),
        ("", ""),
    ] {
        let key = add_version(&vault, add(|request| request.api_version = given.into())).await;
        assert_eq!(
            (key.api_version.as_str(), key.base_url.as_str()),
            (kept, AZURE)
        );
    }
}

async fn a_new_service_account_brings_its_own_project(vault: Vault) {
    let router = acme(&vault).await;
    vault.store_key(create(ProviderId::Vertex, |_| {})).await;
    assert_eq!(obtain(&router, "vertex").await.cloud_project, "acme-models");
    let moved = |change: fn(&mut AddKeyVersionRequest)| {
        let mut file = service_account_file("moved");
        file["project_id"] = "moved-models".into();
        let mut request = add(change);
        request.material = service_account(&file);
        request
    };
    let key = add_version(&vault, moved(|_| {})).await;
    assert_eq!(
        (key.location.as_str(), key.cloud_project.as_str()),
        ("europe-west4", "")
    );
    assert_eq!(
        obtain(&router, "vertex").await.cloud_project,
        "moved-models"
    );
    let named = moved(|request| {
        request.cloud_project = "third-models".into();
        request.location = "global".into();
    });
    add_version(&vault, named).await;
    // What the owner named stays, whatever account comes next.
    add_version(&vault, moved(|_| {})).await;
    let lease = obtain(&router, "vertex").await;
    assert_eq!(
        (lease.location.as_str(), lease.cloud_project.as_str()),
        ("global", "third-models")
    );
}

async fn newest_event(vault: &Vault) -> AuditEvent {
    let request = ListAuditEventsRequest {
        parent: ACME.to_owned(),
        page_size: 1,
        page_token: String::new(),
        ..ListAuditEventsRequest::default()
    };
    let page = vault.audit(OWNER).list_audit_events(request).await.unwrap();
    page.into_inner().audit_events.remove(0)
}

async fn a_changed_destination_is_audited(vault: Vault) {
    acme(&vault).await;
    vault.store_key(create(ProviderId::Vertex, |_| {})).await;
    let details = newest_event(&vault).await.details;
    assert_eq!(details["secret_kind"], "service_account_json");
    assert_eq!(details["location"], "europe-west4");
    assert!(!details.contains_key("cloud_project"));
    let request = add(|request| {
        request.material = service_account(&service_account_file("main"));
        request.cloud_project = "other-models".into();
    });
    add_version(&vault, request).await;
    let details = newest_event(&vault).await.details;
    assert_eq!(details["cloud_project"], "other-models");
    assert_eq!(details["location"], "europe-west4");
    assert!(!details.contains_key("api_version"));
}
