//! "Team access, shared workspaces, and projects"; "compare answers side-by-side".

use std::collections::BTreeMap;

use latchkey_contract::router::v1::compare_response::Outcome;
use latchkey_contract::router::v1::summarize_usage_request::Dimension;
use latchkey_contract::router::v1::{Alternative, CompareRequest, GenerateRequest, Payer};
use latchkey_contract::vault::v1::{
    ListKeysRequest, ListMembersRequest, RemoveMemberRequest, member,
};
use latchkey_e2e::prompt;
use latchkey_migrations::testing::Backend;

use super::is_denied;
use crate::on_both_databases;
use crate::scene::{MODEL, OWN, SECOND, Scene};

on_both_databases!(
    teams_share_a_workspace_and_its_keys,
    projects_organise_the_work_and_its_costs,
    answers_are_compared_side_by_side,
);

async fn teams_share_a_workspace_and_its_keys(backend: Backend) {
    let mut scene = Scene::of("geekflare", backend).await;
    let parent = scene.workspace.clone();
    let mut owner = scene.member("owner", member::Role::Owner).await;
    owner.key(&parent, "mine", "openai", OWN).await.unwrap();
    let mut member = scene.member("member", member::Role::Member).await;
    let mut service = scene.member("service", member::Role::Caller).await;
    for somebody in [&mut owner, &mut member, &mut service] {
        somebody.ask(prompt(&parent, MODEL, "hello")).await.unwrap();
        assert_eq!(scene.last_key(), OWN);
    }
    let mut stranger = scene.deployment.clients("stranger");
    is_denied(stranger.ask(prompt(&parent, MODEL, "hello")).await);
    let request = ListKeysRequest {
        parent: parent.clone(),
        ..Default::default()
    };
    is_denied(member.keys.list_keys(request).await);

    let request = ListMembersRequest {
        parent: parent.clone(),
        ..Default::default()
    };
    let listed = owner.workspaces.list_members(request).await.unwrap();
    let listed = listed.into_inner().members;
    let identities = listed.iter().map(|member| &*member.identity);
    let expected = ["token:member", "token:owner", "token:service"];
    assert_eq!(identities.collect::<Vec<_>>(), expected);
    // A removed member is refused at once.
    let request = RemoveMemberRequest {
        name: format!("{parent}/members/member"),
        ..Default::default()
    };
    owner.workspaces.remove_member(request).await.unwrap();
    is_denied(member.ask(prompt(&parent, MODEL, "hello")).await);
    scene.end().await;
}

async fn projects_organise_the_work_and_its_costs(backend: Backend) {
    let mut scene = Scene::of("geekflare", backend).await;
    let parent = scene.workspace.clone();
    let (website, app) = (scene.project("website").await, scene.project("app").await);
    scene.own_key("shared", "openai", OWN).await;
    scene.key(&app, "special", "openai", SECOND).await;
    for (project, expected) in [(&website, OWN), (&app, SECOND)] {
        scene.generate(prompt(project, MODEL, "hello")).await;
        assert_eq!(scene.last_key(), expected, "{project}");
    }
    let by_project = scene.usage(&parent, [Dimension::Project]).await;
    let rows = by_project.iter().map(|row| (&row.parent, row.cost_nanos));
    let cost = 12 * 2_000 + 5 * 8_000;
    assert_eq!(
        rows.collect::<BTreeMap<_, _>>(),
        BTreeMap::from([(&website, cost), (&app, cost)])
    );
    scene.end().await;
}

async fn answers_are_compared_side_by_side(backend: Backend) {
    let mut scene = Scene::of("geekflare", backend).await;
    scene.own_key("openai", "openai", OWN).await;
    let anthropic = "sk-ant-not-a-real-own-key-0001";
    scene.own_key("anthropic", "anthropic", anthropic).await;
    let alternative = |provider: &str, model: &str| Alternative {
        provider: provider.to_owned(),
        model: model.to_owned(),
        key: String::new(),
    };
    let request = CompareRequest {
        request: Some(GenerateRequest {
            provider: String::new(),
            model: String::new(),
            ..scene.prompt()
        }),
        alternatives: vec![
            alternative("openai", MODEL),
            alternative("anthropic", "claude-opus-4-6"),
            alternative("openai", "no-access"),
            alternative("google", "gemini-3.8-flash"),
        ],
    };
    let stream = scene.admin.inference.compare(request).await;
    let mut stream = stream.unwrap().into_inner();
    let mut outcomes = BTreeMap::new();
    while let Some(response) = stream.message().await.unwrap() {
        let outcome = match response.outcome.unwrap() {
            Outcome::Answer(answer) => {
                let attempt = &answer.attempts[0];
                assert_eq!(attempt.payer(), Payer::OwnKey);
                format!("{} {}", attempt.provider, answer.model)
            }
            Outcome::Failure(failure) => failure.reason,
        };
        assert_eq!(outcomes.insert(response.index, outcome), None);
    }
    // A failing alternative is listed beside the others and stops none of them.
    let expected = [
        (0, "openai gpt-4.1"),
        (1, "anthropic claude-opus-4-6"),
        (2, "MODEL_UNAVAILABLE"),
        (3, "OWN_KEY_REQUIRED"),
    ];
    let expected = expected.map(|(index, outcome)| (index, outcome.to_owned()));
    assert_eq!(outcomes, BTreeMap::from(expected));
    let said = scene.deployment.provider.prompts();
    assert!(
        said.iter()
            .all(|sent| sent.json().to_string().contains("hello"))
    );
    scene.end().await;
}
