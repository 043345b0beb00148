//! Embeddings: requests equal those of the official SDKs, and answers are one vector per input or
//! an error.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use latchkey_contract::ProviderId;
use latchkey_contract::router::v1::EmbedRequest;
use latchkey_contract::router::v1::embed_request::Purpose;
use latchkey_providers::ErrorClass;
use latchkey_providers::encode::EncodeErrorKind;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::cases::embeddings::{Case, case};
use crate::golden::{assert_equals, goldens};
use crate::media::{
    UNSUPPORTED, differences, holds_together, options, replied, text, usage_as_json, wild_json,
};

#[test]
fn requests_equal_the_sdks() {
    for provider in [
        ProviderId::Azure,
        ProviderId::Google,
        ProviderId::OpenAi,
        ProviderId::OpenRouter,
        ProviderId::Vertex,
    ] {
        for (name, golden) in goldens(&format!("embeddings/{provider}")) {
            let ours = case(provider, &name).encode().unwrap().request;
            let name = format!("embeddings/{provider}/{name}");
            let differences = differences(provider, name.rsplit('/').next().unwrap());
            assert_equals(&name, &golden["request"], &ours, differences);
        }
    }
}

#[test]
fn a_custom_server_gets_openais_request_without_the_encoding() {
    let openai = case(ProviderId::OpenAi, "everything");
    let custom = Case {
        provider: ProviderId::Custom,
        ..openai.clone()
    };
    let mut expected = openai.body();
    expected.as_object_mut().unwrap().remove("encoding_format");
    assert_eq!(custom.body(), expected);
    let uri = custom.encode().unwrap().request.uri;
    assert_eq!(uri, "https://llm.example.com/v1/embeddings");
}

#[test]
fn answers_are_decoded_as_recorded() {
    for provider in [
        ProviderId::Azure,
        ProviderId::Custom,
        ProviderId::Google,
        ProviderId::OpenAi,
        ProviderId::OpenRouter,
        ProviderId::Vertex,
    ] {
        for (name, golden) in goldens(&format!("embeddings/{provider}/answers")) {
            let inputs = usize::try_from(golden["inputs"].as_u64().unwrap()).unwrap();
            let model = golden["model"].as_str().unwrap_or("m");
            let case = Case::new(provider, model, &vec!["x"; inputs]).with(|request| {
                let dimensions = golden["dimensions"].as_i64();
                request.dimensions = dimensions.map(|length| length.try_into().unwrap());
            });
            let read = case.read(&format!("\n{}", golden["body"])).unwrap();
            let read = json!({
                "vectors": read.vectors,
                "model": read.model,
                "usage": usage_as_json(read.usage),
                "cost_nanos": read.cost_nanos,
            });
            let mut expected = golden["answer"].clone();
            // serde_json may read a double that is off by its last bit; as a float it is equal.
            let vectors: Vec<Vec<f32>> =
                serde_json::from_value(expected["vectors"].take()).unwrap();
            expected["vectors"] = json!(vectors);
            assert_eq!(read, expected, "embeddings/{provider}/{name}");
        }
    }
}

#[test]
fn contract_violations_are_refused_by_field() {
    let hello = || Case::new(ProviderId::Google, "gemini-embedding-001", &["Hello"]);
    let many = vec!["x"; 2049];
    for (field, case) in [
        ("model", Case::new(ProviderId::Google, "", &["Hello"])),
        ("inputs", Case::new(ProviderId::Google, "m", &[])),
        ("inputs", Case::new(ProviderId::Google, "m", &many)),
        ("inputs[1]", Case::new(ProviderId::Google, "m", &["x", ""])),
        (
            "dimensions",
            hello().with(|request| request.dimensions = Some(0)),
        ),
        (
            "dimensions",
            hello().with(|request| request.dimensions = Some(-3)),
        ),
        ("purpose", hello().with(|request| request.purpose = 9)),
        ("purpose", hello().with(|request| request.purpose = -1)),
    ] {
        assert_refused(field, EncodeErrorKind::Invalid, &case);
    }
    let all = Case::new(ProviderId::Google, "m", &many[..2048]);
    assert!(all.encode().is_ok());
}

