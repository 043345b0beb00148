//! What `CreateKey` and `AddKeyVersion` make of material of each kind.

use latchkey_contract::ProviderId;
use latchkey_contract::vault::v1::key_material::Kind;
use latchkey_contract::vault::v1::{
    AddKeyVersionRequest, CreateKeyRequest, EntraClient, KeyMaterial, Lease, ResolveRequest,
    VerifyKeyRequest,
};
use serde_json::{Value, json};
use tonic::{Code, Status};

use crate::harness::{
    OWNER, Router, SECRET_TAIL, Vault, complete_key_of, create_key, create_key_of, entra,
    entra_client, material, private_key, refused, resolve, secret, service_account,
    service_account_file,
};
use crate::on_both_databases;

on_both_databases!(
    a_key_of_every_provider_is_stored_checked_and_leased,
    a_service_account_is_leased_with_the_fields_for_signing_in,
    an_entra_client_is_leased_in_its_parts,
    a_kind_that_a_provider_does_not_take_is_refused_by_its_field,
    a_malformed_material_is_refused_by_its_field,
    the_same_secret_is_refused_in_any_notation,
    a_new_version_may_be_of_another_kind,
);

const ACME: &str = "workspaces/acme";
const NAME: &str = "workspaces/acme/keys/main";
const CLIENT_SECRET: &str = "not-a-real-client-secret-0123456-wxyz";

async fn acme(vault: &Vault) -> Router {
    vault.create_workspace("acme").await;
    Router::open_router_session(vault).await
}

async fn obtain(router: &Router, provider: &str) -> Lease {
    let request = ResolveRequest {
        provider: provider.to_owned(),
        ..resolve(ACME)
    };
    router.obtains(request).await
}

/// A workspace with a key of every provider, named after it.
async fn acme_with_all(vault: &Vault) -> Router {
    let router = acme(vault).await;
    for provider in ProviderId::ALL {
        let request = create_key_of(provider, ACME, provider.as_str());
        vault.store_key(request).await;
    }
    router
}

/// Both ways in for a material: a new key `new`, and a new version of the provider's own.
async fn outcomes(
    vault: &Vault,
    provider: &str,
    material: Option<KeyMaterial>,
) -> [Result<(), Status>; 2] {
    let mut client = vault.keys(OWNER);
    let create = CreateKeyRequest {
        key: Some(complete_key_of(provider)),
        material: material.clone(),
        ..create_key(ACME, "new")
    };
    let add = AddKeyVersionRequest {
        name: format!("{ACME}/keys/{provider}"),
        material,
        skip_verification: true,
        ..AddKeyVersionRequest::default()
    };
    [
        client.create_key(create).await.map(drop),
        client.add_key_version(add).await.map(drop),
    ]
}

async fn a_key_of_every_provider_is_stored_checked_and_leased(vault: Vault) {
    let router = acme(&vault).await;
    for provider in ProviderId::ALL {
        let id = provider.as_str();
        let request = CreateKeyRequest {
            skip_verification: false,
            ..create_key_of(provider, ACME, id)
        };
        let given = request.material.clone();
        let key = vault.store_key(request).await;
        assert_eq!(key.provider, id);
        assert_eq!(key.material_tail, SECRET_TAIL, "{id}");
        let task = router.tasks().pop().unwrap();
        let lease = obtain(&router, id).await;
        assert_eq!(lease.key_version, format!("{ACME}/keys/{id}/versions/1"));
        assert_eq!((lease.provider.as_str(), task.provider.as_str()), (id, id));
        assert_eq!(lease.material, task.material, "{id}");
        if provider != ProviderId::Vertex {
            assert_eq!(lease.material, given, "{id}");
        }
    }
}

#[track_caller]
fn file_of(material: Option<KeyMaterial>) -> Value {
    match material.and_then(|material| material.kind) {
        Some(Kind::ServiceAccountJson(json)) => serde_json::from_str(&json).unwrap(),
        other => panic!("it carries {other:?}"),
    }
}

