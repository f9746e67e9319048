//! What a record shows, and the record of an older release.
//!
//! `ecom-core/tests/recorded/host.jsonl` was written by a real run of the whole shop with failures in it: the lives that
//! show each kind of request and completion first. While services are upgraded one after the other, machines of both
//! releases work on the same rows and queues, so a change that makes this test fail changes the protocol between them.
//! Say in the commit why both may run beside each other; then renew the file:
//! `ECOM_GOLDEN=write cargo test -p ecom-services --test shop what_the_host_was_asked`.

use std::sync::{Arc, Mutex};

use super::*;
use crate::engine::consumer::Limits;
use crate::engine::{Fault, Verdict};
use crate::event::{EventType, Service};
use crate::port::{Body, Delivery};
use crate::testing::sample;

const GOLDEN: &str = include_str!("../../../tests/recorded/host.jsonl");

/// A machine and the record of its life.
struct Life<M> {
    machine: Recorded<M>,
    lines: Arc<Mutex<Vec<String>>>,
}

impl<M: Machine> Life<M> {
    fn new(setup: M::Setup) -> Self {
        let lines = Arc::new(Mutex::new(vec![]));
        let shared = Arc::clone(&lines);
        let recorder = Recorder::new(move |line| shared.lock().unwrap().push(line));
        Self { machine: Recorded::new(setup, Service::Order, &recorder), lines }
    }

    fn proceed(&mut self, completion: M::Completion) {
        self.machine.resume(completion);
    }

    fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }

    fn text(&self) -> String {
        self.lines().join("\n")
    }
}

fn consumer() -> Life<Consumer> {
    let mut recorded = Life::<Consumer>::new(("order.events".into(), Limits::default()));
    let unreadable = Body::Unreadable {
        id: sample::envelope(EventType::StockLow, 2).event_id,
        event_type: "order.exploded".to_owned(),
        raw: r#"{"a":"ö"}"#.to_owned(),
        error: "unknown".to_owned(),
    };
    let bodies = [Body::Event(sample::envelope(EventType::OrderCreated, 1)), unreadable];
    let deliveries = (0..).zip(bodies).map(|(tag, body)| Delivery { tag, redelivered: false, body }).collect();
    for completion in [
        consumer::Completion::Subscribed,
        consumer::Completion::Received(deliveries),
        consumer::Completion::Buried(vec![Ok(())]),
        consumer::Completion::Settled,
        consumer::Completion::RolledBack(Fault::Unavailable("away".to_owned())),
        consumer::Completion::Rested,
        consumer::Completion::Transacted(vec![Verdict::Refused { reason: "no".to_owned() }]),
        consumer::Completion::Counted(vec![Ok(2)]),
        consumer::Completion::Closed,
    ] {
        recorded.proceed(completion);
    }
    recorded
}

#[test]
fn a_record_is_replayed_and_every_kind_in_it_is_counted() {
    let count = replay(&consumer().text()).unwrap();
    for (word, times) in [
        ("consumer > subscribe", 2),
        ("consumer > settle", 2),
        ("consumer > bury", 1),
        ("consumer < rolled back: unavailable", 1),
        ("consumer < transacted: refused", 1),
        ("consumer < received: event", 1),
        ("consumer < received: unreadable", 1),
    ] {
        assert_eq!(count.0.get(word), Some(&times), "{word}: {count:?}");
    }
    let missing = count.missing();
    assert!(missing.contains(&"consumer < unknown".to_owned()), "{missing:?}");
    assert!(!missing.contains(&"consumer < settled".to_owned()), "{missing:?}");
    assert!(missing.contains(&"clockwork > find".to_owned()), "{missing:?}");
}

#[test]
fn a_machine_that_asks_for_something_else_is_noticed() {
    let text = consumer().text();
    for (this, that) in [
        (r#""subscribe""#, r#"{"receive":{"max":1}}"#),
        (r#"{"receive":{"max":256}}"#, r#"{"receive":{"max":255}}"#),
        (r#""done""#, r#"{"retry":{"secs":1,"nanos":0}}"#),
    ] {
        let changed = text.replacen(this, that, 1);
        assert_ne!(changed, text, "{this}");
        let error = replay(&changed).unwrap_err();
        assert!(matches!(error.what, What::Asks { .. }), "{error}");
    }
}

#[test]
fn a_host_that_answers_something_else_is_noticed() {
    use consumer::Completion;
    for wrong in [Completion::Settled, Completion::Received(vec![]), Completion::Rested] {
        let mut recorded = Life::<Consumer>::new(("order.events".into(), Limits::default()));
        recorded.proceed(Completion::Subscribed);
        recorded.proceed(wrong);
        let error = replay(&recorded.text()).unwrap_err();
        assert_eq!(error.line, 3);
        assert!(matches!(error.what, What::NoAnswer { .. }), "{error}");
    }
    let mut short = consumer();
    let one = Delivery { tag: 1, redelivered: true, body: Body::Event(sample::envelope(EventType::OrderCreated, 1)) };
    for completion in [Completion::Subscribed, Completion::Received(vec![one]), Completion::Transacted(vec![])] {
        short.proceed(completion);
    }
    let error = replay(&short.text()).unwrap_err();
    assert_eq!(error.line, short.lines().len(), "one verdict is missing: {error}");
    assert!(matches!(error.what, What::NoAnswer { .. }), "{error}");
}

#[test]
fn what_is_no_record_is_not_readable() {
    let first = consumer().lines().remove(0);
    for text in [
        "no json".to_owned(),
        first.replace("consumer", "mill"),
        r#"{"life":1,"completion":"settled","request":"subscribe"}"#.to_owned(),
        format!("{first}\n{}", r#"{"life":1,"completion":"exploded","request":"subscribe"}"#),
    ] {
        let error = replay(&text).unwrap_err();
        assert!(matches!(error.what, What::Unreadable(_)), "{error}");
    }
}

#[test]
fn lives_that_are_interleaved_are_told_apart() {
    let (one, other) = (consumer().lines(), consumer().lines());
    let other = other.iter().map(|line| line.replacen(r#""life":1"#, r#""life":2"#, 1));
    let both: Vec<String> = one.iter().cloned().zip(other).flat_map(|(one, other)| [one, other]).collect();
    let text = both.join("\n");
    assert_eq!(replay(&text).unwrap().0["consumer > subscribe"], 4);
    let lives = lives(&text).unwrap();
    assert_eq!(lives.len(), 2);
    assert_eq!(lives[&1], one);
}

#[test]
fn the_machines_go_the_way_of_the_older_release() {
    let count = replay(GOLDEN).unwrap_or_else(|differs| panic!("the record of the older release: {differs}"));
    assert_eq!(count.missing(), kept_out(), "kinds that do not occur in the record");
}

/// What no host answers, and why.
fn kept_out() -> Vec<String> {
    [
        // The wake of delayed effects keeps the earliest time itself.
        "effector < sooner",
        // An adapter that cannot tell how a call ended says so in its answer.
        "call < lost",
        // As above.
        "clockwork < sooner",
    ]
    .map(str::to_owned)
    .to_vec()
}
