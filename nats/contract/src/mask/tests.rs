//! Secrets are put together at run time, so that no scanner takes this file for a leak.

use proptest::prelude::*;

use super::*;

const ALNUM: &str = "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8s9T0";
const HEX: &str = "0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d";

/// Prefix and body of one secret of each shape.
fn corpus() -> Vec<String> {
    let upper = ALNUM.to_uppercase();
    let joined = |parts: &[&str]| parts.concat();
    let mut corpus = [
        "sk-ant-api03-",
        "sk-ant-oat01-",
        "sk-ant-ort01-",
        "sk-proj-",
        "sk-or-v1-",
        "sk-",
        "cnp_live_",
        "cnp_test_",
        "ghp_",
        "gho_",
        "ghu_",
        "ghs_",
        "ghr_",
        "github_pat_",
        "glpat-",
        "ATATT",
        "xoxb-",
        "xoxp-",
        "xapp-",
        "ya29.",
        "GOCSPX-",
        "1//0",
        "HRKU-",
        "LTAI",
        "sk_live_",
        "rk_live_",
        "sk_test_",
        "whsec_",
        "sq0atp-",
        "npm_",
        "pypi-",
        "dckr_pat_",
        "hf_",
        "gsk_",
        "xai-",
        "pplx-",
        "r8_",
        "tvly-",
        "lin_api_",
        "figd_",
        "ntn_",
        "hvs.",
        "dp.pt.",
        "nfp_",
        "glsa_",
        "phc_",
        "tskey-auth-",
        "AIza",
        "AQ.",
        "vercel_blob_rw_",
        "vercel_token_",
        "123456789:AA",
        "sb_secret_",
        "lsv2_pt_",
        "pcsk_",
        "xkeysib-",
        "pscale_tkn_",
        "CCIPAT_",
    ]
    .map(|prefix| joined(&[prefix, ALNUM]))
    .to_vec();
    corpus.extend(
        [
            "dop_v1_",
            "shpat_",
            "rubygems_",
            "sbp_",
            "PMAK-",
            "access-production-",
            "pul-",
            "squ_",
            "sk_",
        ]
        .map(|prefix| joined(&[prefix, HEX])),
    );
    corpus.extend(["AC", "SK", "key-", "dapi"].map(|prefix| joined(&[prefix, &HEX[..32]])));
    corpus.extend(["AKIA", "ASIA"].map(|prefix| joined(&[prefix, &upper[..16]])));
    corpus.push(joined(&["SG.", &ALNUM[..22], ".", ALNUM]));
    corpus.push(joined(&["eyJ", ALNUM, ".eyJ", ALNUM, ".", ALNUM]));
    corpus.push(joined(&["AGE-SECRET-KEY-1", &upper, &upper]));
    corpus
}

