//! What the store keeps to whatever is done at once, twice or by halves.

use super::*;

on_both_databases!(
    revisions_have_no_gaps_under_concurrent_changes,
    changes_of_one_workspace_take_turns,
    an_abandoned_unit_changes_nothing,
    a_name_is_taken_once,
    a_deletion_frees_the_name,
    the_last_use_survives_an_update,
    material_is_found_again_where_it_is_in_use,
    a_row_that_cannot_be_a_value_is_inconsistent,
);

async fn revisions_have_no_gaps_under_concurrent_changes(db: Migrated) {
    const CHANGES: u64 = 32;
    let acme = db.insert_workspace(1, "acme").await;
    let changes = (0..CHANGES).map(|_| {
        let store = db.store.clone();
        tokio::spawn(async move {
            let unit = store.begin().await.unwrap();
            let slug = "acme".parse().unwrap();
            let found = workspaces::lock(&unit, Some(&slug)).await.unwrap().unwrap();
            let (mut head, _) = found.into_unchecked();
            head.revision += 1;
            head.audit_sequence += 1;
            let (revision, uid) = (head.revision, head.uid);
            let event = AuditEvent::done(&Act::system("test"), revision, at(1));
            let event = AuditEvent {
                sequence: head.audit_sequence,
                ..event
            };
            audit_events::insert(&unit, uid, event).await.unwrap();
            workspaces::update(&unit, stamped(head)).await.unwrap();
            unit.commit().await.unwrap();
            revision
        })
    });
    let mut revisions = Vec::new();
    for change in changes.collect::<Vec<_>>() {
        revisions.push(change.await.unwrap());
    }
    revisions.sort_unstable();
    let expected: Vec<_> = (acme.revision + 1..=acme.revision + CHANGES).collect();
    assert_eq!(revisions, expected);
    // The log has them in the order of their commits.
    let events = audit_events::list(&db.store, acme.uid, None, 100)
        .await
        .unwrap();
    let revisions: Vec<u64> = events
        .iter()
        .rev()
        .map(|event| event.resource.parse().unwrap())
        .collect();
    assert_eq!(revisions, expected);
}

async fn changes_of_one_workspace_take_turns(db: Migrated) {
    db.insert_workspace(1, "acme").await;
    let slug = "acme".parse().unwrap();
    let unit = db.store.begin().await.unwrap();
    let found = workspaces::lock(&unit, Some(&slug)).await.unwrap().unwrap();
    let store = db.store.clone();
    let second = tokio::spawn(async move {
        let unit = store.begin().await.unwrap();
        let slug = "acme".parse().unwrap();
        let found = workspaces::lock(&unit, Some(&slug)).await.unwrap().unwrap();
        found.into_unchecked().0.display_name
    });
    // Reading does not wait for the lock, and sees nothing of the change.
    let seen = workspaces::find(&db.store, Some(&slug))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(seen.peek().display_name, "Ümläut & Söhne");
    assert!(!second.is_finished());
    let renamed = found.into_unchecked().0.rename("First".to_owned(), at(9));
    workspaces::update(&unit, stamped(renamed)).await.unwrap();
    assert!(!second.is_finished());
    unit.commit().await.unwrap();
    assert_eq!(second.await.unwrap(), "First");
}

async fn an_abandoned_unit_changes_nothing(db: Migrated) {
    let acme = db.insert_workspace(1, "acme").await;
    let unit = db.store.begin().await.unwrap();
    workspaces::update(&unit, stamped(acme.clone().rename("X".to_owned(), at(9))))
        .await
        .unwrap();
    workspaces::insert(&unit, stamped(workspace(2, "other")))
        .await
        .unwrap();
    drop(unit);
    let slug = "acme".parse().unwrap();
    came_back(
        workspaces::find(&db.store, Some(&slug)).await.unwrap(),
        &acme,
    );
    assert_eq!(
        workspaces::list(&db.store, None, 10).await.unwrap().len(),
        1
    );
}

async fn a_name_is_taken_once(db: Migrated) {
    let acme = db.insert_workspace(1, "acme").await;
    let main = key(&acme, 0x10, "main");
    db.insert_key(main.clone(), version(&main, 1)).await;
    let unit = db.store.begin().await.unwrap();
    let again = workspaces::insert(&unit, stamped(workspace(2, "acme"))).await;
    assert!(matches!(again, Err(StoreError::Exists(_))));
    drop(unit);
    let unit = db.store.begin().await.unwrap();
    let again = keys::insert(&unit, stamped(key(&acme, 0x11, "main"))).await;
    assert!(matches!(again, Err(StoreError::Exists(_))));
    drop(unit);
    let unit = db.store.begin().await.unwrap();
    let again = versions::insert(&unit, stamped(version(&main, 1))).await;
    assert!(matches!(again, Err(StoreError::Exists(_))));
}

