//! `WorkspaceService`, one file per method.

mod create;
mod delete;
mod fallbacks;
mod get;
mod list;
mod settings;
mod update;

use std::sync::Arc;

use latchkey_contract::vault::v1::workspace_service_server::WorkspaceService;
use latchkey_contract::vault::v1::{
    CreateProjectRequest, CreateWorkspaceRequest, DeleteProjectRequest, DeleteProjectResponse,
    DeleteWorkspaceRequest, DeleteWorkspaceResponse, GetProjectRequest, GetWorkspaceRequest,
    ListMembersRequest, ListMembersResponse, ListProjectsRequest, ListProjectsResponse,
    ListWorkspacesRequest, ListWorkspacesResponse, Member, Project, RemoveMemberRequest,
    RemoveMemberResponse, SetMemberRequest, UpdateProjectRequest, UpdateWorkspaceRequest,
    Workspace,
};
use tonic::{Request, Response, Status, async_trait};

use super::call::Call;
use super::{members, projects};
use crate::vault::Vault;

/// Manages workspaces, their projects and their members.
pub(super) struct Workspaces(pub(super) Arc<Vault>);

#[async_trait]
impl WorkspaceService for Workspaces {
    async fn create_workspace(
        &self,
        request: Request<CreateWorkspaceRequest>,
    ) -> Result<Response<Workspace>, Status> {
        let (call, request) = Call::split(request)?;
        let resource = format!("workspaces/{}", request.workspace_id);
        let outcome = create::handle(&self.0, &call, request).await;
        call.answer(&self.0, &resource, outcome).await
    }

    async fn get_workspace(
        &self,
        request: Request<GetWorkspaceRequest>,
    ) -> Result<Response<Workspace>, Status> {
        let (call, request) = Call::split(request)?;
        let resource = request.name.clone();
        let outcome = get::handle(&self.0, &call, request).await;
        call.answer(&self.0, &resource, outcome).await
    }

    async fn list_workspaces(
        &self,
        request: Request<ListWorkspacesRequest>,
    ) -> Result<Response<ListWorkspacesResponse>, Status> {
        let (call, request) = Call::split(request)?;
        let outcome = list::handle(&self.0, &call, request).await;
        call.answer(&self.0, "workspaces", outcome).await
    }

    async fn update_workspace(
        &self,
        request: Request<UpdateWorkspaceRequest>,
    ) -> Result<Response<Workspace>, Status> {
        let (call, request) = Call::split(request)?;
        let resource = request.workspace.clone().unwrap_or_default().name;
        let outcome = update::handle(&self.0, &call, request).await;
        call.answer(&self.0, &resource, outcome).await
    }

    async fn delete_workspace(
        &self,
        request: Request<DeleteWorkspaceRequest>,
    ) -> Result<Response<DeleteWorkspaceResponse>, Status> {
        let (call, request) = Call::split(request)?;
        let resource = request.name.clone();
        let outcome = delete::handle(&self.0, &call, request).await;
        call.answer(&self.0, &resource, outcome).await
    }

    async fn create_project(
        &self,
        request: Request<CreateProjectRequest>,
    ) -> Result<Response<Project>, Status> {
        let (call, request) = Call::split(request)?;
        let resource = format!("{}/projects/{}", request.parent, request.project_id);
        let outcome = projects::create::handle(&self.0, &call, request).await;
        call.answer(&self.0, &resource, outcome).await
    }

    async fn get_project(
        &self,
        request: Request<GetProjectRequest>,
    ) -> Result<Response<Project>, Status> {
        let (call, request) = Call::split(request)?;
        let resource = request.name.clone();
        let outcome = projects::get::handle(&self.0, &call, request).await;
        call.answer(&self.0, &resource, outcome).await
    }

    async fn list_projects(
        &self,
        request: Request<ListProjectsRequest>,
    ) -> Result<Response<ListProjectsResponse>, Status> {
        let (call, request) = Call::split(request)?;
        let resource = request.parent.clone();
        let outcome = projects::list::handle(&self.0, &call, request).await;
        call.answer(&self.0, &resource, outcome).await
    }

    async fn update_project(
        &self,
        request: Request<UpdateProjectRequest>,
    ) -> Result<Response<Project>, Status> {
        let (call, request) = Call::split(request)?;
        let resource = request.project.clone().unwrap_or_default().name;
        let outcome = projects::update::handle(&self.0, &call, request).await;
        call.answer(&self.0, &resource, outcome).await
    }

    async fn delete_project(
        &self,
        request: Request<DeleteProjectRequest>,
    ) -> Result<Response<DeleteProjectResponse>, Status> {
        let (call, request) = Call::split(request)?;
        let resource = request.name.clone();
        let outcome = projects::delete::handle(&self.0, &call, request).await;
        call.answer(&self.0, &resource, outcome).await
    }

    async fn set_member(
        &self,
        request: Request<SetMemberRequest>,
    ) -> Result<Response<Member>, Status> {
        let (call, request) = Call::split(request)?;
        let resource = request.member.clone().unwrap_or_default().name;
        let outcome = members::set::handle(&self.0, &call, request).await;
        call.answer(&self.0, &resource, outcome).await
    }

    async fn remove_member(
        &self,
        request: Request<RemoveMemberRequest>,
    ) -> Result<Response<RemoveMemberResponse>, Status> {
        let (call, request) = Call::split(request)?;
        let resource = request.name.clone();
        let outcome = members::remove::handle(&self.0, &call, request).await;
        call.answer(&self.0, &resource, outcome).await
    }

    async fn list_members(
        &self,
        request: Request<ListMembersRequest>,
    ) -> Result<Response<ListMembersResponse>, Status> {
        let (call, request) = Call::split(request)?;
        let resource = request.parent.clone();
        let outcome = members::list::handle(&self.0, &call, request).await;
        call.answer(&self.0, &resource, outcome).await
    }
}