async fn a_service_account_is_leased_with_the_fields_for_signing_in(vault: Vault) {
    let router = acme(&vault).await;
    vault
        .store_key(create_key_of(ProviderId::Vertex, ACME, "main"))
        .await;
    let whole = service_account_file("main");
    let expected = json!({
        "type": "service_account",
        "project_id": whole["project_id"],
        "private_key_id": whole["private_key_id"],
        "private_key": whole["private_key"],
        "client_email": whole["client_email"],
    });
    let lease = obtain(&router, "vertex").await;
    assert_eq!(file_of(lease.material), expected);
    assert_eq!(lease.cloud_project, "acme-models");
    let request = VerifyKeyRequest {
        name: NAME.to_owned(),
    };
    vault.keys(OWNER).verify_key(request).await.unwrap();
    let task = router.task().await;
    assert_eq!(file_of(task.material), expected);
    assert_eq!(task.cloud_project, "acme-models");
    // The key shows only what its owner set.
    assert_eq!(vault.get_key(NAME).await.cloud_project, "");
}

async fn an_entra_client_is_leased_in_its_parts(vault: Vault) {
    let router = acme(&vault).await;
    let client = entra(CLIENT_SECRET);
    let shouted = EntraClient {
        tenant_id: client.tenant_id.to_uppercase(),
        client_id: client.client_id.to_uppercase(),
        ..client.clone()
    };
    let request = CreateKeyRequest {
        material: entra_client(shouted),
        ..create_key_of(ProviderId::Azure, ACME, "main")
    };
    let key = vault.store_key(request).await;
    assert_eq!(key.material_tail, "wxyz");
    let lease = obtain(&router, "azure").await;
    assert_eq!(lease.material, entra_client(client.clone()));
    assert_eq!(lease.material_tail, "wxyz");
    let request = VerifyKeyRequest {
        name: NAME.to_owned(),
    };
    vault.keys(OWNER).verify_key(request).await.unwrap();
    assert_eq!(router.task().await.material, entra_client(client));
}

async fn a_kind_that_a_provider_does_not_take_is_refused_by_its_field(vault: Vault) {
    acme_with_all(&vault).await;
    let key = || material(&secret(ACME, "key"));
    let account = || service_account(&service_account_file("caller"));
    let client = || entra_client(entra(CLIENT_SECRET));
    for (provider, material, field, takes) in [
        ("vertex", key(), "material.api_key", "service_account_json"),
        (
            "vertex",
            client(),
            "material.entra_client",
            "service_account_json",
        ),
        (
            "azure",
            account(),
            "material.service_account_json",
            "entra_client",
        ),
        (
            "openai",
            account(),
            "material.service_account_json",
            "api_key",
        ),
        (
            "google",
            account(),
            "material.service_account_json",
            "api_key",
        ),
        ("anthropic", client(), "material.entra_client", "api_key"),
    ] {
        for outcome in outcomes(&vault, provider, material).await {
            let refused = refused(outcome, Code::InvalidArgument, "FIELD_INVALID");
            assert_eq!(refused.fields, [field], "{provider}");
            assert!(refused.message.contains(takes), "{}", refused.message);
        }
    }
}

