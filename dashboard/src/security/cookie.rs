//! The few cookies there are.

use actix_web::{HttpRequest, http::header};

/// The value of the cookie `name`, as it came.
pub fn find_cookie<'a>(request: &'a HttpRequest, name: &str) -> Option<&'a str> {
    request
        .headers()
        .get_all(header::COOKIE)
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(found, _)| *found == name)
        .map(|(_, value)| value)
}

/// A `Set-Cookie` that scripts cannot read and other sites cannot make a browser post with.
/// `seconds` of 0 removes it.
pub fn hidden_cookie(name: &str, value: &str, seconds: u64, secure: bool) -> String {
    let secure = if secure { "; Secure" } else { "" };
    format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}")
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn a_cookie_is_found_among_others() {
        let request = TestRequest::default()
            .append_header((header::COOKIE, "a=1; nexus_theme=dark"))
            .append_header((header::COOKIE, "b=2=3"))
            .to_http_request();
        assert_eq!(find_cookie(&request, "nexus_theme"), Some("dark"));
        assert_eq!(find_cookie(&request, "b"), Some("2=3"));
        assert_eq!(find_cookie(&request, "theme"), None);
        assert!(hidden_cookie("a", "b", 0, true).ends_with("; Secure"));
    }
}
