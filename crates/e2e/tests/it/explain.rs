//! Generate does exactly what Explain predicts, for random policies, keys and requests, through both
//! services.

use latchkey_contract::router::v1::{
    Attempt, Expectations, ExplainRequest, ExplainedModel, Funding, GenerateRequest, Payer,
    explain_request, funding,
};
use latchkey_contract::vault::v1::funding_policy::{FundingFallback, Selection};
use latchkey_contract::vault::v1::{
    CreateKeyRequest, CreateProjectRequest, CreateWorkspaceRequest, DeleteKeyRequest,
    DisableKeyRequest, FundingPolicy, Key, Project, UpdateWorkspaceRequest, Workspace,
    WorkspaceFallback,
};
use latchkey_e2e::{Clients, Deployment, custom_key, prompt, refused};
use latchkey_migrations::testing::Backend;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

use crate::on_both_databases;

on_both_databases!(
    generate_does_what_explain_predicts,
    explain_lists_the_workspaces_fallbacks_that_generate_uses,
);

/// A model that no key has access to: a request tries every key.
const REFUSED: &str = "no-access";
const ANSWERED: &str = "gpt-4.1";
/// The default maximum of calls to one model.
const MAX_CALLS: usize = 3;
const CASES: usize = 128;

/// A key of a case, without its name.
#[derive(Clone, Debug)]
struct KeyCase {
    owner: usize,
    priority: i32,
    weight: i32,
    disabled: bool,
    denied: bool,
    for_others: bool,
    funding: FundingPolicy,
}

#[derive(Clone, Debug)]
struct Case {
    workspace: FundingPolicy,
    project: Option<FundingPolicy>,
    keys: Vec<KeyCase>,
    request: Funding,
    named: Option<usize>,
    expected_payer: Option<Payer>,
}

prop_compose! {
    fn policy(says: f64)(
        selection in prop::option::weighted(says, select(vec![
            Selection::Automatic, Selection::Automatic, Selection::WhenNamed,
        ])),
        cases in prop::array::uniform3(prop::option::weighted(
            says,
            select(vec![FundingFallback::Platform, FundingFallback::Platform, FundingFallback::Refuse]),
        )),
    ) -> FundingPolicy {
        let [missing, failed, off] = cases.map(|case| case.map_or(0, i32::from));
        FundingPolicy {
            selection: selection.map_or(0, i32::from),
            when_missing: missing,
            when_failed: failed,
            when_switched_off: off,
        }
    }
}

prop_compose! {
    fn key()(
        owner in 0..3_usize,
        (priority, weight) in (0..2, 0..3),
        disabled in prop::bool::weighted(0.15),
        denied in prop::bool::weighted(0.1),
        for_others in prop::bool::weighted(0.1),
        funding in policy(0.1),
    ) -> KeyCase {
        KeyCase { owner, priority, weight, disabled, denied, for_others, funding }
    }
}

prop_compose! {
    fn case()(
        workspace in policy(0.8),
        project in prop::option::of(policy(0.3)),
        keys in prop::collection::vec(key(), 0..4),
        request in policy(0.15),
        named in prop::option::weighted(0.2, 0..4_usize),
        expected_payer in prop::option::weighted(0.15, select(vec![
            Payer::OwnKey, Payer::Platform,
        ])),
    ) -> Case {
        let instead = |value: i32| match FundingFallback::try_from(value) {
            Ok(FundingFallback::Refuse) => funding::FundingFallback::Refuse.into(),
            Ok(FundingFallback::Platform) => funding::FundingFallback::Platform.into(),
            _ => 0,
        };
        let request = Funding {
            selection: match request.selection() {
                Selection::WhenNamed => funding::Selection::WhenNamed.into(),
                _ => 0,
            },
            when_missing: instead(request.when_missing),
            when_failed: instead(request.when_failed),
            when_switched_off: instead(request.when_switched_off),
        };
        Case { workspace, project, keys, request, named, expected_payer }
    }
}

