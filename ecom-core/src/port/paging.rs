//! Lists in pages: newest first, each page begins behind the last row of the one before.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

use crate::time::Timestamp;

/// Where a page ended: the creation time and id of its last row. Opaque to clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cursor {
    /// When that row was created.
    pub created_at: Timestamp,
    /// That row's id; decides among rows of the same microsecond.
    pub id: Uuid,
}

impl Cursor {
    /// Before the newest row.
    pub const START: Self = Self { created_at: Timestamp::from_micros(i64::MAX), id: Uuid::max() };
}

impl fmt::Display for Cursor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:016x}{}", self.created_at.as_micros(), self.id.simple())
    }
}

/// The text is not a cursor that a list has given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor of this list")]
pub struct MalformedCursor;

impl FromStr for Cursor {
    type Err = MalformedCursor;
    fn from_str(text: &str) -> Result<Self, MalformedCursor> {
        let well_formed = text.len() == 48 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let (time, id) = text.split_at_checked(16).filter(|_| well_formed).ok_or(MalformedCursor)?;
        let micros = u64::from_str_radix(time, 16).map_err(|_| MalformedCursor)?;
        let id = Uuid::try_parse(id).map_err(|_| MalformedCursor)?;
        Ok(Self { created_at: Timestamp::from_micros(micros.cast_signed()), id })
    }
}

/// Which page of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PageRequest {
    limit: u8,
    after: Cursor,
}

impl PageRequest {
    /// The most rows of one page.
    pub const LIMIT_MAX: u32 = 100;

    /// How many rows a page has when nobody says.
    pub const LIMIT_DEFAULT: u32 = 20;

    /// A page of `limit` rows, behind `after` or from the newest row on; `None` when the limit is not 1 to 100.
    pub fn new(limit: u32, after: Option<Cursor>) -> Option<Self> {
        let limit = u8::try_from(limit).ok().filter(|limit| (1..=Self::LIMIT_MAX).contains(&u32::from(*limit)))?;
        Some(Self { limit, after: after.unwrap_or(Cursor::START) })
    }

    /// Rows to return.
    pub fn limit(self) -> usize {
        usize::from(self.limit)
    }

    /// Rows to read: one more than are returned shows whether the list goes on.
    pub fn probe(self) -> i64 {
        i64::from(self.limit) + 1
    }

    /// Where the page begins: only rows older than this.
    pub const fn after(self) -> Cursor {
        self.after
    }
}

impl Default for PageRequest {
    fn default() -> Self {
        Self { limit: Self::LIMIT_DEFAULT as u8, after: Cursor::START }
    }
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Page<T> {
    /// Newest first.
    pub items: Vec<T>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<Cursor>,
}

impl<T> Page<T> {
    /// From up to [`PageRequest::probe`] rows.
    pub fn of(mut rows: Vec<T>, request: PageRequest, cursor: impl Fn(&T) -> Cursor) -> Self {
        let more = rows.len() > request.limit();
        rows.truncate(request.limit());
        let next = rows.last().filter(|_| more).map(cursor);
        Self { items: rows, next }
    }

    /// The same page of something else.
    pub fn map<U>(self, convert: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(convert).collect(), next: self.next }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_survives_the_wire_and_others_are_refused() {
        for micros in [0, -1, 1_700_000_000_123_456, i64::MAX, i64::MIN] {
            let cursor = Cursor { created_at: Timestamp::from_micros(micros), id: Uuid::from_u128(7) };
            assert_eq!(cursor.to_string().parse(), Ok(cursor));
        }
        for text in ["", "x", &"g".repeat(48), &"0".repeat(47), &"0".repeat(49), &"ä".repeat(24)] {
            assert_eq!(text.parse::<Cursor>(), Err(MalformedCursor), "{text}");
        }
    }

    #[test]
    fn limits_are_1_to_100() {
        assert_eq!(PageRequest::new(0, None), None);
        assert_eq!(PageRequest::new(101, None), None);
        assert_eq!(PageRequest::new(256, None), None);
        assert_eq!(PageRequest::new(20, None), Some(PageRequest::default()));
    }

    #[test]
    fn the_probe_row_is_not_returned_and_tells_that_the_list_goes_on() {
        let request = PageRequest::new(2, None).unwrap();
        let cursor = |n: &i64| Cursor { created_at: Timestamp::from_micros(*n), id: Uuid::nil() };
        assert_eq!(Page::of(vec![3, 2, 1], request, cursor), Page { items: vec![3, 2], next: Some(cursor(&2)) });
        assert_eq!(Page::of(vec![3, 2], request, cursor), Page { items: vec![3, 2], next: None });
    }
}
