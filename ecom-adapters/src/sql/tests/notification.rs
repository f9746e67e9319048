//! The tables of the notification context against a real database: what is saved is what is loaded, and the database refuses
//! what must never be. Every adapter runs these; `super` names its database.

use std::collections::{BTreeMap, BTreeSet};

use ecom_core::decide::BoundedContext;
use ecom_core::email::Email;
use ecom_core::engine::{Loaded, Message, Origin, Writes, fold};
use ecom_core::event::{OrderCompleted, StockLow, UserChanged, UserDeactivated};
use ecom_core::id::{CorrelationId, MessageId, OrderId, ProductId, UserId};
use ecom_core::money::{Currency, Money};
use ecom_core::notification::{
    Choices, Effect, EffectAnswer, EmailChoice, Input, Letter, NoticeFilter, NotificationReader, PushChoice,
    SetPreferences, SmsChoice,
};
use ecom_core::policy::Policy;
use ecom_core::port::PageRequest;
use ecom_core::time::Timestamp;
use sqlx::Connection;
use uuid::Uuid;

use super::{
    Change, Home, NotificationContext, NotificationScope, NotificationSnapshot, NotificationTables, Pool, REFUSED,
    Reader, Tables,
};

fn user(n: u128) -> UserId {
    UserId(Uuid::from_u128(n))
}

fn order(n: u128) -> OrderId {
    OrderId(Uuid::from_u128(0x1000 + n))
}

fn updated(n: u128, version: u64, is_admin: bool) -> Input {
    Input::UserUpdated(UserChanged {
        user_id: user(n),
        version,
        email: Email::parse("ada@example.com").unwrap(),
        first_name: "Ada \"A\"".to_owned(),
        last_name: "Lovelace".to_owned(),
        is_admin,
    })
}

fn deactivated(n: u128, version: u64) -> Input {
    Input::UserDeactivated(UserDeactivated { user_id: user(n), version })
}

fn completed(n: u128, user_n: u128) -> Input {
    let total_amount = Money::new(300, Currency::EUR);
    Input::OrderCompleted(OrderCompleted { order_id: order(n), user_id: user(user_n), total_amount, items: vec![] })
}

fn choose(n: u128, email: bool, number: Option<&str>) -> Input {
    let choices = Choices {
        email: EmailChoice { enabled: email, address: Some("other@example.com".to_owned()) },
        sms: SmsChoice { enabled: number.is_some(), number: number.map(str::to_owned) },
        push: PushChoice { enabled: false, endpoint: Some("https://push.example.com/1".to_owned()) },
    };
    Input::SetPreferences(SetPreferences { user_id: user(n), choices })
}

fn stock_low() -> Input {
    let (product_id, sku) = (ProductId(Uuid::from_u128(9)), "TEA-1".to_owned());
    Input::StockLow(StockLow { product_id, sku, available: 2, threshold: 5 })
}

/// A database, and what the rules have made of it so far, kept in memory beside it.
struct Office {
    pool: Pool,
    expected: NotificationSnapshot,
    letters: Vec<Letter>,
    messages: u128,
    _home: Home,
}

impl Office {
    async fn new() -> Self {
        let home = Home::new().await;
        let pool = home.pool::<NotificationContext, NotificationTables>().await;
        let expected = NotificationSnapshot::default();
        Self { pool, expected, letters: vec![], messages: 0, _home: home }
    }

    /// Loads, decides and saves a batch in one transaction.
    async fn run(&mut self, inputs: Vec<Input>) -> Writes<NotificationContext> {
        let mut scope = NotificationScope::default();
        for input in &inputs {
            NotificationContext::scope(input, &mut scope);
        }
        let messages: Vec<_> = inputs.into_iter().map(|input| self.message(input)).collect();
        let mut connection = self.pool.acquire().await.unwrap();
        let mut transaction = connection.begin().await.unwrap();
        let loaded = Loaded {
            snapshot: NotificationTables::load(&mut transaction, &scope).await.unwrap(),
            seen: BTreeSet::new(),
            kept: BTreeMap::new(),
            armed: BTreeSet::new(),
            owed: BTreeMap::new(),
            now: Timestamp::from_micros(i64::try_from(self.messages).unwrap()),
        };
        let writes = fold(loaded, &messages, &Policy::default());
        NotificationTables::save(&mut transaction, &writes.changes).await.unwrap();
        transaction.commit().await.unwrap();
        for change in &writes.changes {
            NotificationContext::apply(&mut self.expected, change);
        }
        self.letters.extend(writes.effects.values().flatten().map(|row| {
            let Effect::Send(letter) = &row.effect;
            letter.clone()
        }));
        writes
    }

    fn message(&mut self, input: Input) -> Message<NotificationContext> {
        self.messages += 1;
        Message {
            id: MessageId(Uuid::from_u128(self.messages << 32)),
            origin: Origin::Command(None),
            correlation: CorrelationId(Uuid::from_u128(self.messages)),
            causation: None,
            traceparent: None,
            input,
        }
    }

    /// Everything in the database, through the front door.
    async fn everything(&self) -> NotificationSnapshot {
        let expected = &self.expected;
        let scope = NotificationScope {
            users: expected.contacts.keys().chain(expected.preferences.keys()).copied().collect(),
            notices: expected.notices.keys().copied().collect(),
            ..NotificationScope::default()
        };
        NotificationTables::load(&mut self.pool.acquire().await.unwrap(), &scope).await.unwrap()
    }

    fn reader(&self) -> Reader {
        Reader::new(self.pool.clone())
    }
}

