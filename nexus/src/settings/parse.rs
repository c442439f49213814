//! Values of settings: text in, type out, an error that says what would be right.

use std::{
    net::IpAddr,
    num::{NonZeroU32, NonZeroU64, NonZeroUsize},
    path::PathBuf,
    time::Duration,
};

use ipnet::IpNet;
use secrecy::SecretString;
use url::Url;

/// A type that a setting's text can become.
pub trait FromSetting: Sized {
    /// The error completes the sentence "`NAME` …".
    fn from_setting(text: &str) -> Result<Self, String>;
}

macro_rules! numbers {
    ($($number:ty),*) => {$(
        impl FromSetting for $number {
            fn from_setting(text: &str) -> Result<Self, String> {
                text.parse().map_err(|_not_one| {
                    format!("must be a whole number from {} to {}", <$number>::MIN, <$number>::MAX)
                })
            }
        }
    )*};
}
numbers!(u16, u32, u64, usize, NonZeroU32, NonZeroU64, NonZeroUsize);

impl FromSetting for bool {
    fn from_setting(text: &str) -> Result<Self, String> {
        match text.to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" | "on" => Ok(true),
            "false" | "0" | "no" | "off" => Ok(false),
            _ => Err("must be true or false".into()),
        }
    }
}

impl FromSetting for String {
    fn from_setting(text: &str) -> Result<Self, String> {
        Ok(text.to_owned())
    }
}

impl FromSetting for PathBuf {
    fn from_setting(text: &str) -> Result<Self, String> {
        Ok(text.into())
    }
}

impl FromSetting for SecretString {
    fn from_setting(text: &str) -> Result<Self, String> {
        Ok(text.to_owned().into())
    }
}

impl FromSetting for IpAddr {
    fn from_setting(text: &str) -> Result<Self, String> {
        match text {
            "localhost" => Ok(Self::from([127, 0, 0, 1])),
            _ => text.trim_matches(['[', ']']).parse().map_err(|_no_address| {
                "must be an IP address, such as 127.0.0.1 or 0.0.0.0".into()
            }),
        }
    }
}

impl FromSetting for IpNet {
    /// An address is the network that holds it alone.
    fn from_setting(text: &str) -> Result<Self, String> {
        let network = text.parse().ok();
        network.or_else(|| IpAddr::from_setting(text).ok().map(Self::from)).ok_or_else(|| {
            "must be IP addresses or networks, such as 10.0.0.7 or 172.16.0.0/12".into()
        })
    }
}

impl FromSetting for Url {
    fn from_setting(text: &str) -> Result<Self, String> {
        let url = Self::parse(text)
            .map_err(|error| format!("must be a URL, such as https://example.com: {error}"))?;
        match url.scheme() {
            "http" | "https" if url.has_host() => Ok(url),
            _ => Err("must be a URL that begins with http:// or https://".into()),
        }
    }
}

/// A URL that is a secret as a whole.
#[derive(Debug, Clone)]
pub struct SecretUrl(pub SecretString);

impl FromSetting for SecretUrl {
    fn from_setting(text: &str) -> Result<Self, String> {
        Url::from_setting(text)?;
        SecretString::from_setting(text).map(Self)
    }
}

/// The URL of a proxy. Without a scheme, as other programs take it too, it is `http`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProxyUrl(pub Url);

impl FromSetting for ProxyUrl {
    fn from_setting(text: &str) -> Result<Self, String> {
        let url = if text.contains("://") {
            Url::from_setting(text)
        } else {
            Url::from_setting(&format!("http://{text}"))
        };
        url.map(Self)
    }
}

/// A size in bytes: `1048576`, `32MiB`, `4GiB`. Each of them is a bound, and none of 0 lets anything
/// through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByteSize(pub u64);

impl FromSetting for ByteSize {
    fn from_setting(text: &str) -> Result<Self, String> {
        let (number, unit) = split_unit(text);
        let factor: u64 = match unit.to_ascii_lowercase().as_str() {
            "" | "b" => 1,
            "k" | "kib" => 1 << 10,
            "kb" => 1_000,
            "m" | "mib" => 1 << 20,
            "mb" => 1_000_000,
            "g" | "gib" => 1 << 30,
            "gb" => 1_000_000_000,
            "t" | "tib" => 1 << 40,
            _ => 0,
        };
        number
            .parse::<u64>()
            .ok()
            .and_then(|n| n.checked_mul(factor))
            .filter(|bytes| *bytes > 0)
            .map(Self)
            .ok_or_else(|| "must be a size of 1 byte or more, such as 1048576 or 32MiB".into())
    }
}

/// A length of time with a unit: `90s`, `15m`, `12h`, `30d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period(pub Duration);

