//! Server-Sent Events: a response that goes on.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use ecom_core::id::UserId;
use futures_util::Stream;
use warp::Reply;
use warp::http::StatusCode;
use warp::http::header::{CONTENT_TYPE, HeaderValue};
use warp::reply::Response;

use super::problem::Problem;

/// Streams that one user may have open: enough for every window of a person, far from every connection of the server.
const STREAMS_MAX: usize = 20;

/// The open streams of each user. Clones share them.
#[derive(Clone, Default)]
pub struct Streams(Arc<Mutex<BTreeMap<UserId, usize>>>);

/// A stream's place; dropping it gives it back.
pub struct Place {
    streams: Streams,
    user: UserId,
}

impl Streams {
    /// A place for one more stream.
    ///
    /// # Errors
    /// 429 `too_many_streams` when the user has as many as he may.
    pub fn enter(&self, user: UserId) -> Result<Place, Problem> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(user).or_default();
        if *count >= STREAMS_MAX {
            let detail = format!("one user may have {STREAMS_MAX} open streams; close one first");
            let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_streams", detail);
            return Err(problem.retry_after(Duration::from_secs(1)));
        }
        *count += 1;
        Ok(Place { streams: self.clone(), user })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.streams.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.user) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.user);
            }
        }
    }
}

/// A stream that is Sync because nobody can poll it through a shared reference. Warp asks for it, async blocks seldom
/// are.
struct Exclusive<S>(Mutex<Pin<Box<S>>>);

impl<S: Stream> Stream for Exclusive<S> {
    type Item = S::Item;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<S::Item>> {
        let stream = self.get_mut().0.get_mut().unwrap_or_else(PoisonError::into_inner);
        stream.as_mut().poll_next(context)
    }
}

/// One event.
pub fn event(id: u64, name: &str, data: &str) -> Bytes {
    // Our data is JSON, which has no line breaks of its own.
    format!("id: {id}\nevent: {name}\ndata: {data}\n\n").into()
}

/// What keeps a silent connection open.
pub fn comment() -> Bytes {
    Bytes::from_static(b":\n\n")
}

/// The response that sends these events as they come.
pub fn events(stream: impl Stream<Item = Bytes> + Send + 'static) -> Response {
    use futures_util::StreamExt;
    let mut response = response(stream.map(Ok::<_, Infallible>));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    response
}

/// The response whose body is what comes; an error breaks the connection off, so that nobody takes the part for the whole.
pub fn response<E>(stream: impl Stream<Item = Result<Bytes, E>> + Send + 'static) -> Response
where
    E: Into<Box<dyn std::error::Error + Send + Sync>> + Send + 'static,
{
    warp::reply::stream(Exclusive(Mutex::new(Box::pin(stream)))).into_response()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn each_user_has_so_many_streams_and_gets_a_place_back() {
        let streams = Streams::default();
        let (ada, eve) = (UserId(Uuid::from_u128(1)), UserId(Uuid::from_u128(2)));
        let mut places: Vec<_> = (0..STREAMS_MAX).map(|_| streams.enter(ada).unwrap()).collect();
        let refused = streams.enter(ada).map(drop).unwrap_err();
        assert_eq!((refused.status.as_u16(), refused.code), (429, "too_many_streams"));
        drop(streams.enter(eve).unwrap());
        places.pop();
        places.push(streams.enter(ada).unwrap());
        assert!(streams.enter(ada).is_err());
        drop(places);
        assert!(streams.0.lock().unwrap().is_empty(), "whoever has none is forgotten");
    }
}
