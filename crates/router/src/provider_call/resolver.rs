//! Name resolution under the egress policy. The addresses are checked when a connection is made, and
//! the connection goes to a checked address, so a name that changes its address can't bypass the check.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hyper_util::client::legacy::connect::dns::Name;
use latchkey_egress::EgressPolicy;
use tower::Service;

/// The system's resolver without the addresses that the policy forbids.
#[derive(Clone)]
pub(super) struct GuardedResolver {
    policy: Option<Arc<EgressPolicy>>,
}

impl GuardedResolver {
    pub(super) fn guarded(policy: Arc<EgressPolicy>) -> Self {
        Self {
            policy: Some(policy),
        }
    }

    pub(super) fn unguarded() -> Self {
        Self { policy: None }
    }
}

impl Service<Name> for GuardedResolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let policy = self.policy.clone();
        Box::pin(async move {
            let resolved = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed = |address: &SocketAddr| {
                policy
                    .as_ref()
                    .is_none_or(|policy| policy.check_address(address.ip()).is_ok())
            };
            let addresses: Vec<_> = resolved.filter(allowed).collect();
            if addresses.is_empty() {
                let message = "the egress policy forbids every address of this name";
                return Err(io::Error::new(io::ErrorKind::PermissionDenied, message));
            }
            Ok(addresses.into_iter())
        })
    }
}

#[cfg(test)]
mod tests {
    use tower::ServiceExt as _;

    use super::*;

    #[tokio::test]
    async fn a_name_without_an_allowed_address_does_not_resolve() {
        let name: Name = "localhost".parse().unwrap();
        let guarded = GuardedResolver::guarded(Arc::new(EgressPolicy::default()));
        let error = guarded.oneshot(name.clone()).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
        let with_loopback = GuardedResolver::guarded(Arc::new(EgressPolicy::with_loopback()));
        assert!(with_loopback.oneshot(name.clone()).await.is_ok());
        assert!(GuardedResolver::unguarded().oneshot(name).await.is_ok());
    }
}
