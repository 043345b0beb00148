//! `ListSessions`: lists the unexpired sessions of a workspace.

use latchkey_contract::names::{ResourceId, WorkspaceName};
use latchkey_contract::router::v1::{ListSessionsRequest, ListSessionsResponse};

use super::encode;
use crate::error::RouterError;
use crate::services::call::Call;
use crate::sessions::Sessions;

pub(super) async fn handle(
    sessions: &Sessions,
    call: &Call,
    request: &ListSessionsRequest,
) -> Result<ListSessionsResponse, RouterError> {
    let workspace: WorkspaceName = request
        .parent
        .parse()
        .map_err(RouterError::name("parent"))?;
    call.authorize(&workspace).await?;
    let page = call.page(request.page_size, &request.page_token, &[&request.parent])?;
    let last_id = page.after.as_deref().map(cursor).transpose()?;
    let after = last_id.as_ref().map(ResourceId::as_str);
    let mut listed = sessions.list(&workspace, after, page.limit()).await?;
    let next_page_token = page.finish(&mut listed, |session| session.name.session.to_string());
    Ok(ListSessionsResponse {
        sessions: listed.iter().map(encode::session).collect(),
        next_page_token,
    })
}

fn cursor(text: &str) -> Result<ResourceId, RouterError> {
    text.parse()
        .map_err(|_| RouterError::field("page_token", "is not a token of this list"))
}
