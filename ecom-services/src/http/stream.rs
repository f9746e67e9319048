//! Server-Sent Events: a response that goes on.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::Stream;
use warp::Reply;
use warp::http::header::{CONTENT_TYPE, HeaderValue};
use warp::reply::Response;

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
