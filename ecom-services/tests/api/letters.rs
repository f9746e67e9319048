use std::sync::Arc;
use std::time::Duration;

use ecom_adapters::sqlite::order::OrderTables;
use ecom_adapters::sqlite::{SqliteStore, StoreOptions};
use ecom_adapters::system::SystemClock;
use ecom_core::engine::DeadLetter;
use ecom_core::event::EventType;
use ecom_core::order::OrderContext;
use ecom_core::policy::Policy;
use ecom_core::port::Store;
use ecom_core::testing::sample;
use reqwest::Method;
use serde_json::{Value, json};

use crate::shop::Shop;

/// Stops the shop, gives messages of the order service up, and starts it again.
pub(crate) async fn bury(shop: Shop, letters: Vec<DeadLetter>) -> Shop {
    let data = shop.stop().await;
    let (policy, lease) = (Policy::default(), Duration::from_secs(15));
    let options = StoreOptions { policy, lease, clock: Arc::new(SystemClock) };
    let path = data.path().join("order.sqlite");
    let store = SqliteStore::<OrderContext, OrderTables>::open(&path, options).await.unwrap();
    for letter in letters {
        store.bury(letter).await.unwrap();
    }
    store.close().await;
    Shop::start_in(data, &[]).await
}

pub(crate) fn letter(number: u64) -> DeadLetter {
    let envelope = sample::envelope(EventType::ProductCreated, number);
    DeadLetter {
        id: envelope.event_id,
        queue: "order.events".to_owned(),
        event_type: "product.created".to_owned(),
        body: envelope.to_json(),
        reason: "the disk was on fire".to_owned(),
        attempts: 10,
    }
}

async fn listed(shop: &Shop, admin: &str, query: &str) -> Value {
    shop.get(&format!("/admin/dead-letters{query}")).by(admin).send().await.expect(200)
}

#[tokio::test]
async fn dead_letters_are_listed_replayed_once_and_discarded() {
    let broken = DeadLetter { body: "{".to_owned(), ..letter(2) };
    let shop = Box::pin(bury(Shop::start().await, vec![letter(1), broken.clone()])).await;
    let (admin, ada) = (shop.admin().await, shop.customer("ada").await);
    let page = listed(&shop, &admin, "").await;
    let ids = |page: &Value| -> Vec<String> {
        page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(ids(&page), [broken.id.to_string(), letter(1).id.to_string()], "the newest first");
    let (first, shown) = (letter(1), &page["items"][1]);
    assert_eq!((shown["body"].as_str(), shown["reason"].as_str()), (Some(&*first.body), Some(&*first.reason)));
    assert_eq!((shown["queue"].as_str(), shown["attempts"].as_u64()), (Some("order.events"), Some(10)));
    let newest = listed(&shop, &admin, "?limit=1").await;
    assert_eq!(ids(&newest), [broken.id.to_string()]);
    let rest = listed(&shop, &admin, &format!("?cursor={}", newest["next_cursor"].as_str().unwrap())).await;
    assert_eq!((ids(&rest), &rest["next_cursor"]), (vec![first.id.to_string()], &Value::Null));
    assert_eq!(ids(&listed(&shop, &admin, "?queue=payment.events").await), Vec::<String>::new());

    let act = |id: String, action: &str, token: &str, body: Value| {
        shop.call(Method::POST, &format!("/admin/dead-letters/{id}/{action}")).by(token).body(&body).send()
    };
    let reason = json!({ "reason": "the fire is out" });
    assert_eq!(shop.get("/admin/dead-letters").by(&ada).send().await.status, 403);
    assert_eq!(act(first.id.to_string(), "replay", &ada, reason.clone()).await.status, 403);
    assert_eq!(act(first.id.to_string(), "replay", &admin, json!({ "reason": " " })).await.status, 422);
    let unreadable = act(broken.id.to_string(), "replay", &admin, reason.clone()).await;
    assert_eq!(unreadable.problem(), (409, "dead_letter_unreadable".to_owned()));
    let replayed = act(first.id.to_string(), "replay", &admin, reason.clone()).await.expect(200);
    assert_eq!(replayed["items"][0]["id"], first.id.to_string());
    assert_eq!(act(first.id.to_string(), "replay", &admin, reason.clone()).await.status, 404);
    assert_eq!(act(broken.id.to_string(), "discard", &admin, reason.clone()).await.status, 200);
    assert_eq!(ids(&listed(&shop, &admin, "").await), Vec::<String>::new());

    // As after a stop between the handling and the closing: the message is known, and only the letter is left.
    let shop = Box::pin(bury(shop, vec![letter(1)])).await;
    let admin = shop.admin().await;
    let path = format!("/admin/dead-letters/{}/replay", first.id);
    assert_eq!(shop.post(&path, &reason).by(&admin).send().await.status, 200);
    assert_eq!(ids(&listed(&shop, &admin, "").await), Vec::<String>::new());
}
