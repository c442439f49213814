//! Takes secrets out of any text: keys and tokens by their shapes, passwords by where they stand.
//!
//! For what leaves the process (analysis, notices, logs) and for what is shown. It would rather mask
//! a harmless value beside the word `password` than let a key through; hashes, ids and plain words
//! stay. The shapes are those that their issuers document.

use std::{borrow::Cow, sync::LazyLock};

use regex::{Regex, RegexSet, RegexSetBuilder};

use crate::header::MASKED;

/// Private keys, whole, also with their line breaks escaped and without their end.
const PRIVATE_KEY: &str = concat!(
    r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----",
    r"(?:[\s\S]*?-----END (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----",
    r"|(?:(?:\s|\\[nr])*[A-Za-z0-9+/=]{16,})*)",
    // PuTTY's.
    r"|Private-Lines: \d+(?:(?:\s|\\[nr])+[A-Za-z0-9+/=]{16,})+",
);

/// Where a word begins: also behind an escaped line break, as JSON writes it.
macro_rules! word_begins {
    () => {
        r"(?:(?-u:\b)|\\[nrt])"
    };
}

/// Keys and tokens with a prefix of their own, which must not continue a word.
const PREFIXED: &str = concat!(
    "(",
    word_begins!(),
    ")(?:",
    // Anthropic, OpenAI, OpenRouter, DeepSeek and others; Nexus itself.
    r"sk-[A-Za-z0-9_-]{16,}|cnp_(?:live|test)_[A-Za-z0-9_-]{16,}",
    // GitHub, GitLab, Atlassian, Bitbucket.
    r"|gh[pousr]_[A-Za-z0-9]{16,}|github_pat_[A-Za-z0-9_]{20,}|gl(?:pat|dt|rt|cbt|ptt|ft|soat|agent|imt)-[A-Za-z0-9_.-]{16,}",
    r"|AT(?:ATT|BB|CTT)[A-Za-z0-9_=+/.-]{20,}",
    // Slack, Discord, Telegram.
    r"|xox[a-z]-[A-Za-z0-9-]{10,}|xapp-[A-Za-z0-9-]{10,}",
    r"|[MNO][A-Za-z\d_-]{23,27}\.[A-Za-z\d_-]{6}\.[A-Za-z\d_-]{27,}|\d{8,10}:AA[A-Za-z0-9_-]{30,}",
    // Amazon, Google, Azure, Cloudflare, DigitalOcean, Heroku, Alibaba.
    r"|(?:AKIA|ASIA|ABIA|ACCA|AIDA|AROA)[A-Z0-9]{16}|AIza[A-Za-z0-9_-]{30,}|AQ\.[A-Za-z0-9_-]{30,}|ya29\.[A-Za-z0-9_.-]{16,}|GOCSPX-[A-Za-z0-9_-]{16,}",
    r"|1//0[A-Za-z0-9_-]{30,}|do[opr]_v1_[a-f0-9]{32,}|HRKU-[A-Za-z0-9_-]{16,}|LTAI[A-Za-z0-9]{16,}",
    // Stripe, Square, PayPal, Shopify, Plaid.
    r"|(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{10,}|whsec_[A-Za-z0-9+/=]{16,}|sq0(?:atp|csp)-[A-Za-z0-9_-]{16,}",
    r"|shp(?:at|ca|pa|ss)_[A-Fa-f0-9]{16,}|access-(?:sandbox|development|production)-[a-f0-9-]{30,}",
    // Registries and build services.
    r"|npm_[A-Za-z0-9]{30,}|pypi-[A-Za-z0-9_-]{16,}|rubygems_[a-f0-9]{32,}|cio[A-Za-z0-9]{32}|dckr_(?:pat|oat)_[A-Za-z0-9_-]{16,}|oy2[a-z0-9]{43}",
    // Models and data.
    r"|hf_[A-Za-z0-9]{16,}|gsk_[A-Za-z0-9]{16,}|xai-[A-Za-z0-9_-]{16,}|pplx-[A-Za-z0-9]{16,}|r8_[A-Za-z0-9]{16,}|tvly-[A-Za-z0-9-]{16,}|fw_[A-Za-z0-9]{20,}|dapi[a-f0-9]{32}",
    // Other services.
    r"|SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}|(?:AC|SK)[a-f0-9]{32}|key-[a-f0-9]{32}|lin_(?:api|oauth)_[A-Za-z0-9]{16,}|figd_[A-Za-z0-9_-]{16,}",
    r"|(?:secret|ntn)_[A-Za-z0-9]{40,}|hv[sbr]\.[A-Za-z0-9_-]{16,}|dp\.(?:pt|st|ct|sa|scim|audit)\.[A-Za-z0-9_-]{16,}|sbp_[a-f0-9]{32,}|nfp_[A-Za-z0-9]{16,}|FlyV1 [A-Za-z0-9_=,+/-]{16,}",
    r"|glsa_[A-Za-z0-9_]{32,}|glc_[A-Za-z0-9+/=]{32,}|PMAK-[a-f0-9-]{32,}|phc_[A-Za-z0-9]{30,}|sntr[yu]s?_[A-Za-z0-9_=+/]{30,}|NRAK-[A-Z0-9]{20,}|AGE-SECRET-KEY-1[A-Z0-9]{50,}|tskey-[A-Za-z0-9-]{16,}",
    r"|sb_secret_[A-Za-z0-9_-]{16,}|lsv2_(?:pt|sk)_[A-Za-z0-9_]{16,}|pcsk_[A-Za-z0-9_]{16,}|xkeysib-[A-Za-z0-9-]{16,}|sq[pua]_[a-f0-9]{40}",
    r"|pscale_(?:tkn|pw|oauth)_[A-Za-z0-9_-]{16,}|pul-[a-f0-9]{40}|CCIPAT_[A-Za-z0-9_]{16,}|bkua_[a-f0-9]{40}|EAA[A-Za-z0-9]{60,}",
    r"|[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_-]{60,}|pat[A-Za-z0-9]{14}\.[a-f0-9]{64}|re_[A-Za-z0-9]{8}_[A-Za-z0-9]{20,}|sk_[a-f0-9]{40,}|[a-f0-9]{32}-us\d{1,2}",
    r"|vercel_(?:blob_rw_[A-Za-z0-9_]{20,}|[a-z_]+_[A-Za-z0-9]{20,})",
    // JSON Web Tokens: two or three parts, the first one a JSON object.
    r"|eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?",
    r")",
);

