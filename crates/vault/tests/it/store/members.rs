//! Members.

use super::*;
use latchkey_vault::domain::member::{Member, MemberFields, MemberRole};
use latchkey_vault::store::members;

on_both_databases!(
    members_come_back_as_they_were_stored,
    an_identity_is_stored_once_in_a_workspace,
    a_member_is_gone_without_a_trace,
    members_are_listed_in_order,
);

fn member(workspace: &Workspace, slug: &str, identity: &str) -> Member {
    let fields = MemberFields {
        identity: identity.parse().unwrap(),
        role: MemberRole::Caller,
        display_name: "Ümläut".to_owned(),
    };
    Member {
        row_revision: 3,
        update_time: at(-1),
        ..Member::new(workspace.uid, slug.parse().unwrap(), fields, at(5))
    }
}

async fn insert(db: &Migrated, member: &Member) -> Result<(), StoreError> {
    let unit = db.store.begin().await.unwrap();
    members::insert(&unit, stamped(member.clone())).await?;
    unit.commit().await
}

async fn members_come_back_as_they_were_stored(db: Migrated) {
    let acme = db.insert_workspace(1, "acme").await;
    let other = db.insert_workspace(2, "other").await;
    let ada = member(&acme, "ada", "spiffe://example.org/ns/a/sa/Ada");
    insert(&db, &ada).await.unwrap();
    let found = members::find(&db.store, acme.uid, &ada.slug).await;
    came_back(found.unwrap(), &ada);
    let identity = ada.identity.as_str();
    let found = members::find_by_identity(&db.store, acme.uid, identity).await;
    came_back(found.unwrap(), &ada);
    for (workspace, identity) in [
        (other.uid, identity),
        (acme.uid, "spiffe://example.org/ns/a/sa/ada"),
    ] {
        let found = members::find_by_identity(&db.store, workspace, identity).await;
        assert!(found.unwrap().is_none());
    }
    let found = members::find(&db.store, other.uid, &ada.slug).await;
    assert!(found.unwrap().is_none());

    let changed = Member {
        identity: "token:ada".parse().unwrap(),
        role: MemberRole::Owner,
        display_name: String::new(),
        row_revision: 4,
        update_time: at(9),
        ..ada
    };
    let unit = db.store.begin().await.unwrap();
    members::update(&unit, stamped(changed.clone()))
        .await
        .unwrap();
    unit.commit().await.unwrap();
    let found = members::find(&db.store, acme.uid, &changed.slug).await;
    came_back(found.unwrap(), &changed);
}

async fn an_identity_is_stored_once_in_a_workspace(db: Migrated) {
    let acme = db.insert_workspace(1, "acme").await;
    let other = db.insert_workspace(2, "other").await;
    insert(&db, &member(&acme, "ada", "token:ada"))
        .await
        .unwrap();
    insert(&db, &member(&other, "ada", "token:ada"))
        .await
        .unwrap();
    for second in [
        member(&acme, "ada", "token:lovelace"),
        member(&acme, "lovelace", "token:ada"),
    ] {
        let outcome = insert(&db, &second).await;
        assert!(matches!(outcome, Err(StoreError::Exists(_))), "{outcome:?}");
    }
}

async fn a_member_is_gone_without_a_trace(db: Migrated) {
    let acme = db.insert_workspace(1, "acme").await;
    let (ada, bob) = (
        member(&acme, "ada", "token:ada"),
        member(&acme, "bob", "token:bob"),
    );
    insert(&db, &ada).await.unwrap();
    insert(&db, &bob).await.unwrap();
    let unit = db.store.begin().await.unwrap();
    members::delete(&unit, &ada).await.unwrap();
    unit.commit().await.unwrap();
    let left = members::list(&db.store, acme.uid, None, 10).await.unwrap();
    let left: Vec<_> = left.iter().map(|row| row.peek().clone()).collect();
    assert_eq!(left, [bob]);
    insert(&db, &ada).await.unwrap();
}

async fn members_are_listed_in_order(db: Migrated) {
    let acme = db.insert_workspace(1, "acme").await;
    let other = db.insert_workspace(2, "other").await;
    for slug in ["c", "a", "b"] {
        let identity = format!("token:{slug}");
        insert(&db, &member(&acme, slug, &identity)).await.unwrap();
    }
    insert(&db, &member(&other, "aa", "token:aa"))
        .await
        .unwrap();
    let listed = async |after, limit| {
        let found = members::list(&db.store, acme.uid, after, limit).await;
        let slug = |row: &Stamped<Member>| row.peek().slug.to_string();
        found.unwrap().iter().map(slug).collect::<Vec<_>>()
    };
    assert_eq!(listed(None, 2).await, ["a", "b"]);
    assert_eq!(listed(Some("b"), 2).await, ["c"]);
}
