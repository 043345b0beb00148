//! The fake vault's choice among several keys, by the rules of the real vault.

use latchkey_contract::Reason;
use latchkey_contract::vault::v1::funding_policy::{FundingFallback, Selection};
use latchkey_contract::vault::v1::{
    Candidate, Capability, Exclusion, FundingPolicy, Lease, Payer, Refusal as RefusalData,
    ResolveRequest, ResolveResponse, ScopeRevision, WorkspaceFallback,
};
use latchkey_rpc::refusal::Refusal;
use tonic::Status;

use super::vault::{CURRENT, api_key, secret, uid_of, version_uid};

/// The keys of a workspace and of the platform, and the workspace's policy.
#[derive(Clone, Default)]
pub(crate) struct StoredKeys {
    /// Own keys come before the platform's keys; within one owner, earlier keys come first.
    pub(crate) keys: Vec<Lease>,
    /// The workspace's fallbacks, as `{provider}/{model}`.
    pub(crate) fallbacks: Vec<&'static str>,
    /// Whether the workspace's `when_failed` is PLATFORM.
    pub(crate) platform_after_failure: bool,
    /// Keys reserved for one caller, as (key id, caller).
    pub(crate) reserved: Vec<(&'static str, &'static str)>,
}

/// An OpenAI key of acme.
pub(crate) fn own(id: &str) -> Lease {
    lease(&format!("workspaces/acme/keys/{id}"), Payer::OwnKey)
}

/// An OpenAI key of the platform.
pub(crate) fn shared(id: &str) -> Lease {
    lease(&format!("platform/keys/{id}"), Payer::Platform)
}

/// The same key for another provider.
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
        platform_fallback_allowed: true,
        ..Lease::default()
    }
}

impl StoredKeys {
    /// The answer to a query. Of equal keys, the one at index `preferred` is granted.
    pub(super) fn choose(
        &self,
        request: &ResolveRequest,
        preferred: usize,
    ) -> Result<ResolveResponse, Status> {
        let named = self.named(request);
        if !request.key.is_empty() && named.is_none() {
            return Err(refusal(Reason::KeyNotFound).into_status("vault.latchkey"));
        }
        let mismatch = named.is_some_and(|key| !matches_provider(key, request));
        let rated = if mismatch {
            Vec::new()
        } else {
            self.rate(request, named)
        };
        let workspace = request.parent.split("/projects/").next().unwrap();
        let revision = |scope: &str| ScopeRevision {
            workspace_uid: uid_of(scope),
            revision: CURRENT,
        };
        let answer = ResolveResponse {
            revisions: vec![revision(workspace), revision("platform")],
            fallbacks: self.fallbacks().collect(),
            ..ResolveResponse::default()
        };
        let mut equals: Vec<_> = rated.iter().filter(|key| key.step == 1).collect();
        let refusal = match equals.len() {
            _ if mismatch => Some(refusal(Reason::ProviderMismatch)),
            0 => Some(self.refuse_all(named.is_some(), &rated)),
            _ => None,
        };
        if request.dry_run {
            let mut candidates: Vec<_> = rated.iter().map(|key| key.candidate(request)).collect();
            candidates.sort_by_key(|candidate| (candidate.step == 0, candidate.step));
            return Ok(ResolveResponse {
                candidates,
                refusal: refusal.map(data),
                ..answer
            });
        }
        if let Some(refusal) = refusal {
            return Err(refusal.into_status("vault.latchkey"));
        }
        let chosen = equals.remove(preferred % equals.len()).lease;
        let others = rated.iter().filter(|key| name(key.lease) != name(chosen));
        Ok(ResolveResponse {
            lease: Some(chosen.clone()),
            exclusions: others.map(RatedKey::exclusion).collect(),
            ..answer
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

    /// Every candidate key, with its step or the rule that excludes it.
    fn rate<'a>(&'a self, request: &ResolveRequest, named: Option<&'a Lease>) -> Vec<RatedKey<'a>> {
        let keys = named.map_or(self.keys.iter().collect(), |key| vec![key]);
        let matching = keys
            .into_iter()
            .filter(|key| matches_provider(key, request));
        let mut rated: Vec<_> = matching
            .map(|lease| RatedKey {
                lease,
                step: 0,
                rule: self.excluded(lease, request),
            })
            .collect();
        let own: Vec<_> = rated.iter().filter(|key| key.is_own()).cloned().collect();
        for key in &mut rated {
            let of_provider = own
                .iter()
                .filter(|o| o.lease.provider == key.lease.provider);
            if key.rule.is_empty() && !key.is_own() && named.is_none() {
                key.rule = self.platform_rule(of_provider, request);
            }
            if matches!(key.rule, "" | AFTER_FAILURE) && !meets(key.lease, request) {
                key.rule = "EXPECTATION";
            }
        }
        for key in &mut rated {
            key.step = match key.rule {
                "" => 1,
                AFTER_FAILURE => 2,
                _ => 0,
            };
        }
        rated
    }

    /// The rule that excludes a key regardless of the other keys; empty if none does.
    fn excluded(&self, key: &Lease, request: &ResolveRequest) -> &'static str {
        let name = name(key);
        let listing = request.capability() == Capability::ListModels;
        let model = effective_model(key, request);
        let reserved = self.reserved.iter().any(|(id, caller)| {
            name.ends_with(&format!("/keys/{id}")) && request.caller != *caller
        });
        if is_own(key) && request.key.is_empty() && selects(request) == Selection::WhenNamed {
            "NOT_NAMED"
        } else if request.payer != 0 && key.payer != request.payer {
            "PAYER_DIFFERS"
        } else if request.excluded_keys.iter().any(|tried| tried == name) {
            "ALREADY_TRIED"
        } else if reserved {
            "CALLER_DENIED"
        } else if model.is_empty() && !listing {
            "NO_DEFAULT_MODEL"
        } else if key.denied_models.iter().any(|denied| denied == model) && !listing {
            "MODEL_DENIED"
        } else {
            ""
        }
    }

    /// The rule that excludes a platform key, given the own keys of its provider; empty if none.
    fn platform_rule<'a>(
        &self,
        own: impl Iterator<Item = &'a RatedKey<'a>>,
        request: &ResolveRequest,
    ) -> &'static str {
        let policy = request.funding.unwrap_or_default();
        let after_failure =
            self.platform_after_failure && policy.when_failed() != FundingFallback::Refuse;
        let listing = request.capability() == Capability::ListModels;
        let (mut usable, mut tried) = (false, false);
        for key in own {
            let is_tried = key.rule == "ALREADY_TRIED";
            // A list of models may use a key that was tried already.
            usable |= matches!(key.rule, "" | "NOT_NAMED") || (is_tried && listing);
            tried |= is_tried && !listing;
        }
        let failed = tried || request.own_key_failed;
        match () {
            () if usable && after_failure && selects(request) != Selection::WhenNamed => {
                AFTER_FAILURE
            }
            () if usable => "OWN_KEY_FIRST",
            () if failed && !after_failure => "PLATFORM_NOT_ALLOWED",
            () if !failed && policy.when_missing() == FundingFallback::Refuse => {
                "PLATFORM_NOT_ALLOWED"
            }
            () => "",
        }
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

    fn refuse_all(&self, named: bool, rated: &[RatedKey<'_>]) -> Refusal {
        let unmet = rated.iter().any(|key| key.rule == "EXPECTATION");
        let mut refusal = refusal(match (unmet, named) {
            (true, _) => Reason::ExpectationUnmet,
            (false, true) => Reason::KeyUnusable,
            (false, false) => Reason::OwnKeyRequired,
        });
        for key in rated {
            refusal = refusal.with(name(key.lease), key.rule);
        }
        if !self.fallbacks.is_empty() {
            refusal = refusal.with("fallbacks", self.fallbacks.join("\n"));
        }
        refusal
    }
}

/// The rule of a platform key that becomes a candidate once the own keys have failed.
const AFTER_FAILURE: &str = "AFTER_FAILURE";

/// A key with its step in the order of use, or the rule that excludes it.
#[derive(Clone)]
struct RatedKey<'a> {
    lease: &'a Lease,
    step: i32,
    rule: &'static str,
}

impl RatedKey<'_> {
    fn is_own(&self) -> bool {
        is_own(self.lease)
    }

