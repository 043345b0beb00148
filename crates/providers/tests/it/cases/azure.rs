//! The requests of golden/calls/azure.py: OpenAI's requests to deployments that are named after
//! their models.

use latchkey_contract::ProviderId;

use super::{CATALOGUE, Case, conversation, openai_chat, openai_responses, user};

pub(crate) fn case(name: &str) -> Case {
    match name.strip_prefix("responses_") {
        Some(name) => deployed(openai_responses::case(name)),
        None => deployed(openai_chat::case(name)),
    }
}

/// A request to the older addresses, with their dated version.
pub(crate) fn classic(name: &str) -> Case {
    let case = match name {
        "entra" => {
            let request = conversation([user("Hello")]);
            let case = deployed(Case::new(ProviderId::OpenAi, "gpt-4.1", request));
            Case {
                token: Some("entra-not-a-real-token"),
                ..case
            }
        }
        name => case(name),
    };
    Case {
        api_version: "2024-10-21",
        ..case
    }
}

/// A request to a deployment, which has the traits of its model. Its state is marked as Azure's.
fn deployed(case: Case) -> Case {
    let mut request = case.request;
    let parts = request
        .messages
        .iter_mut()
        .flat_map(|message| &mut message.parts);
    for state in parts.filter_map(|part| part.provider_state.as_mut()) {
        if state.provider == "openai" {
            state.provider = "azure".to_owned();
        }
    }
    Case {
        provider: ProviderId::Azure,
        traits: CATALOGUE.traits(ProviderId::OpenAi, case.model).clone(),
        request,
        ..case
    }
}
