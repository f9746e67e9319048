//! Lists: `?limit=` and `?cursor=`, and the body that carries one page.

use ecom_core::port::{Cursor, Page, PageRequest};
use serde::Serialize;
use warp::http::StatusCode;

use super::problem::Problem;
use super::request::Query;
use super::response::{Answer, json, ok};

/// Which page a query asks for.
///
/// # Errors
/// 400 `invalid_parameter` for a limit that is no number, 422 `invalid_parameter` for one that is not 1 to 100, 400
/// `invalid_cursor` for a cursor that no list has given.
pub fn page(query: &Query) -> Result<PageRequest, Problem> {
    let bounds = "the parameter \"limit\" is a number from 1 to 100";
    let limit = match query.get("limit") {
        None => PageRequest::LIMIT_DEFAULT,
        // A number too large for any limit is still a number: 422, like every other one out of bounds.
        Some(text) if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) => {
            text.parse().unwrap_or(u32::MAX)
        }
        Some(_) => return Err(Problem::bad_request("invalid_parameter", bounds)),
    };
    let cursor = query.get("cursor").map(str::parse::<Cursor>).transpose();
    let cursor = cursor.map_err(|error| Problem::bad_request("invalid_cursor", error.to_string()))?;
    PageRequest::new(limit, cursor).ok_or_else(|| Problem::invalid("invalid_parameter", bounds))
}

/// The 200 response with one page.
pub fn list<T: Serialize>(page: Page<T>) -> Answer {
    ok(&List { items: page.items, next_cursor: page.next.map(|cursor| cursor.to_string()) })
}

/// The 200 response with a list that is short enough to come whole.
pub fn whole<T: Serialize>(items: Vec<T>) -> Answer {
    ok(&List { items, next_cursor: None })
}

/// The 202 response to a page of things that are published again.
pub fn republished<T>(page: &Page<T>) -> Answer {
    let next_cursor = page.next.as_ref().map(ToString::to_string);
    json(StatusCode::ACCEPTED, &Republished { count: page.items.len(), next_cursor })
}

#[derive(Serialize)]
struct Republished {
    count: usize,
    next_cursor: Option<String>,
}

#[derive(Serialize)]
struct List<T> {
    items: Vec<T>,
    next_cursor: Option<String>,
}

#[cfg(test)]
mod tests {
    use ecom_core::time::Timestamp;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn limits_and_cursors_are_checked() {
        let cursor = Cursor { created_at: Timestamp::EPOCH, id: Uuid::nil() };
        assert_eq!(page(&Query::parse("").unwrap()), Ok(PageRequest::default()));
        let given = page(&Query::parse(&format!("limit=100&cursor={cursor}")).unwrap()).unwrap();
        assert_eq!((given.limit(), given.after()), (100, cursor));
        for (raw, status) in [
            ("limit=0", 422),
            ("limit=101", 422),
            ("limit=99999999999999999999", 422),
            ("limit=-1", 400),
            ("limit=ten", 400),
            ("limit=", 400),
            ("cursor=", 400),
            ("cursor=x%27%20OR%201=1", 400),
        ] {
            assert_eq!(page(&Query::parse(raw).unwrap()).unwrap_err().status.as_u16(), status, "{raw}");
        }
    }
}
