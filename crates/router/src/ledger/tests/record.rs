//! Encoding and decoding of records.

use proptest::prelude::*;

use super::super::record::{decode, encode};
use super::*;

fn same(left: &Attempt, right: &Attempt) {
    assert_eq!(format!("{left:?}"), format!("{right:?}"));
}

#[test]
fn a_record_decodes_to_what_was_encoded() {
    for attempt in [start(1), ended(2)] {
        same(&decode(&encode(&attempt)).unwrap(), &attempt);
    }
}

#[test]
fn every_state_certainty_payer_and_origin_round_trips() {
    use State::{Cancelled, Failed, Started, Succeeded, Unknown};
    for state in [Cancelled, Failed, Started, Succeeded, Unknown] {
        for certainty in [Certainty::Reported, Certainty::Unknown] {
            for payer in [Payer::OwnKey, Payer::Platform] {
                for origin in [Origin::Automation, Origin::Interactive] {
                    let mut attempt = ended(1);
                    attempt.outcome.state = state;
                    attempt.outcome.certainty = certainty;
                    attempt.start.payer = payer;
                    attempt.start.origin = origin;
                    same(&decode(&encode(&attempt)).unwrap(), &attempt);
                }
            }
        }
    }
}

#[test]
fn every_operation_round_trips() {
    use Operation::{CountTokens, Embed, Generate, GenerateImages};
    for operation in [CountTokens, Embed, Generate, GenerateImages] {
        let mut attempt = ended(1);
        attempt.start.operation = operation;
        same(&decode(&encode(&attempt)).unwrap(), &attempt);
    }
}

/// A record of the release of 2026-11-21: without an operation, with six token classes.
#[test]
fn a_record_of_the_previous_release_is_decoded() {
    let before = r#"{"id":2,"scope":"workspaces/acme/projects/web",
        "key_version":"workspaces/acme/keys/main/versions/3","tail":"wxyz","payer":"own_key",
        "provider":"openai","model":"gpt-5.4","requester":"token:app","origin":"automation",
        "streamed":true,"start":2,"state":"succeeded","reason":"","status":200,
        "request_id":"req_1","served_model":"gpt-5.4-2026-03-05","first_byte":7,"latency":8,
        "usage":[1,2,3,4,5,6],"certainty":"reported","cost":9,"price_version":"2026-11-21"}"#;
    let mut expected = ended(2);
    expected.start.operation = Operation::Generate;
    expected.start.uids = AttemptUids::default();
    expected.outcome.service_tier.clear();
    if let Some(usage) = &mut expected.outcome.usage {
        usage.image_input_tokens = 0;
        usage.image_output_tokens = 0;
        usage.image_count = 0;
    }
    same(&decode(before.as_bytes()).unwrap(), &expected);
    let without_usage = before.replace("[1,2,3,4,5,6]", "null");
    expected.outcome.usage = None;
    same(&decode(without_usage.as_bytes()).unwrap(), &expected);
}

#[test]
fn a_record_with_an_unknown_value_is_not_decoded() {
    let record = String::from_utf8(encode(&ended(1))).unwrap();
    for (from, to) in [
        ("succeeded", "vanished"),
        ("reported", "guessed"),
        ("own_key", "unknown"),
        ("automation", "whim"),
        ("generate_images", "dream"),
        ("openai", "closedai"),
        ("workspaces/acme/projects/web", "acme"),
        ("/versions/3", "/versions/0"),
        ("\"streamed\":true,", ""),
        ("{", ""),
    ] {
        let damaged = record.replacen(from, to, 1);
        assert_ne!(damaged, record);
        assert!(decode(damaged.as_bytes()).is_none(), "{damaged}");
    }
}

#[test]
fn an_unknown_field_of_a_later_release_is_ignored() {
    let record = String::from_utf8(encode(&ended(1))).unwrap();
    let later = record.replacen('{', "{\"region\":\"eu\",", 1);
    same(&decode(later.as_bytes()).unwrap(), &ended(1));
}

proptest! {
    #[test]
    fn any_text_and_any_number_round_trips(
        model in r"[^\p{Cc}]{1,60}",
        texts in prop::array::uniform3(".*"),
        id in any::<u128>(),
        status in any::<u16>(),
        numbers in prop::array::uniform4(any::<i64>()),
        usage in prop::option::of(prop::array::uniform9(any::<i64>())),
        cost in prop::option::of(any::<i64>()),
    ) {
        let mut attempt = ended(1);
        let [tail, served, request_id] = texts;
        attempt.start.id = AttemptId(Uuid::from_u128(id));
        attempt.start.model = model.parse().unwrap();
        attempt.start.material_tail = tail;
        attempt.start.start_time = Timestamp::from_micros(numbers[0]);
        attempt.outcome.served_model = served;
        attempt.outcome.provider_request_id = request_id;
        attempt.outcome.http_status = status;
        attempt.outcome.first_byte_micros = Some(numbers[1]);
        attempt.outcome.latency_micros = Some(numbers[2]);
        attempt.outcome.cost_nanos = cost;
        attempt.outcome.usage = usage.map(|[a, b, c, d, e, f, g, h, i]| Usage {
            input_tokens: a,
            cache_read_tokens: b,
            cache_write_tokens: c,
            cache_write_1h_tokens: d,
            output_tokens: e,
            reasoning_tokens: f,
            image_input_tokens: g,
            image_output_tokens: h,
            image_count: i,
        });
        same(&decode(&encode(&attempt)).unwrap(), &attempt);
    }

    #[test]
    fn any_bytes_are_decoded_or_refused(bytes in any::<Vec<u8>>()) {
        let _ = decode(&bytes);
    }
}
