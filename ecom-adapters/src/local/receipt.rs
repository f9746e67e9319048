//! The countdown of a publication: how many consumers still have to settle each of its events.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ecom_core::port::Published;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

/// What a publication waits for.
#[derive(Debug)]
pub(super) struct Receipt {
    slots: Mutex<Slots>,
    all_known: Notify,
}

#[derive(Debug)]
struct Slots {
    events: Vec<Slot>,
    /// How many are still waiting.
    open: usize,
}

#[derive(Clone, Debug)]
enum Slot {
    /// For so many queues.
    Waiting(usize),
    Known(Published),
}

/// One queue's part in the receipt of one event.
#[derive(Clone, Debug)]
pub(super) struct Slip {
    receipt: Arc<Receipt>,
    slot: usize,
}

impl Receipt {
    /// A receipt for events that so many queues each have to settle; none: the event is unroutable.
    pub(super) fn new(queues: impl Iterator<Item = usize>) -> Arc<Self> {
        let events: Vec<Slot> = queues
            .map(|queues| if queues == 0 { Slot::Known(Published::Unroutable) } else { Slot::Waiting(queues) })
            .collect();
        let open = events.iter().filter(|slot| matches!(slot, Slot::Waiting(_))).count();
        Arc::new(Self { slots: Mutex::new(Slots { events, open }), all_known: Notify::new() })
    }

    /// Waits until all is known, but not beyond the deadline.
    pub(super) async fn settled(&self, deadline: Instant) -> Vec<Published> {
        loop {
            let changed = self.all_known.notified();
            if self.lock().open == 0 || timeout_at(deadline, changed).await.is_err() {
                break;
            }
        }
        let slots = self.lock();
        let published = |slot: &Slot| match slot {
            Slot::Waiting(_) => Published::Unknown("not all consumers have settled it in time".to_owned()),
            Slot::Known(published) => published.clone(),
        };
        slots.events.iter().map(published).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Slots> {
        // Nothing panics while it is held.
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slip {
    pub(super) fn new(receipt: &Arc<Receipt>, slot: usize) -> Self {
        Self { receipt: Arc::clone(receipt), slot }
    }

    /// This queue's consumer has settled the event as done.
    pub(super) fn done(&self) {
        self.update(|slot| match slot {
            Slot::Waiting(queues) if *queues > 1 => Slot::Waiting(*queues - 1),
            Slot::Waiting(_) => Slot::Known(Published::Confirmed),
            Slot::Known(published) => Slot::Known(published.clone()),
        });
    }

    /// The publisher shall not wait for this queue: the event stays in the outbox.
    pub(super) fn unknown(&self, why: &str) {
        self.update(|slot| match slot {
            Slot::Waiting(_) => Slot::Known(Published::Unknown(why.to_owned())),
            Slot::Known(published) => Slot::Known(published.clone()),
        });
    }

    fn update(&self, change: impl FnOnce(&Slot) -> Slot) {
        let mut slots = self.receipt.lock();
        let Some(slot) = slots.events.get_mut(self.slot) else { return };
        let was_open = matches!(slot, Slot::Waiting(_));
        *slot = change(slot);
        if was_open && matches!(slot, Slot::Known(_)) {
            slots.open -= 1;
            if slots.open == 0 {
                self.receipt.all_known.notify_one();
            }
        }
    }
}
