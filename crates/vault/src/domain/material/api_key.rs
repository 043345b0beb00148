//! The secret itself, and what can be said of its format with certainty.
//!
//! Only what is certain is refused: providers change their prefixes, and a form that insists on
//! one locks new customers out. Shapes as the providers issued them in November 2026.

use latchkey_envelope::Secret;

use super::provider::Provider;

/// A key as its owner handed it in.
pub struct Material(Secret);

/// Why a text can't be a key of its provider. The words say what to do.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum KeyFormatError {
    /// An admin key.
    #[error("is an admin key, which cannot infer: create a project API key instead")]
    AdminKey,
    /// A control character or one outside ASCII.
    #[error("holds a character that no key has: copy the key alone, without its surroundings")]
    Character,
    /// Too long to be a key.
    #[error("is longer than 4,096 characters")]
    Long,
    /// A token of a consumer login.
    #[error("is a login token, not an API key: create an API key in the provider's console")]
    LoginToken,
    /// Not what this provider issues.
    #[error("must start with sk-")]
    NotOpenAi,
    /// Unmistakably another provider's.
    #[error("is a key of {0}: choose that provider")]
    OtherProvider(&'static str),
    /// Quotes around it.
    #[error("has quotes around it: remove them")]
    Quoted,
    /// Too short to be a key.
    #[error("is shorter than 8 characters")]
    Short,
    /// White space inside or around it, or a scheme before it.
    #[error("holds white space: copy the key alone, without `Bearer` and line breaks")]
    WhiteSpace,
}

const SHORTEST: usize = 8;
const LONGEST: usize = 4_096;
const SHORTEST_WITH_TAIL: usize = 24;
const TAIL: usize = 4;

impl Material {
    /// Takes a key in, if it can be one of `provider`.
    pub fn parse(text: String, provider: Provider) -> Result<Self, KeyFormatError> {
        let secret = Secret::new(text.into_bytes());
        check(secret.expose(), provider)?;
        Ok(Self(secret))
    }

    /// A key that was checked when it was sealed.
    pub fn from_sealed(secret: Secret) -> Self {
        Self(secret)
    }

    /// The key, for sealing, fingerprinting and lending.
    pub fn expose(&self) -> &[u8] {
        self.0.expose()
    }

    /// The last four characters; nothing of a key shorter than 24, where they would tell too much.
    pub fn tail(&self) -> String {
        let bytes = self.expose();
        if bytes.len() < SHORTEST_WITH_TAIL {
            return String::new();
        }
        bytes[bytes.len() - TAIL..]
            .iter()
            .copied()
            .map(char::from)
            .collect()
    }
}

fn check(key: &[u8], provider: Provider) -> Result<(), KeyFormatError> {
    if key.iter().any(u8::is_ascii_whitespace) {
        return Err(KeyFormatError::WhiteSpace);
    }
    if key.len() < SHORTEST {
        return Err(KeyFormatError::Short);
    }
    if key.len() > LONGEST {
        return Err(KeyFormatError::Long);
    }
    if !key.iter().all(u8::is_ascii_graphic) {
        return Err(KeyFormatError::Character);
    }
    if key.starts_with(b"\"") || key.starts_with(b"'") {
        return Err(KeyFormatError::Quoted);
    }
    match provider {
        Provider::OpenAi => check_openai(key),
        Provider::Anthropic => check_anthropic(key),
        // Nobody can know what a custom endpoint takes.
        Provider::Custom => Ok(()),
    }
}

fn check_openai(key: &[u8]) -> Result<(), KeyFormatError> {
    if key.starts_with(b"sk-ant-") {
        return Err(KeyFormatError::OtherProvider("anthropic"));
    }
    if key.starts_with(b"sk-or-") {
        return Err(KeyFormatError::OtherProvider("openrouter"));
    }
    if is_google(key) {
        return Err(KeyFormatError::OtherProvider("google"));
    }
    if key.starts_with(b"sk-admin-") {
        return Err(KeyFormatError::AdminKey);
    }
    // DeepSeek's keys start alike, so the prefix proves nothing; its absence does.
    if key.starts_with(b"sk-") {
        Ok(())
    } else {
        Err(KeyFormatError::NotOpenAi)
    }
}

