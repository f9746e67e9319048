//! The values that variables hold.

use std::fmt;
use std::time::Duration;

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object per line.
    Json,
    /// For people.
    Text,
}

/// So many times in so long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many times.
    pub count: u32,
    /// In how long.
    pub per: Duration,
}

impl Rate {
    /// Parses `10/m`: a count above zero per `s`, `m`, `h` or `d`.
    pub fn parse(text: &str) -> Option<Self> {
        let (count, unit) = text.split_once('/')?;
        let per = match unit {
            "s" => Duration::from_secs(1),
            "m" => Duration::from_secs(60),
            "h" => Duration::from_secs(3_600),
            "d" => Duration::from_secs(86_400),
            _ => return None,
        };
        let count = digits(count).and_then(|count| u32::try_from(count).ok());
        count.filter(|count| *count > 0).map(|count| Self { count, per })
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} per {:?}", self.count, self.per)
    }
}

/// Parses `500ms`, `5s`, `10m`, `1h`, `7d` or a plain `0`.
pub(crate) fn duration(text: &str) -> Option<Duration> {
    let split = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
    let (count, unit) = text.split_at(split);
    let count = digits(count)?;
    let seconds = match unit {
        "" if count == 0 => 0,
        "ms" => return Some(Duration::from_millis(count)),
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    count.checked_mul(seconds).map(Duration::from_secs)
}

/// Parses one to five durations, separated by commas; the last one fills up.
pub(super) fn rungs(text: &str) -> Option<[Duration; 5]> {
    let given: Vec<Duration> = text.split(',').map(|part| duration(part.trim())).collect::<Option<_>>()?;
    let last = given.last().copied().filter(|_| given.len() <= 5)?;
    Some(std::array::from_fn(|index| given.get(index).copied().unwrap_or(last)))
}

/// A base URL over HTTP without a trailing slash; `None` when it is none.
pub(super) fn http_url(text: &str) -> Option<String> {
    let url = text.trim().trim_end_matches('/');
    let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"))?;
    let host = rest.split('/').next().filter(|host| !host.is_empty() && !host.starts_with(':'))?;
    (!host.contains(char::is_whitespace)).then(|| url.to_owned())
}

/// Like [`http_url`], without TLS: services speak to each other inside one private network.
pub(super) fn plain_http_url(text: &str) -> Option<String> {
    http_url(text).filter(|url| url.starts_with("http://"))
}

/// The URL with `***` in place of the password that it may hold.
pub(super) fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, tail) = rest.split_at(end);
    // The last one: a password may hold an unescaped @.
    match authority.rsplit_once('@') {
        Some((credentials, host)) => {
            let user = credentials.split(':').next().unwrap_or_default();
            format!("{scheme}://{user}:***@{host}{tail}")
        }
        None => url.to_owned(),
    }
}

fn digits(text: &str) -> Option<u64> {
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}
