//! Which header fields pass, in both directions.

use actix_web::http::{
    Method,
    header::{self, HeaderMap, HeaderName, HeaderValue},
};
use nexus_contract::Headers;

use crate::{
    problem::REQUEST_ID,
    upstream::{BodyLength, Fields},
};

/// Fields that concern one connection only (RFC 9110 §7.6.1), and those that framing replaces.
static HOP_BY_HOP: [HeaderName; 8] = [
    header::CONNECTION,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::CONTENT_LENGTH,
];

const HOP_BY_HOP_NAMES: [&str; 2] = ["keep-alive", "proxy-connection"];

/// Keys of the dashboard are none of the upstream's business.
const DASHBOARD_KEY: &str = "x-dashboard-key";

/// The credential that goes up in place of the client's.
#[derive(Debug, Clone)]
pub enum Injected {
    /// The client's own headers pass.
    Nothing,
    /// `x-api-key`.
    ApiKey(HeaderValue),
    /// `Authorization: Bearer` and the beta value that OAuth needs.
    OAuth(HeaderValue),
}

/// Value that OAuth credentials need in `anthropic-beta`.
const OAUTH_BETA: &str = "oauth-2025-04-20";

/// The request's fields as they go up.
pub fn request_fields(headers: &HeaderMap, injected: &Injected) -> Fields {
    let named = named_by_connection(headers);
    let replaces = !matches!(injected, Injected::Nothing);
    let mut fields = Fields::with_capacity(headers.len() + 2);
    for (name, value) in headers {
        let is_credential = *name == header::AUTHORIZATION || name.as_str() == "x-api-key";
        let is_ours = *name == header::HOST
            || *name == header::EXPECT
            || name.as_str() == DASHBOARD_KEY
            || (replaces && is_credential);
        if !is_ours && !is_hop_by_hop(name, &named) {
            fields.push((name.clone(), value.clone()));
        }
    }
    match injected {
        Injected::Nothing => {}
        Injected::ApiKey(key) => fields.push((HeaderName::from_static("x-api-key"), key.clone())),
        Injected::OAuth(bearer) => {
            fields.push((header::AUTHORIZATION, bearer.clone()));
            append_beta(&mut fields);
        }
    }
    fields
}

/// The answer's fields as they go down; the body's length is said by the server.
pub fn response_fields(fields: Fields) -> Fields {
    let named: Vec<String> = fields
        .iter()
        .filter(|(name, _)| *name == header::CONNECTION)
        .flat_map(|(_, value)| tokens(value))
        .collect();
    let passes = |(name, _): &(HeaderName, HeaderValue)| {
        !is_hop_by_hop(name, &named) && name.as_str() != REQUEST_ID
    };
    fields.into_iter().filter(passes).collect()
}

/// How the client delimits its body.
pub fn body_length(headers: &HeaderMap, method: &Method) -> BodyLength {
    if headers.contains_key(header::TRANSFER_ENCODING) {
        return BodyLength::Chunked;
    }
    let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    match length.and_then(|text| text.trim().parse().ok()) {
        Some(0) if [Method::GET, Method::HEAD].contains(method) => BodyLength::Absent,
        Some(length) => BodyLength::Sized(length),
        None => BodyLength::Absent,
    }
}

/// Header fields as they are recorded; where nobody keeps heads, those alone that are read of a copy:
/// each field is searched for secrets.
pub fn recorded<'a>(
    fields: impl IntoIterator<Item = (&'a HeaderName, &'a HeaderValue)>,
    keeps_heads: bool,
) -> Headers {
    let pairs = fields.into_iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    Headers::recorded(pairs.filter(|(name, _)| keeps_heads || is_read(name)))
}

/// What codings, types and the client's identity are read from.
fn is_read(name: &str) -> bool {
    ["content-encoding", "content-type", "user-agent"].contains(&name)
        || name.starts_with("x-claude-code-")
}

fn named_by_connection(headers: &HeaderMap) -> Vec<String> {
    headers.get_all(header::CONNECTION).flat_map(tokens).collect()
}

fn tokens(value: &HeaderValue) -> Vec<String> {
    let text = value.to_str().unwrap_or_default();
    text.split(',').map(|token| token.trim().to_ascii_lowercase()).collect()
}

