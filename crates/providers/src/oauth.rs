//! stub
#![allow(missing_docs)]
use crate::ProviderError;
use crate::decode::Reply;
use crate::encode::{EncodeError, WireRequest};
use std::time::{Duration, SystemTime};
use url::Url;
use zeroize::Zeroizing;
pub const GOOGLE_TOKEN_URL: &str = "https://oauth2.googleapis.com/token";
pub const ENTRA_AUTHORITY: &str = "https://login.microsoftonline.com";
pub enum TokenSource<'a> {
    ServiceAccount {
        json: &'a str,
        url: &'a Url,
    },
    EntraClient {
        tenant_id: &'a str,
        client_id: &'a str,
        client_secret: &'a str,
        authority: &'a Url,
    },
}
pub struct AccessToken {
    pub token: Zeroizing<String>,
    pub expires_in: Duration,
}
pub fn request(_source: &TokenSource<'_>, _now: SystemTime) -> Result<WireRequest, EncodeError> {
    unimplemented!()
}
pub fn read(_source: &TokenSource<'_>, _reply: &Reply<'_>) -> Result<AccessToken, ProviderError> {
    unimplemented!()
}
