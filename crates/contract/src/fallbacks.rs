//! The workspace's fallbacks in the metadata of a refusal of `Resolve`: a router that gets no key may
//! go on to them.

use crate::ProviderId;

/// The metadata key. Its value is for the router alone.
pub const FALLBACKS_METADATA: &str = "fallbacks";

/// The value for a list of providers and models: one `{provider}/{model}` per line.
pub fn encode_fallbacks<'a>(fallbacks: impl IntoIterator<Item = (ProviderId, &'a str)>) -> String {
    let lines = fallbacks.into_iter();
    let lines: Vec<_> = lines
        .map(|(provider, model)| format!("{provider}/{model}"))
        .collect();
    lines.join("\n")
}

/// The list in a value. A fallback to a provider that this version does not know is left out.
pub fn decode_fallbacks(value: &str) -> impl Iterator<Item = (ProviderId, &str)> {
    let lines = value.lines().filter_map(|line| line.split_once('/'));
    lines.filter_map(|(provider, model)| Some((provider.parse().ok()?, model)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_decodes_as_it_was_encoded() {
        let list = [
            (ProviderId::OpenAi, "gpt-5.4"),
            (ProviderId::OpenRouter, "meta/llama"),
        ];
        let value = encode_fallbacks(list);
        assert_eq!(value, "openai/gpt-5.4\nopenrouter/meta/llama");
        assert!(decode_fallbacks(&value).eq(list));
    }

    #[test]
    fn an_unknown_provider_is_left_out() {
        let list: Vec<_> = decode_fallbacks("nova/m1\nopenai/o3\n\nodd").collect();
        assert_eq!(list, [(ProviderId::OpenAi, "o3")]);
    }
}