fn inputs() -> Vec<Input> {
    vec![
        completed(1, 1),
        completed(2, 2),
        choose(3, false, Some("+4915112345678")),
        updated(1, 1, false),
        updated(3, 1, true),
        updated(4, 1, false),
        deactivated(4, 2),
        completed(3, 3),
        completed(4, 4),
        choose(3, true, None),
        choose(5, false, None),
        updated(3, 2, true),
        stock_low(),
    ]
}

#[tokio::test]
async fn every_state_survives_the_database_in_one_batch_and_in_many() {
    let mut batch = Office::new().await;
    batch.run(inputs()).await;
    assert_eq!(batch.everything().await, batch.expected);
    let mut single = Office::new().await;
    for input in inputs() {
        single.run(vec![input]).await;
        assert_eq!(single.everything().await, single.expected);
    }
    let answers = [
        EffectAnswer::Sent,
        EffectAnswer::NotSent { transient: false, detail: "no such user".to_owned() },
        EffectAnswer::NotSent { transient: true, detail: "busy".to_owned() },
    ];
    for (letter, answer) in single.letters.clone().into_iter().zip(answers) {
        single.run(vec![Input::Answered { letter, attempts: 1, answer }]).await;
        assert_eq!(single.everything().await, single.expected);
    }
    let statuses: BTreeSet<_> = single.expected.notices.values().map(|notice| notice.state.status()).collect();
    assert_eq!(statuses, ["failed", "queued", "sent", "suppressed"].into());
}

#[tokio::test]
async fn a_contact_that_arrives_finds_what_waited_for_it() {
    let mut office = Office::new().await;
    office.run(vec![completed(1, 1), completed(2, 1), completed(3, 2)]).await;
    assert!(office.letters.is_empty());
    office.run(vec![updated(1, 1, false)]).await;
    let orders: BTreeSet<_> =
        office.letters.iter().map(|letter| office.expected.notices[&letter.notice_id].order_id).collect();
    assert_eq!(orders, [Some(order(1)), Some(order(2))].into());
}

#[tokio::test]
async fn administrators_are_found() {
    let mut office = Office::new().await;
    office.run(vec![updated(1, 1, true), updated(2, 1, false), updated(3, 1, true), updated(4, 1, true)]).await;
    office.run(vec![deactivated(3, 2), updated(4, 2, false)]).await;
    office.run(vec![stock_low()]).await;
    assert_eq!(office.letters.iter().map(|letter| letter.user_id).collect::<Vec<_>>(), [user(1)]);
}

#[tokio::test]
async fn a_row_in_another_version_rolls_everything_back() {
    let mut office = Office::new().await;
    office.run(inputs()).await;
    let contact = office.expected.contacts[&user(3)].clone();
    let preferences = office.expected.preferences[&user(3)].clone();
    let notice = office.expected.notices.values().next().unwrap().clone();
    for change in [
        Change::PutContact(contact.clone()),
        Change::PutContact(ecom_core::notification::Contact { version: contact.version + 2, ..contact }),
        Change::PutPreferences(preferences),
        Change::PutNotice(notice.clone()),
        Change::PutNotice(ecom_core::notification::Notice { version: notice.version + 2, ..notice }),
    ] {
        let mut connection = office.pool.acquire().await.unwrap();
        let mut transaction = connection.begin().await.unwrap();
        let saved = NotificationTables::save(&mut transaction, std::slice::from_ref(&change)).await;
        assert!(saved.is_err(), "{change:?}");
    }
    assert_eq!(office.everything().await, office.expected);
}

#[tokio::test]
async fn the_database_refuses_what_must_never_be() {
    let mut office = Office::new().await;
    office.run(inputs()).await;
    let letter = office.letters[0].clone();
    office.run(vec![Input::Answered { letter, attempts: 1, answer: EffectAnswer::Sent }]).await;
    for sql in REFUSED {
        assert!(sqlx::query(*sql).execute(&office.pool).await.is_err(), "{sql}");
    }
    assert_eq!(office.everything().await, office.expected);
}

#[tokio::test]
async fn lists_go_on_where_they_ended_and_obey_their_filter() {
    let mut office = Office::new().await;
    for n in 1..=5 {
        office.run(vec![completed(n, 1)]).await;
    }
    office.run(vec![completed(6, 2)]).await;
    let reader = office.reader();
    for (user_id, order_id, expected) in [
        (Some(user(1)), None, vec![5, 4, 3, 2, 1]),
        (Some(user(2)), None, vec![6]),
        (Some(user(3)), None, vec![]),
        (None, None, vec![6, 5, 4, 3, 2, 1]),
        (None, Some(order(4)), vec![4]),
        (Some(user(1)), Some(order(4)), vec![4]),
        (Some(user(2)), Some(order(4)), vec![]),
    ] {
        let filter = NoticeFilter { user_id, order_id };
        let (mut seen, mut after) = (vec![], None);
        loop {
            let page = reader.list(&filter, PageRequest::new(2, after).unwrap()).await.unwrap();
            seen.extend(page.items.iter().map(|notice| notice.order_id.unwrap().0.as_u128() - 0x1000));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(seen, expected, "{filter:?}");
    }
}

#[tokio::test]
async fn preferences_are_found_or_those_of_nobody_who_chose() {
    let mut office = Office::new().await;
    office.run(vec![choose(1, false, Some("+4915112345678"))]).await;
    let reader = office.reader();
    assert_eq!(reader.preferences(user(1)).await.unwrap(), office.expected.preferences[&user(1)]);
    let untouched = reader.preferences(user(2)).await.unwrap();
    assert_eq!((untouched.version, untouched.choices), (0, Choices::default()));
}
