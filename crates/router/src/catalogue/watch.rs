//! Reloads the catalogue at an interval.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::Catalogues;

/// Reloads the catalogue at its interval until `over` is cancelled.
pub async fn watch(catalogues: Arc<Catalogues>, over: CancellationToken) {
    let interval = catalogues.reload_seconds();
    if interval.is_zero() {
        return;
    }
    loop {
        tokio::select! {
            () = over.cancelled() => return,
            () = tokio::time::sleep(interval) => catalogues.reload().await,
        }
    }
}
