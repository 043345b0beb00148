//! What is asked of the vault, and what of its answers is taken.

use latchkey_contract::vault::v1::KeyMaterial;

use super::*;

fn name(key: &str) -> KeyName {
    key.parse().unwrap()
}

#[tokio::test]
async fn the_question_carries_the_whole_wish() {
    let mut fixture = Fixture::attending().await;
    let asking = fixture.ask(Wish {
        key: "main".to_owned(),
        excluded: vec![name("workspaces/acme/keys/a"), name(PLATFORM_KEY)],
        payer: Some(Payer::OwnKey),
        ..wish("workspaces/acme/projects/web")
    });
    let question = fixture.question().await;
    let expected = ResolveRequest {
        session: "s1".to_owned(),
        parent: "workspaces/acme/projects/web".to_owned(),
        key: "main".to_owned(),
        provider: "openai".to_owned(),
        model: "gpt-5.4".to_owned(),
        capability: Capability::Generate.into(),
        excluded_keys: vec!["workspaces/acme/keys/a".to_owned(), PLATFORM_KEY.to_owned()],
        payer: v1::Payer::OwnKey.into(),
        ..ResolveRequest::default()
    };
    assert_eq!(question.request, expected);
    question.answer(lent(KEY, CHOSEN));
    let loan = obtained(asking).await;
    assert_eq!(loan.key_version().to_string(), version(KEY));
    assert_eq!(loan.material_tail(), "-key");
}

#[tokio::test]
async fn every_part_of_a_wish_has_a_loan_of_its_own() {
    let mut fixture = Fixture::attending().await;
    fixture.borrow(wish(ACME), lent(KEY, CHOSEN)).await;
    let others = [
        wish("workspaces/other"),
        wish("workspaces/acme/projects/web"),
        Wish {
            key: "main".to_owned(),
            ..wish(ACME)
        },
        Wish {
            provider: "custom".to_owned(),
            ..wish(ACME)
        },
        Wish {
            model: "gpt-5.4-mini".to_owned(),
            ..wish(ACME)
        },
        Wish {
            capability: Capability::Embed,
            ..wish(ACME)
        },
        Wish {
            excluded: vec![name("workspaces/acme/keys/other")],
            ..wish(ACME)
        },
        Wish {
            payer: Some(Payer::OwnKey),
            ..wish(ACME)
        },
    ];
    for other in others {
        // Answered by the vault, not out of the cache.
        fixture.borrow(other, lent(KEY, CHOSEN)).await;
    }
}

#[tokio::test]
async fn a_lease_that_makes_no_sense_is_not_used() {
    type Damage = fn(&mut ResolveResponse);
    let damages: [Damage; 9] = [
        |answer| answer.lease = None,
        |answer| answer.revisions.clear(),
        |answer| answer.revisions[0].scope = "nowhere".to_owned(),
        |answer| answer.lease.as_mut().unwrap().payer = 0,
        |answer| answer.lease.as_mut().unwrap().material = None,
        |answer| answer.lease.as_mut().unwrap().material = Some(KeyMaterial { kind: None }),
        |answer| answer.lease.as_mut().unwrap().provider = "nobody".to_owned(),
        |answer| answer.lease.as_mut().unwrap().base_url = "not a url".to_owned(),
        |answer| answer.lease.as_mut().unwrap().key_version = KEY.to_owned(),
    ];
    for damage in damages {
        let mut fixture = Fixture::attending().await;
        let mut answer = lent(KEY, CHOSEN);
        damage(&mut answer);
        let asking = fixture.ask(wish(ACME));
        fixture.question().await.answer(answer);
        assert!(matches!(
            failed(asking).await,
            RouterError::VaultUnavailable
        ));
    }
}

#[tokio::test]
async fn a_lease_that_is_not_what_was_wished_for_is_not_used() {
    let excluding = Wish {
        excluded: vec![name(KEY)],
        ..wish(ACME)
    };
    let at_the_platforms_cost = Wish {
        payer: Some(Payer::Platform),
        ..wish(ACME)
    };
    for wish in [excluding, at_the_platforms_cost] {
        let mut fixture = Fixture::attending().await;
        let asking = fixture.ask(wish);
        fixture.question().await.answer(lent(KEY, CHOSEN));
        assert!(matches!(
            failed(asking).await,
            RouterError::VaultUnavailable
        ));
    }
}
