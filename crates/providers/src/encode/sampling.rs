//! Sampling and reasoning controls, checked against the traits of the model.

use latchkey_contract::router::v1::{ReasoningControl, Sampling, reasoning_control};

use super::{Call, EncodeError, EncodeErrorKind, refuse};
use crate::catalogue::{Effort, SamplingPolicy};

/// The sampling parameters that a dialect has fields for, and their limits.
pub(crate) struct SamplingSupport {
    pub(crate) max_temperature: f64,
    pub(crate) penalties: bool,
    pub(crate) seed: bool,
    /// The maximum number of stop sequences.
    pub(crate) max_stop_sequences: usize,
    pub(crate) top_k: bool,
}

/// The sampling parameters of a request, all of which the model accepts.
#[derive(Clone, Copy, Default)]
pub(crate) struct AllowedSampling<'a> {
    pub(crate) temperature: Option<f64>,
    pub(crate) top_p: Option<f64>,
    pub(crate) top_k: Option<i32>,
    pub(crate) seed: Option<i64>,
    pub(crate) presence_penalty: Option<f64>,
    pub(crate) frequency_penalty: Option<f64>,
    pub(crate) stop: &'a [String],
}

/// Returns the sampling parameters of the request, or refuses the first that the model does not
/// accept.
pub(crate) fn sampling<'a>(
    call: &Call<'a>,
    support: &SamplingSupport,
    reasons: bool,
) -> Result<AllowedSampling<'a>, EncodeError> {
    let Some(sampling) = &call.request.sampling else {
        return Ok(AllowedSampling::default());
    };
    check_ranges(sampling)?;
    check_dialect(sampling, support)?;
    let free = match call.traits.sampling {
        SamplingPolicy::Always => true,
        SamplingPolicy::Never => false,
        SamplingPolicy::WithoutReasoning => !reasons,
    };
    if !free {
        check_defaults(sampling)?;
    }
    if !call.traits.stop_sequences && !sampling.stop_sequences.is_empty() {
        return unsupported("sampling.stop_sequences");
    }
    Ok(AllowedSampling {
        temperature: sampling.temperature,
        top_p: sampling.top_p,
        top_k: sampling.top_k,
        seed: sampling.seed,
        presence_penalty: sampling.presence_penalty,
        frequency_penalty: sampling.frequency_penalty,
        stop: &sampling.stop_sequences,
    })
}

/// How the model is to reason.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Reasoning {
    /// The effort to send. The model's traits list it.
    pub(crate) effort: Option<Effort>,
    /// The budget to send, in tokens.
    pub(crate) budget: Option<i64>,
    /// Whether the model will reason, by the request or by its default.
    pub(crate) reasons: bool,
}

impl Reasoning {
    /// Refuses a budget, for dialects that have no field for it, even if the catalogue says that
    /// the model takes one.
    pub(crate) fn without_budget(self) -> Result<Self, EncodeError> {
        match self.budget {
            None => Ok(self),
            Some(_) => unsupported("reasoning.budget_tokens"),
        }
    }
}

/// Returns the reasoning controls of the request, or refuses them if the model does not accept
/// them.
pub(crate) fn reasoning(call: &Call<'_>) -> Result<Reasoning, EncodeError> {
    let traits = call.traits;
    let Some(control) = &call.request.reasoning else {
        return Ok(Reasoning {
            reasons: traits.reasons_by_default,
            ..Reasoning::default()
        });
    };
    let effort = effort(control)?;
    let budget = control.budget_tokens;
    if let Some(budget) = budget {
        if budget < MIN_BUDGET {
            return refuse(
                "reasoning.budget_tokens",
                EncodeErrorKind::Invalid,
                "must be at least 1,024",
            );
        }
        if !traits.reasoning_budget {
            return unsupported("reasoning.budget_tokens");
        }
        if effort.is_some() {
            return refuse(
                "reasoning.budget_tokens",
                EncodeErrorKind::Invalid,
                "excludes reasoning.effort",
            );
        }
    }
    let sent = match effort {
        // The model does not reason by default, so nothing needs to be sent.
        Some(Effort::None)
            if !traits.reasons_by_default && !traits.reasoning_efforts.contains(&Effort::None) =>
        {
            None
        }
        Some(effort) if !traits.reasoning_efforts.contains(&effort) => {
            return refuse(
                "reasoning.effort",
                EncodeErrorKind::UnsupportedByProvider,
                known_efforts(&traits.reasoning_efforts),
            );
        }
        sent => sent,
    };
    Ok(Reasoning {
        effort: sent,
        budget,
        reasons: match effort {
            Some(effort) => effort != Effort::None,
            None => budget.is_some() || traits.reasons_by_default,
        },
    })
}

