//! "Pass `key_slug` when creating a session. Every action in that session then uses your key."

use latchkey_contract::router::v1::{
    CreateSessionRequest, GenerateRequest, GetSessionRequest, Payer, Session,
};
use latchkey_contract::vault::v1::ProviderAccess;
use latchkey_migrations::testing::Backend;
use prost::Message as _;

use super::{bare, project, with_key};
use crate::on_both_databases;
use crate::scene::{MODEL, OWN, PLATFORM, SECOND, Scene};

on_both_databases!(
    every_action_in_a_session_uses_the_key_it_was_created_with,
    a_session_without_a_key_uses_the_platforms_default_model,
    a_session_may_check_the_provider_of_its_key,
    a_session_without_a_model_uses_the_providers_default,
    a_task_without_a_session_uses_the_key_it_names,
    the_key_of_a_task_applies_to_that_task_and_does_not_change_the_session,
);

/// Makes a session of the project, and returns its name.
async fn session(scene: &mut Scene, project: &str, session: Session) -> String {
    let request = CreateSessionRequest {
        parent: scene.workspace.clone(),
        session_id: "task".to_owned(),
        session: Some(Session {
            scope: project.to_owned(),
            ..session
        }),
        ..Default::default()
    };
    let created = scene.admin.sessions.create_session(request).await;
    created.unwrap().into_inner().name
}

/// A session with a key.
fn of_key(key: &str) -> Session {
    Session {
        key: key.to_owned(),
        ..Default::default()
    }
}

/// A prompt in a session that names no key, no provider and no model.
fn action(project: &str, session: &str) -> GenerateRequest {
    GenerateRequest {
        session: session.to_owned(),
        ..bare(project)
    }
}

async fn every_action_in_a_session_uses_the_key_it_was_created_with(backend: Backend) {
    let (mut scene, project) = project(backend).await;
    scene.key(&project, "mine", "openai", OWN).await;
    scene.key(&project, "second", "openai", SECOND).await;
    let saved = Session {
        model: MODEL.to_owned(),
        ..of_key("second")
    };
    let session = session(&mut scene, &project, saved).await;
    for provider in ["", "", "openai"] {
        let action = GenerateRequest {
            // The provider is a safety check; it selects no other key.
            provider: provider.to_owned(),
            ..action(&project, &session)
        };
        let attempt = scene.attempt(action).await;
        assert_eq!((attempt.payer(), &*attempt.model), (Payer::OwnKey, MODEL));
        assert_eq!(scene.last_key(), SECOND);
    }
    scene.end().await;
}

async fn a_session_without_a_key_uses_the_platforms_default_model(backend: Backend) {
    let (mut scene, project) = project(backend).await;
    scene.key(&project, "mine", "openai", OWN).await;
    let session = session(&mut scene, &project, Session::default()).await;
    let attempt = scene.attempt(action(&project, &session)).await;
    assert_eq!(attempt.payer(), Payer::Platform);
    assert_eq!(attempt.model, "gpt-4.1-mini");
    assert_eq!(scene.last_key(), PLATFORM);
    scene.end().await;
}

async fn a_session_may_check_the_provider_of_its_key(backend: Backend) {
    let (mut scene, project) = project(backend).await;
    scene.key(&project, "mine", "openai", OWN).await;
    let mistaken = Session {
        provider: "anthropic".to_owned(),
        model: MODEL.to_owned(),
        ..of_key("mine")
    };
    let session = session(&mut scene, &project, mistaken).await;
    let refused = scene.refusal(action(&project, &session)).await;
    assert_eq!(refused.reason, "PROVIDER_MISMATCH");
    assert!(scene.deployment.provider.prompts().is_empty());
    scene.end().await;
}

async fn a_session_without_a_model_uses_the_providers_default(backend: Backend) {
    let (mut scene, project) = project(backend).await;
    scene.key(&project, "mine", "openai", OWN).await;
    let access = ProviderAccess {
        default_model: "gpt-4o".to_owned(),
        ..Default::default()
    };
    scene.allow("openai", access).await;
    let session = session(&mut scene, &project, of_key("mine")).await;
    let attempt = scene.attempt(action(&project, &session)).await;
    assert_eq!(
        (attempt.payer(), &*attempt.model),
        (Payer::OwnKey, "gpt-4o")
    );
    scene.end().await;
}

async fn a_task_without_a_session_uses_the_key_it_names(backend: Backend) {
    let (mut scene, project) = project(backend).await;
    scene.key(&project, "mine", "openai", OWN).await;
    let answer = scene.generate(with_key(&project, "mine")).await;
    assert_eq!(scene.last_key(), OWN);
    // A request without a session creates none.
    assert_eq!(answer.turn, "");
    scene.end().await;
}

async fn the_key_of_a_task_applies_to_that_task_and_does_not_change_the_session(backend: Backend) {
    let (mut scene, project) = project(backend).await;
    scene.key(&project, "mine", "openai", OWN).await;
    scene.key(&project, "second", "openai", SECOND).await;
    let saved = Session {
        model: MODEL.to_owned(),
        ..of_key("mine")
    };
    let session = session(&mut scene, &project, saved).await;
    scene.generate(action(&project, &session)).await;
    let before = bytes_of(&mut scene, &session).await;
    let task = GenerateRequest {
        key: "second".to_owned(),
        model: "gpt-4o".to_owned(),
        ..action(&project, &session)
    };
    let attempt = scene.attempt(task).await;
    assert_eq!(scene.last_key(), SECOND);
    assert_eq!(attempt.model, "gpt-4o");
    assert_eq!(bytes_of(&mut scene, &session).await, before);
    let attempt = scene.attempt(action(&project, &session)).await;
    assert_eq!(scene.last_key(), OWN);
    assert_eq!(attempt.model, MODEL);
    scene.end().await;
}

/// The encoded session without its `last_use_time` and `expire_time`, which each use changes.
async fn bytes_of(scene: &mut Scene, session: &str) -> Vec<u8> {
    let request = GetSessionRequest {
        name: session.to_owned(),
    };
    let got = scene.admin.sessions.get_session(request).await;
    let got = Session {
        last_use_time: None,
        expire_time: None,
        ..got.unwrap().into_inner()
    };
    got.encode_to_vec()
}
