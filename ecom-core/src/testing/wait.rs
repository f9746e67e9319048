//! The little of a runtime that suites need.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

/// A future of any kind.
pub type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Runs a future on this thread to its end.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(value) => return value,
            Poll::Pending => thread::park(),
        }
    }
}

/// Runs two futures beside each other until both have ended.
pub async fn both<A, B>(first: impl Future<Output = A>, second: impl Future<Output = B>) -> (A, B) {
    let (mut first, mut second) = (pin!(first), pin!(second));
    let (mut a, mut b) = (None, None);
    poll_fn(move |context| {
        if a.is_none()
            && let Poll::Ready(value) = first.as_mut().poll(context)
        {
            a = Some(value);
        }
        if b.is_none()
            && let Poll::Ready(value) = second.as_mut().poll(context)
        {
            b = Some(value);
        }
        match (a.take(), b.take()) {
            (Some(a), Some(b)) => Poll::Ready((a, b)),
            (left, right) => {
                (a, b) = (left, right);
                Poll::Pending
            }
        }
    })
    .await
}

/// Runs futures beside each other until all have ended; results in the order of the futures.
pub async fn join_all<T>(futures: Vec<Boxed<'_, T>>) -> Vec<T> {
    let mut running: Vec<Result<T, Boxed<'_, T>>> = futures.into_iter().map(Err).collect();
    poll_fn(|context| {
        for slot in &mut running {
            if let Err(future) = slot
                && let Poll::Ready(value) = future.as_mut().poll(context)
            {
                *slot = Ok(value);
            }
        }
        if running.iter().all(Result::is_ok) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    running.into_iter().filter_map(Result::ok).collect()
}

/// Runs a future until it or `limit` has ended; `None`, and the future dropped, when `limit` was first.
pub async fn within<T>(limit: impl Future<Output = ()>, future: impl Future<Output = T>) -> Option<T> {
    let (mut limit, mut future) = (pin!(limit), pin!(future));
    poll_fn(|context| {
        if let Poll::Ready(value) = future.as_mut().poll(context) {
            return Poll::Ready(Some(value));
        }
        limit.as_mut().poll(context).map(|()| None)
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    #[test]
    fn futures_run_beside_each_other() {
        assert_eq!(block_on(both(ready(1), ready("a"))), (1, "a"));
        assert_eq!(block_on(join_all(vec![Box::pin(ready(1)), Box::pin(ready(2))])), [1, 2]);
    }

    #[test]
    fn a_limit_ends_what_does_not_end_by_itself() {
        assert_eq!(block_on(within(ready(()), pending::<u8>())), None);
        assert_eq!(block_on(within(pending(), ready(1))), Some(1));
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "somebody else must wake it")]
    fn a_thread_that_waits_is_woken() {
        let (mut woken, mut sleeper) = (false, None);
        block_on(poll_fn(|context| {
            if woken {
                return Poll::Ready(());
            }
            woken = true;
            let waker = context.waker().clone();
            sleeper = Some(thread::spawn(move || waker.wake()));
            Poll::Pending
        }));
        assert!(sleeper.is_some_and(|thread| thread.join().is_ok()));
    }
}
