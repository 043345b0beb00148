//! `ListSessions`.

use latchkey_contract::router::v1::{ListSessionsRequest, ListSessionsResponse};
use tonic::{Code, Status};

use super::{create, create_request, plain};
use crate::harness::{ACME, APP, Router, refused};
use crate::on_both_databases;

on_both_databases!(
    sessions_are_listed_by_name_page_by_page,
    a_page_token_of_another_list_is_refused,
    sessions_of_others_are_not_listed,
);

async fn list(router: &Router, size: i32, token: &str) -> Result<ListSessionsResponse, Status> {
    let request = ListSessionsRequest {
        parent: ACME.to_owned(),
        page_size: size,
        page_token: token.to_owned(),
    };
    let listed = router.sessions(APP).list_sessions(request).await;
    listed.map(tonic::Response::into_inner)
}

fn names(page: &ListSessionsResponse) -> Vec<&str> {
    let names = page.sessions.iter().map(|session| &*session.name);
    names.collect()
}

async fn sessions_are_listed_by_name_page_by_page(router: Router) {
    for id in ["c", "a", "b"] {
        create(&router, create_request(id, plain())).await.unwrap();
    }
    let first = list(&router, 2, "").await.unwrap();
    let name = |id: &str| format!("{ACME}/sessions/{id}");
    assert_eq!(names(&first), [name("a"), name("b")]);
    let second = list(&router, 2, &first.next_page_token).await.unwrap();
    assert_eq!(names(&second), [name("c")]);
    assert_eq!(second.next_page_token, "");
}

async fn a_page_token_of_another_list_is_refused(router: Router) {
    let outcome = list(&router, 2, "bm90aGluZw").await;
    refused(outcome, Code::InvalidArgument, "PAGE_TOKEN_INVALID");
}

async fn sessions_of_others_are_not_listed(router: Router) {
    create(&router, create_request("talk", plain()))
        .await
        .unwrap();
    router
        .execute("UPDATE sessions SET workspace = 'other', workspace_uid = NULL")
        .await;
    assert!(list(&router, 0, "").await.unwrap().sessions.is_empty());
}
