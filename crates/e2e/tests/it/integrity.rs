//! Tampering with the database is detected.

use latchkey_contract::vault::v1::audit_event::Decision;
use latchkey_e2e::{Clients, Deployment, prompt, refused};
use latchkey_migrations::testing::Backend;
use sea_orm::{ConnectionTrait as _, Database};
use tonic::Code;

use crate::on_both_databases;

on_both_databases!(
    swapped_material_of_two_tenants_is_refused_and_audited,
    a_moved_destination_is_refused_and_audited,
    a_reenabled_row_is_refused_and_audited,
);

const VICTIM: &str = "workspaces/victim";

async fn two_tenants(backend: Backend) -> (Deployment, Clients) {
    let deployment = Deployment::start(backend).await;
    let mut admin = deployment.clients("admin");
    for (id, api_key) in [
        ("victim", "sk-not-a-real-key-0001wxyz"),
        ("thief", "sk-not-a-real-key-0002abcd"),
    ] {
        admin.workspace(id).await;
        admin
            .key(&format!("workspaces/{id}"), "main", "openai", api_key)
            .await
            .unwrap();
    }
    (deployment, admin)
}

async fn tamper(deployment: &Deployment, statement: &str) {
    let database = Database::connect(&deployment.vault_database.url)
        .await
        .unwrap();
    let changed = database.execute_unprepared(statement).await.unwrap();
    assert!(changed.rows_affected() > 0, "{statement}");
}

/// Names the key: a damaged key among several candidates is only skipped.
async fn is_refused_and_audited(admin: &mut Clients) {
    let mut request = prompt(VICTIM, "gpt-4.1", "hello");
    request.key = "main".to_owned();
    let status = admin.ask(request).await.unwrap_err();
    let refusal = refused(&status);
    assert_eq!(
        (refusal.code, &*refusal.reason),
        (Code::DataLoss, "INTEGRITY")
    );
    assert_eq!(status.message(), "integrity check failed");
    let events = admin.audit_events(VICTIM).await;
    assert_eq!(
        events[0].decision(),
        Decision::IntegrityFailure,
        "{events:?}"
    );
}

async fn swapped_material_of_two_tenants_is_refused_and_audited(backend: Backend) {
    let (deployment, mut admin) = two_tenants(backend).await;
    let of = |slug: &str| {
        format!(
            "(SELECT v.{{}} FROM key_versions v JOIN workspaces w ON w.id = v.workspace_id \
             WHERE w.slug = '{slug}')"
        )
    };
    let columns = [
        "wrapped_data_key",
        "payload",
        "row_mac",
        "fingerprint",
        "material_tail",
    ];
    let assignments: Vec<_> = columns
        .iter()
        .map(|column| format!("{column} = {}", of("thief").replace("{}", column)))
        .collect();
    let statement = format!(
        "UPDATE key_versions SET {} WHERE workspace_id = \
         (SELECT id FROM workspaces WHERE slug = 'victim')",
        assignments.join(", ")
    );
    tamper(&deployment, &statement).await;
    is_refused_and_audited(&mut admin).await;
    assert!(deployment.provider.prompts().is_empty());
    deployment.stop().await;
}

async fn a_moved_destination_is_refused_and_audited(backend: Backend) {
    let (deployment, mut admin) = two_tenants(backend).await;
    tamper(
        &deployment,
        "UPDATE key_versions SET base_url = 'https://thief.example/v1'",
    )
    .await;
    is_refused_and_audited(&mut admin).await;
    deployment.stop().await;
}

async fn a_reenabled_row_is_refused_and_audited(backend: Backend) {
    let (deployment, mut admin) = two_tenants(backend).await;
    let name = "workspaces/victim/keys/main".to_owned();
    let request = latchkey_contract::vault::v1::DisableKeyRequest {
        name,
        ..Default::default()
    };
    admin.keys.disable_key(request).await.unwrap();
    tamper(
        &deployment,
        "UPDATE keys SET state = 'active' WHERE state = 'disabled'",
    )
    .await;
    is_refused_and_audited(&mut admin).await;
    deployment.stop().await;
}