async fn a_deletion_frees_the_name(db: Migrated) {
    for uid in 1..=3_u32 {
        let acme = db.insert_workspace(uid.into(), "acme").await;
        let main = key(&acme, (0x10 + uid).into(), "main");
        db.insert_key(main.clone(), version(&main, 1)).await;
        let deleted = main.clone().delete(at(8)).unwrap();
        let unit = db.store.begin().await.unwrap();
        keys::update(&unit, stamped(deleted.clone())).await.unwrap();
        let gone = Workspace {
            revision: acme.revision + u64::from(uid),
            ..acme.clone().delete(at(9))
        };
        workspaces::update(&unit, stamped(gone)).await.unwrap();
        unit.commit().await.unwrap();
        assert!(
            keys::all_within(&db.store, of(&acme))
                .await
                .unwrap()
                .is_empty()
        );
        came_back(
            keys::find_by_uid(&db.store, main.uid).await.unwrap(),
            &deleted,
        );
    }
    assert!(
        workspaces::list(&db.store, None, 10)
            .await
            .unwrap()
            .is_empty()
    );
}

async fn the_last_use_survives_an_update(db: Migrated) {
    let acme = db.insert_workspace(1, "acme").await;
    let main = key(&acme, 0x10, "main");
    db.insert_key(main.clone(), version(&main, 1)).await;
    keys::touch(&db.store, main.uid, at(77)).await.unwrap();
    let unit = db.store.begin().await.unwrap();
    keys::update(&unit, stamped(main.clone())).await.unwrap();
    unit.commit().await.unwrap();
    let expected = Key {
        last_used_time: Some(at(77)),
        ..main
    };
    came_back(
        keys::find_by_uid(&db.store, expected.uid).await.unwrap(),
        &expected,
    );
}

async fn material_is_found_again_where_it_is_in_use(db: Migrated) {
    let acme = db.insert_workspace(1, "acme").await;
    let other = db.insert_workspace(2, "other").await;
    let main = key(&acme, 0x10, "main");
    let stored = version(&main, 1);
    db.insert_key(main.clone(), stored.clone()).await;
    let holders = async |workspace: &Workspace, fingerprint| {
        versions::holders(&db.store, workspace.uid, fingerprint)
            .await
            .unwrap()
    };
    assert_eq!(holders(&acme, stored.fingerprint).await, [main.uid]);
    assert!(holders(&other, stored.fingerprint).await.is_empty());
    assert!(holders(&acme, [0; 16]).await.is_empty());
    let unit = db.store.begin().await.unwrap();
    versions::update(&unit, stamped(stored.clone().destroy(at(9))))
        .await
        .unwrap();
    unit.commit().await.unwrap();
    assert!(holders(&acme, stored.fingerprint).await.is_empty());
}

async fn a_row_that_cannot_be_a_value_is_inconsistent(db: Migrated) {
    let acme = db.insert_workspace(1, "acme").await;
    let main = key(&acme, 0x10, "main");
    db.insert_key(main.clone(), version(&main, 1)).await;
    for (column, value, valid) in [
        ("state", "'on'", "'active'"),
        ("provider", "'acme'", "'openai'"),
        ("labels", "'[]'", "'{}'"),
        ("allowed_models", "'{'", "'[]'"),
        ("priority", "-1", "0"),
        ("weight", "4294967296", "0"),
        ("row_revision", "-1", "1"),
        ("slug", "'Main'", "'main'"),
    ] {
        db.execute(&format!("UPDATE keys SET {column} = {value}"))
            .await;
        let found = keys::find_by_uid(&db.store, main.uid).await;
        let Err(StoreError::Inconsistent {
            table,
            column: named,
            row,
        }) = found
        else {
            panic!("{column}: {found:?}")
        };
        let uid = main.uid.to_string();
        assert_eq!((table, named, row), ("keys", column, uid));
        // In a list it does not hide the others.
        let listed = keys::list(&db.store, of(&acme), None, 10).await.unwrap();
        assert!(listed.iter().all(|row| row.key.is_err()) && listed.len() == 1);
        db.execute(&format!("UPDATE keys SET {column} = {valid}"))
            .await;
    }
    assert!(keys::find_by_uid(&db.store, main.uid).await.is_ok());
}
