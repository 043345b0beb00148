//! `UpdateSession`.

use latchkey_contract::router::v1::{Session as Message, UpdateSessionRequest};
use latchkey_rpc::mask::Mask;

use super::{decode, encode, named};
use crate::domain::session::Settings;
use crate::error::RouterError;
use crate::services::call::Call;
use crate::sessions::Sessions;

const CHANGEABLE: [&str; 6] = [
    "display_name",
    "key",
    "provider",
    "model",
    "strict",
    "retention",
];

pub(super) async fn handle(
    sessions: &Sessions,
    call: &Call,
    request: &UpdateSessionRequest,
) -> Result<Message, RouterError> {
    let unsaid = Message::default();
    let said = request.session.as_ref().unwrap_or(&unsaid);
    let name = named(call, "session.name", &said.name).await?;
    let mask = Mask::parse(request.update_mask.clone(), &CHANGEABLE, &[])?;
    let wanted = decode::settings(said).map_err(|error| error.within("session"))?;
    let change = |settings| Ok(changed(settings, &wanted, said, &mask));
    let session = sessions.update(&name, &said.etag, change).await?;
    Ok(encode::session(&session))
}

fn changed(mut settings: Settings, wanted: &Settings, said: &Message, mask: &Mask) -> Settings {
    for (field, text, wanted) in [
        (
            "display_name",
            &mut settings.display_name,
            &wanted.display_name,
        ),
        ("key", &mut settings.key, &wanted.key),
        ("provider", &mut settings.provider, &wanted.provider),
        ("model", &mut settings.model, &wanted.model),
    ] {
        if mask.changes(field, !wanted.is_empty()) {
            *text = wanted.clone();
        }
    }
    if mask.changes("strict", wanted.strict) {
        settings.strict = wanted.strict;
    }
    if mask.changes("retention", decode::is_set(said.retention.as_ref())) {
        settings.retention = wanted.retention;
    }
    settings
}
