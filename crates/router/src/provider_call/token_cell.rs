//! The access token of a leased key: of a service account at Google, or of an application at Microsoft
//! Entra. All calls with a key version share one token. It is renewed before it expires, and dropped
//! with the lease.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use zeroize::Zeroizing;

/// An access token. It has no `Debug`, and is wiped when the last clone is dropped.
#[derive(Clone)]
pub struct Token(Arc<Zeroizing<String>>);

impl Token {
    /// The token, for the one header that carries it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// The cached token of a key version.
#[derive(Default)]
pub struct TokenCell {
    cached: Mutex<Option<CachedToken>>,
    /// Held by the one caller that requests a token.
    request: tokio::sync::Mutex<()>,
}

/// Times are on the boot clock.
struct CachedToken {
    token: Token,
    renew_from: Duration,
    valid_until: Duration,
}

/// The time before a token's expiry at which it is renewed. It covers the difference of clocks and the
/// length of a call.
const RENEWAL_MARGIN: Duration = Duration::from_mins(5);

impl TokenCell {
    /// Returns the cached token, or a new one from `get`, which returns the text and its lifetime.
    ///
    /// Without a valid token, one caller runs `get` and the others wait for its result. Within the
    /// renewal margin, one caller runs `get` and the others use the cached token.
    pub async fn token<E>(
        &self,
        now: impl Fn() -> Duration,
        get: impl AsyncFnOnce() -> Result<(Zeroizing<String>, Duration), E>,
    ) -> Result<Token, E> {
        let request = match self.cached(now()) {
            Some((token, false)) => return Ok(token),
            Some((token, true)) => match self.request.try_lock() {
                Ok(request) => request,
                Err(_renewing) => return Ok(token),
            },
            None => self.request.lock().await,
        };
        // Another caller may have stored a token while this one waited for the lock.
        if let Some((token, false)) = self.cached(now()) {
            return Ok(token);
        }
        // The lifetime counts from before the request, so that a slow answer never extends it.
        let requested_at = now();
        let (text, lifetime) = get().await?;
        let token = Token(Arc::new(text));
        *self.lock() = Some(CachedToken {
            token: token.clone(),
            renew_from: requested_at + lifetime.saturating_sub(RENEWAL_MARGIN.min(lifetime / 2)),
            valid_until: requested_at + lifetime,
        });
        drop(request);
        Ok(token)
    }

    /// Drops a token that was refused, unless it has been replaced already.
    pub fn forget(&self, refused: &Token) {
        let mut cached = self.lock();
        if cached
            .as_ref()
            .is_some_and(|cached| Arc::ptr_eq(&cached.token.0, &refused.0))
        {
            *cached = None;
        }
    }

    /// The token while it is valid, and whether it should be renewed.
    fn cached(&self, now: Duration) -> Option<(Token, bool)> {
        let guard = self.lock();
        let cached = guard.as_ref().filter(|cached| now < cached.valid_until)?;
        Some((cached.token.clone(), now >= cached.renew_from))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<CachedToken>> {
        self.cached.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::convert::Infallible;

    use super::*;

    const HOUR: Duration = Duration::from_hours(1);

    async fn token(cell: &TokenCell, now: Duration, text: &str) -> String {
        let get = async || Ok::<_, Infallible>((Zeroizing::new(text.to_owned()), HOUR));
        let token = cell.token(|| now, get).await.unwrap();
        token.expose().to_owned()
    }

    #[tokio::test]
    async fn a_token_is_renewed_five_minutes_before_it_expires() {
        let cell = TokenCell::default();
        assert_eq!(token(&cell, Duration::ZERO, "first").await, "first");
        let renewal = HOUR.saturating_sub(RENEWAL_MARGIN);
        let before = renewal.saturating_sub(Duration::from_secs(1));
        assert_eq!(token(&cell, before, "second").await, "first");
        assert_eq!(token(&cell, renewal, "second").await, "second");
    }

    #[tokio::test]
    async fn during_a_renewal_other_callers_use_the_former_token() {
        let cell = TokenCell::default();
        token(&cell, Duration::ZERO, "first").await;
        let renewal = HOUR.saturating_sub(RENEWAL_MARGIN);
        let of_another = Cell::new(String::new());
        let renewed = cell
            .token(
                || renewal,
                async || {
                    of_another.set(token(&cell, renewal, "other").await);
                    Ok::<_, Infallible>((Zeroizing::new("second".to_owned()), HOUR))
                },
            )
            .await
            .unwrap();
        assert_eq!(of_another.take(), "first");
        assert_eq!(renewed.expose(), "second");
    }

    #[tokio::test]
    async fn forgetting_a_refused_token_spares_its_successor() {
        let cell = TokenCell::default();
        let token = async |text: &str| {
            let text = Zeroizing::new(text.to_owned());
            let get = async || Ok::<_, Infallible>((text, HOUR));
            cell.token(|| Duration::ZERO, get).await.unwrap()
        };
        let first = token("first").await;
        cell.forget(&first);
        assert_eq!(token("second").await.expose(), "second");
        cell.forget(&first);
        assert_eq!(token("third").await.expose(), "second");
    }

    #[tokio::test]
    async fn a_failed_request_is_not_cached() {
        let cell = TokenCell::default();
        let failed = cell.token(|| Duration::ZERO, async || Err("no")).await;
        assert_eq!(failed.err(), Some("no"));
        assert_eq!(token(&cell, Duration::ZERO, "first").await, "first");
    }
}
