//! Taking keys out of texts that others wrote.

/// A text without the key, its fragments and whatever has the shape of a key, at most 500 characters
/// long, on one line.
///
/// Providers quote keys: OpenAI their beginning and end around asterisks, DeepSeek their last four
/// characters. So a word goes when it holds the key, when it holds eight characters of it in a row,
/// when it is masked and shows four, or when it looks like anybody's key.
pub fn redact(text: &str, api_key: &str) -> String {
    // Keys of a few characters are no secrets, and would blank out whole texts.
    let text = match api_key.len() {
        ..SHOWN_OF_MASKED => text.to_owned(),
        _ => text.replace(api_key, REDACTED),
    };
    // Comparing costs length times length, and what is kept is far less.
    let text = &text[..text.floor_char_boundary(MAX_LOOKED_AT)];
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
    shares_run(word, api_key, RUN)
        || (is_masked(word) && shares_run(word, api_key, SHOWN_OF_MASKED))
        || has_shape(word)
}

/// Whether `length` characters in a row stand in both.
fn shares_run(word: &str, api_key: &str, length: usize) -> bool {
    let word = word.as_bytes();
    let mut runs = api_key.as_bytes().windows(length);
    runs.any(|run| word.windows(length).any(|window| window == run))
}

fn is_masked(word: &str) -> bool {
    word.contains(['*', '…', '•']) || word.contains("..")
}

/// The prefixes of OpenAI's, Anthropic's, OpenRouter's and Google's keys, of Google's tokens, and of
/// JSON Web Tokens, which Microsoft's tokens are.
fn has_shape(word: &str) -> bool {
    ["sk-", "AIza", "AQ.", "ya29.", "eyJ"]
        .into_iter()
        .any(|prefix| {
            let mut starts = word.match_indices(prefix).map(|(start, _)| start);
            starts.any(|start| {
                let within_a_word = word[..start].ends_with(|c: char| c.is_ascii_alphanumeric());
                !within_a_word && word.len() - start >= prefix.len() + SHOWN_OF_MASKED
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

/// A stretch of text.
enum Word<'a> {
    /// Characters that keys and their masks are made of.
    Text(&'a str),
    /// All others.
    Between(&'a str),
}

/// Cuts a text into words and what is between them.
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
        let is_text = belongs_to_keys(self.rest.chars().next()?);
        let end = self
            .rest
            .find(|c| belongs_to_keys(c) != is_text)
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

/// Of base64 in both alphabets and of tokens, and the marks that hide them.
fn belongs_to_keys(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-_.+/=~*…•".contains(c)
}

const REDACTED: &str = "[redacted]";

/// Bytes of a text that are looked at.
const MAX_LOOKED_AT: usize = 4096;

/// Characters of a text that are kept.
const MAX_CHARS: usize = 500;

/// So many characters of a key in a row are no accident.
const RUN: usize = 8;

/// What providers leave visible of a masked key.
const SHOWN_OF_MASKED: usize = 4;

/// A token after `Bearer` has at least this many characters.
const MIN_BEARER: usize = 8;

#[cfg(test)]
mod tests;
