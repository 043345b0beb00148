//! Bearer tokens, from a channel's configuration to the service.

use latchkey_rpc::identity::{Identity, Rejection, TokenName};

use crate::probe::{ANSWER, TOKEN, TOKEN_NAME, ask, config, serve};

#[tokio::test]
async fn a_known_token_is_identified_by_its_name() {
    let mut server = serve(&config(None));
    let mut client = server.client(None, Some(TOKEN));
    client.check(ask(ANSWER)).await.unwrap();
    let admin = TokenName::parse(TOKEN_NAME).unwrap();
    assert_eq!(server.caller().await, Identity::Token(admin));
}

#[tokio::test]
async fn an_unknown_token_is_rejected() {
    let mut server = serve(&config(None));
    let mut client = server.client(None, Some("guess"));
    client.check(ask(ANSWER)).await.unwrap();
    assert_eq!(
        server.caller().await,
        Identity::Rejected(Rejection::UnknownToken)
    );
}

#[tokio::test]
async fn a_caller_without_a_token_is_anonymous() {
    let mut server = serve(&config(None));
    server.client(None, None).check(ask(ANSWER)).await.unwrap();
    assert_eq!(server.caller().await, Identity::Anonymous);
}