/// Credentials in URLs, and URLs that are credentials.
const URL: &str = concat!(
    // A password may hold an `@` that nobody escaped, or a `/`. What ends in `:/` is another URL, a
    // short number or a variable (`${PORT}`) before a `/` a port, and what begins with `[` a host.
    r"(?i)((?-u:\b)[a-z][a-z0-9+.-]*://[^\s/:@\[\x22'<>]*:)",
    r"(?:[^\s/\x22'<>]+",
    r"|(?:[^\s/@\\\x22'<>]*[^\s/@:0-9}\\\x22'<>][0-9]*|[0-9]{6,})",
    r"/[^\s@\\\x22'<>]*(?:@[^\s/\x22'<>]*)?)(@)",
    r"|((?-u:\b)hooks\.slack\.com/(?:services|workflows|triggers)/)[A-Za-z0-9/_-]+()",
    r"|((?-u:\b)discord(?:app)?\.com/api/webhooks/)[A-Za-z0-9/_-]+()",
    r"|((?-u:\b)[a-z0-9.-]+\.webhook\.office\.com/)[A-Za-z0-9/@_-]+()",
    r"|([?&](?:sig|signature|x-amz-signature)=)[^\s&\x22'<>]{16,}()",
);

/// `Authorization: Bearer …` and its like; header lines whose value is a credential.
const HEADER: &str = concat!(
    "(?i)(",
    word_begins!(),
    r"(?:bearer|basic)\s+)[A-Za-z0-9._~+/=-]{12,}",
    "|(",
    word_begins!(),
    r"(?:set-)?cookie\s*:\s*)[^\r\n\x22']+",
    // As JSON; a version of the package `cookie` is no cookie.
    r"|((?:set-)?cookie\\*[\x22']\s*:\s*\\*[\x22'])[^\r\n\x22'\\=]+=[^\r\n\x22'\\]+",
    "|(",
    word_begins!(),
    r"x-(?:api|goog-api|dashboard|auth)-(?:key|token)\s*:\s*)[^\s\x22']+",
);

/// `Authorization: Token …` and every other scheme; within quotes also without one.
const AUTHORIZATION: &str = concat!(
    "(?i)(",
    word_begins!(),
    r"authorization\\*[\x22']?\s*:\s*\\*[\x22']?[a-z]+\s+)",
    r"[A-Za-z0-9._~+/=-]{12,}",
    r"|(authorization\\*[\x22']\s*:\s*\\*[\x22'])[A-Za-z0-9._~+/=-]{12,}",
);

