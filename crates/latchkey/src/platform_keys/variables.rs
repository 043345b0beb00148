//! Keys in environment variables. The variables are those that the providers' own tools read; a
//! number at the end allows several keys of one provider.

use latchkey_contract::vault::v1::Key;
use latchkey_contract::vault::v1::key_material::Kind;

use super::NotImported;

/// Variables of API keys, and their providers. `OPENAI_API_KEY_2` and so on hold further keys.
const API_KEYS: [(&str, &str); 5] = [
    ("ANTHROPIC_API_KEY", "anthropic"),
    ("DEEPSEEK_API_KEY", "deepseek"),
    ("GEMINI_API_KEY", "google"),
    ("OPENAI_API_KEY", "openai"),
    ("OPENROUTER_API_KEY", "openrouter"),
];
/// The highest number that is read.
const LAST: u8 = 9;

const AZURE_KEY: &str = "AZURE_OPENAI_API_KEY";
const AZURE_ENDPOINT: &str = "AZURE_OPENAI_ENDPOINT";
const VERTEX_FILE: &str = "GOOGLE_APPLICATION_CREDENTIALS";
const VERTEX_LOCATION: &str = "GOOGLE_CLOUD_LOCATION";
const VERTEX_PROJECT: &str = "GOOGLE_CLOUD_PROJECT";

/// A variable that is set.
pub(super) struct Found {
    /// Its name.
    pub(super) variable: String,
    /// The key in it, or why it has none.
    pub(super) held: Result<Held, NotImported>,
}

/// A key, ready to be stored.
pub(super) struct Held {
    /// The id of the platform key that it becomes.
    pub(super) id: String,
    /// Its provider and address.
    pub(super) key: Key,
    /// The secret.
    pub(super) kind: Kind,
    /// The end of the secret, by which a key of an earlier run is recognised.
    pub(super) tail: String,
}

/// Every variable that `read` returns a value for, unless it is empty.
pub(super) fn found(read: impl Fn(&str) -> Option<String>) -> Vec<Found> {
    let read = |name: &str| read(name).filter(|text| !text.is_empty());
    let mut all = Vec::new();
    for (variable, provider) in API_KEYS {
        let numbered = (2..=LAST).map(|number| {
            (
                format!("{variable}_{number}"),
                format!("{provider}-{number}"),
            )
        });
        let first = (variable.to_owned(), provider.to_owned());
        for (variable, id) in std::iter::once(first).chain(numbered) {
            if let Some(api_key) = read(&variable) {
                let held = Ok(held(id, of(provider), api_key));
                all.push(Found { variable, held });
            }
        }
    }
    all.extend(azure(&read));
    all.extend(vertex(&read));
    all
}

/// The endpoint and the key of an Azure resource.
fn azure(read: &impl Fn(&str) -> Option<String>) -> Option<Found> {
    let api_key = read(AZURE_KEY)?;
    let endpoint = read(AZURE_ENDPOINT).ok_or(NotImported::Incomplete(AZURE_ENDPOINT));
    let with = |base_url| {
        let key = Key {
            base_url,
            ..of("azure")
        };
        held("azure".to_owned(), key, api_key)
    };
    Some(Found {
        variable: AZURE_KEY.to_owned(),
        held: endpoint.map(with),
    })
}

/// The file of a service account, and the location of Vertex AI.
fn vertex(read: &impl Fn(&str) -> Option<String>) -> Option<Found> {
    let file = read(VERTEX_FILE)?;
    let key = Key {
        location: read(VERTEX_LOCATION).unwrap_or_else(|| "global".to_owned()),
        cloud_project: read(VERTEX_PROJECT).unwrap_or_default(),
        ..of("vertex")
    };
    let with = |json: String| {
        let account: Option<serde_json::Value> = serde_json::from_str(&json).ok();
        let id = account.as_ref().map(|account| &account["private_key_id"]);
        Held {
            id: "vertex".to_owned(),
            key,
            tail: tail(id.and_then(serde_json::Value::as_str).unwrap_or_default()),
            kind: Kind::ServiceAccountJson(json),
        }
    };
    let json = std::fs::read_to_string(file);
    Some(Found {
        variable: VERTEX_FILE.to_owned(),
        held: json.map(with).map_err(NotImported::File),
    })
}

fn held(id: String, key: Key, api_key: String) -> Held {
    Held {
        id,
        key,
        tail: tail(&api_key),
        kind: Kind::ApiKey(api_key),
    }
}

fn of(provider: &str) -> Key {
    Key {
        provider: provider.to_owned(),
        ..Key::default()
    }
}

/// The last four characters.
fn tail(text: &str) -> String {
    let skipped = text.chars().count().saturating_sub(4);
    text.chars().skip(skipped).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(variables: &[(&str, &str)]) -> Vec<(String, Option<String>)> {
        let read = |name: &str| {
            let held = variables.iter().find(|(variable, _)| *variable == name);
            held.map(|(_, text)| (*text).to_owned())
        };
        let name = |found: Found| (found.variable, found.held.ok().map(|held| held.id));
        found(read).into_iter().map(name).collect()
    }

    fn named(variable: &str, id: Option<&str>) -> (String, Option<String>) {
        (variable.to_owned(), id.map(str::to_owned))
    }

    #[test]
    fn a_provider_may_have_nine_keys() {
        let found = ids(&[
            ("OPENAI_API_KEY", "sk-not-a-real-key-1"),
            ("OPENAI_API_KEY_1", "sk-not-looked-for"),
            ("OPENAI_API_KEY_9", "sk-not-a-real-key-9"),
            ("OPENAI_API_KEY_10", "sk-not-looked-for"),
            ("GEMINI_API_KEY_2", "not-a-real-key-2"),
        ]);
        let expected = [
            named("GEMINI_API_KEY_2", Some("google-2")),
            named("OPENAI_API_KEY", Some("openai")),
            named("OPENAI_API_KEY_9", Some("openai-9")),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn an_empty_variable_holds_no_key() {
        assert!(ids(&[("OPENAI_API_KEY", "")]).is_empty());
    }

    #[test]
    fn a_key_of_azure_without_its_resource_is_reported() {
        let found = ids(&[("AZURE_OPENAI_API_KEY", "not-a-real-key")]);
        assert_eq!(found, [named("AZURE_OPENAI_API_KEY", None)]);
    }

    #[test]
    fn a_file_that_cannot_be_read_is_reported() {
        let found = ids(&[("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere/account.json")]);
        assert_eq!(found, [named("GOOGLE_APPLICATION_CREDENTIALS", None)]);
    }
}
