//! The key reports of a connected router.

use latchkey_contract::vault::v1::{DisableKeyRequest, ListAuditEventsRequest, key};

use crate::harness::{OWNER, ROUTER, Router, Vault, material, refused, resolve, secret};
use crate::on_both_databases;
use latchkey_contract::vault::v1::AddKeyVersionRequest;
use tonic::Code;

on_both_databases!(
    a_refused_key_is_quarantined_with_the_providers_message,
    a_quarantine_is_sent_to_every_other_router,
    a_report_without_a_lease_quarantines_nothing,
    a_report_of_a_replaced_version_quarantines_nothing,
    a_report_of_a_deleted_key_does_not_concern_another_of_its_name,
    a_disabled_key_stays_disabled,
);

const ACME: &str = "workspaces/acme";
const NAME: &str = "workspaces/acme/keys/main";

async fn acme(vault: &Vault) -> Router {
    vault.create_workspace("acme").await;
    vault.create_key(ACME, "main").await;
    Router::open_router_session(vault).await
}

/// The messages of a session are handled in their order: the answer proves that those before it were.
async fn is_heard(router: &Router) {
    router.keeps_alive(99).await;
}

async fn a_refused_key_is_quarantined_with_the_providers_message(vault: Vault) {
    let router = acme(&vault).await;
    let lease = router.obtains(resolve(ACME)).await;
    router.reports(&lease.key_version_uid);
    is_heard(&router).await;
    let key = vault.get_key(NAME).await;
    assert_eq!(key.state(), key::State::Quarantined);
    assert_eq!(key.state_detail, "HTTP 401: Incorrect API key provided");
    let outcome = router.resolve(resolve(ACME)).await;
    let refused = refused(outcome, Code::FailedPrecondition, "OWN_KEY_REQUIRED");
    assert_eq!(refused.metadata[NAME], "KEY_QUARANTINED");
    let request = ListAuditEventsRequest {
        parent: ACME.to_owned(),
        ..Default::default()
    };
    let events = vault
        .audit(OWNER)
        .list_audit_events(request)
        .await
        .unwrap()
        .into_inner();
    let event = &events.audit_events[0];
    assert_eq!(
        (event.actor.clone(), event.resource.as_str()),
        (ROUTER.actor(), NAME)
    );
    assert_eq!(
        event.details["provider"],
        "HTTP 401: Incorrect API key provided"
    );
}

async fn a_quarantine_is_sent_to_every_other_router(vault: Vault) {
    let router = acme(&vault).await;
    let other = Router::open_router_session(&vault).await;
    let lease = router.obtains(resolve(ACME)).await;
    other.obtains(resolve(ACME)).await;
    router.reports(&lease.key_version_uid);
    for router in [router, other] {
        assert_eq!(
            router.invalidation(ACME, 0).await.revoked_key_versions,
            [&*lease.key_version_uid]
        );
    }
}

async fn a_report_without_a_lease_quarantines_nothing(vault: Vault) {
    let router = acme(&vault).await;
    let uid = vault.get_key(NAME).await.uid;
    for version in [&*format!("{uid}/versions/1"), "nonsense"] {
        router.reports(version);
    }
    is_heard(&router).await;
    assert_eq!(vault.get_key(NAME).await.state(), key::State::Active);
}

async fn a_report_of_a_replaced_version_quarantines_nothing(vault: Vault) {
    let router = acme(&vault).await;
    let replaced = router.obtains(resolve(ACME)).await;
    let replacement = AddKeyVersionRequest {
        name: NAME.to_owned(),
        material: material(&secret(ACME, "b")),
        skip_verification: true,
        ..AddKeyVersionRequest::default()
    };
    vault
        .keys(OWNER)
        .add_key_version(replacement)
        .await
        .unwrap();
    router.obtains(resolve(ACME)).await;
    router.reports(&replaced.key_version_uid);
    is_heard(&router).await;
    assert_eq!(vault.get_key(NAME).await.state(), key::State::Active);
}

/// The deleted key's report reaches the vault after another key got its name.
async fn a_report_of_a_deleted_key_does_not_concern_another_of_its_name(vault: Vault) {
    let router = acme(&vault).await;
    let deleted = router.obtains(resolve(ACME)).await;
    vault.delete_key(NAME).await;
    vault.create_key(ACME, "main").await;
    let lease = router.obtains(resolve(ACME)).await;
    assert_eq!(lease.key_version, deleted.key_version);
    assert_ne!(lease.key_version_uid, deleted.key_version_uid);
    router.reports(&deleted.key_version_uid);
    is_heard(&router).await;
    assert_eq!(vault.get_key(NAME).await.state(), key::State::Active);
}

async fn a_disabled_key_stays_disabled(vault: Vault) {
    let router = acme(&vault).await;
    let lease = router.obtains(resolve(ACME)).await;
    router.keeps_silent();
    let mut client = vault.keys(OWNER);
    let disable = DisableKeyRequest {
        name: NAME.to_owned(),
        etag: String::new(),
    };
    let disabling = tokio::spawn(async move { client.disable_key(disable).await });
    let invalidation = router.invalidation(ACME, 0).await;
    // A call that was in flight fails while the change is still being confirmed.
    router.reports(&lease.key_version_uid);
    router.confirms(&invalidation, 0);
    disabling.await.unwrap().unwrap();
    is_heard(&router).await;
    assert_eq!(vault.get_key(NAME).await.state(), key::State::Disabled);
}
