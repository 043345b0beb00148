//! Client certificates: which of them pass the handshake, and which identity the service gets.

use latchkey_boot::tls::ClientAuth;
use latchkey_rpc::identity::{Identity, Rejection, SpiffeId, TokenName};
use tonic::Code;

use crate::pki::Authority;
use crate::probe::{ANSWER, TOKEN, TOKEN_NAME, ask, config, serve};

const ROUTER: &str = "spiffe://example.org/router";

#[tokio::test]
async fn a_client_certificate_is_identified_by_its_spiffe_id() {
    let authority = Authority::new("a");
    let tls = authority.server_tls(Some((&authority, ClientAuth::Required)));
    let mut server = serve(&config(Some(tls)));
    let own = authority.client(ROUTER);
    let mut client = server.client(Some(authority.client_tls(Some(own))), None);
    client.check(ask(ANSWER)).await.unwrap();
    let router = SpiffeId::parse(ROUTER).unwrap();
    assert_eq!(server.caller().await, Identity::Certificate(router));
}

#[tokio::test]
async fn a_client_certificate_of_another_authority_is_refused() {
    let (authority, other) = (Authority::new("a"), Authority::new("b"));
    for auth in [ClientAuth::Required, ClientAuth::Optional] {
        let tls = authority.server_tls(Some((&authority, auth)));
        let mut server = serve(&config(Some(tls)));
        let stranger = authority.client_tls(Some(other.client(ROUTER)));
        let mut client = server.client(Some(stranger), None);
        let error = client.check(ask(ANSWER)).await.unwrap_err();
        assert_ne!(error.code(), Code::Ok);
        assert!(server.was_never_called());
    }
}

#[tokio::test]
async fn a_client_without_a_certificate_is_refused_where_one_is_required() {
    let authority = Authority::new("a");
    let tls = authority.server_tls(Some((&authority, ClientAuth::Required)));
    let mut server = serve(&config(Some(tls)));
    let mut client = server.client(Some(authority.client_tls(None)), Some(TOKEN));
    client.check(ask(ANSWER)).await.unwrap_err();
    assert!(server.was_never_called());
}

#[tokio::test]
async fn a_token_suffices_where_no_client_certificate_is_required() {
    let authority = Authority::new("a");
    let tls = authority.server_tls(Some((&authority, ClientAuth::Optional)));
    let mut server = serve(&config(Some(tls)));

    let mut client = server.client(Some(authority.client_tls(None)), Some(TOKEN));
    client.check(ask(ANSWER)).await.unwrap();
    let admin = TokenName::parse(TOKEN_NAME).unwrap();
    assert_eq!(server.caller().await, Identity::Token(admin));

    let mut client = server.client(Some(authority.client_tls(None)), None);
    client.check(ask(ANSWER)).await.unwrap();
    assert_eq!(server.caller().await, Identity::Anonymous);
}

#[tokio::test]
async fn a_certificate_takes_precedence_over_a_token() {
    let authority = Authority::new("a");
    let tls = authority.server_tls(Some((&authority, ClientAuth::Optional)));
    let mut server = serve(&config(Some(tls)));
    let own = authority.client(ROUTER);
    let mut client = server.client(Some(authority.client_tls(Some(own))), Some(TOKEN));
    client.check(ask(ANSWER)).await.unwrap();
    let router = SpiffeId::parse(ROUTER).unwrap();
    assert_eq!(server.caller().await, Identity::Certificate(router));
}

#[tokio::test]
async fn a_certificate_without_a_spiffe_id_is_rejected_even_with_a_good_token() {
    let authority = Authority::new("a");
    let tls = authority.server_tls(Some((&authority, ClientAuth::Required)));
    let mut server = serve(&config(Some(tls)));
    let own = authority.client_without_uri();
    let mut client = server.client(Some(authority.client_tls(Some(own))), Some(TOKEN));
    client.check(ask(ANSWER)).await.unwrap();
    assert_eq!(
        server.caller().await,
        Identity::Rejected(Rejection::NotOneUri { count: 0 })
    );
}

#[tokio::test]
async fn a_server_of_another_authority_is_refused() {
    let (authority, other) = (Authority::new("a"), Authority::new("b"));
    let mut server = serve(&config(Some(authority.server_tls(None))));
    let mut client = server.client(Some(other.client_tls(None)), Some(TOKEN));
    client.check(ask(ANSWER)).await.unwrap_err();
    assert!(server.was_never_called());
}

#[tokio::test]
async fn a_server_with_another_name_is_refused() {
    let authority = Authority::new("a");
    let mut server = serve(&config(Some(authority.server_tls(None))));
    let mut tls = authority.client_tls(None);
    tls.domain = Some("vault.example.org".to_owned());
    server
        .client(Some(tls), None)
        .check(ask(ANSWER))
        .await
        .unwrap_err();
    assert!(server.was_never_called());
}
