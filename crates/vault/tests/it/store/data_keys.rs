//! Data keys of routers.

use latchkey_vault::domain::data_key::DataKey;
use latchkey_vault::domain::uid::DataKeyUid;
use latchkey_vault::store::data_keys;

use super::*;

on_both_databases!(
    data_keys_come_back_as_they_were_stored,
    a_data_key_is_found_and_deleted_in_its_own_workspace_only,
    a_workspaces_data_keys_go_together,
);

fn data_key(workspace: &Workspace, uid: u128) -> DataKey {
    DataKey {
        uid: DataKeyUid(Uuid::from_u128(uid)),
        workspace: workspace.uid,
        wrapped_by: WrappedBy {
            branch_key: BranchKeyUid(Uuid::from_u128(0x30)),
            branch_version: 2,
            wrap_revision: 3,
        },
        wrapped_data_key: vec![0, 1, 255],
        payload: (0..=255).collect(),
        create_time: at(1_795_262_400_123_456),
    }
}

async fn insert(db: &Migrated, keys: &[&DataKey]) {
    let unit = db.store.begin().await.unwrap();
    for key in keys {
        data_keys::insert(&unit, stamped((*key).clone()))
            .await
            .unwrap();
    }
    unit.commit().await.unwrap();
}

async fn is_there(db: &Migrated, key: &DataKey) -> bool {
    let found = data_keys::find(&db.store, key.workspace, key.uid).await;
    found.unwrap().is_some()
}

async fn data_keys_come_back_as_they_were_stored(db: Migrated) {
    let acme = db.insert_workspace(1, "acme").await;
    let key = data_key(&acme, 0x40);
    insert(&db, &[&key]).await;
    let found = data_keys::find(&db.store, acme.uid, key.uid).await;
    came_back(found.unwrap(), &key);
    db.execute("UPDATE data_keys SET wrap_revision = -1").await;
    let found = data_keys::find(&db.store, acme.uid, key.uid).await;
    assert!(matches!(
        found,
        Err(StoreError::Inconsistent {
            table: "data_keys",
            column: "wrap_revision",
            row,
        }) if row == key.uid.to_string()
    ));
}

async fn a_data_key_is_found_and_deleted_in_its_own_workspace_only(db: Migrated) {
    let acme = db.insert_workspace(1, "acme").await;
    let other = db.insert_workspace(2, "other").await;
    let key = data_key(&acme, 0x40);
    insert(&db, &[&key]).await;
    let found = data_keys::find(&db.store, other.uid, key.uid).await;
    assert!(found.unwrap().is_none());
    let unit = db.store.begin().await.unwrap();
    let deleted = data_keys::delete(&unit, other.uid, key.uid).await;
    assert!(!deleted.unwrap());
    let deleted = data_keys::delete(&unit, acme.uid, key.uid).await;
    assert!(deleted.unwrap());
    let deleted = data_keys::delete(&unit, acme.uid, key.uid).await;
    assert!(!deleted.unwrap());
    unit.commit().await.unwrap();
    assert!(!is_there(&db, &key).await);
}

async fn a_workspaces_data_keys_go_together(db: Migrated) {
    let acme = db.insert_workspace(1, "acme").await;
    let other = db.insert_workspace(2, "other").await;
    let keys = [
        data_key(&acme, 0x40),
        data_key(&acme, 0x41),
        data_key(&other, 0x42),
    ];
    insert(&db, &keys.each_ref()).await;
    let unit = db.store.begin().await.unwrap();
    let deleted = data_keys::delete_all(&unit, acme.uid).await;
    assert_eq!(deleted.unwrap(), 2);
    unit.commit().await.unwrap();
    assert!(!is_there(&db, &keys[0]).await);
    assert!(!is_there(&db, &keys[1]).await);
    assert!(is_there(&db, &keys[2]).await);
}
