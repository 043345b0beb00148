//! VerificationTasks for the vault: asking a provider whether a key is good, at no cost.

use std::time::Duration;

use bytes::Bytes;
use http::Response;
use http::response::Parts;
use latchkey_clock::Clock;
use latchkey_contract::ProviderId;
use latchkey_contract::vault::v1::verification_result::Outcome;
use latchkey_contract::vault::v1::{
    ProviderRefusal, Verification, VerificationResult, VerificationTask, verification,
};
use latchkey_providers::check::{self, CheckOutcome};
use latchkey_providers::decode::Reply;
use latchkey_providers::{Credential, ErrorClass, ProviderError, Target};
use tokio::time::Instant;
use url::Url;
use zeroize::Zeroizing;

use super::issuer::{TokenError, TokenIssuer, system_time};
use super::material::Material;
use crate::dispatch::Endpoints;
use crate::upstream::{Upstream, UpstreamBody, collect};

/// How long one question may take: two of them are answered before the vault gives up on them.
const CHECK_TIMEOUT: Duration = Duration::from_secs(10);

/// Checks the key of a task. MemberQuery once more when the provider could not be reached.
pub(super) async fn run(task: VerificationTask, check: &Check<'_>) -> VerificationResult {
    let task_id = task.task_id.clone();
    let question = match Question::read(task) {
        Ok(question) => question,
        Err(words) => return result(task_id, unreachable(words)),
    };
    let mut outcome = check.ask(&question).await;
    if matches!(outcome, Outcome::Unreachable(_)) {
        outcome = check.ask(&question).await;
    }
    result(task_id, outcome)
}

/// What it takes to check a key.
pub(super) struct Check<'a> {
    pub(super) upstream: &'a Upstream,
    pub(super) endpoints: &'a Endpoints,
    pub(super) clock: &'a dyn Clock,
}

/// A key to check, and where.
struct Question {
    provider: ProviderId,
    material: Material,
    base_url: Option<Url>,
    location: String,
    cloud_project: String,
    api_version: String,
}

impl Question {
    fn read(task: VerificationTask) -> Result<Self, &'static str> {
        let base_url = match task.base_url.as_str() {
            "" => None,
            text => Some(text.parse().map_err(|_| "the address is not a URL")?),
        };
        let provider = task.provider.parse();
        Ok(Self {
            provider: provider.map_err(|_| "this router does not know the provider")?,
            material: Material::read(task.material).ok_or("the key is of no known form")?,
            base_url,
            location: task.location,
            cloud_project: task.cloud_project,
            api_version: task.api_version,
        })
    }
}

impl Check<'_> {
    async fn ask(&self, question: &Question) -> Outcome {
        let place = self.endpoints.choose(
            question.provider,
            question.base_url.as_ref(),
            &question.location,
        );
        let Ok((url, address_source)) = place else {
            return unreachable("the address may not be reached");
        };
        let patience = self.upstream.config().first_byte_timeout.min(CHECK_TIMEOUT);
        let until = Instant::now() + patience;
        let token;
        let credential = match question.material.credential() {
            Some(credential) => credential,
            None => match self.token(question, until).await {
                Ok(got) => {
                    token = got;
                    Credential::Bearer(&token)
                }
                Err(outcome) => return outcome,
            },
        };
        let target = Target {
            provider: question.provider,
            base_url: &url,
            credential,
            location: &question.location,
            cloud_project: &question.cloud_project,
            api_version: &question.api_version,
        };
        let Ok(request) = check::request(&target) else {
            return unreachable("the key cannot be sent");
        };
        let answer = match self
            .upstream
            .send_once(request, address_source, until)
            .await
        {
            Ok(response) => read(response, until).await,
            Err(error) => Err(error.into()),
        };
        let (head, body) = match answer {
            Ok(answer) => answer,
            Err(error) => return unreachable(&error.to_string()),
        };
        let reply = Reply {
            status: head.status,
            headers: &head.headers,
            body: &body,
            secret: credential.secret(),
            now: system_time(self.clock.now()),
        };
        match check::outcome(question.provider, &reply) {
            CheckOutcome::Alive => verified(verification::Grade::Alive, String::new()),
            CheckOutcome::Limited { words } => verified(verification::Grade::Limited, words),
            CheckOutcome::Reachable { words } => verified(verification::Grade::Reachable, words),
            CheckOutcome::Rejected(error) => Outcome::Rejected(refusal(&error)),
            CheckOutcome::Unreachable(error) => Outcome::Unreachable(refusal(&error)),
        }
    }

    /// A token for a key that tokens are got with: that it can be got is half of the check.
    async fn token(
        &self,
        question: &Question,
        until: Instant,
    ) -> Result<Zeroizing<String>, Outcome> {
        let issuer = TokenIssuer {
            endpoints: self.endpoints,
            upstream: self.upstream,
            clock: self.clock,
        };
        let got = issuer.get_once(question.provider, &question.material, until);
        match got.await {
            Ok((token, _)) => Ok(token),
            Err(TokenError::Provider(error)) if refuses_the_key(error.class) => {
                Err(Outcome::Rejected(refusal(&error)))
            }
            Err(TokenError::Provider(error)) => Err(Outcome::Unreachable(refusal(&error))),
            Err(error) => Err(unreachable(&error.to_string())),
        }
    }
}

fn refuses_the_key(class: ErrorClass) -> bool {
    matches!(class, ErrorClass::NoPermission | ErrorClass::Revoked)
}

async fn read(
    response: Response<UpstreamBody>,
    until: Instant,
) -> Result<(Parts, Bytes), TokenError> {
    let (head, body) = response.into_parts();
    Ok((head, collect(body, until).await?))
}

fn result(task_id: String, outcome: Outcome) -> VerificationResult {
    VerificationResult {
        task_id,
        outcome: Some(outcome),
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
