//! Access tokens that are got with a leased key: for a service account at Google, for an application at
//! Microsoft Entra. One is got for all calls with a key version, renewed before it expires, and gone
//! with the version.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use zeroize::Zeroizing;

/// A token that may be used. It has no `Debug`.
#[derive(Clone)]
pub struct Token(Arc<Zeroizing<String>>);

impl Token {
    /// The token, for the one header that carries it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// Where the token of a version is kept.
#[derive(Default)]
pub struct TokenCell {
    held: Mutex<Option<Held>>,
    /// Whoever holds it gets the token; the others wait for it.
    turn: tokio::sync::Mutex<()>,
}

struct Held {
    token: Token,
    /// On the boot clock.
    renew_from: Duration,
    good_until: Duration,
}

/// So long before the end a token is renewed, as clocks differ and calls take time.
const EARLY: Duration = Duration::from_mins(5);

impl TokenCell {
    /// The token that is held, or the one that `get` gets: its text and how long it is good for. Of
    /// those who find none, one gets it. A token that is soon to expire is renewed by one caller
    /// while the others go on with it.
    pub async fn token<E>(
        &self,
        now: impl Fn() -> Duration,
        get: impl AsyncFnOnce() -> Result<(Zeroizing<String>, Duration), E>,
    ) -> Result<Token, E> {
        let turn = match self.held(now()) {
            Some((token, false)) => return Ok(token),
            Some((token, true)) => match self.turn.try_lock() {
                Ok(turn) => turn,
                Err(_renewing) => return Ok(token),
            },
            None => self.turn.lock().await,
        };
        // Whoever had the turn before may have got it.
        if let Some((token, false)) = self.held(now()) {
            return Ok(token);
        }
        // Counted from before the question: however long the answer takes, it is good for less.
        let asked = now();
        let (text, good_for) = get().await?;
        let token = Token(Arc::new(text));
        *self.lock() = Some(Held {
            token: token.clone(),
            renew_from: asked + good_for.saturating_sub(EARLY.min(good_for / 2)),
            good_until: asked + good_for,
        });
        drop(turn);
        Ok(token)
    }

    /// Forgets a token that was refused, unless it has been replaced already.
    pub fn forget(&self, refused: &Token) {
        let mut held = self.lock();
        if held
            .as_ref()
            .is_some_and(|held| Arc::ptr_eq(&held.token.0, &refused.0))
        {
            *held = None;
        }
    }

    /// The token, and whether it should be renewed.
    fn held(&self, now: Duration) -> Option<(Token, bool)> {
        let held = self.lock();
        let held = held.as_ref().filter(|held| now < held.good_until)?;
        Some((held.token.clone(), now >= held.renew_from))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::convert::Infallible;

    use super::*;

    const HOUR: Duration = Duration::from_hours(1);

    async fn token(cell: &TokenCell, now: Duration, text: &str) -> String {
        let got = async || Ok::<_, Infallible>((Zeroizing::new(text.to_owned()), HOUR));
        let token = cell.token(|| now, got).await.unwrap();
        token.expose().to_owned()
    }

    #[tokio::test]
    async fn a_token_is_kept_until_five_minutes_before_its_end() {
        let cell = TokenCell::default();
        assert_eq!(token(&cell, Duration::ZERO, "first").await, "first");
        let early = HOUR.saturating_sub(EARLY);
        let before = early.saturating_sub(Duration::from_secs(1));
        assert_eq!(token(&cell, before, "second").await, "first");
        assert_eq!(token(&cell, early, "second").await, "second");
    }

    #[tokio::test]
    async fn one_caller_renews_while_the_others_go_on() {
        let cell = TokenCell::default();
        token(&cell, Duration::ZERO, "first").await;
        let soon = HOUR.saturating_sub(EARLY);
        let seen = Cell::new(String::new());
        let renewed = cell
            .token(
                || soon,
                async || {
                    seen.set(token(&cell, soon, "other").await);
                    Ok::<_, Infallible>((Zeroizing::new("second".to_owned()), HOUR))
                },
            )
            .await
            .unwrap();
        assert_eq!(seen.take(), "first");
        assert_eq!(renewed.expose(), "second");
    }

    #[tokio::test]
    async fn a_refused_token_is_forgotten_but_not_its_successor() {
        let cell = TokenCell::default();
        let got = async |text: &str| {
            let text = Zeroizing::new(text.to_owned());
            let got = async || Ok::<_, Infallible>((text, HOUR));
            cell.token(|| Duration::ZERO, got).await.unwrap()
        };
        let first = got("first").await;
        cell.forget(&first);
        assert_eq!(got("second").await.expose(), "second");
        cell.forget(&first);
        assert_eq!(got("third").await.expose(), "second");
    }

    #[tokio::test]
    async fn a_failure_leaves_nothing_behind() {
        let cell = TokenCell::default();
        let failed = cell.token(|| Duration::ZERO, async || Err("no")).await;
        assert_eq!(failed.err(), Some("no"));
        assert_eq!(token(&cell, Duration::ZERO, "first").await, "first");
    }
}
