mod levels;
mod reference;

use uuid::Uuid;

use super::*;
use crate::domain::funding::FundingFallback;
use crate::domain::key::KeyState;
use crate::domain::settings::KeySettings;
use crate::domain::uid::{KeyUid, WorkspaceUid};

const NOW: Timestamp = Timestamp::from_micros(1_000);

fn candidate(name: &str) -> Candidate {
    let name: KeyName = name.parse().unwrap();
    let key = Key {
        uid: KeyUid(Uuid::nil()),
        workspace: WorkspaceUid(Uuid::nil()),
        project: None,
        slug: Some(name.key.clone()),
        provider: ProviderId::OpenAi,
        settings: KeySettings::default(),
        state: KeyState::Active,
        state_detail: String::new(),
        current_version: 1,
        row_revision: 1,
        create_time: NOW,
        update_time: NOW,
        delete_time: None,
        last_used_time: None,
    };
    Candidate {
        name,
        key,
        location: String::new(),
    }
}

fn with(name: &str, change: impl FnOnce(&mut Key)) -> Candidate {
    let mut candidate = candidate(name);
    change(&mut candidate.key);
    candidate
}

fn query() -> KeyQuery {
    KeyQuery {
        provider: Some(ProviderId::OpenAi),
        model: "gpt-5.4".to_owned(),
        ..KeyQuery::default()
    }
}

fn chosen(candidates: &[Candidate]) -> String {
    choose(candidates, &ScopePolicies::default(), &query(), NOW, 0)
        .unwrap()
        .chosen
        .name
        .to_string()
}

#[test]
fn the_nearest_owner_comes_first() {
    let platform = || candidate("platform/keys/p");
    let workspace = || candidate("workspaces/w/keys/k");
    let project = || candidate("workspaces/w/projects/x/keys/k");
    assert_eq!(
        chosen(&[platform(), workspace(), project()]),
        "workspaces/w/projects/x/keys/k"
    );
    assert_eq!(chosen(&[platform(), workspace()]), "workspaces/w/keys/k");
    assert_eq!(chosen(&[platform()]), "platform/keys/p");
}

#[test]
fn a_lower_priority_number_comes_first() {
    let high = with("workspaces/w/keys/a", |key| key.settings.priority = 2);
    let low = with("workspaces/w/keys/b", |key| key.settings.priority = 1);
    assert_eq!(chosen(&[high, low]), "workspaces/w/keys/b");
}

#[test]
fn weights_share_the_draws() {
    let heavy = || with("workspaces/w/keys/a", |key| key.settings.weight = 3);
    let light = || with("workspaces/w/keys/b", |key| key.settings.weight = 1);
    let draws = (0..400).filter(|draw| {
        let choice = choose(
            &[heavy(), light()],
            &ScopePolicies::default(),
            &query(),
            NOW,
            *draw,
        )
        .unwrap();
        choice.chosen.name.key.as_str() == "a"
    });
    assert_eq!(draws.count(), 300);
}

#[test]
fn each_key_that_is_skipped_has_its_rule() {
    let disabled = with("workspaces/w/keys/a", |key| key.state = KeyState::Disabled);
    let quarantined = with("workspaces/w/keys/b", |key| {
        key.state = KeyState::Quarantined;
    });
    let expired = with("workspaces/w/keys/c", |key| {
        key.settings.expire_time = Some(NOW);
    });
    let denied = with("workspaces/w/keys/d", |key| {
        key.settings.denied_models = vec!["gpt-5*".to_owned()];
    });
    let candidates = vec![
        disabled,
        quarantined,
        expired,
        denied,
        candidate("platform/keys/p"),
    ];
    let funding = Funding {
        when_failed: FundingFallback::Platform,
        ..Funding::default()
    };
    let policies = ScopePolicies {
        funding,
        ..ScopePolicies::default()
    };
    let choice = choose(&candidates, &policies, &query(), NOW, 0).unwrap();
    let rules: Vec<_> = choice
        .exclusions
        .iter()
        .map(|exclusion| exclusion.rule)
        .collect();
    assert_eq!(
        rules,
        [
            ExclusionRule::KeyDisabled,
            ExclusionRule::KeyQuarantined,
            ExclusionRule::KeyExpired,
            ExclusionRule::ModelDenied
        ]
    );
    assert_eq!(choice.chosen.name.to_string(), "platform/keys/p");
}

#[test]
fn no_usable_key_is_refused_with_every_reason() {
    let disabled = with("workspaces/w/keys/a", |key| key.state = KeyState::Disabled);
    let refusal = choose(&[disabled], &ScopePolicies::default(), &query(), NOW, 0).unwrap_err();
    let ResolutionRefusal::NoneUsable { exclusions } = refusal else {
        panic!("{refusal}")
    };
    assert_eq!(exclusions.len(), 1);
}

#[test]
fn a_named_key_is_never_replaced() {
    let disabled = with("workspaces/w/keys/a", |key| key.state = KeyState::Disabled);
    let query = KeyQuery {
        named: true,
        ..query()
    };
    let refusal = choose(&[disabled], &ScopePolicies::default(), &query, NOW, 0).unwrap_err();
    let expected = ResolutionRefusal::NamedUnusable {
        rule: ExclusionRule::KeyDisabled,
        detail: String::new(),
    };
    assert_eq!(refusal, expected);
}

