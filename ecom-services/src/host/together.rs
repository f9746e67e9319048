//! Questions that wait at the same time are answered by one query.
//!
//! A commit wakes everybody who follows one of its orders, and each of them reads: one query for all of them costs little
//! more than one for the first. Alone, nobody waits for others: there is no timer.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use ecom_core::engine::{Fault, HistoryRow};
use ecom_core::id::{OrderId, ProductId};
use ecom_core::order::{CatalogueEntry, Order, OrderFilter, OrderReader, SagaFilter};
use ecom_core::port::{Page, PageRequest};
use tokio::sync::oneshot;

/// Questions of one query.
const TOGETHER_MAX: usize = 256;

type Answer<V> = Result<Option<V>, Fault>;
type Found<K, V> = Result<BTreeMap<K, V>, Fault>;

/// Who asks, and whose turn it is to fetch.
struct Together<K, V> {
    asked: Mutex<Vec<(K, oneshot::Sender<Answer<V>>)>>,
    turn: tokio::sync::Mutex<()>,
}

impl<K: Copy + Ord, V: Clone> Together<K, V> {
    fn new() -> Self {
        Self { asked: Mutex::default(), turn: tokio::sync::Mutex::default() }
    }

    /// The answer of a fetch that begins after this call. One of those who ask fetches for all; when it is dropped
    /// half-way, the others ask again.
    async fn ask<F: Future<Output = Found<K, V>>>(&self, key: K, fetch: impl Fn(Vec<K>) -> F) -> Answer<V> {
        'ask: loop {
            let (reply, mut answer) = oneshot::channel();
            self.asked().push((key, reply));
            loop {
                let turn = tokio::select! {
                    biased;
                    answered = &mut answer => match answered {
                        Ok(answered) => return answered,
                        Err(_) => continue 'ask,
                    },
                    turn = self.turn.lock() => turn,
                };
                // Whoever is ready to ask does so first.
                tokio::task::yield_now().await;
                self.fetch(&fetch).await;
                drop(turn);
            }
        }
    }

    async fn fetch<F: Future<Output = Found<K, V>>>(&self, fetch: impl Fn(Vec<K>) -> F) {
        let asked: Vec<_> = {
            let mut asked = self.asked();
            // Whoever has gone away wants no answer.
            asked.retain(|(_, reply)| !reply.is_closed());
            let count = asked.len().min(TOGETHER_MAX);
            asked.drain(..count).collect()
        };
        if asked.is_empty() {
            return;
        }
        let mut keys: Vec<K> = asked.iter().map(|(key, _)| *key).collect();
        keys.sort_unstable();
        keys.dedup();
        let found = fetch(keys).await;
        for (key, reply) in asked {
            let answer = found.as_ref().map(|found| found.get(&key).cloned()).map_err(Clone::clone);
            // It may have gone away meanwhile.
            drop(reply.send(answer));
        }
    }

    fn asked(&self) -> MutexGuard<'_, Vec<(K, oneshot::Sender<Answer<V>>)>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A reader of orders that answers by one query who asks for single orders at the same time.
pub(crate) struct OrdersTogether {
    reader: Arc<dyn OrderReader>,
    orders: Together<OrderId, Order>,
}

impl OrdersTogether {
    /// Over that reader.
    pub(crate) fn over(reader: Arc<dyn OrderReader>) -> Arc<dyn OrderReader> {
        Arc::new(Self { reader, orders: Together::new() })
    }
}

#[async_trait]
impl OrderReader for OrdersTogether {
    async fn order(&self, id: OrderId) -> Result<Option<Order>, Fault> {
        let fetch = |ids: Vec<OrderId>| async move {
            let orders = self.reader.orders_by_id(&ids).await?;
            Ok(orders.into_iter().map(|order| (order.id, order)).collect())
        };
        self.orders.ask(id, fetch).await
    }

    async fn orders_by_id(&self, ids: &[OrderId]) -> Result<Vec<Order>, Fault> {
        self.reader.orders_by_id(ids).await
    }

    async fn orders(&self, filter: OrderFilter, page: PageRequest) -> Result<Page<Order>, Fault> {
        self.reader.orders(filter, page).await
    }

    async fn timeline(&self, id: OrderId) -> Result<Vec<HistoryRow>, Fault> {
        self.reader.timeline(id).await
    }

    async fn catalogue_entry(&self, id: ProductId) -> Result<Option<CatalogueEntry>, Fault> {
        self.reader.catalogue_entry(id).await
    }

    async fn sagas(&self, filter: SagaFilter, page: PageRequest) -> Result<Page<Order>, Fault> {
        self.reader.sagas(filter, page).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use tokio::sync::Semaphore;

    use super::*;

    /// Answers each key with ten times it, but for 13; each fetch waits for a permit.
    struct Source {
        together: Together<u32, u32>,
        fetches: AtomicU32,
        permits: Semaphore,
    }

    impl Source {
        fn new() -> Arc<Self> {
            Arc::new(Self { together: Together::new(), fetches: AtomicU32::new(0), permits: Semaphore::new(0) })
        }

        async fn ask(&self, key: u32) -> Answer<u32> {
            let fetch = |keys: Vec<u32>| async move {
                self.fetches.fetch_add(1, Ordering::Relaxed);
                self.permits.acquire().await.map_err(|_| Fault::Conflict)?.forget();
                Ok(keys.iter().filter(|key| **key != 13).map(|key| (*key, key * 10)).collect())
            };
            self.together.ask(key, fetch).await
        }

        fn asks(self: &Arc<Self>, key: u32) -> tokio::task::JoinHandle<Answer<u32>> {
            let source = Arc::clone(self);
            tokio::spawn(async move { source.ask(key).await })
        }
    }

    async fn settle() {
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn who_asks_at_the_same_time_is_answered_by_one_query() {
        let source = Source::new();
        let asked: Vec<_> = [1, 2, 13, 2].into_iter().map(|key| source.asks(key)).collect();
        settle().await;
        // Who asks now may not get what the fetch under way has read.
        let late = source.asks(1);
        settle().await;
        source.permits.add_permits(1);
        let mut answers = vec![];
        for asked in asked {
            answers.push(asked.await.expect("it runs"));
        }
        assert_eq!(answers, [Ok(Some(10)), Ok(Some(20)), Ok(None), Ok(Some(20))]);
        settle().await;
        assert!(!late.is_finished());
        assert_eq!(source.fetches.load(Ordering::Relaxed), 2);
        source.permits.add_permits(1);
        assert_eq!(late.await.expect("it runs"), Ok(Some(10)));
    }

    #[tokio::test]
    async fn when_the_one_who_fetches_goes_away_the_others_are_answered_all_the_same() {
        let source = Source::new();
        let (first, second) = (source.asks(1), source.asks(2));
        settle().await;
        first.abort();
        settle().await;
        source.permits.add_permits(1);
        assert_eq!(second.await.expect("it runs"), Ok(Some(20)));
        // An error is for everybody who asked.
        source.permits.close();
        assert_eq!(source.ask(3).await, Err(Fault::Conflict));
    }

    #[tokio::test]
    async fn more_than_one_query_takes_are_all_answered() {
        let source = Source::new();
        source.permits.add_permits(10);
        let asked: Vec<_> = (100..1_000).map(|key| source.asks(key)).collect();
        for (asked, key) in asked.into_iter().zip(100..) {
            assert_eq!(asked.await.expect("it runs"), Ok(Some(key * 10)));
        }
        assert!(source.fetches.load(Ordering::Relaxed) >= 4);
    }
}