fn effort(control: &ReasoningControl) -> Result<Option<Effort>, EncodeError> {
    match reasoning_control::Effort::try_from(control.effort) {
        Ok(effort) => Ok(Effort::of(effort)),
        Err(_) => refuse(
            "reasoning.effort",
            EncodeErrorKind::Invalid,
            "is not a known effort",
        ),
    }
}

fn known_efforts(efforts: &[Effort]) -> String {
    if efforts.is_empty() {
        return "the model has no reasoning effort".to_owned();
    }
    let efforts: Vec<_> = efforts.iter().map(|effort| effort.as_str()).collect();
    format!("the model accepts {}", efforts.join(", "))
}

fn check_ranges(sampling: &Sampling) -> Result<(), EncodeError> {
    let penalty = |penalty: f64| (-2.0..=2.0).contains(&penalty);
    // Comparisons with NaN are false, so NaN is never in range.
    let in_range = [
        (
            "sampling.temperature",
            sampling
                .temperature
                .is_none_or(|value| (0.0..=2.0).contains(&value)),
        ),
        (
            "sampling.top_p",
            sampling
                .top_p
                .is_none_or(|value| value > 0.0 && value <= 1.0),
        ),
        (
            "sampling.top_k",
            sampling.top_k.is_none_or(|value| value >= 1),
        ),
        (
            "sampling.presence_penalty",
            sampling.presence_penalty.is_none_or(penalty),
        ),
        (
            "sampling.frequency_penalty",
            sampling.frequency_penalty.is_none_or(penalty),
        ),
        (
            "sampling.stop_sequences",
            !sampling.stop_sequences.iter().any(String::is_empty),
        ),
    ];
    match in_range.into_iter().find(|(_, holds)| !holds) {
        Some((field, _)) => refuse(field, EncodeErrorKind::Invalid, "is out of range"),
        None => Ok(()),
    }
}

fn check_dialect(sampling: &Sampling, support: &SamplingSupport) -> Result<(), EncodeError> {
    if sampling
        .temperature
        .is_some_and(|value| value > support.max_temperature)
    {
        return refuse(
            "sampling.temperature",
            EncodeErrorKind::UnsupportedByProvider,
            format!("the provider accepts at most {}", support.max_temperature),
        );
    }
    if sampling.top_k.is_some() && !support.top_k {
        return unsupported("sampling.top_k");
    }
    if sampling.seed.is_some() && !support.seed {
        return unsupported("sampling.seed");
    }
    if sampling.presence_penalty.is_some() && !support.penalties {
        return unsupported("sampling.presence_penalty");
    }
    if sampling.frequency_penalty.is_some() && !support.penalties {
        return unsupported("sampling.frequency_penalty");
    }
    match (sampling.stop_sequences.len(), support.max_stop_sequences) {
        (0, _) => Ok(()),
        (_, 0) => unsupported("sampling.stop_sequences"),
        (count, max) if count > max => refuse(
            "sampling.stop_sequences",
            EncodeErrorKind::UnsupportedByProvider,
            format!("the provider accepts at most {max}"),
        ),
        _ => Ok(()),
    }
}

/// Models without sampling still accept the default values.
fn check_defaults(sampling: &Sampling) -> Result<(), EncodeError> {
    #[expect(clippy::float_cmp, reason = "only the exact default is accepted")]
    let differs = |value: Option<f64>, default: f64| value.is_some_and(|value| value != default);
    if differs(sampling.temperature, 1.0) {
        return unsupported("sampling.temperature");
    }
    if differs(sampling.top_p, 1.0) {
        return unsupported("sampling.top_p");
    }
    if sampling.top_k.is_some() {
        return unsupported("sampling.top_k");
    }
    if differs(sampling.presence_penalty, 0.0) {
        return unsupported("sampling.presence_penalty");
    }
    if differs(sampling.frequency_penalty, 0.0) {
        return unsupported("sampling.frequency_penalty");
    }
    Ok(())
}

fn unsupported<T>(field: &'static str) -> Result<T, EncodeError> {
    refuse(
        field,
        EncodeErrorKind::UnsupportedByProvider,
        "is not supported by the model",
    )
}

/// The minimum budget of the contract and of Anthropic, in tokens.
const MIN_BUDGET: i64 = 1_024;
