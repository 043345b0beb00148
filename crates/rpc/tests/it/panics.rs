//! A panic in a handler.

use tonic::Code;

use crate::probe::{ANSWER, PANIC, ask, config, serve};

#[tokio::test]
async fn a_panic_answers_its_call_with_internal_and_spares_the_connection() {
    let server = serve(&config(None));
    let mut client = server.client(None, None);
    let error = client.check(ask(PANIC)).await.unwrap_err();
    assert_eq!(error.code(), Code::Internal);
    assert_eq!(error.message(), "internal error");
    client.check(ask(ANSWER)).await.unwrap();
}

#[tokio::test]
async fn a_panic_in_the_middle_of_a_stream_ends_it_with_internal() {
    let server = serve(&config(None));
    let mut client = server.client(None, None);
    let mut answers = client.watch(ask(PANIC)).await.unwrap().into_inner();
    answers.message().await.unwrap().unwrap();
    server.signals.release.notify_one();
    let error = answers.message().await.unwrap_err();
    assert_eq!(error.code(), Code::Internal);
    client.check(ask(ANSWER)).await.unwrap();
}