#[test]
fn unsupported_fields_are_refused_by_name() {
    let unsupported = EncodeErrorKind::UnsupportedByProvider;
    for provider in UNSUPPORTED {
        assert_refused("provider", unsupported, &Case::new(provider, "m", &["x"]));
    }
    let query = |request: &mut EmbedRequest| request.purpose = Purpose::RetrievalQuery.into();
    for provider in [
        ProviderId::Azure,
        ProviderId::Custom,
        ProviderId::OpenAi,
        ProviderId::OpenRouter,
    ] {
        let case = Case::new(provider, "m", &["x"]).with(query);
        assert_refused("purpose", unsupported, &case);
    }
    for provider in [ProviderId::Google, ProviderId::Vertex] {
        let case = Case::new(provider, "gemini-embedding-2", &["x"]).with(query);
        assert_refused("purpose", unsupported, &case);
    }
}

#[test]
fn every_purpose_has_googles_spelling() {
    for (purpose, spelling) in [
        (Purpose::RetrievalQuery, "RETRIEVAL_QUERY"),
        (Purpose::RetrievalDocument, "RETRIEVAL_DOCUMENT"),
        (Purpose::SemanticSimilarity, "SEMANTIC_SIMILARITY"),
        (Purpose::Classification, "CLASSIFICATION"),
        (Purpose::Clustering, "CLUSTERING"),
        (Purpose::QuestionAnswering, "QUESTION_ANSWERING"),
        (Purpose::FactVerification, "FACT_VERIFICATION"),
        (Purpose::CodeRetrievalQuery, "CODE_RETRIEVAL_QUERY"),
    ] {
        let case = Case::new(ProviderId::Google, "gemini-embedding-001", &["x"])
            .with(|request| request.purpose = purpose.into());
        assert_eq!(case.body()["requests"][0]["taskType"], spelling);
    }
}

#[test]
fn options_that_change_the_answer_or_the_request_are_refused() {
    for (provider, name) in [
        (ProviderId::Azure, "encoding_format"),
        (ProviderId::Custom, "encoding_format"),
        (ProviderId::OpenAi, "input"),
        (ProviderId::OpenRouter, "model"),
        (ProviderId::Google, "requests"),
        (ProviderId::Vertex, "instances"),
    ] {
        let case = Case::new(provider, "m", &["x"])
            .with(|request| request.provider_options = Some(options(&[(name, text("x"))])));
        let field = format!("provider_options.{name}");
        assert_refused(&field, EncodeErrorKind::Invalid, &case);
    }
    let parameters = options(&[("parameters", text("x"))]);
    let case = Case::new(ProviderId::Vertex, "text-embedding-005", &["x"])
        .with(|request| request.provider_options = Some(parameters));
    assert_eq!(case.body()["parameters"], "x");
}

#[test]
fn a_model_that_would_leave_its_path_is_refused() {
    for model in ["a/b", "..", "a?b", "a#b", "a b"] {
        for provider in [ProviderId::Google, ProviderId::Vertex] {
            assert_refused(
                "model",
                EncodeErrorKind::Invalid,
                &Case::new(provider, model, &["x"]),
            );
        }
    }
}

