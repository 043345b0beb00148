//! The outcome of a recheck, by the answer of the provider.

use latchkey_contract::vault::v1::audit_event::Decision;
use latchkey_contract::vault::v1::funding_policy::FundingFallback;
use latchkey_contract::vault::v1::{FundingPolicy, Hello, ResolveRequest, key, verification};

use super::{ACME, ALMOST, INTERVAL, NAME, SECOND, acme, events, is_refused, later, recheck_count};
use crate::harness::{
    Outcome, ROUTER, Router, Vault, api_key, create_key, hello, limited, reachable, rejected,
    resolve, secret, unreachable,
};
use crate::on_both_databases;

on_both_databases!(
    a_key_that_is_accepted_again_is_leased_again,
    a_key_that_is_accepted_with_limits_is_leased_again,
    an_answer_that_proves_nothing_keeps_the_key_quarantined,
    a_key_that_is_refused_again_is_checked_an_interval_later,
    a_provider_that_does_not_answer_keeps_the_key_quarantined,
    without_a_router_that_knows_the_provider_no_key_is_checked,
    keys_of_projects_and_of_the_platform_are_readmitted_too,
);

async fn a_key_that_is_accepted_again_is_leased_again(vault: Vault) {
    let router = acme(&vault).await;
    vault.create_key(ACME, "spare").await;
    let aside = is_refused(&vault, &router, NAME).await;
    let router = later(&vault, router, INTERVAL).await;
    router.obtains(resolve(ACME)).await;
    vault.checks_again().await;

    let tasks = router.tasks();
    assert_eq!(tasks.len(), 1);
    assert_eq!(api_key(tasks[0].material.as_ref()), secret(ACME, "main"));
    assert_eq!(tasks[0].provider, "openai");
    let key = vault.get_key(NAME).await;
    assert_eq!(
        (key.state(), key.state_detail.as_str()),
        (key::State::Active, "")
    );
    assert_ne!(key.etag, aside.etag);
    let checked = key.verification.unwrap();
    assert_eq!(checked.grade(), verification::Grade::Alive);
    assert_eq!(checked.verify_time, key.update_time);
    // Told before the round was over: the next choice is made anew.
    let invalidations = router.invalidations();
    assert_eq!(invalidations.len(), 1);
    assert_eq!(invalidations[0].scope, ACME);
    assert_eq!(invalidations[0].revoked_key_versions, [""; 0]);
    let named = ResolveRequest {
        key: NAME.to_owned(),
        ..resolve(ACME)
    };
    router.obtains(named).await;

    let event = events(&vault, ACME).await.remove(0);
    assert_eq!(
        (
            event.actor.as_str(),
            event.method.as_str(),
            event.decision()
        ),
        ("system", "recheck", Decision::Done)
    );
    assert_eq!(event.resource, NAME);
    assert_eq!(event.details["version"], "1");
    assert_eq!(event.details["verification"], "alive");
}

async fn a_key_that_is_accepted_with_limits_is_leased_again(vault: Vault) {
    let router = acme(&vault).await;
    is_refused(&vault, &router, NAME).await;
    let router = later(&vault, router, INTERVAL).await;
    router.answers_tasks(limited());
    vault.checks_again().await;
    let key = vault.get_key(NAME).await;
    assert_eq!(key.state(), key::State::Active);
    let checked = key.verification.unwrap();
    assert_eq!(
        (checked.grade(), checked.detail.as_str()),
        (verification::Grade::Limited, "no credit")
    );
}

