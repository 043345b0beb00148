//! Which keys are taken in a round.

use std::time::Duration;

use latchkey_boot::drain::Drain;
use latchkey_contract::vault::v1::audit_event::Decision;
use latchkey_contract::vault::v1::{UpdateKeyRequest, key};
use prost_types::Timestamp;
use sea_orm::ConnectionTrait as _;

use super::{ACME, ALMOST, INTERVAL, NAME, SECOND, acme, events, is_refused, later, recheck_count};
use crate::harness::{OWNER, Router, Vault, alive, api_key, config, mask, rejected, secret};
use crate::on_both_databases;

on_both_databases!(
    a_key_is_not_checked_within_an_interval,
    usable_and_expired_keys_are_not_checked,
    the_longest_refused_keys_are_checked_first_and_few_at_a_time,
    a_damaged_key_is_recorded_once_and_does_not_stop_the_others,
    a_damaged_workspace_does_not_stop_the_others,
    an_interval_of_0_switches_rechecks_off,
);

async fn a_key_is_not_checked_within_an_interval(vault: Vault) {
    let router = acme(&vault).await;
    let router = later(&vault, router, INTERVAL * 3).await;
    is_refused(&vault, &router, NAME).await;
    vault.checks_again().await;
    assert!(router.tasks().is_empty());
    let router = later(&vault, router, ALMOST).await;
    vault.checks_again().await;
    assert!(router.tasks().is_empty());
    vault.clock.advance(SECOND);
    vault.checks_again().await;
    assert_eq!(router.tasks().len(), 1);
}

async fn usable_and_expired_keys_are_not_checked(vault: Vault) {
    let router = acme(&vault).await;
    vault.create_key(ACME, "fine").await;
    is_refused(&vault, &router, NAME).await;
    let mut expiring = vault.get_key(NAME).await;
    let soon = expiring.update_time.unwrap().seconds + 60;
    expiring.expire_time = Some(Timestamp {
        seconds: soon,
        nanos: 0,
    });
    let update = UpdateKeyRequest {
        key: Some(expiring),
        update_mask: mask(&["expire_time"]),
    };
    vault.keys(OWNER).update_key(update).await.unwrap();
    let router = later(&vault, router, INTERVAL).await;
    vault.checks_again().await;
    assert!(router.tasks().is_empty());
    assert_eq!(vault.get_key(NAME).await.state(), key::State::Quarantined);
}

const MOMENT: Duration = Duration::from_micros(1);
/// As many as are taken in a round, and two.
const MANY: usize = 34;

async fn the_longest_refused_keys_are_checked_first_and_few_at_a_time(vault: Vault) {
    vault.create_workspace("acme").await;
    let router = Router::open_router_session(&vault).await;
    let mut secrets = Vec::new();
    for number in (0..MANY).rev() {
        let id = format!("k{number:02}");
        vault.create_key(ACME, &id).await;
        is_refused(&vault, &router, &format!("{ACME}/keys/{id}")).await;
        vault.clock.advance(MOMENT);
        secrets.push(secret(ACME, &id));
    }
    let router = later(&vault, router, INTERVAL).await;
    router.answers_tasks(None);
    let answered = async {
        for (number, sequence) in (1..=32).enumerate() {
            router.task_after((number + 3).min(31)).await;
            router.keeps_alive(sequence).await;
            // Four at a time: the next is sent when one has been brought back.
            let tasks = router.tasks();
            assert_eq!(tasks.len(), (number + 4).min(32));
            router.brings_back(&tasks[number], rejected());
        }
    };
    tokio::join!(vault.checks_again(), answered);
    let checked: Vec<_> = router
        .tasks()
        .iter()
        .map(|task| api_key(task.material.as_ref()).to_owned())
        .collect();
    assert_eq!(checked, secrets[..32]);

    router.answers_tasks(alive());
    vault.checks_again().await;
    assert_eq!(router.tasks().len(), MANY);
    assert_eq!(recheck_count(&vault, ACME).await, 2);
}

async fn a_damaged_key_is_recorded_once_and_does_not_stop_the_others(vault: Vault) {
    let router = acme(&vault).await;
    vault.create_project("acme", "web").await;
    let web = "workspaces/acme/projects/web/keys/first";
    vault
        .create_key("workspaces/acme/projects/web", "first")
        .await;
    vault.create_key(ACME, "second").await;
    let second = "workspaces/acme/keys/second";
    // The damaged ones are first in the queue.
    for name in [web, second, NAME] {
        is_refused(&vault, &router, name).await;
        vault.clock.advance(SECOND);
    }
    let tables = vault.tables().await;
    for sql in [
        "UPDATE keys SET display_name = 'Mallory' WHERE slug = 'first'",
        "UPDATE key_versions SET base_url = 'https://evil.example' \
         WHERE key_id = (SELECT id FROM keys WHERE slug = 'second')",
    ] {
        assert_eq!(
            tables
                .execute_unprepared(sql)
                .await
                .unwrap()
                .rows_affected(),
            1
        );
    }
    let router = later(&vault, router, INTERVAL).await;
    vault.checks_again().await;
    vault.checks_again().await;
    assert_eq!(router.tasks().len(), 1);
    assert_eq!(vault.get_key(NAME).await.state(), key::State::Active);
    let events = events(&vault, ACME).await;
    let alarms: Vec<_> = events
        .iter()
        .filter(|event| event.decision() == Decision::IntegrityFailure)
        .map(|event| (event.method.as_str(), event.resource.as_str()))
        .collect();
    assert_eq!(alarms, [("recheck", second), ("recheck", web)]);
}

async fn a_damaged_workspace_does_not_stop_the_others(vault: Vault) {
    let router = acme(&vault).await;
    vault.create_workspace("other").await;
    vault.create_key("workspaces/other", "main").await;
    let other = "workspaces/other/keys/main";
    for name in [NAME, other] {
        is_refused(&vault, &router, name).await;
    }
    let tables = vault.tables().await;
    let sql = "UPDATE workspaces SET display_name = 'Mallory' WHERE slug = 'acme'";
    tables.execute_unprepared(sql).await.unwrap();
    let _router = later(&vault, router, INTERVAL).await;
    vault.checks_again().await;
    assert_eq!(vault.get_key(other).await.state(), key::State::Active);
    let alarm = events(&vault, "platform").await.remove(0);
    assert_eq!(
        (alarm.decision(), alarm.resource.as_str()),
        (Decision::IntegrityFailure, NAME)
    );
}

async fn an_interval_of_0_switches_rechecks_off(vault: Vault) {
    let mut config = config(&vault.database.url, vault.keyring());
    config.quarantine.recheck_interval_seconds = 0;
    let app = config.build(Drain::new()).await.unwrap();
    assert!(app.rechecks().is_none());
}
