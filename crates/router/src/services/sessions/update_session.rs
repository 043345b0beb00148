//! `UpdateSession`: changes the settings of a session.

use latchkey_contract::router::v1::{Session as Message, UpdateSessionRequest};
use latchkey_rpc::mask::Mask;

use super::{authorized_name, decode, encode};
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
    let default = Message::default();
    let message = request.session.as_ref().unwrap_or(&default);
    let name = authorized_name(call, "session.name", &message.name).await?;
    let mask = Mask::parse(request.update_mask.clone(), &CHANGEABLE, &[])?;
    let wanted = decode::settings(message).map_err(|error| error.within("session"))?;
    let change = |settings| Ok(changed(settings, &wanted, message, &mask));
    let session = sessions.update(&name, &message.etag, change).await?;
    Ok(encode::session(&session))
}

fn changed(mut settings: Settings, wanted: &Settings, message: &Message, mask: &Mask) -> Settings {
    let (target, new) = (&mut settings.target, &wanted.target);
    if mask.changes("display_name", !wanted.display_name.is_empty()) {
        settings.display_name.clone_from(&wanted.display_name);
    }
    if mask.changes("key", new.key.is_some()) {
        target.key.clone_from(&new.key);
    }
    if mask.changes("provider", new.provider.is_some()) {
        target.provider = new.provider;
    }
    if mask.changes("model", new.model.is_some()) {
        target.model.clone_from(&new.model);
    }
    if mask.changes("strict", wanted.strict) {
        settings.strict = wanted.strict;
    }
    if mask.changes("retention", decode::is_set(message.retention.as_ref())) {
        settings.retention = wanted.retention;
    }
    settings
}