/// An outcome that leaves the key where it is, and what is shown of it.
async fn stays_aside(vault: &Vault, outcome: Outcome, grade: verification::Grade, words: &str) {
    let router = acme(vault).await;
    vault.create_key(ACME, "spare").await;
    let aside = is_refused(vault, &router, NAME).await;
    let before = events(vault, ACME).await;
    let router = later(vault, router, INTERVAL).await;
    router.obtains(resolve(ACME)).await;
    router.answers_tasks(outcome);
    vault.checks_again().await;

    let mut key = vault.get_key(NAME).await;
    let checked = key.verification.take().unwrap();
    assert_eq!((checked.grade(), checked.detail.as_str()), (grade, words));
    let quarantined = aside.update_time.unwrap().seconds;
    assert_eq!(checked.verify_time.unwrap().seconds, quarantined + 900);
    // Nothing else has changed, and no invalidation is sent.
    key.verification.clone_from(&aside.verification);
    assert_eq!(key, aside);
    assert_eq!(events(vault, ACME).await, before);
    router.keeps_alive(1).await;
    assert!(router.invalidations().is_empty());

    // The next try is an interval later.
    vault.checks_again().await;
    assert_eq!(router.tasks().len(), 1);
    let router = later(vault, router, ALMOST).await;
    vault.checks_again().await;
    assert!(router.tasks().is_empty());
    vault.clock.advance(SECOND);
    vault.checks_again().await;
    assert_eq!(router.tasks().len(), 1);
    assert_eq!(vault.get_key(NAME).await.state(), key::State::Active);
}

async fn an_answer_that_proves_nothing_keeps_the_key_quarantined(vault: Vault) {
    stays_aside(&vault, reachable(), verification::Grade::Reachable, "").await;
}

async fn a_key_that_is_refused_again_is_checked_an_interval_later(vault: Vault) {
    let words = "HTTP 401: Incorrect API key provided";
    stays_aside(&vault, rejected(), verification::Grade::Format, words).await;
}

async fn a_provider_that_does_not_answer_keeps_the_key_quarantined(vault: Vault) {
    let words = "connection refused";
    stays_aside(&vault, unreachable(), verification::Grade::Format, words).await;
}

async fn without_a_router_that_knows_the_provider_no_key_is_checked(vault: Vault) {
    let router = acme(&vault).await;
    let aside = is_refused(&vault, &router, NAME).await;
    router.leaves().await;
    vault.clock.advance(INTERVAL);
    vault.checks_again().await;
    assert_eq!(vault.get_key(NAME).await, aside);

    let hello = Hello {
        providers: vec!["anthropic".to_owned()],
        ..hello(&[])
    };
    let unable = Router::open_session_as(&vault, ROUTER, hello)
        .await
        .unwrap();
    vault.checks_again().await;
    assert!(unable.tasks().is_empty());
    assert_eq!(vault.get_key(NAME).await, aside);

    let _able = Router::open_router_session(&vault).await;
    vault.checks_again().await;
    assert_eq!(vault.get_key(NAME).await.state(), key::State::Active);
}

async fn keys_of_projects_and_of_the_platform_are_readmitted_too(vault: Vault) {
    let router = acme(&vault).await;
    vault.create_project("acme", "web").await;
    let names = [
        "workspaces/acme/projects/web/keys/main",
        "platform/keys/shared",
    ];
    for name in names {
        let (parent, id) = name.split_once("/keys/").unwrap();
        vault.store_key(create_key(parent, id)).await;
    }
    let follows = FundingPolicy {
        when_failed: FundingFallback::Platform.into(),
        ..FundingPolicy::default()
    };
    vault.fund_workspace("workspaces/acme", follows).await;
    is_refused(&vault, &router, names[0]).await;
    // The platform's are not named: they follow when the workspace's own have failed.
    is_refused(&vault, &router, NAME).await;
    let lease = router.obtains(resolve(ACME)).await;
    assert_eq!(lease.key_version, "platform/keys/shared/versions/1");
    router.reports(&lease.key_version_uid);
    router.invalidation("platform", 0).await;

    let _router = later(&vault, router, INTERVAL).await;
    vault.checks_again().await;
    for name in [names[0], names[1], NAME] {
        assert_eq!(vault.get_key(name).await.state(), key::State::Active);
    }
    assert_eq!(recheck_count(&vault, ACME).await, 2);
    let event = events(&vault, "platform").await.remove(0);
    assert_eq!(
        (event.method.as_str(), event.resource.as_str()),
        ("recheck", "platform/keys/shared")
    );
}
