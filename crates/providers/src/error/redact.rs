//! Redacts keys from texts of providers.

/// Returns the text on one line, at most 500 characters long, without the key, fragments of it, and
/// anything that has the shape of a key.
///
/// Providers quote keys: OpenAI shows the start and end around asterisks, DeepSeek the last four
/// characters. A word is therefore redacted if it contains the key, contains eight consecutive
/// characters of it, is masked and shows four of its characters, or has the shape of a well-known
/// kind of key.
pub fn redact(text: &str, api_key: &str) -> String {
    // A key of a few characters is not secret, and redacting it would blank out whole texts.
    let without_key = match api_key.len() {
        ..SHOWN_CHARS => text.to_owned(),
        _ => text.replace(api_key, REDACTED),
    };
    // Comparing takes time proportional to the product of the lengths, and the result is far
    // shorter.
    let text = &without_key[..without_key.floor_char_boundary(MAX_SCANNED_BYTES)];
    let mut redacted = String::with_capacity(text.len().min(MAX_CHARS) + 16);
    let mut after_bearer = false;
    for word in Words::new(text) {
        match word {
            Word::Text(word) => {
                let secret = is_secret(word, api_key) || (after_bearer && word.len() >= MIN_BEARER);
                redacted.push_str(if secret { REDACTED } else { word });
                after_bearer = word.eq_ignore_ascii_case("bearer");
            }
            Word::Between(between) => {
                redacted.extend(
                    between
                        .chars()
                        .map(|c| if c.is_control() { ' ' } else { c }),
                );
            }
        }
    }
    shorten(redacted)
}

fn is_secret(word: &str, api_key: &str) -> bool {
    shares_fragment(word, api_key, MIN_FRAGMENT)
        || (is_masked(word) && shares_fragment(word, api_key, SHOWN_CHARS))
        || has_shape(word)
}

/// Whether both texts share `length` consecutive characters.
fn shares_fragment(word: &str, api_key: &str, length: usize) -> bool {
    let word = word.as_bytes();
    let mut runs = api_key.as_bytes().windows(length);
    runs.any(|run| word.windows(length).any(|window| window == run))
}

fn is_masked(word: &str) -> bool {
    word.contains(['*', '…', '•']) || word.contains("..")
}

/// Whether a word has the prefix of a key of OpenAI, Anthropic, OpenRouter or Google, of a Google
/// token, or of a JSON Web Token, as Microsoft's tokens are.
fn has_shape(word: &str) -> bool {
    ["sk-", "AIza", "AQ.", "ya29.", "eyJ"]
        .into_iter()
        .any(|prefix| {
            let mut starts = word.match_indices(prefix).map(|(start, _)| start);
            starts.any(|start| {
                let within_a_word = word[..start].ends_with(|c: char| c.is_ascii_alphanumeric());
                !within_a_word && word.len() - start >= prefix.len() + SHOWN_CHARS
            })
        })
}

fn shorten(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(MAX_CHARS) {
        text.truncate(end);
        text.push('…');
    }
    text
}

/// A run of characters.
enum Word<'a> {
    /// Characters that keys and their masks consist of.
    Text(&'a str),
    /// All other characters.
    Between(&'a str),
}

/// Splits a text into words and the runs between them.
struct Words<'a> {
    rest: &'a str,
}

impl<'a> Words<'a> {
    fn new(text: &'a str) -> Self {
        Self { rest: text }
    }
}

impl<'a> Iterator for Words<'a> {
    type Item = Word<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let is_text = is_key_char(self.rest.chars().next()?);
        let end = self
            .rest
            .find(|c| is_key_char(c) != is_text)
            .unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        Some(if is_text {
            Word::Text(word)
        } else {
            Word::Between(word)
        })
    }
}

/// Whether a character occurs in base64 (either alphabet), in tokens, or in masks.
fn is_key_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-_.+/=~*…•".contains(c)
}

const REDACTED: &str = "[redacted]";

/// Bytes of a text that are examined.
const MAX_SCANNED_BYTES: usize = 4096;

/// Characters of a text that are kept.
const MAX_CHARS: usize = 500;

/// Consecutive characters of a key that cannot occur by chance.
const MIN_FRAGMENT: usize = 8;

/// Characters that providers show of a masked key.
const SHOWN_CHARS: usize = 4;

/// The minimum number of characters of a token after `Bearer`.
const MIN_BEARER: usize = 8;

#[cfg(test)]
mod tests;
