//! Errands for the vault: asking a provider whether a key is good, at no cost.

use std::time::Duration;

use latchkey_contract::vault::v1::verification_result::Outcome;
use latchkey_contract::vault::v1::{
    ProviderRefusal, Verification, VerificationErrand, VerificationResult, verification,
};
use latchkey_providers::check::{self, CheckOutcome};
use latchkey_providers::{Provider, ProviderError};
use tokio::time::Instant;
use url::Url;
use zeroize::Zeroizing;

use crate::dispatch::Endpoints;
use crate::upstream::{Upstream, UpstreamError, collect};

/// How long one question may take: two of them are answered before the vault gives up on them.
const PATIENCE: Duration = Duration::from_secs(10);

/// Checks the key of an errand. Asked once more when the provider could not be reached.
pub(super) async fn run(
    errand: VerificationErrand,
    upstream: &Upstream,
    endpoints: &Endpoints,
) -> VerificationResult {
    let api_key = Zeroizing::new(errand.api_key);
    let mut outcome = ask(
        &errand.provider,
        &errand.base_url,
        &api_key,
        upstream,
        endpoints,
    )
    .await;
    if matches!(outcome, Outcome::Unreachable(_)) {
        outcome = ask(
            &errand.provider,
            &errand.base_url,
            &api_key,
            upstream,
            endpoints,
        )
        .await;
    }
    VerificationResult {
        errand_id: errand.errand_id,
        outcome: Some(outcome),
    }
}

async fn ask(
    provider: &str,
    base_url: &str,
    api_key: &str,
    upstream: &Upstream,
    endpoints: &Endpoints,
) -> Outcome {
    let Ok(provider) = provider.parse::<Provider>() else {
        return unreachable("this router does not know the provider");
    };
    let own: Option<Url> = match base_url {
        "" => None,
        text => match text.parse() {
            Ok(url) => Some(url),
            Err(_) => return unreachable("the address is not a URL"),
        },
    };
    let Ok((url, trust)) = endpoints.choose(provider, own.as_ref()) else {
        return unreachable("the address may not be reached");
    };
    let Ok(request) = check::request(provider, url, api_key) else {
        return unreachable("the key cannot be sent");
    };
    let until = Instant::now() + upstream.config().first_byte_timeout.min(PATIENCE);
    let response = match upstream.send(request, trust, until).await {
        Ok(response) => response,
        Err(UpstreamError::Connect) => return unreachable("no connection could be made"),
        Err(UpstreamError::Broken) => return unreachable("the connection broke"),
        Err(UpstreamError::Timeout) => return unreachable("it did not answer in time"),
    };
    let (head, body) = response.into_parts();
    let Ok(body) = collect(body, until).await else {
        return unreachable("the answer broke off");
    };
    match check::outcome(provider, head.status, &head.headers, &body, api_key) {
        CheckOutcome::Alive => verified(verification::Grade::Alive, String::new()),
        CheckOutcome::Limited { words } => verified(verification::Grade::Limited, words),
        CheckOutcome::Reachable => verified(verification::Grade::Reachable, String::new()),
        CheckOutcome::Rejected(error) => Outcome::Rejected(refusal(&error)),
        CheckOutcome::Unreachable(error) => Outcome::Unreachable(refusal(&error)),
    }
}

/// A provider's words for the vault.
pub fn refusal(error: &ProviderError) -> ProviderRefusal {
    ProviderRefusal {
        http_status: error.http_status.map(i32::from).unwrap_or_default(),
        code: error.code.clone().unwrap_or_default(),
        message: error.message.clone(),
    }
}

fn verified(grade: verification::Grade, detail: String) -> Outcome {
    Outcome::Verified(Verification {
        grade: grade.into(),
        detail,
        verify_time: None,
    })
}

fn unreachable(words: &str) -> Outcome {
    Outcome::Unreachable(ProviderRefusal {
        message: words.to_owned(),
        ..ProviderRefusal::default()
    })
}
