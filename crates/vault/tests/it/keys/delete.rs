//! `DeleteKey`.

use latchkey_contract::vault::v1::{DeleteKeyRequest, key};
use sea_orm::{ConnectionTrait as _, Statement};
use tonic::Code;

use crate::harness::{ACME_OWNER, OPERATOR, OWNER, Router, Vault, refused, resolve};
use crate::on_both_databases;

on_both_databases!(
    a_key_is_deleted_once,
    its_material_is_destroyed_and_a_tombstone_stays,
    its_name_and_its_material_are_free_again,
    routers_confirm_before_the_answer,
    a_stale_etag_is_refused,
    only_permitted_callers_delete_keys,
);

const NAME: &str = "workspaces/acme/keys/main";

fn request(name: &str) -> DeleteKeyRequest {
    DeleteKeyRequest {
        name: name.to_owned(),
        etag: String::new(),
    }
}

async fn acme(vault: &Vault) -> String {
    vault.create_workspace("acme").await;
    vault.create_key("workspaces/acme", "main").await.uid
}

async fn a_key_is_deleted_once(vault: Vault) {
    let uid = acme(&vault).await;
    let answer = vault
        .keys(ACME_OWNER)
        .delete_key(request(NAME))
        .await
        .unwrap()
        .into_inner();
    let key = answer.key.unwrap();
    assert_eq!(
        (key.state(), key.uid, key.name.as_str()),
        (key::State::Deleted, uid, NAME)
    );
    assert_eq!(answer.propagation.unwrap().acknowledged_router_count, 0);
    let again = vault.keys(OWNER).delete_key(request(NAME)).await;
    refused(again, Code::NotFound, "KEY_NOT_FOUND");
}

async fn its_material_is_destroyed_and_a_tombstone_stays(vault: Vault) {
    acme(&vault).await;
    vault.keys(OWNER).delete_key(request(NAME)).await.unwrap();
    let tables = vault.tables().await;
    let one = async |sql: &str| {
        let statement = Statement::from_string(tables.get_database_backend(), sql.to_owned());
        tables.query_one_raw(statement).await.unwrap().unwrap()
    };
    let row =
        one("SELECT length(payload), length(wrapped_data_key), state FROM key_versions").await;
    let length = |index| row.try_get_by_index::<i32>(index).unwrap();
    assert_eq!((length(0), length(1)), (0, 0));
    assert_eq!(row.try_get_by_index::<String>(2).unwrap(), "destroyed");
    let row = one("SELECT state, slug FROM keys").await;
    assert_eq!(row.try_get_by_index::<String>(0).unwrap(), "deleted");
    assert_eq!(row.try_get_by_index::<Option<String>>(1).unwrap(), None);
}

async fn its_name_and_its_material_are_free_again(vault: Vault) {
    let uid = acme(&vault).await;
    vault.keys(OWNER).delete_key(request(NAME)).await.unwrap();
    let again = vault.create_key("workspaces/acme", "main").await;
    assert_ne!(again.uid, uid);
}

async fn routers_confirm_before_the_answer(vault: Vault) {
    let version = format!("{}/versions/1", acme(&vault).await);
    let router = Router::open_router_session(&vault).await;
    router.obtains(resolve("workspaces/acme")).await;
    router.keeps_silent();
    let mut client = vault.keys(OWNER);
    let deleting = tokio::spawn(async move { client.delete_key(request(NAME)).await });
    let invalidation = router.invalidation("workspaces/acme", 0).await;
    assert_eq!(invalidation.revoked_key_versions, [version]);
    assert!(!deleting.is_finished());
    router.confirms(&invalidation, 2);
    let propagation = deleting
        .await
        .unwrap()
        .unwrap()
        .into_inner()
        .propagation
        .unwrap();
    assert_eq!(propagation.acknowledged_router_count, 1);
    assert_eq!(propagation.in_flight_count, 2);
}

async fn a_stale_etag_is_refused(vault: Vault) {
    acme(&vault).await;
    let request = DeleteKeyRequest {
        etag: "r2".to_owned(),
        ..request(NAME)
    };
    refused(
        vault.keys(OWNER).delete_key(request).await,
        Code::Aborted,
        "ETAG_MISMATCH",
    );
}

async fn only_permitted_callers_delete_keys(vault: Vault) {
    acme(&vault).await;
    vault.create_workspace("other").await;
    vault.create_key("workspaces/other", "main").await;
    for (who, name) in [(ACME_OWNER, "workspaces/other/keys/main"), (OPERATOR, NAME)] {
        let outcome = vault.keys(who).delete_key(request(name)).await;
        refused(outcome, Code::PermissionDenied, "PERMISSION_DENIED");
    }
}
