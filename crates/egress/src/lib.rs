//! The egress policy: which addresses a customer's URL may lead to.
//!
//! A URL that a customer supplies must not reach hosts that only this process can reach: its own
//! machine, its private network, a cloud's metadata service. Only public addresses pass, unless the
//! operator lists a network. The vault checks the URL when it is saved ([`EgressPolicy::check_url`]).
//! The router checks the address that it dials ([`EgressPolicy::check_address`]), because a name may
//! resolve to another address by then.
//!
//! The crate is pure: it resolves no name and opens no connection.
//!
//! ```
//! use latchkey_egress::{EgressError, EgressPolicy};
//!
//! let policy = EgressPolicy::default();
//! let metadata = "https://169.254.169.254/latest".parse()?;
//! assert_eq!(policy.check_url(&metadata), Err(EgressError::NotPublic));
//! # Ok::<(), url::ParseError>(())
//! ```

use std::net::IpAddr;

use ipnet::IpNet;
use serde::Deserialize;
use url::{Host, Url};

/// The addresses that may be reached.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EgressPolicy {
    /// Networks that may be reached although they are not public, over https and http.
    #[serde(default)]
    pub allowed_networks: Vec<IpNet>,
}

/// Why a URL or address may not be reached.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum EgressError {
    /// The scheme is not https, and the host is not in a network that the operator allows.
    #[error("must be an https URL")]
    NotHttps,
    /// The URL has parts that a base address must not have.
    #[error("must not have a user, a password, a query or a fragment")]
    ExtraParts,
    /// The URL has no host.
    #[error("must have a host")]
    NoHost,
    /// The address is private, loopback, link-local, a metadata service or otherwise special.
    #[error(
        "leads to an address that is not public, in a network that the operator does not allow"
    )]
    NotPublic,
}

impl EgressPolicy {
    /// A policy that also allows the loopback addresses of this machine.
    pub fn with_loopback() -> Self {
        let loopback = [
            IpAddr::from([127, 0, 0, 0]),
            IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1]),
        ];
        let networks = loopback.map(|address| {
            let prefix = if address.is_ipv4() { 8 } else { 128 };
            IpNet::new_assert(address, prefix)
        });
        Self {
            allowed_networks: networks.to_vec(),
        }
    }

    /// Checks a URL as a base address, without resolving its name.
    pub fn check_url(&self, url: &Url) -> Result<(), EgressError> {
        if !url.username().is_empty()
            || url.password().is_some()
            || url.query().is_some()
            || url.fragment().is_some()
        {
            return Err(EgressError::ExtraParts);
        }
        let address = match url.host().ok_or(EgressError::NoHost)? {
            Host::Ipv4(address) => Some(IpAddr::V4(address)),
            Host::Ipv6(address) => Some(IpAddr::V6(address)),
            // RFC 6761: always this machine.
            Host::Domain("localhost") => Some(IpAddr::from([127, 0, 0, 1])),
            Host::Domain(_) => None,
        };
        match url.scheme() {
            "https" => {}
            // In clear text only to networks that the operator allows.
            "http" if address.is_some_and(|address| self.allows_explicitly(address)) => {}
            _ => return Err(EgressError::NotHttps),
        }
        address.map_or(Ok(()), |address| self.check_address(address))
    }

    /// Checks an address before it is dialled.
    pub fn check_address(&self, address: IpAddr) -> Result<(), EgressError> {
        if is_public(address) || self.allows_explicitly(address) {
            Ok(())
        } else {
            Err(EgressError::NotPublic)
        }
    }

    fn allows_explicitly(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.allowed_networks
            .iter()
            .any(|network| network.contains(&address))
    }
}

/// The special-purpose blocks of the IANA registries (RFC 6890 and its updates) that are not
/// globally reachable, and multicast.
const SPECIAL: &[&str] = &[
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/3",
    "::/127",
    "64:ff9b::/96",
    "64:ff9b:1::/48",
    "100::/64",
    "2001::/23",
    "2001:db8::/32",
    "2002::/16",
    "3fff::/20",
    "5f00::/16",
    "fc00::/7",
    "fe80::/10",
    "fec0::/10",
    "ff00::/8",
];

fn is_public(address: IpAddr) -> bool {
    // An IPv4-mapped IPv6 address reaches the IPv4 one.
    let address = address.to_canonical();
    !special().iter().any(|network| network.contains(&address))
}

fn special() -> &'static [IpNet] {
    static NETWORKS: std::sync::OnceLock<Vec<IpNet>> = std::sync::OnceLock::new();
    NETWORKS.get_or_init(|| {
        let parse = |text: &&str| text.parse().expect("the list above holds networks");
        SPECIAL.iter().map(parse).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(policy: &EgressPolicy, url: &str) -> Result<(), EgressError> {
        policy.check_url(&url.parse().expect("it is a URL"))
    }

    #[test]
    fn public_https_hosts_pass() {
        let policy = EgressPolicy::default();
        for url in [
            "https://api.example.com/v1",
            "https://8.8.8.8",
            "https://[2606:4700::1]/",
        ] {
            assert_eq!(check(&policy, url), Ok(()), "{url}");
        }
    }

    #[test]
    fn addresses_that_are_not_public_are_refused() {
        let policy = EgressPolicy::default();
        for host in [
            "127.0.0.1",
            "localhost",
            "0x7f.1",
            "2130706433",
            "10.1.2.3",
            "169.254.169.254",
            "100.64.0.1",
            "192.168.1.1",
            "172.31.255.255",
            "0.0.0.0",
            "[::1]",
            "[::]",
            "[::ffff:169.254.169.254]",
            "[fd00:ec2::254]",
            "[fe80::1]",
            "[64:ff9b::a9fe:a9fe]",
            "255.255.255.255",
        ] {
            let url = format!("https://{host}/v1");
            assert_eq!(check(&policy, &url), Err(EgressError::NotPublic), "{url}");
        }
    }

    #[test]
    fn http_needs_a_network_that_the_operator_lists() {
        let listed = EgressPolicy::with_loopback();
        assert_eq!(check(&listed, "http://127.0.0.1:8080"), Ok(()));
        assert_eq!(check(&listed, "http://localhost:8080"), Ok(()));
        assert_eq!(check(&listed, "http://[::1]:8080"), Ok(()));
        assert_eq!(
            check(&listed, "http://api.example.com"),
            Err(EgressError::NotHttps)
        );
        assert_eq!(
            check(&listed, "https://10.0.0.1"),
            Err(EgressError::NotPublic)
        );
        let none = EgressPolicy::default();
        assert_eq!(
            check(&none, "http://127.0.0.1:8080"),
            Err(EgressError::NotHttps)
        );
        assert_eq!(
            check(&none, "ftp://api.example.com"),
            Err(EgressError::NotHttps)
        );
    }

    #[test]
    fn users_queries_and_fragments_are_refused() {
        let policy = EgressPolicy::default();
        for url in [
            "https://u@example.com",
            "https://u:p@example.com",
            "https://example.com?a=b",
            "https://example.com#a",
        ] {
            assert_eq!(check(&policy, url), Err(EgressError::ExtraParts), "{url}");
        }
    }
}