async fn a_malformed_material_is_refused_by_its_field(vault: Vault) {
    acme_with_all(&vault).await;
    let with = |field: &str, value: &str| {
        let mut file = service_account_file("caller");
        file[field] = value.into();
        service_account(&file)
    };
    let client = |change: fn(&mut EntraClient)| {
        let mut client = entra(CLIENT_SECRET);
        change(&mut client);
        entra_client(client)
    };
    let account = "material.service_account_json";
    let entra = "material.entra_client";
    for (provider, material, field) in [
        (
            "openai",
            material("not-openais"),
            "material.api_key".to_owned(),
        ),
        (
            "deepseek",
            material("AIzaNotReal"),
            "material.api_key".to_owned(),
        ),
        (
            "azure",
            material("Bearer not-real"),
            "material.api_key".to_owned(),
        ),
        ("vertex", service_account(&json!([])), account.to_owned()),
        (
            "vertex",
            with("type", "external_account"),
            format!("{account}.type"),
        ),
        (
            "vertex",
            with("token_uri", "https://evil.example/token"),
            format!("{account}.token_uri"),
        ),
        (
            "vertex",
            with("universe_domain", "evil.example"),
            format!("{account}.universe_domain"),
        ),
        (
            "vertex",
            with("project_id", "../evil"),
            format!("{account}.project_id"),
        ),
        (
            "vertex",
            with("private_key", &private_key().replace("MII", "")),
            format!("{account}.private_key"),
        ),
        (
            "azure",
            client(|client| client.tenant_id = "common".to_owned()),
            format!("{entra}.tenant_id"),
        ),
        (
            "azure",
            client(|client| client.client_id = "my-app".to_owned()),
            format!("{entra}.client_id"),
        ),
        (
            "azure",
            client(|client| client.client_secret = "not a secret".to_owned()),
            format!("{entra}.client_secret"),
        ),
    ] {
        for outcome in outcomes(&vault, provider, material).await {
            let refused = refused(outcome, Code::InvalidArgument, "KEY_FORMAT");
            assert_eq!(refused.fields, [field.as_str()]);
            for planted in ["evil", "not-openais", "NotReal", "not a secret", "sPnoGUOn"] {
                assert!(!refused.message.contains(planted), "{}", refused.message);
            }
        }
    }
}

async fn the_same_secret_is_refused_in_any_notation(vault: Vault) {
    acme_with_all(&vault).await;
    let mut mangled = service_account_file("vertex");
    mangled["private_key"] = private_key().replace('\n', "\\n").into();
    mangled["client_id"] = Value::Null;
    let [created, added] = outcomes(&vault, "vertex", service_account(&mangled)).await;
    let refusal = refused(created, Code::AlreadyExists, "DUPLICATE_MATERIAL");
    assert_eq!(refusal.metadata["key"], "workspaces/acme/keys/vertex");
    added.unwrap();

    let request = CreateKeyRequest {
        material: entra_client(entra(CLIENT_SECRET)),
        ..create_key_of(ProviderId::Azure, ACME, "entra")
    };
    vault.store_key(request).await;
    let by_domain = EntraClient {
        tenant_id: "contoso.example".to_owned(),
        ..entra(CLIENT_SECRET)
    };
    let [created, _] = outcomes(&vault, "azure", entra_client(by_domain)).await;
    let refusal = refused(created, Code::AlreadyExists, "DUPLICATE_MATERIAL");
    assert_eq!(refusal.metadata["key"], "workspaces/acme/keys/entra");
    // As an API key the same text is another secret.
    let [created, _] = outcomes(&vault, "azure", material(CLIENT_SECRET)).await;
    created.unwrap();
}

async fn a_new_version_may_be_of_another_kind(vault: Vault) {
    let router = acme(&vault).await;
    vault
        .store_key(create_key_of(ProviderId::Azure, ACME, "main"))
        .await;
    let first = obtain(&router, "azure").await.material.unwrap().kind;
    assert!(matches!(first, Some(Kind::ApiKey(_))));
    let add = AddKeyVersionRequest {
        name: NAME.to_owned(),
        material: entra_client(entra(CLIENT_SECRET)),
        ..AddKeyVersionRequest::default()
    };
    vault.keys(OWNER).add_key_version(add).await.unwrap();
    let lease = obtain(&router, "azure").await;
    assert_eq!(lease.key_version, format!("{NAME}/versions/2"));
    assert_eq!(lease.material, entra_client(entra(CLIENT_SECRET)));
}