    fn exclusion(&self) -> Exclusion {
        let rule = match self.rule {
            "" => "NOT_SELECTED",
            rule => rule,
        };
        Exclusion {
            key: name(self.lease).to_owned(),
            rule: rule.to_owned(),
        }
    }

    fn candidate(&self, request: &ResolveRequest) -> Candidate {
        let is_tried = self.step > 0;
        Candidate {
            key: name(self.lease).to_owned(),
            key_version: self.lease.key_version.clone(),
            key_version_uid: version_uid(&self.lease.key_version),
            material_tail: self.lease.material_tail.clone(),
            provider: self.lease.provider.clone(),
            payer: self.lease.payer,
            model: effective_model(self.lease, request).to_owned(),
            location: self.lease.location.clone(),
            step: self.step,
            weight: i32::from(is_tried),
            rule: if is_tried { "" } else { self.rule }.to_owned(),
            detail: String::new(),
            platform_fallback_allowed: self.lease.platform_fallback_allowed,
        }
    }
}

/// The dry-run answer of a vault that has this key only.
pub(super) fn dry_run_of(lease: &Lease, request: &ResolveRequest) -> ResolveResponse {
    let (step, rule) = (1, "");
    let rated = RatedKey { lease, step, rule };
    ResolveResponse {
        candidates: vec![rated.candidate(request)],
        ..ResolveResponse::default()
    }
}

fn is_own(lease: &Lease) -> bool {
    lease.payer() == Payer::OwnKey
}

fn matches_provider(key: &Lease, request: &ResolveRequest) -> bool {
    request.provider.is_empty() || key.provider == request.provider
}

fn selects(request: &ResolveRequest) -> Selection {
    let policy: FundingPolicy = request.funding.unwrap_or_default();
    policy.selection()
}

fn effective_model<'a>(key: &'a Lease, request: &'a ResolveRequest) -> &'a str {
    match request.model.as_str() {
        "" => &key.default_model,
        model => model,
    }
}

fn meets(key: &Lease, request: &ResolveRequest) -> bool {
    let expected = request.expectations.clone().unwrap_or_default();
    let is = |expected: &str, is: &str| expected.is_empty() || expected == is;
    is(&expected.provider, &key.provider)
        && is(&expected.key_version, &key.key_version)
        && is(&expected.location, &key.location)
        && (expected.payer == 0 || expected.payer == key.payer)
}

/// The name of a leased key.
fn name(lease: &Lease) -> &str {
    let (key, _) = lease.key_version.split_once("/versions/").unwrap();
    key
}

fn refusal(reason: Reason) -> Refusal {
    Refusal::new(reason, "the key cannot be used")
}

fn data(refusal: Refusal) -> RefusalData {
    RefusalData {
        reason: refusal.reason().to_string(),
        message: refusal.message().to_owned(),
        // The fallbacks of a dry run stand beside its refusal.
        metadata: refusal
            .into_metadata()
            .filter(|(key, _)| key != "fallbacks")
            .collect(),
    }
}
