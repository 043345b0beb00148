//! The queue of refused keys.

use super::*;
use latchkey_vault::store::overdue::{self, Overdue, QueuePosition};

on_both_databases!(
    the_queue_is_in_the_order_of_the_last_change_or_check,
    the_queue_goes_on_after_any_place,
    only_refused_keys_that_can_be_used_again_wait,
    a_key_that_lost_its_version_is_in_the_queue,
);

/// A key that was set aside at one time and checked at another.
async fn refused(db: &Migrated, acme: &Workspace, uid: u128, changed: i64, checked: i64) -> Key {
    let key = Key {
        update_time: at(changed),
        ..key(acme, uid, &format!("k{uid}"))
    };
    let mut version = version(&key, 1);
    version.verification.time = at(checked);
    db.insert_key(key.clone(), version).await;
    key
}

async fn queue(
    db: &Migrated,
    cutoff: i64,
    after: Option<QueuePosition>,
    limit: u64,
) -> Vec<Overdue> {
    let providers = [ProviderId::Custom, ProviderId::OpenAi];
    overdue::list(&db.store, &providers, at(cutoff), at(1_000), after, limit)
        .await
        .unwrap()
}

fn uids(queue: &[Overdue]) -> Vec<u128> {
    queue
        .iter()
        .map(|row| row.position.key.0.as_u128())
        .collect()
}

async fn the_queue_is_in_the_order_of_the_last_change_or_check(db: Migrated) {
    let acme = db.insert_workspace(1, "acme").await;
    for (uid, changed, checked) in [(4, 30, 1), (3, 1, 20), (2, 10, 9), (5, 1, 20)] {
        refused(&db, &acme, uid, changed, checked).await;
    }
    let all = queue(&db, 30, None, 10).await;
    assert_eq!(uids(&all), [2, 3, 5, 4]);
    let since: Vec<_> = all
        .iter()
        .map(|row| row.position.since.as_micros())
        .collect();
    assert_eq!(since, [10, 20, 20, 30]);
    assert_eq!(uids(&queue(&db, 29, None, 10).await), [2, 3, 5]);
    assert_eq!(uids(&queue(&db, 9, None, 10).await), [0; 0]);

    let first = queue(&db, 30, None, 1).await.pop().unwrap();
    let key = first.listed.key.unwrap().into_unchecked().0;
    assert_eq!(
        (key.uid, key.state),
        (first.position.key, KeyState::Quarantined)
    );
    let version = first.version.unwrap().into_unchecked().0;
    assert_eq!((version.key, version.version), (key.uid, 1));
}

async fn the_queue_goes_on_after_any_place(db: Migrated) {
    let acme = db.insert_workspace(1, "acme").await;
    for uid in 1..=5 {
        let since = i64::try_from(uid).unwrap() / 2;
        refused(&db, &acme, uid, since, 0).await;
    }
    let all = queue(&db, 9, None, 10).await;
    assert_eq!(uids(&all), [1, 2, 3, 4, 5]);
    for (index, row) in all.iter().enumerate() {
        let rest = queue(&db, 9, Some(row.position), 10).await;
        assert_eq!(uids(&rest), uids(&all[index + 1..]));
    }
}

async fn only_refused_keys_that_can_be_used_again_wait(db: Migrated) {
    let acme = db.insert_workspace(1, "acme").await;
    let waiting = refused(&db, &acme, 1, 0, 0).await;
    let others = [
        waiting.clone().enable(at(0)).unwrap(),
        waiting.clone().disable(at(0)).unwrap(),
        waiting.clone().delete(at(0)).unwrap(),
        Key {
            provider: ProviderId::Anthropic,
            ..waiting.clone()
        },
        Key {
            settings: KeySettings {
                expire_time: Some(at(1_000)),
                ..waiting.settings.clone()
            },
            ..waiting.clone()
        },
    ];
    for (uid, other) in (2..).zip(others) {
        let other = Key {
            uid: KeyUid(Uuid::from_u128(uid)),
            slug: other.slug.map(|_| format!("k{uid}").parse().unwrap()),
            ..other
        };
        db.insert_key(other.clone(), version(&other, 1)).await;
    }
    // All were left alone for long enough.
    assert_eq!(uids(&queue(&db, i64::MAX, None, 10).await), [1]);
}

async fn a_key_that_lost_its_version_is_in_the_queue(db: Migrated) {
    let acme = db.insert_workspace(1, "acme").await;
    refused(&db, &acme, 1, 7, 8).await;
    db.execute("DELETE FROM key_versions").await;
    let row = queue(&db, 7, None, 10).await.pop().unwrap();
    assert_eq!(row.position.since, at(7));
    assert!(matches!(
        row.version,
        Err(StoreError::Inconsistent { table: "keys", .. })
    ));
}