#[test]
fn every_shape_is_masked_wherever_it_stands() {
    for secret in corpus() {
        for text in [
            secret.clone(),
            format!("the key is {secret}."),
            format!("export KEY='{secret}'\nrun"),
            format!(r#"{{\"command\":\"curl -H \\\"x: {secret}\\\"\"}}"#),
            format!("https://x.example/?k={secret}&y=1"),
            format!("a,{secret},b"),
            format!("ключ{secret}ключ"),
            format!(r"line\n{secret}\nline\t{secret}"),
        ] {
            let masked = mask_secrets(&text);
            let core = &secret[secret.len() - 12..];
            assert!(!masked.contains(core), "{text} gave {masked}");
            assert!(masked.contains(MASKED));
        }
    }
}

#[test]
fn passwords_are_masked_by_where_they_stand() {
    for (text, masked) in [
        ("postgres://app:hunter2@db/x", "postgres://app:[masked]@db/x"),
        ("redis://:hunter2@cache:6379", "redis://:[masked]@cache:6379"),
        ("postgres://app:hun/ter/2@db/x", "postgres://app:[masked]@db/x"),
        ("postgres://app:pa/ss@db/x", "postgres://app:[masked]@db/x"),
        ("postgres://app:1234567/x@db/x", "postgres://app:[masked]@db/x"),
        ("postgres://app:hun/t@er@db/x", "postgres://app:[masked]@db/x"),
        ("redis://:4u/nter2@cache:6379/0", "redis://:[masked]@cache:6379/0"),
        ("https://u:hunter2@h/a/@scope/b", "https://u:[masked]@h/a/@scope/b"),
        (r#"{"password": "hunter2"}"#, r#"{"password": "[masked]"}"#),
        (r#"{\"db_password\":\"hunter2\"}"#, r#"{\"db_password\":\"[masked]\"}"#),
        ("DB_PASSWORD=hunter2 ./run", "DB_PASSWORD=[masked] ./run"),
        ("?access_token=abcdef&x=1", "?access_token=[masked]&x=1"),
        ("client_secret: s3cr3t-value", "client_secret: [masked]"),
        ("AWS_SECRET_ACCESS_KEY = 'wJalrXUtnFEMI'", "AWS_SECRET_ACCESS_KEY = '[masked]'"),
        ("my password is hunter22!", "my password is [masked]"),
        ("login --password s3cr3t77 now", "login --password [masked] now"),
        ("Authorization: Bearer abcdefghijkl.mnop", "Authorization: Bearer [masked]"),
        ("Authorization: Basic dXNlcjpwYXNzd29yZA==", "Authorization: Basic [masked]"),
        ("Authorization: Token 0a1b2c3d4e5f60718293", "Authorization: Token [masked]"),
        ("authorization: SSWS 00aB-cDeFgHiJk_42", "authorization: SSWS [masked]"),
        (
            r#"{\"Authorization\": \"Token 0a1b2c3d4e5f\"}"#,
            r#"{\"Authorization\": \"Token [masked]\"}"#,
        ),
        (
            r#"Authorization: OAuth oauth_token="abcdefgh""#,
            r#"Authorization: OAuth [masked]"[masked]""#,
        ),
        ("Authorization: 0a1b2c3d4e5f60718293", "Authorization: [masked]"),
        (r"'Authorization': '0a1b2c3d4e5f6071'", "'Authorization': '[masked]'"),
        ("Cookie: session=abc; other=def\nnext", "Cookie: [masked]\nnext"),
        (r#"{\"set-cookie\":\"sid=abc; b=c\"}"#, r#"{\"set-cookie\":\"[masked]\"}"#),
        ("AccountKey=abcdefghijk==;Endpoint", "AccountKey=[masked];Endpoint"),
        ("https://hooks.slack.com/services/T0/B0/xyz", "https://hooks.slack.com/services/[masked]"),
        ("postgres://app:p@ss:w0rd@db:5432/x", "postgres://app:[masked]@db:5432/x"),
        ("nats://a:4222,nats://u:pw@b:4222", "nats://a:4222,nats://u:[masked]@b:4222"),
        (
            "https://a.example/b?sv=1&sig=aBcDeFgHiJkLmNoP%3D&x=1",
            "https://a.example/b?sv=1&sig=[masked]&x=1",
        ),
        ("curl -s -u app:hunter2 https://x", "curl -s -u app:[masked] https://x"),
        (r#"curl --user \"app:hunter2\" https://x"#, r#"curl --user \"app:[masked]\" https://x"#),
        ("sshpass -p hunter2 ssh a@b", "sshpass -p [masked] ssh a@b"),
        ("mysql -h db -P3306 -phunter2 x", "mysql -h db -P3306 -p[masked] x"),
        ("machine x login app password hunter", "machine x login app password [masked]"),
        (r#"{"auth": "YXBwOmh1bnRlcjI="}"#, r#"{"auth": "[masked]"}"#),
        ("_auth=YXBwOmh1bnRlcjI=", "_auth=[masked]"),
        ("client-key-data: LS0tLS1CRUdJTiBSU0E", "client-key-data: [masked]"),
        (
            "Private-Lines: 2\nAAAAB3NzaC1yc2EAAAAD\nAAAAB3NzaC1yc2EAAAAE=\nPrivate-MAC: x",
            "[masked]\nPrivate-MAC: x",
        ),
    ] {
        assert_eq!(mask_secrets(text), masked);
    }
}

/// A tool's input that holds a text in a list reaches the masks as JSON: a line began with `nCookie`.
#[test]
fn a_line_begins_behind_an_escaped_break() {
    for (line, masked) in [
        ("Authorization: Token 0a1b2c3d4e5f60718293", "Authorization: Token [masked]"),
        ("authorization: SSWS 00aB-cDeFgHiJk_42", "authorization: SSWS [masked]"),
        ("Bearer abcdefghijkl.mnop", "Bearer [masked]"),
        ("Cookie: session=abc; other=def", "Cookie: [masked]"),
        ("X-Auth-Token: abcdefgh", "X-Auth-Token: [masked]"),
        ("curl -s -u app:hunter2 https://x", "curl -s -u app:[masked] https://x"),
        ("sshpass -p hunter2 ssh a@b", "sshpass -p [masked] ssh a@b"),
        ("mysql -h db -P3306 -phunter2 x", "mysql -h db -P3306 -p[masked] x"),
        ("_auth=YXBwOmh1bnRlcjI=", "_auth=[masked]"),
    ] {
        for before in [r"first\n", r"first\\n", r"first\r\n\t"] {
            let (text, masked) = (format!("{before}{line}"), format!("{before}{masked}"));
            assert_eq!(mask_secrets(&text), masked);
        }
    }
}

#[test]
fn private_keys_go_whole() {
    let body = format!("{ALNUM}{ALNUM}\n{ALNUM}==\n");
    for kind in ["RSA ", "OPENSSH ", "EC ", "ENCRYPTED ", ""] {
        let begin = format!("-----BEGIN {kind}PRIVATE KEY-----");
        let end = format!("-----END {kind}PRIVATE KEY-----");
        let whole = format!("before\n{begin}\n{body}{end}\nafter");
        assert_eq!(mask_secrets(&whole), "before\n[masked]\nafter");
        let escaped = whole.replace('\n', "\\n");
        assert_eq!(mask_secrets(&escaped), "before\\n[masked]\\nafter");
        let cut = format!("{begin}\n{ALNUM}\n{ALNUM}\n\nand so on");
        assert_eq!(mask_secrets(&cut), "[masked]\n\nand so on");
    }
    let pgp =
        format!("-----BEGIN PGP PRIVATE KEY BLOCK-----\n{body}-----END PGP PRIVATE KEY BLOCK-----");
    assert_eq!(mask_secrets(&pgp), "[masked]");
}

#[test]
fn code_hashes_and_plain_words_stay() {
    for text in [
        "let token: String = read_token()?;",
        "max_tokens: 4096, input_tokens=1234",
        "fn password(&self) -> &str",
        "commit 0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d",
        "id 0197b1c0-0000-7000-8000-000000000001",
        "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "toolu_014St2DQdvietQni8xF1zr6D",
        "https://example.com:8080/path@2x.png",
        "http://localhost:3000/@vite/client",
        "http://[::1]:3000/@vite/client",
        "http://localhost:${PORT}/@fs/a",
        "mongodb://h1:27017,h2:27017/db@x",
        "http://a:80,https://b/c@d",
        "The password must be longer; ask for a token.",
        "git clone https://github.com/owner/repository.git",
        "task-management is a skill; risk-assessment-document-template",
        "const API_KEY = process.env.API_KEY;",
        r#"{"cookie": "^0.5.0", "authorization": "required"}"#,
        "proxy_set_header Authorization: Bearer",
    ] {
        assert_eq!(mask_secrets(text), text);
    }
}

proptest! {
    #[test]
    fn masking_is_done_after_one_pass(text in "\\PC{0,200}") {
        let once = mask_secrets(&text).into_owned();
        prop_assert_eq!(mask_secrets(&once).into_owned(), once);
    }

    #[test]
    fn a_key_does_not_get_through(before in "[^A-Za-z0-9_]{0,20}", after in "[^A-Za-z0-9_-]{0,20}") {
        let secret = ["ghp_", ALNUM].concat();
        let text = format!("{before}{secret}{after}");
        prop_assert!(!mask_secrets(&text).contains(ALNUM));
    }
}