/// Passwords on command lines and in files where no name says what they are: curl, sshpass, MySQL,
/// `.netrc`, Docker's and npm's `auth`.
const PLACED: &str = concat!(
    "(?i)(",
    word_begins!(),
    r"curl\s[^\r\n|;]*?(?-i:-u|--user)[\s=]+\\*[\x22']?[^\s:\x22'\\]+:)[^\s\x22'\\]+",
    "|(",
    word_begins!(),
    r"sshpass\s+(?-i:-p)\s*\\*[\x22']?)[^\s\x22'\\]+",
    "|(",
    word_begins!(),
    r"(?:mysql|mysqldump|mysqladmin|mariadb)\s(?:[^\r\n|;]*?\s)?(?-i:-p))[^\s\x22'\\]{3,}",
    "|(",
    word_begins!(),
    r"login\s+\S+\s+password\s+)\S+",
    r"|(\x22auth\\*\x22\s*:\s*\\*\x22)[A-Za-z0-9+/]{12,}={0,2}",
    "|(",
    word_begins!(),
    r"_auth\s*=\s*)[A-Za-z0-9+/]{8,}={0,2}",
);

/// A name that ends in a word for a secret. `max_tokens` is none, `githubToken` is one.
macro_rules! secret_name {
    () => {
        concat!(
            r"[A-Za-z0-9_.-]*(?:pass(?:word|wd|phrase|code)|pwd|secret|token|api[_-]?key|apikey",
            r"|(?:access|account|private|signing|encryption|shared|secret|auth|storage)[_-]?key|key[_-]data|credentials?|_pass)"
        )
    };
}

/// `"password": "…"`, `api_key='…'`, also within an escaped JSON string.
const QUOTED: &str = concat!(
    r"(?i)((?-u:\b)",
    secret_name!(),
    r#"\\*["']?\s*(?:=>|:=|=|:)\s*\\*["'])[^"'\\\r\n]{3,}"#
);

/// `PASSWORD=…` in an environment, a query or a command line.
const ASSIGNED: &str =
    concat!(r"(?i)((?-u:\b)", secret_name!(), r#"=)[^\s"'\\&;,<>(){}\[\]$`|]{4,}"#);

/// `password: hunter2x`, `--token abc123…`: without quotes only when it holds a digit or a mark, for
/// `token: String` is code, and `Authorization: Bearer` names a scheme.
const SPOKEN: &str = concat!(
    r"(?i)((?:(?-u:\b)(?:[A-Za-z0-9_.-]*authorization|",
    secret_name!(),
    r#")\s*(?::|=|\bis\b)|--"#,
    secret_name!(),
    r#"\b)\s+)([A-Za-z0-9_./+!@#%^*?~=-]{6,})"#
);

struct Rule {
    regex: Regex,
    replacement: &'static str,
}

const PATTERNS: [(&str, &str); 8] = [
    (PRIVATE_KEY, "[masked]"),
    (URL, "$1$3$5$7$9[masked]$2$4$6$8${10}"),
    (PREFIXED, "$1[masked]"),
    (HEADER, "$1$2$3$4[masked]"),
    (PLACED, "$1$2$3$4$5$6[masked]"),
    (QUOTED, "$1[masked]"),
    (ASSIGNED, "$1[masked]"),
    // Behind those that go by names, which it would take away from `OAuth oauth_token="…"`.
    (AUTHORIZATION, "$1$2[masked]"),
];

static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    let rule = |(pattern, replacement)| Rule { regex: regex(pattern), replacement };
    PATTERNS.into_iter().map(rule).collect()
});

/// Bytes that the compiled set may take; the default is meant for one pattern.
const MAX_SET: usize = 64 << 20;

/// All patterns in one pass: most texts hold no secret, and header values are looked at while a
/// client waits.
static ANY: LazyLock<RegexSet> = LazyLock::new(|| {
    let patterns = PATTERNS.iter().map(|(pattern, _)| *pattern).chain([SPOKEN]);
    let set = RegexSetBuilder::new(patterns).size_limit(MAX_SET).build();
    set.expect("constant patterns compile")
});

static SPOKEN_RULE: LazyLock<Regex> = LazyLock::new(|| regex(SPOKEN));

/// The patterns are constants, and a test compiles them.
fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a constant pattern compiles")
}

/// `text` with [`MASKED`] in the place of every secret. Masking twice changes nothing more.
pub fn mask_secrets(text: &str) -> Cow<'_, str> {
    if !ANY.is_match(text) {
        return Cow::Borrowed(text);
    }
    let mut masked = Cow::Borrowed(text);
    for rule in &*RULES {
        if let Cow::Owned(changed) = rule.regex.replace_all(&masked, rule.replacement) {
            masked = Cow::Owned(changed);
        }
    }
    if let Cow::Owned(changed) = SPOKEN_RULE.replace_all(&masked, spoken) {
        masked = Cow::Owned(changed);
    }
    masked
}

fn spoken(found: &regex::Captures<'_>) -> String {
    let value = &found[2];
    let is_word = value.chars().all(|char| char.is_ascii_alphabetic() || matches!(char, '.' | '_'));
    let is_number = value.chars().all(|char| char.is_ascii_digit() || char == '.');
    let shown = if is_word || is_number { value } else { MASKED };
    format!("{}{shown}", &found[1])
}

#[cfg(test)]
mod tests;