#[test]
fn a_named_key_of_another_provider_is_refused_before_anything_else() {
    let key = with("workspaces/w/keys/a", |key| key.state = KeyState::Disabled);
    let query = KeyQuery {
        provider: Some(ProviderId::Anthropic),
        named: true,
        ..query()
    };
    let refusal = choose(&[key], &ScopePolicies::default(), &query, NOW, 0).unwrap_err();
    assert!(matches!(
        refusal,
        ResolutionRefusal::ProviderMismatch { .. }
    ));
}

#[test]
fn without_a_model_the_lists_judge_the_keys_default() {
    let query = KeyQuery {
        model: String::new(),
        ..query()
    };
    let bare = candidate("workspaces/w/keys/a");
    let refusal = choose(&[bare], &ScopePolicies::default(), &query, NOW, 0).unwrap_err();
    let ResolutionRefusal::NoneUsable { exclusions } = refusal else {
        panic!("{refusal}")
    };
    assert_eq!(exclusions[0].rule, ExclusionRule::NoDefaultModel);
    let default = with("workspaces/w/keys/a", |key| {
        key.settings.default_model = "gpt-5.4".to_owned();
    });
    assert!(choose(&[default], &ScopePolicies::default(), &query, NOW, 0).is_ok());
}

#[test]
fn an_excluded_key_is_skipped() {
    let name = |text: &str| text.parse::<KeyName>().unwrap();
    let query = KeyQuery {
        excluded: vec![name("workspaces/w/keys/a"), name("workspaces/w/keys/gone")],
        ..query()
    };
    let candidates = vec![
        candidate("workspaces/w/keys/a"),
        candidate("workspaces/w/projects/x/keys/a"),
    ];
    let choice = choose(&candidates, &ScopePolicies::default(), &query, NOW, 0).unwrap();
    let chosen = choice.chosen.name.to_string();
    assert_eq!(chosen, "workspaces/w/projects/x/keys/a");
    assert_eq!(choice.exclusions[0].rule, ExclusionRule::AlreadyTried);
    let named = KeyQuery {
        named: true,
        ..query
    };
    let refusal = choose(
        &[candidate("workspaces/w/keys/a")],
        &ScopePolicies::default(),
        &named,
        NOW,
        0,
    );
    let expected = ResolutionRefusal::NamedUnusable {
        rule: ExclusionRule::AlreadyTried,
        detail: String::new(),
    };
    assert_eq!(refusal.unwrap_err(), expected);
}

#[test]
fn the_payer_of_an_attempt_pays_the_next_ones_too() {
    let own = candidate("workspaces/w/keys/a");
    let platform = || candidate("platform/keys/p");
    let query = |payer| KeyQuery {
        payer: Some(payer),
        ..query()
    };
    let owners = query(Payer::OwnKey);
    let choice = choose(
        &[own, platform()],
        &ScopePolicies::default(),
        &owners,
        NOW,
        0,
    )
    .unwrap();
    assert_eq!(choice.chosen.name.to_string(), "workspaces/w/keys/a");
    let alone = choose(&[platform()], &ScopePolicies::default(), &owners, NOW, 0);
    let exclusions = vec![Exclusion {
        key: platform().name,
        rule: ExclusionRule::PayerDiffers,
    }];
    assert_eq!(
        alone.unwrap_err(),
        ResolutionRefusal::NoneUsable { exclusions }
    );
    let platforms = query(Payer::Platform);
    let choice = choose(&[platform()], &ScopePolicies::default(), &platforms, NOW, 0).unwrap();
    assert_eq!(choice.chosen.name.to_string(), "platform/keys/p");
}

#[test]
fn a_request_for_the_list_of_models_names_no_model() {
    let denied = || {
        with("workspaces/w/keys/a", |key| {
            key.settings.denied_models = vec!["*".to_owned()];
        })
    };
    for capability in [
        Capability::Embed,
        Capability::Generate,
        Capability::GenerateImages,
    ] {
        let query = KeyQuery {
            capability,
            ..query()
        };
        assert!(choose(&[denied()], &ScopePolicies::default(), &query, NOW, 0).is_err());
    }
    for model in ["", "gpt-5.4"] {
        let query = KeyQuery {
            capability: Capability::ListModels,
            model: model.to_owned(),
            ..query()
        };
        assert!(choose(&[denied()], &ScopePolicies::default(), &query, NOW, 0).is_ok());
        let disabled = with("workspaces/w/keys/a", |key| key.state = KeyState::Disabled);
        assert!(choose(&[disabled], &ScopePolicies::default(), &query, NOW, 0).is_err());
    }
}

#[test]
fn the_page_of_the_choice_tells_every_rule_in_order() {
    let page = include_str!("../../../../../docs/choice.md");
    let (_, table) = page.split_once("## The rules").unwrap();
    let rows = table.lines().filter_map(|line| line.strip_prefix("| `"));
    let told: Vec<_> = rows.filter_map(|row| row.split('`').next()).collect();
    let rules = ExclusionRule::ALL.iter().map(|rule| rule.as_str());
    let of_the_vault: Vec<_> = rules.take(told.len()).collect();
    assert_eq!(told, of_the_vault);
    assert_eq!(told.last(), Some(&ExclusionRule::NotSelected.as_str()));
}
