//! Where a list begins, and what it looks for.

use ecom_core::port::{Cursor, PageRequest};
use ecom_core::time::Timestamp;

/// The page, beginning no later than rows from before that time.
pub(crate) fn before(page: PageRequest, time: Option<Timestamp>) -> PageRequest {
    let limit = u32::try_from(page.limit()).unwrap_or(PageRequest::LIMIT_MAX);
    match time {
        // No id sorts before the nil one, so rows of that very microsecond are not older than it.
        Some(time) if time <= page.after().created_at => {
            let cursor = Cursor { created_at: time, id: uuid::Uuid::nil() };
            PageRequest::new(limit, Some(cursor)).unwrap_or(page)
        }
        Some(_) | None => page,
    }
}

/// A pattern for LIKE that finds the text anywhere, whatever is in it.
pub(crate) fn contains(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 2);
    pattern.push('%');
    for letter in text.chars() {
        if matches!(letter, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern.push('%');
    pattern
}
