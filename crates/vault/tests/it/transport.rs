//! What is refused before a method sees its message.

use latchkey_contract::vault::v1::GetWorkspaceRequest;
use latchkey_migrations::testing::Backend;
use prost::Message as _;
use tonic::{Code, Request};

use crate::harness::{OPERATOR, OWNER, ROUTER, Vault, refused};

const GET_KEY: &str = "/latchkey.vault.v1.KeyService/GetKey";
const GET_WORKSPACE: &str = "/latchkey.vault.v1.WorkspaceService/GetWorkspace";

#[tokio::test]
async fn a_message_that_does_not_decode_is_the_callers_mistake() {
    let vault = Vault::start(Backend::Sqlite).await;
    let name_with_invalid_utf8 = [0x0a, 0x02, 0xc3, 0x28];
    let length_beyond_the_end = [0x0a, 0x7f, b'a'];
    let wrong_wire_type = [0x08, 0x01];
    let no_tag = [0xff; 11];
    for message in [
        &name_with_invalid_utf8[..],
        &length_beyond_the_end,
        &wrong_wire_type,
        &no_tag,
    ] {
        let outcome = vault.call(OPERATOR, GET_WORKSPACE, message).await;
        refused(outcome, Code::InvalidArgument, "MESSAGE_MALFORMED");
    }
    let open_router_session = "/latchkey.vault.v1.LeaseService/OpenRouterSession";
    let outcome = vault
        .call(ROUTER, open_router_session, &name_with_invalid_utf8)
        .await;
    refused(outcome, Code::InvalidArgument, "HELLO_REQUIRED");
}

#[tokio::test]
async fn a_message_that_is_too_large_is_the_callers_mistake() {
    let vault = Vault::start(Backend::Sqlite).await;
    // A new workspace brings sixteen keys at most, other messages one.
    for (who, path, largest) in [
        (OWNER, GET_KEY, 256 * 1024),
        (OPERATOR, GET_WORKSPACE, 16 * 256 * 1024),
    ] {
        // Both messages have their name in the same place.
        let named = |length| {
            let name = "x".repeat(length);
            GetWorkspaceRequest { name }.encode_to_vec()
        };
        let outcome = vault.call(who, path, &named(largest)).await;
        refused(outcome, Code::InvalidArgument, "MESSAGE_TOO_LARGE");
        let outcome = vault.call(who, path, &named(largest - 1024)).await;
        refused(outcome, Code::InvalidArgument, "FIELD_INVALID");
    }
}

#[tokio::test]
async fn an_unknown_method_is_refused_by_name() {
    let vault = Vault::start(Backend::Sqlite).await;
    let path = "/latchkey.vault.v1.WorkspaceService/StealWorkspace";
    refused(
        vault.call(OPERATOR, path, &[]).await,
        Code::Unimplemented,
        "METHOD_UNKNOWN",
    );
    let outcome = vault
        .call(OPERATOR, "/latchkey.vault.v1.NoService/Get", &[])
        .await;
    assert_eq!(outcome.unwrap_err().code(), Code::Unimplemented);
}

#[tokio::test]
async fn an_unknown_compression_is_refused_as_such() {
    let vault = Vault::start(Backend::Sqlite).await;
    let mut request = Request::new(GetWorkspaceRequest {
        name: "workspaces/acme".to_owned(),
    });
    request
        .metadata_mut()
        .insert("grpc-encoding", "snappy".parse().unwrap());
    let outcome = vault.workspaces(OWNER).get_workspace(request).await;
    refused(outcome, Code::Unimplemented, "COMPRESSION_UNKNOWN");
}

#[tokio::test]
async fn an_unknown_field_of_a_later_contract_is_ignored() {
    let vault = Vault::start(Backend::Sqlite).await;
    vault.create_workspace("acme").await;
    let mut message = GetWorkspaceRequest {
        name: "workspaces/acme".to_owned(),
    }
    .encode_to_vec();
    message.extend([0xfa, 0x3f, 0x01, b'x']);
    vault.call(OPERATOR, GET_WORKSPACE, &message).await.unwrap();
}