#[test]
fn an_answer_that_does_not_fit_the_request_is_malformed() {
    let case = Case::new(ProviderId::OpenAi, "m", &["x", "y"]);
    let sized = case.clone().with(|request| request.dimensions = Some(1));
    let item = |index: i64, vector: Value| json!({ "index": index, "embedding": vector });
    let list = |items: &[Value]| json!({ "data": items }).to_string();
    let one = json!([0.5]);
    for (case, body) in [
        (&case, list(&[])),
        (&case, list(&[item(0, one.clone())])),
        (
            &case,
            list(&[
                item(0, one.clone()),
                item(1, one.clone()),
                item(2, one.clone()),
            ]),
        ),
        (&case, list(&[item(0, one.clone()), item(0, one.clone())])),
        (&case, list(&[item(1, one.clone()), item(2, one.clone())])),
        (&case, list(&[item(0, one.clone()), item(-1, one.clone())])),
        (
            &case,
            list(&[item(0, one.clone()), item(1, json!([0.5, 0.5]))]),
        ),
        (&case, list(&[item(0, one.clone()), item(1, json!([]))])),
        (
            &case,
            list(&[item(0, one.clone()), item(1, json!([0.5, "x"]))]),
        ),
        (
            &case,
            list(&[item(0, one.clone()), item(1, json!("AAAAAAA="))]),
        ),
        (
            &sized,
            list(&[item(0, json!([0.5, 0.5])), item(1, json!([0.5, 0.5]))]),
        ),
        (&case, "{}".to_owned()),
        (&case, "<html>".to_owned()),
        (&case, String::new()),
    ] {
        let error = case.read(&body).unwrap_err();
        assert_eq!(error.class, ErrorClass::Malformed, "{body}");
        assert_eq!(error.http_status, Some(200), "{body}");
    }
    for (model, body) in [
        ("gemini-embedding-001", r#"{"embeddings":[{"values":[1]}]}"#),
        ("gemini-embedding-001", r#"{"embedding":{"values":[1]}}"#),
        (
            "gemini-embedding-001",
            r#"{"embeddings":[{"values":[1]},{}]}"#,
        ),
        (
            "text-embedding-005",
            r#"{"predictions":[{"embeddings":{"values":[1]}}]}"#,
        ),
    ] {
        let case = Case::new(ProviderId::Vertex, model, &["x", "y"]);
        assert_eq!(
            case.read(body).unwrap_err().class,
            ErrorClass::Malformed,
            "{body}"
        );
    }
}

#[test]
fn an_error_body_is_an_error_whatever_its_status() {
    let reader = Case::new(ProviderId::OpenRouter, "m", &["x"])
        .encode()
        .unwrap()
        .reader;
    let body = r#"{"error":{"message":"No such model","code":404}}"#;
    for status in [200, 404] {
        let error = replied(status, body, |reply| reader.read(reply)).unwrap_err();
        assert_eq!(error.class, ErrorClass::ModelUnavailable);
        assert_eq!(error.message, "No such model");
    }
}

#[test]
fn a_cost_is_read_from_openrouter_only() {
    let body = r#"{"data":[{"embedding":[1]}],"usage":{"prompt_tokens":1,"cost":0.5}}"#;
    for (provider, cost) in [
        (ProviderId::OpenRouter, Some(500_000_000)),
        (ProviderId::Custom, None),
        (ProviderId::OpenAi, None),
    ] {
        let read = Case::new(provider, "m", &["x"]).read(body).unwrap();
        assert_eq!(read.cost_nanos, cost, "{provider}");
    }
}

fn assert_refused(field: &str, kind: EncodeErrorKind, case: &Case) {
    match case.encode() {
        Ok(_) => panic!("{} takes {field}", case.provider),
        Err(error) => {
            let vectors = (error.field.as_ref(), error.kind);
            assert_eq!(vectors, (field, kind), "{}", case.provider);
        }
    }
}

fn cases_of_every_form(inputs: usize) -> Vec<Case> {
    let inputs = vec!["x"; inputs];
    [
        (ProviderId::OpenRouter, "m"),
        (ProviderId::Google, "m"),
        (ProviderId::Vertex, "gemini-embedding-001"),
        (ProviderId::Vertex, "text-embedding-005"),
    ]
    .map(|(provider, model)| Case::new(provider, model, &inputs))
    .into()
}

fn in_base64(vector: &[f32]) -> Value {
    let bytes = vector.iter().flat_map(|number| number.to_le_bytes());
    STANDARD.encode(bytes.collect::<Vec<_>>()).into()
}

/// Vectors of one length, and an order to send them in.
fn shuffled_vectors() -> impl Strategy<Value = (Vec<Vec<f32>>, Vec<usize>)> {
    (1_usize..6, 1_usize..9).prop_flat_map(|(count, length)| {
        let number =
            any::<f32>().prop_filter("JSON has finite numbers only", |number| number.is_finite());
        let order: Vec<usize> = (0..count).collect();
        (vec(vec(number, length), count), Just(order).prop_shuffle())
    })
}

const NAMES: [&str; 16] = [
    "data",
    "embedding",
    "embeddings",
    "error",
    "index",
    "message",
    "model",
    "predictions",
    "promptTokenCount",
    "prompt_tokens",
    "statistics",
    "token_count",
    "usage",
    "usageMetadata",
    "cost",
    "values",
];

proptest! {
    #[test]
    fn vectors_come_back_bit_for_bit_in_the_order_of_the_inputs(
        (vectors, order) in shuffled_vectors(),
        base64 in any::<bool>(),
    ) {
        let items = order.iter().map(|index| {
            let vector = &vectors[*index];
            let vector = if base64 { in_base64(vector) } else { json!(vector) };
            json!({ "index": index, "embedding": vector })
        });
        let body = json!({ "data": items.collect::<Vec<_>>() }).to_string();
        let case = Case::new(ProviderId::OpenAi, "m", &vec!["x"; vectors.len()]);
        let read = case.read(&body).unwrap().vectors;
        let bits = |vectors: &[Vec<f32>]| -> Vec<Vec<u32>> {
            let vectors = vectors.iter();
            vectors.map(|vector| vector.iter().map(|number| number.to_bits()).collect()).collect()
        };
        prop_assert_eq!(bits(&read), bits(&vectors));
    }

    #[test]
    fn only_as_many_vectors_as_inputs_are_accepted(vectors in 0_usize..5, inputs in 1_usize..5) {
        let one = json!({ "values": [1.0] });
        let body = json!({
            "data": vec![json!({ "embedding": [1.0] }); vectors],
            "embeddings": vec![one.clone(); vectors],
            "predictions": vec![json!({ "embeddings": one }); vectors],
        });
        for case in cases_of_every_form(inputs) {
            let read = case.read(&body.to_string());
            prop_assert_eq!(read.is_ok(), vectors == inputs, "{}", case.provider);
        }
    }

    #[test]
    fn nothing_makes_a_reader_panic(document in wild_json(&NAMES)) {
        for case in cases_of_every_form(1).into_iter().chain(cases_of_every_form(2)) {
            if let Ok(read) = case.read(&document.to_string()) {
                prop_assert_eq!(read.vectors.len(), case.request.inputs.len());
                prop_assert!(read.usage.is_none_or(holds_together));
                prop_assert!(read.cost_nanos.is_none_or(|cost| cost >= 0));
            }
        }
    }

    #[test]
    fn any_text_is_sent_unchanged(inputs in vec("(?s).{1,40}", 1..4)) {
        let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
        for provider in [ProviderId::OpenAi, ProviderId::Google, ProviderId::Vertex] {
            let body = Case::new(provider, "m", &inputs).body();
            let sent: Vec<&str> = match provider {
                ProviderId::OpenAi => texts(&body["input"], ""),
                ProviderId::Google => texts(&body["requests"], "/content/parts/0/text"),
                _ => texts(&body["instances"], "/content"),
            };
            prop_assert_eq!(&sent, &inputs);
        }
    }
}

fn texts<'a>(list: &'a Value, pointer: &str) -> Vec<&'a str> {
    let items = list.as_array().unwrap().iter();
    items
        .map(|item| item.pointer(pointer).unwrap().as_str().unwrap())
        .collect()
}