fn is_hop_by_hop(name: &HeaderName, named: &[String]) -> bool {
    HOP_BY_HOP.contains(name)
        || HOP_BY_HOP_NAMES.contains(&name.as_str())
        || named.iter().any(|token| token == name.as_str())
}

/// Adds OAuth's value behind what the client asked for.
fn append_beta(fields: &mut Fields) {
    let name = HeaderName::from_static("anthropic-beta");
    let has_it = |(field, value): &(HeaderName, HeaderValue)| {
        *field == name && tokens(value).iter().any(|token| token == OAUTH_BETA)
    };
    if fields.iter().any(has_it) {
        return;
    }
    let last = fields.iter_mut().rfind(|(field, _)| *field == name);
    let joined = last.as_ref().and_then(|(_, value)| {
        HeaderValue::from_bytes(&[value.as_bytes(), b",", OAUTH_BETA.as_bytes()].concat()).ok()
    });
    match (last, joined) {
        (Some((_, value)), Some(joined)) => *value = joined,
        _ => fields.push((name, HeaderValue::from_static(OAUTH_BETA))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect()
    }

    fn names(fields: &Fields) -> Vec<&str> {
        let mut names: Vec<_> = fields.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn what_concerns_one_connection_stays_behind() {
        let client = headers(&[
            ("host", "x"),
            ("connection", "close, X-Private"),
            ("x-private", "1"),
            ("te", "trailers"),
            ("keep-alive", "5"),
            ("expect", "100-continue"),
            ("content-length", "3"),
            ("authorization", "Bearer own"),
            ("x-dashboard-key", "k"),
            ("anthropic-version", "2023-06-01"),
            ("accept-encoding", "br"),
        ]);
        let fields = request_fields(&client, &Injected::Nothing);
        assert_eq!(names(&fields), ["accept-encoding", "anthropic-version", "authorization"]);
    }

    #[test]
    fn a_stored_credential_replaces_what_the_client_sent() {
        let client = headers(&[
            ("authorization", "Bearer cnp_live_x"),
            ("x-api-key", "cnp_live_x"),
            ("anthropic-beta", "a,b"),
        ]);
        let oauth = Injected::OAuth(HeaderValue::from_static("Bearer token"));
        let fields = request_fields(&client, &oauth);
        assert_eq!(names(&fields), ["anthropic-beta", "authorization"]);
        assert!(fields.iter().any(|(_, value)| value == "a,b,oauth-2025-04-20"));
        assert!(!fields.iter().any(|(_, value)| value.to_str().is_ok_and(|v| v.contains("cnp_"))));
        let fields = request_fields(&headers(&[]), &oauth);
        assert_eq!(names(&fields), ["anthropic-beta", "authorization"]);
        let key = Injected::ApiKey(HeaderValue::from_static("sk"));
        assert_eq!(names(&request_fields(&client, &key)), ["anthropic-beta", "x-api-key"]);
    }

    #[test]
    fn where_nobody_keeps_heads_only_what_is_read_is_taken() {
        let client = headers(&[
            ("accept", "*/*"),
            ("content-encoding", "gzip"),
            ("content-type", "application/json"),
            ("user-agent", "claude-cli/2.1.330 (external, cli)"),
            ("x-claude-code-session-id", "s"),
        ]);
        let names = |keeps_heads| -> Vec<String> {
            let mut names: Vec<_> =
                recorded(&client, keeps_heads).iter().map(|(name, _)| name.to_owned()).collect();
            names.sort_unstable();
            names
        };
        let all = names(true);
        assert_eq!(all.len(), client.len());
        assert_eq!(names(false), all[1..]);
    }

    #[test]
    fn a_value_that_is_there_is_not_added_again() {
        let client = headers(&[("anthropic-beta", "oauth-2025-04-20")]);
        let fields =
            request_fields(&client, &Injected::OAuth(HeaderValue::from_static("Bearer t")));
        assert_eq!(fields.iter().filter(|(name, _)| name == "anthropic-beta").count(), 1);
        assert!(fields.iter().any(|(_, value)| value == "oauth-2025-04-20"));
    }
}
