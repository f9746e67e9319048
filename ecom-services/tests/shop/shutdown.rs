//! Whoever waits when the shop stops is told where things stand.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::Value;

use crate::client::{eventually, of, text};
use crate::embedded::Shop;

/// Much less than what was asked for, and enough on a busy machine.
const AT_ONCE: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread")]
async fn whoever_waits_gets_the_current_state_when_the_shop_stops() {
    // The answer to the charge is lost, and given up only after the longest wait.
    let shop = Shop::start_with(&[("PROVIDER_TIMEOUT", "40s"), ("LEASE", "80s")]).await;
    let client = shop.client.clone();
    let product = client.product(&shop.admin, "MUG-1", 5).await;
    let buyer = client.customer("buyer").await;
    let method = client.method(&buyer, "tok_timeout_not_charged").await;
    let body = of(&product, 1, Some(&method));
    let order = text(&client.order(&buyer, "k", "", &body).await.expect(201)["id"]);
    eventually("the charge is under way", async || {
        (client.order_now(&buyer.token, &order).await["status"] == "processing").then_some(())
    })
    .await;

    let waiting = {
        let (client, buyer) = (client.clone(), buyer.clone());
        tokio::spawn(async move { client.order(&buyer, "k", "?wait=30s", &body).await })
    };
    let path = format!("/api/v1/orders/{order}/events");
    let mut stream = client.request(Method::GET, &path).bearer_auth(&buyer.token).send().await.unwrap();
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    let first = String::from_utf8(stream.chunk().await.unwrap().unwrap().to_vec()).unwrap();
    let data = first.lines().find_map(|line| line.strip_prefix("data: ")).expect("an event has data");
    let shown: Value = serde_json::from_str(data).unwrap();
    assert_eq!((&shown["id"], &shown["status"]), (&order.as_str().into(), &"processing".into()));
    assert!(first.starts_with(&format!("id: {}\nevent: order\n", shown["version"])), "{first}");
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!waiting.is_finished());

    let began = Instant::now();
    let stopped = tokio::spawn(shop.stop());
    let answer = waiting.await.unwrap();
    assert_eq!(
        (answer.expect(201)["status"].as_str(), answer.json()["id"].as_str()),
        (Some("processing"), Some(&*order))
    );
    // The stream ends like one that is complete, not like a lost connection.
    assert_eq!(stream.chunk().await.unwrap(), None);
    assert!(began.elapsed() < AT_ONCE, "{:?}", began.elapsed());
    stopped.await.unwrap();
    println!("the whole stop took {:?}", began.elapsed());
}