/// No key serves the first model, so the fallbacks come with the vault's refusal.
async fn explain_lists_the_workspaces_fallbacks_that_generate_uses(backend: Backend) {
    let (_deployment, mut admin) = Deployment::start_with_key(backend).await;
    let request = UpdateWorkspaceRequest {
        workspace: Some(Workspace {
            name: "workspaces/acme".to_owned(),
            fallbacks: vec![WorkspaceFallback {
                provider: "openai".to_owned(),
                model: ANSWERED.to_owned(),
            }],
            ..Workspace::default()
        }),
        ..UpdateWorkspaceRequest::default()
    };
    admin.workspaces.update_workspace(request).await.unwrap();
    let mut request = prompt("workspaces/acme", "claude-sonnet-5", "hello");
    request.provider = "anthropic".to_owned();
    let explain = ExplainRequest {
        request: Some(explain_request::Request::Generate(request.clone())),
    };
    let explained = admin.inference.explain(explain).await.unwrap().into_inner();
    let [first, second] = &explained.models[..] else {
        panic!("{explained:?}")
    };
    let refusal = first.refusal.as_ref().unwrap();
    assert_eq!(refusal.reason, "OWN_KEY_REQUIRED");
    assert_eq!((&*second.model, second.fallback), (ANSWERED, true));
    assert_eq!(second.keys[0].step, 1);
    let generated = admin.inference.generate(request).await.unwrap();
    let attempts = generated.into_inner().attempts;
    let called: Vec<_> = attempts.iter().map(|attempt| &*attempt.model).collect();
    assert_eq!(called, [ANSWERED]);
}

async fn generate_does_what_explain_predicts(backend: Backend) {
    let deployment = Deployment::start(backend).await;
    let mut admin = deployment.clients("admin");
    let mut runner = TestRunner::deterministic();
    let (mut refusals, mut moves) = (0, 0);
    for number in 0..CASES {
        let case = case().new_tree(&mut runner).unwrap().current();
        let scope = Scope::build(&mut admin, number, &case).await;
        refusals += usize::from(scope.agrees(&mut admin, &case, ANSWERED).await.is_empty());
        let attempts = scope.agrees(&mut admin, &case, REFUSED).await;
        let payers: Vec<_> = attempts.iter().map(Attempt::payer).collect();
        moves += usize::from(payers.windows(2).any(|pair| pair[0] != pair[1]));
        assert!(
            payers.is_sorted(),
            "a call moved from the platform's bill back to the owner's: {payers:?}"
        );
        scope.delete_platform_keys(&mut admin).await;
    }
    // The cases cover refusals and changes of the payer.
    assert!(refusals > 3 && refusals < CASES - 3, "{refusals}");
    assert!(moves > 0, "{moves}");
    deployment.stop().await;
}

/// The workspace of a case, and its keys.
struct Scope {
    workspace: String,
    parent: String,
    keys: Vec<String>,
}

impl Scope {
    async fn build(admin: &mut Clients, number: usize, case: &Case) -> Self {
        let workspace_id = format!("case-{number}");
        let workspace = format!("workspaces/{workspace_id}");
        let request = CreateWorkspaceRequest {
            workspace_id,
            workspace: Some(Workspace {
                funding: Some(case.workspace),
                ..Workspace::default()
            }),
            ..CreateWorkspaceRequest::default()
        };
        admin.workspaces.create_workspace(request).await.unwrap();
        let project = format!("{workspace}/projects/web");
        let request = CreateProjectRequest {
            parent: workspace.clone(),
            project_id: "web".to_owned(),
            project: Some(Project {
                funding: case.project,
                ..Project::default()
            }),
            ..CreateProjectRequest::default()
        };
        admin.workspaces.create_project(request).await.unwrap();
        let mut scope = Self {
            parent: match case.project {
                Some(_) => project.clone(),
                None => workspace.clone(),
            },
            workspace,
            keys: Vec::new(),
        };
        for (index, key) in case.keys.iter().enumerate() {
            let parent = [&project, &scope.workspace, &"platform".to_owned()][key.owner].clone();
            scope.store(admin, number, (index, parent), key).await;
        }
        scope
    }

    async fn store(
        &mut self,
        admin: &mut Clients,
        number: usize,
        (index, parent): (usize, String),
        key: &KeyCase,
    ) {
        let own = key.owner < 2;
        let message = Key {
            provider: "openai".to_owned(),
            priority: key.priority,
            weight: key.weight,
            denied_models: key.denied.then(|| "*".to_owned()).into_iter().collect(),
            allowed_callers: key
                .for_others
                .then(|| "token:ungranted".to_owned())
                .into_iter()
                .collect(),
            funding: own.then_some(key.funding),
            ..Key::default()
        };
        let api_key = format!("sk-not-a-real-key-{number}-{index}-wxyz");
        let request = CreateKeyRequest {
            skip_verification: true,
            ..custom_key(&parent, &format!("k{index}"), message, &api_key)
        };
        let stored = admin.keys.create_key(request).await.unwrap().into_inner();
        if key.disabled {
            let request = DisableKeyRequest {
                name: stored.name.clone(),
                ..DisableKeyRequest::default()
            };
            admin.keys.disable_key(request).await.unwrap();
        }
        self.keys.push(stored.name);
    }

