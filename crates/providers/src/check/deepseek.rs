//! DeepSeek's check, which requests the account's balance.

use serde::Deserialize;

use super::CheckOutcome;
use crate::error;
use crate::json::Text;
use crate::reply::Reply;

/// Evaluates the balance.
pub(super) fn outcome(reply: &Reply<'_>) -> CheckOutcome {
    let Ok(balance) = serde_json::from_slice::<Balance<'_>>(reply.body) else {
        return CheckOutcome::Unreachable(error::malformed(reply));
    };
    if balance.is_available {
        return CheckOutcome::Alive;
    }
    let accounts = balance.balance_infos.iter().flatten();
    let amounts: Vec<_> = accounts
        .map(|account| format!("{} {}", &*account.currency, &*account.total_balance))
        .collect();
    let message = match amounts.as_slice() {
        [] => NO_BALANCE.to_owned(),
        _ => format!("{NO_BALANCE}: {}", amounts.join(", ")),
    };
    CheckOutcome::Limited {
        message: error::redact(&message, reply.secret),
    }
}

#[derive(Deserialize)]
struct Balance<'a> {
    is_available: bool,
    #[serde(borrow)]
    balance_infos: Option<Vec<Account<'a>>>,
}

#[derive(Deserialize)]
struct Account<'a> {
    #[serde(borrow, default)]
    currency: Text<'a>,
    #[serde(borrow, default)]
    total_balance: Text<'a>,
}

const NO_BALANCE: &str = "the account's balance is too low for calls";