impl FromSetting for Period {
    fn from_setting(text: &str) -> Result<Self, String> {
        let (number, unit) = split_unit(text);
        let millis: Option<u64> = match unit {
            "ms" => Some(1),
            "s" => Some(1_000),
            "m" => Some(60_000),
            "h" => Some(3_600_000),
            "d" => Some(86_400_000),
            "w" => Some(604_800_000),
            _ => None,
        };
        number
            .parse::<u64>()
            .ok()
            .zip(millis)
            .and_then(|(n, millis)| n.checked_mul(millis))
            .map(|millis| Self(Duration::from_millis(millis)))
            .ok_or_else(|| "must be a length of time with a unit, such as 90s, 12h or 30d".into())
    }
}

/// So many per window: `1000/1h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    pub count: NonZeroU32,
    pub window: Duration,
}

impl FromSetting for Rate {
    fn from_setting(text: &str) -> Result<Self, String> {
        let wrong = || "must be a count per window, such as 1000/1h".to_owned();
        let (count, window) = text.split_once('/').ok_or_else(wrong)?;
        let window = if window.starts_with(|c: char| c.is_ascii_digit()) {
            Period::from_setting(window)
        } else {
            Period::from_setting(&format!("1{window}"))
        };
        match (count.trim().parse().ok(), window.ok()) {
            (Some(count), Some(Period(window))) if !window.is_zero() => Ok(Self { count, window }),
            _ => Err(wrong()),
        }
    }
}

/// `15`, or `15/min`: a count per minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PerMinute(pub u32);

impl FromSetting for PerMinute {
    fn from_setting(text: &str) -> Result<Self, String> {
        let count = text.strip_suffix("/min").unwrap_or(text);
        count.parse().map(Self).map_err(|_no_count| "must be a count per minute, such as 15".into())
    }
}

impl<T: FromSetting> FromSetting for Vec<T> {
    /// Comma-separated; empty parts are passed over.
    fn from_setting(text: &str) -> Result<Self, String> {
        text.split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .map(T::from_setting)
            .collect()
    }
}

fn split_unit(text: &str) -> (&str, &str) {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    (&text[..end], text[end..].trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_times_and_rates_read_their_units() {
        assert_eq!(ByteSize::from_setting("32MiB"), Ok(ByteSize(32 << 20)));
        assert_eq!(ByteSize::from_setting("33554432"), Ok(ByteSize(32 << 20)));
        assert_eq!(Period::from_setting("30d"), Ok(Period(Duration::from_hours(720))));
        let rate = Rate::from_setting("1000/1h").expect("a rate");
        assert_eq!((rate.count.get(), rate.window), (1000, Duration::from_hours(1)));
        assert_eq!(PerMinute::from_setting("15/min"), Ok(PerMinute(15)));
    }

    #[test]
    fn a_proxy_needs_no_scheme() {
        for (text, expected) in [
            ("10.0.0.1:3128", "http://10.0.0.1:3128/"),
            ("user:pass@proxy.local:3128", "http://user:pass@proxy.local:3128/"),
            ("http://proxy.local", "http://proxy.local/"),
        ] {
            let ProxyUrl(url) = ProxyUrl::from_setting(text).expect("a proxy");
            assert_eq!(url.as_str(), expected);
        }
        for wrong in ["socks5://proxy.local", "a b", "://x"] {
            assert!(ProxyUrl::from_setting(wrong).is_err(), "{wrong:?} is no proxy");
        }
    }

    #[test]
    fn proxies_are_addresses_and_networks() {
        let networks = Vec::<IpNet>::from_setting("172.16.0.0/12, 10.0.0.7,::1").expect("valid");
        let holds = |address: &str| {
            let address: IpAddr = address.parse().expect("an address");
            networks.iter().any(|network| network.contains(&address))
        };
        assert!(holds("172.31.9.9") && holds("10.0.0.7") && holds("::1"));
        assert!(!holds("10.0.0.8") && !holds("172.32.0.1"));
        assert!(Vec::<IpNet>::from_setting("10.0.0.0/33").is_err());
        assert!(Vec::<IpNet>::from_setting("gateway").is_err());
    }

    #[test]
    fn what_is_no_value_says_what_would_be() {
        for wrong in ["", "12x", "-1", "0", "0MiB", "99999999999999999999"] {
            assert!(ByteSize::from_setting(wrong).is_err(), "{wrong:?} is no size");
        }
        for wrong in ["30", "d", "30y"] {
            assert!(Period::from_setting(wrong).is_err(), "{wrong:?} is no time");
        }
        for wrong in ["1000", "0/1h", "5/0s", "x/1h"] {
            assert!(Rate::from_setting(wrong).is_err(), "{wrong:?} is no rate");
        }
        assert!(Url::from_setting("ftp://x").is_err());
        assert!(bool::from_setting("maybe").is_err());
    }
}
