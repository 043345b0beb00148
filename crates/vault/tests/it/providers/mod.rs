//! The methods of `ProviderService`.

mod at_once;
mod availability;
mod delete_override;
mod get;
mod list;
mod list_overrides;
mod switched;
mod update;
mod update_override;

use latchkey_contract::vault::v1::provider_access::Switch;
use latchkey_contract::vault::v1::{
    AuditEvent, GetProviderRequest, ListAuditEventsRequest, Provider, ProviderAccess,
    ProviderOverride, UpdateProviderOverrideRequest, UpdateProviderOverrideResponse,
    UpdateProviderRequest, UpdateProviderResponse,
};
use tonic::Status;

use crate::harness::{OPERATOR, Vault};

const ACME: &str = "workspaces/acme";
const OPENAI: &str = "providers/openai";
const OVERRIDE: &str = "workspaces/acme/providers/openai";

/// What is allowed of a provider that nothing was decided of.
fn everything() -> ProviderAccess {
    let on = Switch::On.into();
    ProviderAccess {
        own_keys: on,
        chat: on,
        embeddings: on,
        images: on,
        ..ProviderAccess::default()
    }
}

fn own_keys(switch: Switch) -> ProviderAccess {
    ProviderAccess {
        own_keys: switch.into(),
        ..ProviderAccess::default()
    }
}

fn models(patterns: &[&str]) -> Vec<String> {
    patterns.iter().map(ToString::to_string).collect()
}

fn update(name: &str, access: ProviderAccess) -> UpdateProviderRequest {
    let provider = Provider {
        name: name.to_owned(),
        access: Some(access),
        ..Provider::default()
    };
    UpdateProviderRequest {
        provider: Some(provider),
        update_mask: None,
    }
}

fn update_override(name: &str, access: ProviderAccess) -> UpdateProviderOverrideRequest {
    let provider_override = ProviderOverride {
        name: name.to_owned(),
        access: Some(access),
        ..ProviderOverride::default()
    };
    UpdateProviderOverrideRequest {
        provider_override: Some(provider_override),
        update_mask: None,
    }
}

impl Vault {
    async fn get_provider(&self, name: &str) -> Provider {
        let request = GetProviderRequest {
            name: name.to_owned(),
        };
        let mut client = self.providers(OPERATOR);
        client.get_provider(request).await.unwrap().into_inner()
    }

    async fn update_provider(
        &self,
        request: UpdateProviderRequest,
    ) -> Result<UpdateProviderResponse, Status> {
        let mut client = self.providers(OPERATOR);
        let answer = client.update_provider(request).await?;
        Ok(answer.into_inner())
    }

    async fn update_override(
        &self,
        request: UpdateProviderOverrideRequest,
    ) -> Result<UpdateProviderOverrideResponse, Status> {
        let mut client = self.providers(OPERATOR);
        let answer = client.update_provider_override(request).await?;
        Ok(answer.into_inner())
    }

    /// The log of a scope, newest first.
    pub(crate) async fn events(&self, parent: &str) -> Vec<AuditEvent> {
        let request = ListAuditEventsRequest {
            parent: parent.to_owned(),
            page_size: 1_000,
            page_token: String::new(),
            ..ListAuditEventsRequest::default()
        };
        let mut client = self.audit(OPERATOR);
        let page = client.list_audit_events(request).await.unwrap();
        page.into_inner().audit_events
    }
}

/// The details of an event.
fn details(event: &AuditEvent) -> Vec<(&str, &str)> {
    let details = event.details.iter();
    details
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect()
}
