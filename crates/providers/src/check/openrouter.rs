//! OpenRouter's check, which requests the key's own data. The list of models is public.

use std::time::SystemTime;

use prost_types::Timestamp;
use serde::Deserialize;

use super::CheckOutcome;
use crate::error::{self, ErrorClass, ProviderError};
use crate::json::Text;
use crate::reply::Reply;

/// Evaluates the data of the key.
pub(super) fn outcome(reply: &Reply<'_>) -> CheckOutcome {
    let Ok(Body { data: key }) = serde_json::from_slice::<Body<'_>>(reply.body) else {
        return CheckOutcome::Unreachable(error::malformed(reply));
    };
    if key.is_management_key == Some(true) || key.is_provisioning_key == Some(true) {
        return rejected(reply, ErrorClass::NoPermission, MANAGEMENT_KEY);
    }
    if let Some(end) = key.expires_at.as_deref()
        && has_passed(end, reply.now)
    {
        return rejected(reply, ErrorClass::Revoked, EXPIRED);
    }
    let remaining_budget = key
        .effective_budget
        .as_ref()
        .and_then(|budget| budget.remaining_usd);
    let message = if key.limit_remaining.is_some_and(is_used_up) {
        match key.limit_reset.as_deref() {
            None | Some("") => NO_LIMIT_LEFT.to_owned(),
            Some(reset) => {
                let reset = error::redact(reset, reply.secret);
                format!("{NO_LIMIT_LEFT}; it resets {reset}")
            }
        }
    } else if remaining_budget.is_some_and(is_used_up) {
        NO_BUDGET_LEFT.to_owned()
    } else {
        return CheckOutcome::Alive;
    };
    CheckOutcome::Limited { message }
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    data: KeyInfo<'a>,
}

#[derive(Deserialize)]
struct KeyInfo<'a> {
    /// Present for every key. It distinguishes the answer from another server's.
    #[serde(rename = "label", borrow)]
    _label: Text<'a>,
    is_management_key: Option<bool>,
    is_provisioning_key: Option<bool>,
    /// In US dollars. Null when the key has no limit.
    limit_remaining: Option<f64>,
    /// `daily`, `weekly` or `monthly`. Null when the limit is never reset.
    #[serde(borrow)]
    limit_reset: Option<Text<'a>>,
    /// The most restrictive of the budgets that cover the key.
    effective_budget: Option<Budget>,
    #[serde(borrow)]
    expires_at: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct Budget {
    remaining_usd: Option<f64>,
}

fn is_used_up(remaining: f64) -> bool {
    remaining <= 0.0
}

/// Whether a time (RFC 3339) has passed. False for a text that is not a time.
fn has_passed(end: &str, now: SystemTime) -> bool {
    let end: Option<SystemTime> = end
        .parse::<Timestamp>()
        .ok()
        .and_then(|end| end.try_into().ok());
    end.is_some_and(|end| end <= now)
}

fn rejected(reply: &Reply<'_>, class: ErrorClass, message: &str) -> CheckOutcome {
    CheckOutcome::Rejected(ProviderError {
        http_status: Some(reply.status.as_u16()),
        request_id: error::request_id(reply.headers, reply.secret),
        ..ProviderError::new(class, message)
    })
}

const MANAGEMENT_KEY: &str = "the key is a management key, which cannot call models";
const EXPIRED: &str = "the key has expired";
const NO_LIMIT_LEFT: &str = "the key's spending limit is used up";
const NO_BUDGET_LEFT: &str = "a budget that covers the key is used up";
