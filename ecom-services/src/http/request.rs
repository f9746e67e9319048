//! A request as handlers see it: path parameters, query and headers already taken apart, the body complete.

use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

use bytes::Bytes;
use warp::http::header::HeaderName;
use warp::http::{HeaderMap, Method};

use super::problem::Problem;

/// What the server knows about a request beside its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// The client's correlation id, or a new one.
    pub correlation_id: String,
    /// The trace it belongs to, 32 hexadecimal digits.
    pub trace_id: String,
    /// W3C trace context to hand on.
    pub traceparent: String,
    /// The client's address, as far as it is known: at the other end of the connection, or behind trusted proxies.
    pub remote: IpAddr,
}

/// A request whose route is known.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The path in its one spelling: decoded, ids in lower case, without the query.
    pub path: String,
    /// Path and query as they came, to hand the request on.
    pub target: String,
    /// The decoded values of the pattern's parameters, in order.
    pub parameters: Vec<String>,
    /// The query.
    pub query: Query,
    /// The headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
    /// What the server knows about it.
    pub arrival: Arc<Arrival>,
}

impl Request {
    /// The path parameter at `index` as an id. What is no id names nothing: 404.
    pub fn id<T: FromStr>(&self, index: usize) -> Result<T, Problem> {
        // Only the hyphenated form names a resource, so that each has one address.
        let text = self.parameters.get(index).filter(|text| text.len() == 36).ok_or_else(Problem::not_found)?;
        text.parse().map_err(|_| Problem::not_found())
    }

    /// A header that may be sent once: its value if it is printable ASCII of at most `length_max` characters.
    ///
    /// # Errors
    /// 400 with `code` when it is sent twice, empty, too long or not printable.
    pub fn printable_header(
        &self,
        name: &HeaderName,
        length_max: usize,
        code: &'static str,
    ) -> Result<Option<String>, Problem> {
        let mut values = self.headers.get_all(name).iter();
        let Some(value) = values.next() else { return Ok(None) };
        let once = values.next().is_none();
        match printable(value.as_bytes(), length_max) {
            Some(text) if once => Ok(Some(text)),
            Some(_) | None => Err(Problem::bad_request(
                code,
                format!("{name} must be sent once, with 1 to {length_max} printable ASCII characters"),
            )),
        }
    }
}

/// The text, when it is printable ASCII of 1 to `length_max` characters.
pub fn printable(bytes: &[u8], length_max: usize) -> Option<String> {
    let fits = (1..=length_max).contains(&bytes.len()) && bytes.iter().all(|byte| (0x20..0x7f).contains(byte));
    fits.then(|| bytes.iter().map(|byte| char::from(*byte)).collect())
}

/// The parameters of a query string, each key once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Parses a query string.
    ///
    /// # Errors
    /// 400 `malformed_query` for broken percent-encoding, 400 `duplicate_parameter` for a key that comes twice: which
    /// one was meant is nobody's to guess.
    pub fn parse(raw: &str) -> Result<Self, Problem> {
        let mut pairs: Vec<(String, String)> = vec![];
        for part in raw.split('&').filter(|part| !part.is_empty()) {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            let (Some(key), Some(value)) = (percent_decode(key, true), percent_decode(value, true)) else {
                return Err(Problem::bad_request("malformed_query", "the query is not valid percent-encoded UTF-8"));
            };
            if pairs.iter().any(|(known, _)| *known == key) {
                let detail = format!("the query has the parameter {key:?} twice");
                return Err(Problem::bad_request("duplicate_parameter", detail));
            }
            pairs.push((key, value));
        }
        Ok(Self(pairs))
    }

    /// The value of a parameter.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == key).map(|(_, value)| value.as_str())
    }

    /// The value of a parameter, parsed.
    ///
    /// # Errors
    /// 422 `invalid_parameter` when it does not parse.
    pub fn parsed<T: FromStr>(&self, key: &str) -> Result<Option<T>, Problem> {
        self.get(key).map(|value| value.parse().map_err(|_| invalid_parameter(key))).transpose()
    }
}

/// 422 `invalid_parameter`.
pub fn invalid_parameter(key: &str) -> Problem {
    Problem::invalid("invalid_parameter", format!("the query parameter {key:?} has a value that it cannot have"))
}

/// Decodes percent-encoding; `None` when it is broken or not UTF-8.
pub fn percent_decode(text: &str, plus_is_space: bool) -> Option<String> {
    if !text.bytes().any(|byte| byte == b'%' || (plus_is_space && byte == b'+')) {
        return Some(text.to_owned());
    }
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => {
                let high = char::from(bytes.next()?).to_digit(16)?;
                let low = char::from(bytes.next()?).to_digit(16)?;
                u8::try_from(high * 16 + low).ok()?
            }
            b'+' if plus_is_space => b' ',
            other => other,
        });
    }
    String::from_utf8(decoded).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_decoded_once() {
        let query = Query::parse("q=a%2Bb+c&limit=5&empty=&flag").unwrap();
        assert_eq!(query.get("q"), Some("a+b c"));
        assert_eq!(query.parsed::<u32>("limit"), Ok(Some(5)));
        assert_eq!((query.get("empty"), query.get("flag"), query.get("none")), (Some(""), Some(""), None));
        assert_eq!(query.parsed::<u32>("q").unwrap_err().code, "invalid_parameter");
    }

    #[test]
    fn broken_and_ambiguous_queries_are_refused() {
        for (raw, code) in [
            ("a=1&a=2", "duplicate_parameter"),
            ("a=%zz", "malformed_query"),
            ("a=%ff", "malformed_query"),
            ("%4", "malformed_query"),
        ] {
            assert_eq!(Query::parse(raw).unwrap_err().code, code, "{raw}");
        }
    }

    #[test]
    fn only_printable_ascii_passes() {
        assert_eq!(printable(b"a b~", 4).as_deref(), Some("a b~"));
        for (bytes, length_max) in [(&b""[..], 4), (b"abcde", 4), (b"a\tb", 4), (b"\x7f", 4), ("\u{e9}".as_bytes(), 4)]
        {
            assert_eq!(printable(bytes, length_max), None, "{bytes:?}");
        }
    }
}
