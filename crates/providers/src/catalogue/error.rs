//! What can be wrong with a catalogue.

use latchkey_contract::ProviderId;

use crate::Api;

/// Why a catalogue was refused.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// It is not TOML, or not of this shape.
    #[error("not a catalogue")]
    Syntax(#[source] toml::de::Error),
    /// Its version is empty, long, or not of printable ASCII.
    #[error("the version must be 1 to 64 printable characters")]
    Version,
    /// A family's traits are not such.
    #[error("the traits of {family} are wrong")]
    Traits {
        /// Its pattern, or the provider.
        family: String,
        /// What is wrong with them.
        #[source]
        source: toml::de::Error,
    },
    /// A provider has no `[defaults]`.
    #[error("no defaults for {0}")]
    MissingDefaults(ProviderId),
    /// A provider takes over the families of one that takes over another's.
    #[error("{provider} cannot have the families of {lender}, which are not its own")]
    Lender {
        /// The provider that takes over.
        provider: ProviderId,
        /// The other one.
        lender: ProviderId,
    },
    /// A provider does not speak the dialect.
    #[error("{provider} does not speak {api}")]
    WrongApi {
        /// The provider.
        provider: ProviderId,
        /// The dialect.
        api: Api,
    },
    /// `*` stands elsewhere than at a pattern's end, or a pattern is empty.
    #[error("the pattern `{pattern}` is neither a name nor a prefix")]
    Pattern {
        /// The pattern.
        pattern: String,
    },
    /// Two models or families share a name.
    #[error("`{name}` is there twice")]
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
    #[error("`{model}` has a negative number")]
    Negative {
        /// The model.
        model: String,
    },
    /// Tiers are not in the order of their thresholds.
    #[error("the tiers of `{model}` are out of order")]
    TierOrder {
        /// The model.
        model: String,
    },
    /// A service tier is not named in lower case, or named as the absence of one.
    #[error("`{name}` of `{model}` names no service tier")]
    ServiceTier {
        /// The model.
        model: String,
        /// The name.
        name: String,
    },
    /// Changes of prices are not in the order of their times.
    #[error("the price changes of `{model}` are out of order")]
    PriceChangeOrder {
        /// The model.
        model: String,
    },
}
