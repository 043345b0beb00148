//! Reads the fields `funding` and `expectations`, which every operation's request has.

use std::sync::Arc;

use latchkey_contract::ProviderId;
use latchkey_contract::names::KeyVersionName;
use latchkey_contract::router::v1::{self, funding};

use crate::domain::attempt::Payer;
use crate::domain::funding::{Expectations, Funding, FundingFallback, Selection};
use crate::error::RouterError;

/// The conditions of a request; the default has none.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Conditions {
    pub(super) funding: Funding,
    /// None where the request has none, so that such requests share leases.
    pub(super) expectations: Option<Arc<Expectations>>,
    /// The highest cost of a call, in nano-dollars. The router checks it: the vault knows no prices.
    pub(super) max_cost_nanos: Option<i64>,
}

impl Conditions {
    /// Reads the two fields.
    pub(super) fn read(
        funding: Option<&v1::Funding>,
        expectations: Option<&v1::Expectations>,
    ) -> Result<Self, RouterError> {
        let mut conditions = Self::default();
        if let Some(funding) = funding {
            conditions.funding = read_funding(funding)?;
        }
        if let Some(expected) = expectations {
            let read = read_expectations(expected)?;
            conditions.max_cost_nanos = max_cost(expected)?;
            conditions.expectations = (read != Expectations::default()).then(|| Arc::new(read));
        }
        Ok(conditions)
    }
}

fn read_funding(message: &v1::Funding) -> Result<Funding, RouterError> {
    let selection = match funding::Selection::try_from(message.selection) {
        Ok(funding::Selection::Unspecified) => None,
        Ok(funding::Selection::Automatic) => Some(Selection::Automatic),
        Ok(funding::Selection::WhenNamed) => Some(Selection::WhenNamed),
        Err(_) => return Err(unknown("funding.selection")),
    };
    Ok(Funding {
        selection,
        when_missing: fallback("funding.when_missing", message.when_missing)?,
        when_failed: fallback("funding.when_failed", message.when_failed)?,
        when_switched_off: fallback("funding.when_switched_off", message.when_switched_off)?,
    })
}

fn fallback(field: &str, message: i32) -> Result<Option<FundingFallback>, RouterError> {
    match funding::FundingFallback::try_from(message) {
        Ok(funding::FundingFallback::Unspecified) => Ok(None),
        Ok(funding::FundingFallback::Platform) => Ok(Some(FundingFallback::Platform)),
        Ok(funding::FundingFallback::Refuse) => Ok(Some(FundingFallback::Refuse)),
        Err(_) => Err(unknown(field)),
    }
}

fn read_expectations(message: &v1::Expectations) -> Result<Expectations, RouterError> {
    let provider = match message.provider.as_str() {
        "" => None,
        text => Some(
            text.parse::<ProviderId>()
                .map_err(|error| RouterError::field("expectations.provider", error))?,
        ),
    };
    let key_version = match message.key_version.as_str() {
        "" => None,
        text => Some(
            text.parse::<KeyVersionName>()
                .map_err(RouterError::name("expectations.key_version"))?,
        ),
    };
    let payer = match v1::Payer::try_from(message.payer) {
        Ok(v1::Payer::Unspecified) => None,
        Ok(v1::Payer::OwnKey) => Some(Payer::OwnKey),
        Ok(v1::Payer::Platform) => Some(Payer::Platform),
        Err(_) => return Err(unknown("expectations.payer")),
    };
    if message.location.len() > MAX_LOCATION_BYTES {
        let problem = "must be at most 256 bytes";
        return Err(RouterError::field("expectations.location", problem));
    }
    Ok(Expectations {
        provider,
        key_version,
        payer,
        location: (!message.location.is_empty()).then(|| message.location.clone()),
    })
}

/// Bytes of an expected location at most.
const MAX_LOCATION_BYTES: usize = 256;

fn max_cost(message: &v1::Expectations) -> Result<Option<i64>, RouterError> {
    match message.max_cost_nanos {
        Some(..0) => {
            let problem = "must not be negative";
            Err(RouterError::field("expectations.max_cost_nanos", problem))
        }
        max_cost_nanos => Ok(max_cost_nanos),
    }
}

fn unknown(field: &str) -> RouterError {
    RouterError::field(field, "must be a known value")
}

#[cfg(test)]
mod tests {
    use super::*;

    const VERSION: &str = "workspaces/acme/keys/main/versions/2";

    fn read(funding: v1::Funding, expected: &v1::Expectations) -> Result<Conditions, String> {
        let read = Conditions::read(Some(&funding), Some(expected));
        read.map_err(|error| match error {
            RouterError::Field { field, .. } => field,
            error => panic!("{error}"),
        })
    }

    #[test]
    fn every_field_is_read() {
        let funding = v1::Funding {
            selection: funding::Selection::WhenNamed.into(),
            when_missing: funding::FundingFallback::Platform.into(),
            when_failed: funding::FundingFallback::Refuse.into(),
            when_switched_off: 0,
        };
        let expectations = v1::Expectations {
            provider: "vertex".to_owned(),
            key_version: VERSION.to_owned(),
            payer: v1::Payer::OwnKey.into(),
            location: "europe-west4".to_owned(),
            max_cost_nanos: Some(0),
        };
        let read = read(funding, &expectations).unwrap();
        let expected = Funding {
            selection: Some(Selection::WhenNamed),
            when_missing: Some(FundingFallback::Platform),
            when_failed: Some(FundingFallback::Refuse),
            when_switched_off: None,
        };
        assert_eq!(read.funding, expected);
        let expected = Expectations {
            provider: Some(ProviderId::Vertex),
            key_version: Some(VERSION.parse().unwrap()),
            payer: Some(Payer::OwnKey),
            location: Some("europe-west4".to_owned()),
        };
        assert_eq!(read.expectations.as_deref(), Some(&expected));
        assert_eq!(read.max_cost_nanos, Some(0));
    }

    #[test]
    fn empty_messages_are_the_same_as_absent_ones() {
        let message = read(v1::Funding::default(), &v1::Expectations::default());
        assert_eq!(message.as_ref(), Ok(&Conditions::default()));
        assert_eq!(Conditions::read(None, None).ok(), message.ok());
    }

    #[test]
    fn an_invalid_field_is_refused_by_its_name() {
        type Damage = fn(&mut v1::Funding, &mut v1::Expectations);
        let damages: [(&str, Damage); 9] = [
            ("funding.selection", |funding, _| funding.selection = 3),
            ("funding.when_missing", |funding, _| {
                funding.when_missing = 3;
            }),
            ("funding.when_failed", |funding, _| funding.when_failed = -1),
            ("funding.when_switched_off", |funding, _| {
                funding.when_switched_off = 9;
            }),
            ("expectations.provider", |_, expected| {
                expected.provider = "unknown".to_owned();
            }),
            ("expectations.key_version", |_, expected| {
                expected.key_version = "workspaces/acme/keys/main".to_owned();
            }),
            ("expectations.payer", |_, expected| expected.payer = 3),
            ("expectations.location", |_, expected| {
                expected.location = "x".repeat(257);
            }),
            ("expectations.max_cost_nanos", |_, expected| {
                expected.max_cost_nanos = Some(-1);
            }),
        ];
        for (field, damage) in damages {
            let (mut funding, mut expectations) = Default::default();
            damage(&mut funding, &mut expectations);
            let refused = read(funding, &expectations).unwrap_err();
            assert_eq!(refused, field);
        }
    }
}
