//! Requests that their caller may repeat: one id with one request has one effect and one answer,
//! however often it arrives, also at the same time.

use prost::Message;
use uuid::Uuid;

use super::call::Call;
use crate::change::Change;
use crate::custody::IntegrityFailure;
use crate::error::{Conflict, VaultError};
use crate::store::answers::{self, Answered};
use crate::vault::Vault;

/// A request with the id that its caller gave it, if any.
pub(super) struct Repeatable(Option<Identified>);

struct Identified {
    id: Uuid,
    digest: Vec<u8>,
}

impl Repeatable {
    /// Reads a request id. A request without one is not repeatable.
    pub(super) async fn read(
        vault: &Vault,
        call: &Call,
        request_id: &str,
        request: &impl Message,
    ) -> Result<Self, VaultError> {
        if request_id.is_empty() {
            return Ok(Self(None));
        }
        let id = Uuid::try_parse(request_id)
            .map_err(|_| VaultError::field("request_id", "must be a UUID"))?;
        let keys = vault.custody.keys_of(&vault.store, vault.platform).await?;
        let digest = keys.request_digest(call.method(), &request.encode_to_vec());
        Ok(Self(Some(Identified { id, digest })))
    }

    /// The stored answer to the request, or else that of `work`.
    pub(super) async fn once<T: Message + Default>(
        &self,
        vault: &Vault,
        call: &Call,
        work: impl Future<Output = Result<T, VaultError>>,
    ) -> Result<T, VaultError> {
        if let Some(answer) = self.answered(vault, call).await? {
            return Ok(answer);
        }
        match work.await {
            Ok(answer) => Ok(answer),
            // The conflict may be with the same request, which was sent twice and done meanwhile.
            Err(error) => match self.answered(vault, call).await {
                Ok(Some(answer)) => Ok(answer),
                Ok(None) | Err(_) => Err(error),
            },
        }
    }

    /// Stores the answer in the transaction of the change.
    pub(super) async fn remember(
        &self,
        change: &Change,
        call: &Call,
        answer: &impl Message,
    ) -> Result<(), VaultError> {
        let Some(Identified { id, digest }) = &self.0 else {
            return Ok(());
        };
        let answered = Answered {
            digest: digest.clone(),
            answer: answer.encode_to_vec(),
        };
        Ok(answers::insert(&change.unit, call.actor(), *id, answered, change.now).await?)
    }

    async fn answered<T: Message + Default>(
        &self,
        vault: &Vault,
        call: &Call,
    ) -> Result<Option<T>, VaultError> {
        let Some(Identified { id, digest }) = &self.0 else {
            return Ok(None);
        };
        let Some(answered) = answers::find(&vault.store, call.actor(), *id).await? else {
            return Ok(None);
        };
        if answered.digest != *digest {
            return Err(Conflict::RequestIdReused.into());
        }
        let answer = T::decode(answered.answer.as_slice());
        Ok(Some(answer.map_err(|_| {
            IntegrityFailure::new("answered_requests", id)
        })?))
    }
}