    fn request(&self, case: &Case, model: &str) -> GenerateRequest {
        let named = case.named.and_then(|index| self.keys.get(index));
        GenerateRequest {
            provider: "openai".to_owned(),
            key: named.cloned().unwrap_or_default(),
            funding: Some(case.request),
            expectations: case.expected_payer.map(|payer| Expectations {
                payer: payer.into(),
                ..Expectations::default()
            }),
            ..prompt(&self.parent, model, "hello")
        }
    }

    /// Explains a request, sends it, and compares. Returns the attempts, in order.
    async fn agrees(&self, admin: &mut Clients, case: &Case, model: &str) -> Vec<Attempt> {
        let request = self.request(case, model);
        let before = admin.attempts(&self.workspace).await.len();
        let explain = ExplainRequest {
            request: Some(explain_request::Request::Generate(request.clone())),
        };
        let explained = admin.inference.explain(explain).await;
        let generated = admin.inference.generate(request).await;
        let mut attempts = admin.attempts(&self.workspace).await;
        attempts.truncate(attempts.len() - before);
        attempts.reverse();
        let explained = match explained {
            Ok(explained) => explained.into_inner().models,
            Err(status) => {
                // The request itself is refused, for a platform key that it names, for example.
                // Generate must refuse it alike.
                let (predicted, actual) = (refused(&status), refused(&generated.unwrap_err()));
                assert_eq!(
                    (predicted.code, predicted.reason),
                    (actual.code, actual.reason),
                    "{case:?}"
                );
                return attempts;
            }
        };
        let [explained] = &explained[..] else {
            panic!("there are no fallbacks: {explained:?}")
        };
        let outcome = generated.map(|answer| answer.into_inner().attempts);
        if let Some(predicted) = &explained.refusal {
            let actual = refused(&outcome.unwrap_err());
            let metadata: std::collections::HashMap<_, _> =
                predicted.metadata.clone().into_iter().collect();
            assert_eq!(
                (&predicted.reason, metadata),
                (&actual.reason, actual.metadata),
                "{case:?}"
            );
            assert!(attempts.is_empty());
        } else {
            follows(explained, &attempts, model == REFUSED, case);
            assert_eq!(outcome.is_ok(), model == ANSWERED, "{case:?}");
        }
        attempts
    }

    /// Deletes the platform's keys of this case: every workspace may use them, the next case's too.
    async fn delete_platform_keys(&self, admin: &mut Clients) {
        for name in self
            .keys
            .iter()
            .filter(|name| name.starts_with("platform/"))
        {
            let request = DeleteKeyRequest {
                name: name.clone(),
                ..DeleteKeyRequest::default()
            };
            admin.keys.delete_key(request).await.unwrap();
        }
    }
}

/// The attempts are the predicted ones, in order, with the predicted version, tail, payer and model.
fn follows(explained: &ExplainedModel, attempts: &[Attempt], all_fail: bool, case: &Case) {
    let would = explained.keys.iter().filter(|key| key.step > 0).count();
    let calls = if all_fail { would.min(MAX_CALLS) } else { 1 };
    assert_eq!(
        attempts.len(),
        calls,
        "{case:?}\n{explained:?}\n{attempts:?}"
    );
    let mut steps: Vec<_> = explained.keys.iter().map(|key| key.step).collect();
    steps.retain(|step| *step > 0);
    steps.sort_unstable();
    for (attempt, step) in attempts.iter().zip(steps) {
        let predicted = explained
            .keys
            .iter()
            .find(|key| key.key_version == attempt.key_version)
            .unwrap();
        assert_eq!(
            predicted.step, step,
            "{case:?}\n{explained:?}\n{attempts:?}"
        );
        assert_eq!(predicted.payer, attempt.payer);
        assert_eq!(predicted.material_tail, attempt.material_tail);
        assert_eq!(predicted.model, attempt.model);
    }
}