fn check_anthropic(key: &[u8]) -> Result<(), KeyFormatError> {
    if key.starts_with(b"sk-ant-admin") {
        return Err(KeyFormatError::AdminKey);
    }
    if key.starts_with(b"sk-ant-oat") {
        return Err(KeyFormatError::LoginToken);
    }
    if key.starts_with(b"sk-proj-") || key.starts_with(b"sk-svcacct-") {
        return Err(KeyFormatError::OtherProvider("openai"));
    }
    if key.starts_with(b"sk-or-") {
        return Err(KeyFormatError::OtherProvider("openrouter"));
    }
    if is_google(key) {
        Err(KeyFormatError::OtherProvider("google"))
    } else {
        Ok(())
    }
}

fn is_google(key: &[u8]) -> bool {
    key.starts_with(b"AIza") || key.starts_with(b"AQ.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str, provider: Provider) -> Result<Material, KeyFormatError> {
        Material::parse(text.to_owned(), provider)
    }

    fn refusal(text: &str, provider: Provider) -> Option<KeyFormatError> {
        parse(text, provider).err()
    }

    #[test]
    fn only_the_last_four_characters_of_a_long_key_show() {
        let tail = |text| {
            parse(text, Provider::Custom)
                .map(|material| material.tail())
                .unwrap()
        };
        assert_eq!(tail("not-a-key-0123456789wxyz"), "wxyz");
        assert_eq!(tail("not-a-key-012345678wxyz"), "");
    }

    #[test]
    fn openai_keys_start_with_sk() {
        assert_eq!(
            refusal("not-an-openai-key", Provider::OpenAi),
            Some(KeyFormatError::NotOpenAi)
        );
        assert_eq!(refusal("sk-not-a-real-key", Provider::OpenAi), None);
        assert_eq!(refusal("sk-proj-not-a-real-key", Provider::OpenAi), None);
    }

    #[test]
    fn another_providers_unmistakable_key_is_refused() {
        for (text, provider, owner) in [
            ("sk-ant-api03-not-real", Provider::OpenAi, "anthropic"),
            ("sk-or-v1-not-real", Provider::OpenAi, "openrouter"),
            ("AIzaNotReal", Provider::OpenAi, "google"),
            ("sk-proj-not-real", Provider::Anthropic, "openai"),
            ("AQ.not-real", Provider::Anthropic, "google"),
        ] {
            assert_eq!(
                refusal(text, provider),
                Some(KeyFormatError::OtherProvider(owner))
            );
        }
    }

    #[test]
    fn admin_keys_and_login_tokens_are_refused() {
        assert_eq!(
            refusal("sk-admin-not-real", Provider::OpenAi),
            Some(KeyFormatError::AdminKey)
        );
        let admin = refusal("sk-ant-admin01-not-real", Provider::Anthropic);
        assert_eq!(admin, Some(KeyFormatError::AdminKey));
        let login = refusal("sk-ant-oat01-not-real", Provider::Anthropic);
        assert_eq!(login, Some(KeyFormatError::LoginToken));
    }

    #[test]
    fn what_no_key_can_be_is_refused() {
        for (text, error) in [
            ("Bearer sk-not-real", KeyFormatError::WhiteSpace),
            ("sk-not-a-real-key\n", KeyFormatError::WhiteSpace),
            ("sk-1", KeyFormatError::Short),
            ("", KeyFormatError::Short),
            ("\"sk-not-real\"", KeyFormatError::Quoted),
            ("sk-not-a-réal-key", KeyFormatError::Character),
        ] {
            for provider in Provider::ALL {
                assert_eq!(refusal(text, provider), Some(error), "{text}");
            }
        }
        let long = "k".repeat(LONGEST + 1);
        assert_eq!(refusal(&long, Provider::Custom), Some(KeyFormatError::Long));
    }
}
