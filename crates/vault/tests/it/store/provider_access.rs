//! Provider access, and the workspaces that a switch of own keys affects.

use latchkey_vault::domain::availability::{ProviderAccess, ProviderTerms};
use latchkey_vault::store::provider_access;

use super::*;

on_both_databases!(
    rows_come_back_as_they_were_stored,
    a_row_is_replaced_whole,
    rows_are_read_for_some_workspaces_and_providers,
    rows_go_one_by_one_or_together,
    a_row_that_cannot_be_a_value_is_inconsistent,
    a_switch_moves_those_who_have_keys_and_no_switch_of_their_own,
    a_live_key_counts_wherever_it_is_in_the_workspace,
);

fn access(workspace: &Workspace, provider: ProviderId) -> ProviderAccess {
    ProviderAccess {
        workspace: workspace.uid,
        provider,
        terms: ProviderTerms {
            own_keys: Some(false),
            chat: Some(true),
            embeddings: None,
            images: Some(false),
            allowed_models: vec!["gpt-5*".to_owned(), "o\"1".to_owned()],
            denied_models: vec!["gpt-5.5".to_owned()],
            default_model: "gpt-5.4".to_owned(),
        },
        row_revision: 7,
        update_time: at(1_795_262_400_123_456),
    }
}

impl Migrated {
    async fn put(&self, access: &ProviderAccess) {
        let unit = self.store.begin().await.unwrap();
        let done = provider_access::put(&unit, stamped(access.clone())).await;
        done.unwrap();
        unit.commit().await.unwrap();
    }

    async fn listed(
        &self,
        workspaces: &[&Workspace],
        provider: Option<ProviderId>,
    ) -> Vec<ProviderAccess> {
        let uids: Vec<_> = workspaces.iter().map(|workspace| workspace.uid).collect();
        let found = provider_access::list(&self.store, &uids, provider).await;
        let found = found.unwrap().into_iter();
        found.map(|row| row.into_unchecked().0).collect()
    }

    async fn moved(&self, platform: &Workspace, provider: ProviderId) -> Vec<WorkspaceUid> {
        let found = provider_access::affected(&self.store, platform.uid, provider).await;
        found.unwrap()
    }
}

async fn rows_come_back_as_they_were_stored(db: Migrated) {
    let acme = db.insert_workspace(1, "acme").await;
    let full = access(&acme, ProviderId::OpenAi);
    let empty = ProviderAccess {
        terms: ProviderTerms::default(),
        ..access(&acme, ProviderId::Vertex)
    };
    for row in [&full, &empty] {
        db.put(row).await;
        let found = provider_access::list(&db.store, &[acme.uid], Some(row.provider)).await;
        came_back(found.unwrap().pop(), row);
    }
}

async fn a_row_is_replaced_whole(db: Migrated) {
    let acme = db.insert_workspace(1, "acme").await;
    let first = access(&acme, ProviderId::OpenAi);
    db.put(&first).await;
    let second = ProviderAccess {
        terms: ProviderTerms {
            own_keys: Some(true),
            embeddings: Some(false),
            ..ProviderTerms::default()
        },
        row_revision: 8,
        update_time: at(2),
        ..first
    };
    db.put(&second).await;
    assert_eq!(db.listed(&[&acme], None).await, [second]);
}

async fn rows_are_read_for_some_workspaces_and_providers(db: Migrated) {
    let acme = db.insert_workspace(1, "acme").await;
    let other = db.insert_workspace(2, "other").await;
    let third = db.insert_workspace(3, "third").await;
    // Not in the order of the ids.
    let of_acme = [ProviderId::OpenAi, ProviderId::Azure].map(|each| access(&acme, each));
    let of_other = access(&other, ProviderId::DeepSeek);
    for row in of_acme.iter().chain([&of_other]) {
        db.put(row).await;
    }
    db.put(&access(&third, ProviderId::Azure)).await;
    let [openai, azure] = of_acme;
    let both = db.listed(&[&acme, &other], None).await;
    assert_eq!(both, [azure.clone(), of_other, openai]);
    let one = db.listed(&[&acme, &other], Some(ProviderId::Azure)).await;
    assert_eq!(one, [azure]);
}

async fn rows_go_one_by_one_or_together(db: Migrated) {
    let acme = db.insert_workspace(1, "acme").await;
    let other = db.insert_workspace(2, "other").await;
    let kept = access(&other, ProviderId::OpenAi);
    for provider in [ProviderId::Azure, ProviderId::OpenAi, ProviderId::Vertex] {
        db.put(&access(&acme, provider)).await;
    }
    db.put(&kept).await;
    let unit = db.store.begin().await.unwrap();
    let done = provider_access::delete(&unit, acme.uid, ProviderId::OpenAi).await;
    done.unwrap();
    unit.commit().await.unwrap();
    let left = db.listed(&[&acme], None).await;
    let left: Vec<_> = left.iter().map(|row| row.provider).collect();
    assert_eq!(left, [ProviderId::Azure, ProviderId::Vertex]);
    let unit = db.store.begin().await.unwrap();
    let done = provider_access::delete_all(&unit, acme.uid).await;
    done.unwrap();
    unit.commit().await.unwrap();
    assert_eq!(db.listed(&[&acme, &other], None).await, [kept]);
}

