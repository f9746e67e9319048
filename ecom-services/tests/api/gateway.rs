use std::time::Duration;

use serde_json::json;

use crate::shop::Shop;

#[tokio::test]
async fn a_summary_joins_what_belongs_to_an_order() {
    let shop = Shop::start().await;
    let (ada, admin) = (shop.customer("ada").await, shop.admin().await);
    let product = shop.product(&admin, "MUG", 10).await;
    let id = shop.order(&ada, "k", &product, 1).await.string("/id");
    // The notice is sent after the end, and the hold is sold after it, too.
    let mut summary = json!(null);
    for _ in 0..100 {
        summary = shop.get(&format!("/orders/{id}/summary")).by(&ada).send().await.expect(200);
        let notified = summary["notifications"]["data"].as_array().is_some_and(|notices| !notices.is_empty());
        if notified && summary["reservation"]["data"]["state"] == "committed" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    for part in ["order", "payment", "reservation", "notifications"] {
        assert_eq!(summary[part]["status"], "ok", "{summary}");
    }
    assert_eq!(summary["order"]["data"]["id"], id.as_str());
    assert_eq!(summary["payment"]["data"]["order_id"], id.as_str());
    assert_eq!(summary["reservation"]["data"]["state"], "committed");
    assert_eq!(summary["notifications"]["data"][0]["order_id"], id.as_str());
    let failed = shop.order(&ada, "f", &product, 1_000).await.string("/id");
    let summary = shop.get(&format!("/orders/{failed}/summary")).by(&ada).send().await.expect(200);
    assert_eq!(summary["reservation"], json!({ "status": "ok", "data": null }), "nothing was held, and that is known");
}

#[tokio::test]
async fn each_user_has_a_limit_of_his_own() {
    let shop = Shop::start_with(&[("RATE_LIMIT_USER", "5/h")]).await;
    let ada = shop.login(crate::shop::ADMIN.0, crate::shop::ADMIN.1).await;
    assert_eq!((ada.header("ratelimit-limit"), ada.header("ratelimit-remaining")), ("5", "4"));
    let ada = ada.string("/access_token");
    for left in ["4", "3", "2", "1", "0"] {
        let reply = shop.get("/users/me").by(&ada).send().await;
        assert_eq!((reply.status, reply.header("ratelimit-remaining")), (200, left));
    }
    let limited = shop.get("/users/me").by(&ada).send().await;
    assert_eq!(limited.problem(), (429, "rate_limited".to_owned()));
    assert_eq!((limited.header("ratelimit-limit"), limited.header("ratelimit-remaining")), ("5", "0"));
    assert!(limited.header("retry-after").parse::<u64>().unwrap() > 60);
    assert_eq!(shop.get("/products").send().await.status, 200, "his address counts apart");
}
