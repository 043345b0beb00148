//! Funding policies, from the message and back.

use latchkey_contract::vault::v1::FundingPolicy;
use latchkey_contract::vault::v1::funding_policy::{
    FundingFallback as WireFundingFallback, Selection as WireSelection,
};

use crate::domain::funding::{Funding, FundingFallback, Narrowing, Selection};
use crate::error::VaultError;

/// The policy of a project, a key or a request. `field` is the path of the message.
pub(super) fn narrowing(
    field: &str,
    message: Option<&FundingPolicy>,
) -> Result<Narrowing, VaultError> {
    let Some(message) = message else {
        return Ok(Narrowing::default());
    };
    let unknown = |name: &str| VaultError::field(format!("{field}.{name}"), "is not a known value");
    let selection = match WireSelection::try_from(message.selection) {
        Ok(WireSelection::Unspecified) => None,
        Ok(WireSelection::Automatic) => Some(Selection::Automatic),
        Ok(WireSelection::WhenNamed) => Some(Selection::WhenNamed),
        Err(_) => return Err(unknown("selection")),
    };
    let fallback = |name: &str, value: i32| match WireFundingFallback::try_from(value) {
        Ok(WireFundingFallback::Unspecified) => Ok(None),
        Ok(WireFundingFallback::Refuse) => Ok(Some(FundingFallback::Refuse)),
        Ok(WireFundingFallback::Platform) => Ok(Some(FundingFallback::Platform)),
        Err(_) => Err(unknown(name)),
    };
    Ok(Narrowing {
        selection,
        when_missing: fallback("when_missing", message.when_missing)?,
        when_failed: fallback("when_failed", message.when_failed)?,
        when_switched_off: fallback("when_switched_off", message.when_switched_off)?,
    })
}

/// A workspace's policy: the fields of the message, and the defaults for the others.
pub(super) fn whole(message: Option<&FundingPolicy>) -> Result<Funding, VaultError> {
    let narrowing = narrowing("workspace.funding", message)?;
    let default = Funding::default();
    Ok(Funding {
        selection: narrowing.selection.unwrap_or(default.selection),
        when_missing: narrowing.when_missing.unwrap_or(default.when_missing),
        when_failed: narrowing.when_failed.unwrap_or(default.when_failed),
        when_switched_off: narrowing
            .when_switched_off
            .unwrap_or(default.when_switched_off),
    })
}

/// A workspace's policy as a message.
pub(super) fn encode(funding: Funding) -> FundingPolicy {
    FundingPolicy {
        selection: selection(Some(funding.selection)),
        when_missing: fallback(Some(funding.when_missing)),
        when_failed: fallback(Some(funding.when_failed)),
        when_switched_off: fallback(Some(funding.when_switched_off)),
    }
}

/// The policy of a project or a key as a message; `None` for an empty one.
pub(super) fn encode_narrowing(narrowing: Narrowing) -> Option<FundingPolicy> {
    (narrowing != Narrowing::default()).then(|| FundingPolicy {
        selection: selection(narrowing.selection),
        when_missing: fallback(narrowing.when_missing),
        when_failed: fallback(narrowing.when_failed),
        when_switched_off: fallback(narrowing.when_switched_off),
    })
}

/// A policy as the audit log shows it, in the order of the fields.
pub(super) fn describe(message: &FundingPolicy) -> String {
    let selection = message
        .selection()
        .as_str_name()
        .trim_start_matches("SELECTION_");
    let cases = [
        ("when_missing", message.when_missing()),
        ("when_failed", message.when_failed()),
        ("when_switched_off", message.when_switched_off()),
    ];
    let cases = cases.map(|(name, fallback)| {
        let word = fallback
            .as_str_name()
            .trim_start_matches("FUNDING_FALLBACK_");
        format!("{name}={word}")
    });
    format!("selection={selection} {}", cases.join(" ")).to_lowercase()
}

fn selection(selection: Option<Selection>) -> i32 {
    match selection {
        None => WireSelection::Unspecified,
        Some(Selection::Automatic) => WireSelection::Automatic,
        Some(Selection::WhenNamed) => WireSelection::WhenNamed,
    }
    .into()
}

fn fallback(fallback: Option<FundingFallback>) -> i32 {
    match fallback {
        None => WireFundingFallback::Unspecified,
        Some(FundingFallback::Refuse) => WireFundingFallback::Refuse,
        Some(FundingFallback::Platform) => WireFundingFallback::Platform,
    }
    .into()
}