async fn a_row_that_cannot_be_a_value_is_inconsistent(db: Migrated) {
    let acme = db.insert_workspace(1, "acme").await;
    db.put(&access(&acme, ProviderId::OpenAi)).await;
    for (column, value, valid) in [
        ("own_keys", "'maybe'", "'off'"),
        ("chat", "''", "'on'"),
        ("embeddings", "'ON'", "NULL"),
        ("images", "'1'", "'off'"),
        ("allowed_models", "'{}'", "'[]'"),
        ("denied_models", "''", "'[]'"),
        ("provider", "'acme'", "'openai'"),
        ("row_revision", "-1", "7"),
    ] {
        db.execute(&format!("UPDATE provider_access SET {column} = {value}"))
            .await;
        let found = provider_access::list(&db.store, &[acme.uid], None).await;
        let Err(StoreError::Inconsistent {
            table,
            column: named,
            row,
        }) = found
        else {
            panic!("{column}: {found:?}")
        };
        assert_eq!((table, named), ("provider_access", column));
        assert!(row.starts_with(&format!("{}/", acme.uid)), "{row}");
        db.execute(&format!("UPDATE provider_access SET {column} = {valid}"))
            .await;
    }
    assert_eq!(db.listed(&[&acme], None).await.len(), 1);
}

async fn a_switch_moves_those_who_have_keys_and_no_switch_of_their_own(db: Migrated) {
    let platform = db.insert_workspace(1, "platform").await;
    let mut workspaces = Vec::new();
    // Not in the order of the identities.
    for number in [9, 5, 7, 3, 4, 6] {
        let slug = format!("w{number}");
        workspaces.push(db.insert_workspace(number, &slug).await);
    }
    let [nine, five, seven, three, four, six] = &workspaces[..] else {
        panic!("there are six")
    };
    let mut number = 0x100;
    let mut insert = async |workspace: &Workspace, slug: &str, provider: ProviderId| {
        number += 1;
        let key = Key {
            provider,
            ..key(workspace, number, slug)
        };
        db.insert_key(key.clone(), version(&key, 1)).await;
        key
    };
    for workspace in [&platform, nine, five, seven, three] {
        insert(workspace, "main", ProviderId::OpenAi).await;
    }
    // More than one key counts once.
    insert(nine, "spare", ProviderId::OpenAi).await;
    insert(four, "main", ProviderId::Azure).await;
    let gone = insert(six, "main", ProviderId::OpenAi).await;
    let unit = db.store.begin().await.unwrap();
    let gone = gone.delete(at(9)).unwrap();
    keys::update(&unit, stamped(gone)).await.unwrap();
    unit.commit().await.unwrap();
    assert_eq!(
        db.moved(&platform, ProviderId::OpenAi).await,
        [three.uid, five.uid, seven.uid, nine.uid]
    );

    let own_switch = access(five, ProviderId::OpenAi);
    let other_terms = ProviderAccess {
        terms: ProviderTerms {
            own_keys: None,
            ..own_switch.terms.clone()
        },
        ..access(seven, ProviderId::OpenAi)
    };
    let other_provider = access(nine, ProviderId::Azure);
    for row in [&own_switch, &other_terms, &other_provider] {
        db.put(row).await;
    }
    assert_eq!(
        db.moved(&platform, ProviderId::OpenAi).await,
        [three.uid, seven.uid, nine.uid]
    );
    assert_eq!(db.moved(&platform, ProviderId::Azure).await, [four.uid]);
    assert!(db.moved(&platform, ProviderId::Vertex).await.is_empty());
}

async fn a_live_key_counts_wherever_it_is_in_the_workspace(db: Migrated) {
    let acme = db.insert_workspace(1, "acme").await;
    let has_one = async |provider| {
        let found = provider_access::has_own_key(&db.store, acme.uid, provider).await;
        found.unwrap()
    };
    assert!(!has_one(ProviderId::OpenAi).await);
    let web = project(&acme);
    let unit = db.store.begin().await.unwrap();
    projects::insert(&unit, stamped(web.clone())).await.unwrap();
    unit.commit().await.unwrap();
    let main = Key {
        project: Some(web.uid),
        ..key(&acme, 0x10, "main")
    };
    db.insert_key(main.clone(), version(&main, 1)).await;
    assert!(has_one(ProviderId::OpenAi).await);
    assert!(!has_one(ProviderId::Azure).await);
    let unit = db.store.begin().await.unwrap();
    let gone = main.delete(at(9)).unwrap();
    keys::update(&unit, stamped(gone)).await.unwrap();
    unit.commit().await.unwrap();
    assert!(!has_one(ProviderId::OpenAi).await);
}
