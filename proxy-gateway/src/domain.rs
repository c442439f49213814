//! The domain: the `Host` header, lower-cased, without port.

use std::{fmt, net::Ipv6Addr, sync::Arc};

/// A checked host name. Nothing else of a request ever selects a credential.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Domain(Arc<str>);

/// The longest name that DNS allows.
const MAX: usize = 253;

impl Domain {
    /// Reads a `Host` value: a name of letters, digits, `.`, `-` and `_`, or an IPv6 literal, with
    /// or without a port. `None` for anything else.
    pub fn parse(host: &str) -> Option<Self> {
        let name = if host.starts_with('[') { ipv6(host)? } else { name(host)? };
        Some(Self(name.to_ascii_lowercase().into()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether `text` may stand before `.credentials.json`: stricter than a `Host`, since it names a
/// file.
pub fn names_a_file(text: &str) -> bool {
    let is_plain =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte);
    !text.is_empty()
        && text.len() <= MAX
        && !text.starts_with('.')
        && !text.contains("..")
        && text.bytes().all(is_plain)
}

fn name(host: &str) -> Option<&str> {
    let name = match host.split_once(':') {
        Some((name, port)) => is_port(port).then_some(name)?,
        None => host,
    };
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    let is_valid = !name.is_empty()
        && name.len() <= MAX
        && !name.starts_with('.')
        && !name.contains("..")
        && name.bytes().all(is_plain);
    is_valid.then_some(name)
}

fn ipv6(host: &str) -> Option<&str> {
    let end = host.find(']')?;
    let rest = &host[end + 1..];
    let has_port = rest.is_empty() || rest.strip_prefix(':').is_some_and(is_port);
    let is_address = host[1..end].parse::<Ipv6Addr>().is_ok();
    (has_port && is_address).then_some(&host[..=end])
}

fn is_port(text: &str) -> bool {
    text.len() <= 5 && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn domain(host: &str) -> Option<String> {
        Domain::parse(host).map(|domain| domain.to_string())
    }

    #[test]
    fn a_host_is_lower_cased_and_loses_its_port() {
        assert_eq!(domain("Team.Example:3000").as_deref(), Some("team.example"));
        assert_eq!(domain("[::1]:3000").as_deref(), Some("[::1]"));
        assert_eq!(domain("nexus_gateway").as_deref(), Some("nexus_gateway"));
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for host in [
            "",
            ":80",
            "a/b",
            "a\\b",
            "..",
            "a..b",
            ".a",
            "a b",
            "a%2e",
            "a\0",
            "[::1",
            "[x]",
            "a:b",
            "a:1:2",
            "user@host",
            "a:123456",
            "ä.example",
            "[::1]x",
        ] {
            assert_eq!(domain(host), None, "{host:?}");
        }
        assert_eq!(domain(&"a".repeat(254)), None);
    }

    #[test]
    fn only_strict_names_may_name_files() {
        assert!(names_a_file("team.example"));
        for name in ["", ".", "..", "a..b", "A", "a_b", "[::1]", "a/b", ".hidden"] {
            assert!(!names_a_file(name), "{name:?}");
        }
    }

    proptest! {
        #[test]
        fn no_host_leaves_its_alphabet(host in any::<String>()) {
            if let Some(domain) = Domain::parse(&host) {
                let inner = domain.as_str().trim_matches(['[', ']']);
                prop_assert!(!inner.contains(".."));
                prop_assert!(inner.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._:".contains(&b)));
            }
        }
    }
}
