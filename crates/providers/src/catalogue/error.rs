//! Errors of a catalogue.

use latchkey_contract::ProviderId;

use crate::Api;

/// Why a catalogue was refused.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// The text is not TOML or has another structure.
    #[error("the file has a syntax error")]
    Syntax(#[source] toml::de::Error),
    /// The version is empty, too long, or not printable ASCII.
    #[error("the version must be 1 to 64 printable characters")]
    Version,
    /// The traits of a family or of a provider's defaults are invalid.
    #[error("the traits of {family} are invalid")]
    Traits {
        /// The pattern of the family, or the provider.
        family: String,
        /// The parser's error.
        #[source]
        source: toml::de::Error,
    },
    /// A provider has no `[defaults]`.
    #[error("no defaults for {0}")]
    MissingDefaults(ProviderId),
    /// A provider takes its families from a provider that takes them from another.
    #[error(
        "{provider} cannot use the families of {families_of}, which takes them from another provider"
    )]
    ChainedFamilies {
        /// The provider that takes the families.
        provider: ProviderId,
        /// The provider that the families are taken from.
        families_of: ProviderId,
    },
    /// A provider does not offer the dialect.
    #[error("{provider} does not offer {api}")]
    WrongApi {
        /// The provider.
        provider: ProviderId,
        /// The dialect.
        api: Api,
    },
    /// A pattern is empty, or has `*` elsewhere than at its end.
    #[error("the pattern `{pattern}` must be a name, or a prefix followed by `*`")]
    Pattern {
        /// The pattern.
        pattern: String,
    },
    /// Two models or two families have the same name.
    #[error("`{name}` is defined twice")]
    Duplicate {
        /// The name.
        name: String,
    },
    /// A name is empty, longer than 256 bytes, or has a control character.
    #[error("a name of `{model}` is empty, too long, or has a control character")]
    Name {
        /// The model.
        model: String,
    },
    /// A price, limit or threshold is below zero.
    #[error("`{model}` has a negative price, limit or threshold")]
    Negative {
        /// The model.
        model: String,
    },
    /// The long-context tiers are not sorted by threshold.
    #[error("the tiers of `{model}` must be sorted by threshold")]
    TierOrder {
        /// The model.
        model: String,
    },
    /// The name of a service tier is not in lower case, or means the absence of a tier.
    #[error("`{name}` of `{model}` is not a valid name of a service tier")]
    ServiceTier {
        /// The model.
        model: String,
        /// The name.
        name: String,
    },
    /// The price changes are not sorted by date.
    #[error("the price changes of `{model}` must be sorted by date")]
    PriceChangeOrder {
        /// The model.
        model: String,
    },
}
