//! A key that is one text, and the checks that it is its provider's.

use latchkey_contract::ProviderId;
use latchkey_envelope::Secret;

use super::text::{self, TextError};

/// A key as its owner gave it.
pub struct ApiKey(Secret);

/// The reason for which a text can't be a key of its provider. The text tells the owner what to do.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ApiKeyError {
    /// An admin key.
    #[error("is an admin key, which can't call models: create a project API key")]
    AdminKey,
    /// A JSON file.
    #[error("is a JSON file: a service account is for vertex, in service_account_json")]
    Json,
    /// A token of a login.
    #[error("is a login token, not an API key: create an API key in the provider's console")]
    LoginToken,
    /// Not of the form that OpenAI issues.
    #[error("must start with sk-")]
    NotOpenAi,
    /// Certainly another provider's.
    #[error("is a key of {0}: choose that provider")]
    OtherProvider(ProviderId),
    /// Not of the form of any key.
    #[error(transparent)]
    Text(#[from] TextError),
}

impl ApiKey {
    /// Reads a key, if it can be one of `provider`.
    pub(super) fn parse(text: String, provider: ProviderId) -> Result<Self, super::FormatError> {
        let secret = Secret::new(text.into_bytes());
        check(secret.expose(), provider)?;
        Ok(Self(secret))
    }

    pub(super) fn from_payload(payload: Secret) -> Option<Self> {
        std::str::from_utf8(payload.expose()).ok()?;
        Some(Self(payload))
    }

    /// The key, for sealing, fingerprinting and leasing.
    pub fn expose(&self) -> &str {
        std::str::from_utf8(self.0.expose())
            .expect("keys are checked to be UTF-8 when they are read")
    }
}

/// Prefixes of one provider's keys alone. DeepSeek and OpenAI share `sk-`; Azure's keys have no fixed
/// prefix.
const OWNED: [(&[u8], ProviderId); 6] = [
    (b"sk-ant-", ProviderId::Anthropic),
    (b"sk-or-", ProviderId::OpenRouter),
    (b"sk-proj-", ProviderId::OpenAi),
    (b"sk-svcacct-", ProviderId::OpenAi),
    (b"AIza", ProviderId::Google),
    (b"AQ.", ProviderId::Google),
];
/// Keys of OpenAI's and Anthropic's admin interfaces.
const ADMIN: [&[u8]; 2] = [b"sk-admin-", b"sk-ant-admin"];
/// Tokens of Claude's and Google's logins, which expire after hours and belong to one person.
const LOGIN: [&[u8]; 2] = [b"sk-ant-oat", b"ya29."];

fn check(key: &[u8], provider: ProviderId) -> Result<(), ApiKeyError> {
    // The form of a custom endpoint's keys is not known.
    let known = provider != ProviderId::Custom;
    if known && key.trim_ascii_start().starts_with(b"{") {
        return Err(ApiKeyError::Json);
    }
    text::check(key)?;
    if !known || is_azures(key, provider) {
        return Ok(());
    }
    let starts_with = |prefix: &&[u8]| key.starts_with(prefix);
    if ADMIN.iter().any(starts_with) {
        return Err(ApiKeyError::AdminKey);
    }
    if LOGIN.iter().any(starts_with) || is_web_token(key) {
        return Err(ApiKeyError::LoginToken);
    }
    let owned = OWNED.iter().find(|(prefix, _)| starts_with(prefix));
    if let Some((_, owner)) = owned.filter(|(_, owner)| *owner != provider) {
        return Err(ApiKeyError::OtherProvider(*owner));
    }
    // Every OpenAI key has the prefix, and others' keys may have it too.
    if provider == ProviderId::OpenAi && !key.starts_with(b"sk-") {
        return Err(ApiKeyError::NotOpenAi);
    }
    Ok(())
}

/// Azure's two forms: 32 or 84 letters and digits, with any prefix.
fn is_azures(key: &[u8], provider: ProviderId) -> bool {
    provider == ProviderId::Azure
        && [32, 84].contains(&key.len())
        && key.iter().all(u8::is_ascii_alphanumeric)
}

/// A JSON Web Token (RFC 7519), as OpenAI's and Microsoft's logins issue. `eyJ` is how `{"`
/// begins in base64.
fn is_web_token(key: &[u8]) -> bool {
    key.starts_with(b"eyJ") && key.split(|byte| *byte == b'.').count() >= 3
}

