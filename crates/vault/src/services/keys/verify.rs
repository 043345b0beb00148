//! `VerifyKey`.

use latchkey_contract::names::KeyName;
use latchkey_contract::vault::v1::{Verification as Message, VerifyKeyRequest};

use crate::error::VaultError;
use crate::intake;
use crate::services::call::Call;
use crate::services::encode;
use crate::vault::Vault;

pub(super) async fn handle(
    vault: &Vault,
    call: &Call,
    request: VerifyKeyRequest,
) -> Result<Message, VaultError> {
    let name: KeyName = request.name.parse().map_err(VaultError::name("name"))?;
    call.authorize_parent(&name.parent).await?;
    let verification = intake::verify_stored(vault, call.act(), &name).await?;
    Ok(encode::verification(&verification))
}
