//! The vault's choice among several keys, by the rules of the real one.

use latchkey_boot::rpc::refusal::Refusal;
use latchkey_contract::vault::v1::{
    Capability, Exclusion, Lease, Payer, ResolveRequest, ResolveResponse, ScopeRevision,
    WorkspaceFallback,
};
use tonic::{Code, Status};

use super::vault::{api_key, secret};

/// What there is to choose from.
#[derive(Clone, Default)]
pub(crate) struct Lending {
    /// Own keys come before the platform's; among those of one owner the first is drawn.
    pub(crate) keys: Vec<Lease>,
    /// The workspace's own, as `{provider}/{model}`.
    pub(crate) fallbacks: Vec<&'static str>,
}

/// Later than any invalidation, so that no answer is stale.
const LATEST: i64 = 1_000_000;

/// An OpenAI key of acme.
pub(crate) fn own(id: &str) -> Lease {
    lease(&format!("workspaces/acme/keys/{id}"), Payer::OwnKey)
}

/// An OpenAI key of the platform.
pub(crate) fn shared(id: &str) -> Lease {
    lease(&format!("platform/keys/{id}"), Payer::Platform)
}

/// The same key of another provider.
pub(crate) fn of(provider: &str, lease: Lease) -> Lease {
    Lease {
        provider: provider.to_owned(),
        ..lease
    }
}

fn lease(key: &str, payer: Payer) -> Lease {
    let (_, id) = key.rsplit_once('/').unwrap();
    Lease {
        lease_id: format!("lease of {id}"),
        key_version: format!("{key}/versions/1"),
        provider: "openai".to_owned(),
        material: Some(api_key(&secret(id))),
        material_tail: "wxyz".to_owned(),
        payer: payer.into(),
        ..Lease::default()
    }
}

impl Lending {
    /// The answer to a question; of equal keys the `drawn`th is lent.
    pub(super) fn choose(
        &self,
        request: &ResolveRequest,
        drawn: usize,
    ) -> Result<ResolveResponse, Status> {
        let named = self.named(request);
        if !request.key.is_empty() && named.is_none() {
            return Err(refuse(Code::NotFound, "KEY_NOT_FOUND"));
        }
        let mut exclusions = Vec::new();
        let mut usable: Vec<&Lease> = Vec::new();
        for key in named.map_or(self.keys.iter().collect(), |key| vec![key]) {
            if !request.provider.is_empty() && key.provider != request.provider {
                match named {
                    Some(_) => return Err(refuse(Code::FailedPrecondition, "PROVIDER_MISMATCH")),
                    None => continue,
                }
            }
            match excluded(key, request) {
                Some(rule) => exclusions.push(exclusion(key, rule)),
                None => usable.push(key),
            }
        }
        let Some(payer) = usable.iter().map(|key| key.payer).min() else {
            return Err(self.refuse_all(named.is_some(), &exclusions));
        };
        let (mut equals, outranked): (Vec<_>, Vec<_>) =
            usable.into_iter().partition(|key| key.payer == payer);
        let chosen = equals.remove(drawn % equals.len());
        exclusions.extend(equals.iter().map(|key| exclusion(key, "NOT_DRAWN")));
        exclusions.extend(outranked.iter().map(|key| exclusion(key, "OUTRANKED")));
        let workspace = request.parent.split("/projects/").next().unwrap();
        let revision = |scope: &str| ScopeRevision {
            scope: scope.to_owned(),
            revision: LATEST,
        };
        Ok(ResolveResponse {
            lease: Some(chosen.clone()),
            exclusions,
            revisions: vec![revision(workspace), revision("platform")],
            fallbacks: self.fallbacks().collect(),
            ..ResolveResponse::default()
        })
    }

    fn named(&self, request: &ResolveRequest) -> Option<&Lease> {
        let ends = format!("/keys/{}", request.key);
        let mut keys = self.keys.iter();
        keys.find(|lease| {
            let key = name(lease);
            !request.key.is_empty() && (key == request.key || key.ends_with(&ends))
        })
    }

    fn fallbacks(&self) -> impl Iterator<Item = WorkspaceFallback> {
        self.fallbacks.iter().map(|line| {
            let (provider, model) = line.split_once('/').unwrap();
            WorkspaceFallback {
                provider: provider.to_owned(),
                model: model.to_owned(),
            }
        })
    }

    fn refuse_all(&self, named: bool, exclusions: &[Exclusion]) -> Status {
        let reason = if named {
            "KEY_UNUSABLE"
        } else {
            "OWN_KEY_REQUIRED"
        };
        let mut refusal = Refusal::new(Code::FailedPrecondition, reason, "no usable key");
        for Exclusion { key, rule } in exclusions {
            refusal = refusal.with(key, rule);
        }
        if !self.fallbacks.is_empty() {
            refusal = refusal.with("fallbacks", self.fallbacks.join("\n"));
        }
        refusal.into_status("vault.latchkey")
    }
}

/// The rule that takes a key out of the choice.
fn excluded(key: &Lease, request: &ResolveRequest) -> Option<&'static str> {
    if request.payer != 0 && key.payer != request.payer {
        return Some("PAYER_DIFFERS");
    }
    if request
        .excluded_keys
        .iter()
        .any(|name| name == self::name(key))
    {
        return Some("ALREADY_TRIED");
    }
    let listing = request.capability() == Capability::ListModels;
    let denied = key.denied_models.contains(&request.model);
    (denied && !listing).then_some("MODEL_DENIED")
}

/// The name of a lent key.
fn name(lease: &Lease) -> &str {
    let (key, _) = lease.key_version.split_once("/versions/").unwrap();
    key
}

fn exclusion(lease: &Lease, rule: &str) -> Exclusion {
    Exclusion {
        key: name(lease).to_owned(),
        rule: rule.to_owned(),
    }
}

fn refuse(code: Code, reason: &'static str) -> Status {
    Refusal::new(code, reason, "not that key").into_status("vault.latchkey")
}
