//! Methods that read a session and do not continue it.

use latchkey_contract::router::v1::compare_response::Outcome;
use latchkey_contract::router::v1::{
    Alternative, CompareRequest, ExplainRequest, ExplainedModel, GenerateRequest, explain_request,
};
use tonic::Code;

use super::{
    TALK, conversation, get, ok_answer, sealed, sent_messages, start_session, turns, with_text,
};
use crate::harness::{ACME, APP, Router, StoredKeys, own, refused};
use crate::on_both_databases;

on_both_databases!(
    explaining_resolves_the_sessions_model_and_is_not_a_use,
    comparing_reads_the_transcript_and_adds_no_turn,
    a_missing_session_is_not_found,
);

/// Prepares a router with one key and a session with one turn.
async fn of_one_turn(router: &Router) {
    router.vault_grants_from(StoredKeys {
        keys: vec![own("a")],
        ..StoredKeys::default()
    });
    start_session(router, sealed()).await;
    router.provider.returns_to("a", ok_answer());
    router.generate(with_text("Hello")).await.unwrap();
}

async fn explained(router: &Router, request: GenerateRequest) -> ExplainedModel {
    let request = ExplainRequest {
        request: Some(explain_request::Request::Generate(request)),
    };
    let explained = router.inference(APP).explain(request).await.unwrap();
    explained.into_inner().models.remove(0)
}

async fn explaining_resolves_the_sessions_model_and_is_not_a_use(router: Router) {
    of_one_turn(&router).await;
    let before = get(&router, TALK).await.unwrap();
    let in_session = explained(&router, with_text("And now?")).await;
    assert_eq!(
        (&*in_session.provider, &*in_session.model),
        ("openai", "gpt-4.1")
    );
    // The price includes the transcript.
    let alone = GenerateRequest {
        session: String::new(),
        provider: "openai".to_owned(),
        model: "gpt-4.1".to_owned(),
        ..with_text("And now?")
    };
    let alone = explained(&router, alone).await;
    let input = |model: &ExplainedModel| model.keys[0].price.as_ref().unwrap().input_tokens;
    assert!(input(&in_session) > input(&alone));
    assert_eq!(get(&router, TALK).await.unwrap(), before);
    assert_eq!(router.provider.calls().len(), 1);
}

async fn comparing_reads_the_transcript_and_adds_no_turn(router: Router) {
    of_one_turn(&router).await;
    let alternative = |model: &str| Alternative {
        provider: "openai".to_owned(),
        model: model.to_owned(),
        key: String::new(),
    };
    let request = CompareRequest {
        request: Some(with_text("And now?")),
        alternatives: vec![alternative("gpt-4.1"), alternative("gpt-4o")],
    };
    let mut stream = router
        .inference(APP)
        .compare(request)
        .await
        .unwrap()
        .into_inner();
    let mut answers = 0;
    while let Some(response) = stream.message().await.unwrap() {
        let Some(Outcome::Answer(answer)) = response.outcome else {
            panic!("{response:?}")
        };
        assert_eq!(answer.turn, "");
        answers += 1;
    }
    assert_eq!(answers, 2);
    assert_eq!(
        sent_messages(&router),
        conversation(&["Hello", "Good day", "And now?"])
    );
    assert_eq!(turns(&router, TALK).await.unwrap().len(), 1);
}

async fn a_missing_session_is_not_found(router: Router) {
    let nowhere = || GenerateRequest {
        session: format!("{ACME}/sessions/nowhere"),
        ..with_text("Hello")
    };
    let request = ExplainRequest {
        request: Some(explain_request::Request::Generate(nowhere())),
    };
    let outcome = router.inference(APP).explain(request).await;
    refused(outcome, Code::NotFound, "SESSION_NOT_FOUND");
    let request = CompareRequest {
        request: Some(nowhere()),
        alternatives: vec![Alternative::default()],
    };
    let outcome = router.inference(APP).compare(request).await;
    refused(outcome, Code::NotFound, "SESSION_NOT_FOUND");
}