#[cfg(test)]
mod tests {
    use ProviderId::{Anthropic, Azure, Custom, DeepSeek, Google, OpenAi, OpenRouter};

    use super::*;

    fn refusal(text: &str, provider: ProviderId) -> Option<ApiKeyError> {
        check(text.as_bytes(), provider).err()
    }

    #[test]
    fn openai_keys_start_with_sk() {
        assert_eq!(
            refusal("not-an-openai-key", OpenAi),
            Some(ApiKeyError::NotOpenAi)
        );
        assert_eq!(refusal("sk-not-a-real-key", OpenAi), None);
        assert_eq!(refusal("sk-proj-not-a-real-key", OpenAi), None);
    }

    #[test]
    fn a_key_with_another_providers_prefix_is_refused() {
        for (text, owner) in [
            ("sk-ant-api03-not-real", Anthropic),
            ("sk-or-v1-not-real", OpenRouter),
            ("sk-proj-not-real", OpenAi),
            ("sk-svcacct-not-real", OpenAi),
            ("AIzaNotReal", Google),
            ("AQ.not-real", Google),
        ] {
            for provider in [Anthropic, Azure, DeepSeek, Google, OpenAi, OpenRouter] {
                let expected = (provider != owner).then_some(ApiKeyError::OtherProvider(owner));
                assert_eq!(refusal(text, provider), expected, "{text} for {provider}");
            }
            assert_eq!(refusal(text, Custom), None, "{text}");
        }
        let text = ApiKeyError::OtherProvider(OpenRouter).to_string();
        assert_eq!(text, "is a key of openrouter: choose that provider");
    }

    #[test]
    fn a_prefix_is_not_required_of_providers_without_a_fixed_one() {
        for (text, provider) in [
            ("not-a-real-key", Anthropic),
            ("0123456789abcdef0123456789abcdef", Azure),
            ("not-a-real-key", DeepSeek),
            ("sk-not-a-real-key", DeepSeek),
            ("not-a-real-key", Google),
            ("not-a-real-key", OpenRouter),
        ] {
            assert_eq!(refusal(text, provider), None, "{text} for {provider}");
        }
    }

    #[test]
    fn an_azure_key_may_begin_with_anything() {
        let random = format!("AIza{}", "x9".repeat(40));
        assert_eq!(refusal(&random, Azure), None);
        assert_eq!(
            refusal(&random, OpenAi),
            Some(ApiKeyError::OtherProvider(Google))
        );
    }

    #[test]
    fn admin_keys_and_login_tokens_are_refused() {
        for provider in [Anthropic, Azure, DeepSeek, Google, OpenAi, OpenRouter] {
            for text in ["sk-admin-not-real", "sk-ant-admin01-not-real"] {
                assert_eq!(refusal(text, provider), Some(ApiKeyError::AdminKey));
            }
            for text in ["sk-ant-oat01-not-real", "ya29.not-real", "eyJub3Q.cmVhbA.x"] {
                assert_eq!(refusal(text, provider), Some(ApiKeyError::LoginToken));
            }
        }
    }

    #[test]
    fn a_file_is_not_a_key() {
        let file = "\n{\"type\": \"service_account\"}";
        assert_eq!(refusal(file, Google), Some(ApiKeyError::Json));
        assert_eq!(
            refusal(file, Custom),
            Some(ApiKeyError::Text(TextError::WhiteSpace))
        );
    }

    #[test]
    fn a_text_that_no_provider_issues_is_refused() {
        for (text, error) in [
            ("Bearer sk-not-real", TextError::WhiteSpace),
            ("sk-not-a-real-key\n", TextError::WhiteSpace),
            ("sk-1", TextError::Short),
            ("", TextError::Short),
            ("\"sk-not-real\"", TextError::Quoted),
            ("sk-not-a-réal-key", TextError::Character),
        ] {
            for provider in ProviderId::ALL {
                let expected = Some(ApiKeyError::Text(error));
                assert_eq!(refusal(text, provider), expected, "{text}");
            }
        }
        let long = "k".repeat(text::MAX_LENGTH + 1);
        let expected = Some(ApiKeyError::Text(TextError::Long));
        assert_eq!(refusal(&long, Custom), expected);
    }
}
