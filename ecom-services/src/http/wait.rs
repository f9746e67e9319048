//! `?wait=5s`: answer once the work is done, or with what is known at the deadline.

use std::time::Duration;

use super::problem::Problem;
use super::request::Query;

/// The longest wait.
pub const WAIT_MAX: Duration = Duration::from_secs(30);

/// How long the caller is ready to wait; zero when he did not say.
///
/// # Errors
/// 400 `invalid_parameter` for what is no duration, 422 `invalid_parameter` for one above [`WAIT_MAX`].
pub fn wait(query: &Query) -> Result<Duration, Problem> {
    let Some(text) = query.get("wait") else { return Ok(Duration::ZERO) };
    let duration = parse(text).ok_or_else(|| {
        Problem::bad_request("invalid_parameter", "the parameter \"wait\" is a duration such as 500ms or 5s")
    })?;
    if duration > WAIT_MAX {
        return Err(Problem::invalid("invalid_parameter", "the parameter \"wait\" is 30s at most"));
    }
    Ok(duration)
}

fn parse(text: &str) -> Option<Duration> {
    let digits = text.trim_end_matches(|character: char| character.is_ascii_alphabetic());
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let count: u64 = plain.then(|| digits.parse().ok()).flatten()?;
    match &text[digits.len()..] {
        "ms" => Some(Duration::from_millis(count)),
        "s" => Some(Duration::from_secs(count)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_has_a_unit_and_a_limit() {
        for (raw, expected) in [
            ("", Ok(Duration::ZERO)),
            ("wait=0s", Ok(Duration::ZERO)),
            ("wait=500ms", Ok(Duration::from_millis(500))),
            ("wait=30s", Ok(WAIT_MAX)),
            ("wait=31s", Err(422)),
            ("wait=30001ms", Err(422)),
            ("wait=18446744073709551615s", Err(422)),
            ("wait=99999999999999999999s", Err(400)),
            ("wait=5", Err(400)),
            ("wait=", Err(400)),
            ("wait=s", Err(400)),
            ("wait=-5s", Err(400)),
            ("wait=1.5s", Err(400)),
            ("wait=5m", Err(400)),
        ] {
            let found = wait(&Query::parse(raw).unwrap()).map_err(|problem| problem.status.as_u16());
            assert_eq!(found, expected, "{raw}");
        }
    }
}
