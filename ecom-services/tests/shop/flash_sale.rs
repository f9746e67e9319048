//! More buyers than pieces, all at once.

use std::time::Instant;

use futures_util::future::join_all;
use serde_json::Value;

use crate::client::{of, tally, text};
use crate::embedded::Shop;

const CLIENTS: usize = 500;
const PIECES: usize = 100;
const USERS: usize = 8;

#[tokio::test(flavor = "multi_thread")]
async fn a_flash_sale_sells_every_piece_once() {
    let shop = Shop::start().await;
    let (client, admin) = (&shop.client, shop.admin.as_str());
    let product = client.product(admin, "LAMP-1", PIECES as u64).await;
    let buyers = join_all((0..USERS).map(async |number| client.customer(&format!("buyer{number}")).await)).await;
    let start = Instant::now();
    let body = of(&product, 1, None);
    let placed = (0..CLIENTS).map(|number| {
        let (client, buyer, body) = (client.clone(), buyers[number % USERS].clone(), body.clone());
        tokio::spawn(async move {
            let answer = client.order(&buyer, &format!("{number}"), "?wait=30s", &body).await;
            (buyer, answer.expect(201))
        })
    });
    let orders: Vec<_> = join_all(placed).await.into_iter().map(|order| order.unwrap()).collect();
    println!("{CLIENTS} orders of {PIECES} pieces took {:?}", start.elapsed());

    let end = |order: &Value| match order["failure"]["code"].as_str() {
        Some(code) => format!("{} {code}", text(&order["status"])),
        None => text(&order["status"]),
    };
    let ends = tally(orders.iter().map(|(_, order)| end(order)));
    let expected = [("completed".to_owned(), PIECES), ("failed out_of_stock".to_owned(), CLIENTS - PIECES)];
    assert_eq!(ends, expected.into());
    for (_, order) in &orders {
        client.settled(admin, &text(&order["id"])).await;
    }
    assert_eq!(client.stock(admin, &product).await, [0, 0, 0, PIECES as u64]);
    let log = client.all("/api/v1/payments/sandbox/log", admin).await;
    let line = |entry: &Value| format!("{} {}", text(&entry["operation"]), text(&entry["result"]));
    assert_eq!(tally(log.iter().map(line)), [("charge succeeded".to_owned(), PIECES)].into());
    let charged: std::collections::BTreeSet<String> = log.iter().map(|entry| text(&entry["order_id"])).collect();
    let completed = orders.iter().filter(|(_, order)| order["status"] == "completed");
    assert_eq!(charged, completed.map(|(_, order)| text(&order["id"])).collect());
    shop.stop().await;
}
