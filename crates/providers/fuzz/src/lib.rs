//! Checks that every decoder must pass. Run from `crates/providers`: `cargo +nightly fuzz run
//! openai_chat`, and likewise for the other targets.

use std::convert::Infallible;
use std::sync::LazyLock;

use latchkey_contract::ProviderId;
use bytes::Bytes;
use futures_util::{FutureExt, StreamExt, stream};
use http::{HeaderMap, StatusCode};
use latchkey_providers::catalogue::Catalogue;
use latchkey_providers::decode::{self, Answer, Reply};
use latchkey_providers::stream::{Decoder, events};
use latchkey_providers::{Dialect, ProviderError};

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(Catalogue::builtin);

/// Long enough that no input contains it by chance.
pub const KEY: &str = "sk-fuzz-AbCdEf0123456789";

/// Decodes the input as a complete answer and as a stream. Nothing may panic, a stream must decode
/// alike in one piece and in several, and a success must be consistent.
pub fn decoder(provider: ProviderId, model: &str, input: &[u8]) {
    let dialect = Dialect::new(provider, CATALOGUE.traits(provider, model));
    let headers = HeaderMap::new();
    let reply = Reply::undated(StatusCode::OK, &headers, input, KEY);
    if let Ok(answer) = decode::unary(dialect, &reply) {
        check(&answer);
    }
    let whole = read(dialect, vec![Bytes::copy_from_slice(input)]);
    let pieces = input.chunks(7).map(Bytes::copy_from_slice).collect();
    assert_eq!(whole, read(dialect, pieces));
    if let Ok(answer) = whole {
        check(&answer);
    }
}

fn read(dialect: Dialect, chunks: Vec<Bytes>) -> Result<Answer, ProviderError> {
    let body = stream::iter(chunks.into_iter().map(Ok::<_, Infallible>));
    let events: Vec<_> = events(body).collect().now_or_never().expect("the whole body is available");
    let mut decoder = Decoder::new(dialect);
    for event in events {
        decoder.event(&event?, KEY)?;
    }
    decoder.finish()
}

fn check(answer: &Answer) {
    for part in &answer.message.parts {
        assert!(part.content.is_some());
    }
    if let Some(usage) = answer.usage {
        for count in [
            usage.input_tokens,
            usage.cache_read_tokens,
            usage.cache_write_tokens,
            usage.cache_write_1h_tokens,
            usage.output_tokens,
            usage.reasoning_tokens,
            usage.image_input_tokens,
            usage.image_output_tokens,
        ] {
            assert!(count >= 0);
        }
    }
    assert!(answer.cost_nanos.is_none_or(|cost| cost >= 0));
}
