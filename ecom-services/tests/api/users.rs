use std::time::{Duration, Instant};

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;

use crate::shop::{ADMIN, PASSWORD, Shop};

#[tokio::test]
async fn a_registration_is_checked_whole_and_shows_no_hash() {
    let shop = Shop::start().await;
    let good = json!({ "email": " Ada@Example.COM ", "password": PASSWORD, "first_name": "Ada", "last_name": "L" });
    let user = shop.post("/users/register", &good).send().await.expect(201);
    assert_eq!((user["email"].as_str(), user["role"].as_str()), (Some("ada@example.com"), Some("customer")));
    assert!(!user.to_string().contains("hash") && !user.to_string().contains(PASSWORD));
    let again = shop.post("/users/register", &good).send().await;
    assert_eq!(again.problem(), (409, "email_taken".to_owned()));
    let bad = json!({ "email": "ada", "password": "password", "first_name": "", "last_name": "x".repeat(101) });
    let bad = shop.post("/users/register", &bad).send().await.expect(422);
    let pointers: Vec<_> = bad["errors"].as_array().unwrap().iter().map(|error| error["pointer"].clone()).collect();
    assert_eq!(pointers, ["/email", "/password", "/first_name", "/last_name"]);
    for field in ["role", "is_active", "id", "password_hash"] {
        let mut body = good.clone();
        body[field] = json!("admin");
        let refused = shop.post("/users/register", &body).send().await.expect(422);
        assert_eq!(refused["errors"][0]["pointer"], format!("/{field}"));
    }
}

#[tokio::test]
async fn every_failed_login_looks_the_same_until_there_are_too_many() {
    let shop = Shop::start().await;
    shop.customer("ada").await;
    let wrong = shop.login("ada@example.com", "wrong-password").await;
    let unknown = shop.login("eve@example.com", "wrong-password").await;
    let nonsense = shop.login("no address", "x").await;
    for reply in [&wrong, &unknown, &nonsense] {
        assert_eq!(reply.problem(), (401, "invalid_credentials".to_owned()));
        assert_eq!(reply.string("/detail"), wrong.string("/detail"));
    }
    for _ in 0..9 {
        assert_eq!(shop.login("Ada@example.com", "wrong-password").await.status, 401);
    }
    let limited = shop.login("ada@example.com", PASSWORD).await;
    assert_eq!(limited.problem(), (429, "rate_limited".to_owned()));
    assert!(limited.header("retry-after").parse::<u64>().unwrap() >= 1);
    assert_eq!(shop.login(ADMIN.0, ADMIN.1).await.status, 200, "other accounts are not concerned");
}

#[tokio::test]
async fn a_refresh_token_is_exchanged_once() {
    let shop = Shop::start().await;
    shop.customer("ada").await;
    let first = shop.login("ada@example.com", PASSWORD).await.expect(200);
    assert_eq!((first["token_type"].as_str(), first["expires_in"].as_u64()), (Some("Bearer"), Some(300)));
    let exchange = |token: &serde_json::Value| shop.post("/users/token", &json!({ "refresh_token": token })).send();
    let second = exchange(&first["refresh_token"]).await.expect(200);
    let lost = exchange(&first["refresh_token"]).await.expect(200);
    assert_eq!(second["refresh_token"], lost["refresh_token"], "a lost answer is given again");
    assert_eq!(exchange(&json!("made-up")).await.problem(), (401, "invalid_refresh_token".to_owned()));
    let out = shop.post("/users/logout", &json!({ "refresh_token": second["refresh_token"] })).send().await;
    assert_eq!((out.status, out.text.as_str()), (204, ""));
    assert_eq!(exchange(&second["refresh_token"]).await.status, 401);
    for token in ["made-up", ""] {
        let out = shop.post("/users/logout", &json!({ "refresh_token": token })).send().await;
        assert_eq!(out.status, 204, "what cannot be read has no session that is left to end");
    }
}

#[tokio::test]
async fn guesses_beside_each_other_are_counted_before_they_are_checked() {
    let shop = Shop::start_with(&[("RATE_LIMIT_LOGIN", "4/m")]).await;
    shop.customer("ada").await;
    let guesses = join_all((0..12).map(|_| shop.login("ada@example.com", "wrong-password"))).await;
    let mut statuses: Vec<u16> = guesses.iter().map(|reply| reply.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [[401; 4].as_slice(), [429; 8].as_slice()].concat());
}

#[tokio::test]
async fn good_logins_do_not_count() {
    let shop = Shop::start_with(&[("RATE_LIMIT_LOGIN", "2/m")]).await;
    shop.customer("ada").await;
    for _ in 0..4 {
        assert_eq!(shop.login("ada@example.com", PASSWORD).await.status, 200);
    }
}

#[tokio::test]
async fn all_who_sign_in_while_the_hash_is_renewed_are_let_in() {
    let shop = Shop::start_with(&[("BCRYPT_COST", "10")]).await;
    shop.customer("ada").await;
    let shop = Box::pin(shop.restart(&[("BCRYPT_COST", "11")])).await;
    for reply in join_all((0..4).map(|_| shop.login("ada@example.com", PASSWORD))).await {
        assert_eq!(reply.status, 200, "{}", reply.text);
    }
}

#[tokio::test]
async fn the_time_of_a_reset_request_does_not_tell_whether_there_is_an_account() {
    let shop = Shop::start().await;
    shop.customer("ada").await;
    for email in ["ada@example.com", "nobody@example.com", "no address"] {
        let began = Instant::now();
        let reply = shop.post("/users/password-reset", &json!({ "email": email })).send().await;
        assert_eq!((reply.status, reply.text.as_str()), (202, ""), "{email}");
        assert!(began.elapsed() >= Duration::from_millis(250), "{email} was answered as soon as it was done");
    }
}

#[tokio::test]
async fn what_a_user_may_do_depends_on_who_he_is() {
    let shop = Shop::start().await;
    let (ada, eve, admin) = (shop.customer("ada").await, shop.customer("eve").await, shop.admin().await);
    let id = async |token: &str| shop.get("/users/me").by(token).send().await.string("/id");
    let (ada_id, eve_id) = (id(&ada).await, id(&eve).await);
    let user = |id: &str| format!("/users/{id}");
    for (method, path, token, body, status) in [
        (Method::GET, "/users/me".to_owned(), "", None, 401),
        (Method::GET, "/users/me".to_owned(), "a.b.c", None, 401),
        (Method::GET, user(&eve_id), &*ada, None, 404),
        (Method::GET, user(&ada_id), &*ada, None, 200),
        (Method::GET, user(&ada_id), &*admin, None, 200),
        (Method::GET, user("not-an-id"), &*admin, None, 404),
        (Method::GET, "/users".to_owned(), &*ada, None, 403),
        (Method::GET, "/users?role=customer&limit=1".to_owned(), &*admin, None, 200),
        (Method::GET, "/users?role=king".to_owned(), &*admin, None, 422),
        (Method::PATCH, "/users/me".to_owned(), &*ada, Some(json!({ "first_name": "Grace" })), 200),
        (Method::PATCH, "/users/me".to_owned(), &*ada, Some(json!({ "role": "admin" })), 403),
        (Method::PATCH, user(&eve_id), &*ada, Some(json!({ "first_name": "X" })), 404),
        (Method::PATCH, user(&ada_id), &*admin, Some(json!({ "is_active": "no" })), 422),
        (Method::DELETE, user(&eve_id), &*ada, None, 404),
        (Method::DELETE, "/users/me".to_owned(), &*admin, None, 409),
        (Method::DELETE, user(&eve_id), &*admin, None, 204),
    ] {
        let mut call = shop.call(method.clone(), &path);
        if !token.is_empty() {
            call = call.by(token);
        }
        if let Some(body) = &body {
            call = call.body(body);
        }
        let reply = call.send().await;
        assert_eq!(reply.status, status, "{method} {path} {body:?}: {}", reply.text);
    }
    let gone = shop.get("/users/me").by(&eve).send().await;
    assert_eq!(gone.problem(), (401, "account_inactive".to_owned()));
    assert_eq!(shop.login("eve@example.com", PASSWORD).await.problem().1, "invalid_credentials");
}

#[tokio::test]
async fn a_new_password_needs_the_old_one_and_ends_other_sessions() {
    let shop = Shop::start().await;
    let ada = shop.customer("ada").await;
    let other = shop.login("ada@example.com", PASSWORD).await.string("/refresh_token");
    let change = |current: &str, new: &str| {
        let body = json!({ "current_password": current, "new_password": new });
        shop.post("/users/me/password", &body).by(&ada).send()
    };
    assert_eq!(change("wrong-password", "another-good-one").await.status, 401);
    assert_eq!(change(PASSWORD, "short").await.status, 422);
    assert_eq!(change(PASSWORD, "another-good-one").await.status, 204);
    assert_eq!(shop.post("/users/token", &json!({ "refresh_token": other })).send().await.status, 401);
    assert_eq!(shop.login("ada@example.com", PASSWORD).await.status, 401);
    assert_eq!(shop.login("ada@example.com", "another-good-one").await.status, 200);
    for email in ["ada@example.com", "nobody@example.com", "no address"] {
        let reply = shop.post("/users/password-reset", &json!({ "email": email })).send().await;
        assert_eq!((reply.status, reply.text.as_str()), (202, ""), "{email}");
    }
    let body = json!({ "token": "made-up", "new_password": "yet-another-one" });
    let reply = shop.post("/users/password-reset/confirm", &body).send().await;
    assert_eq!(reply.problem(), (422, "invalid_reset_token".to_owned()));
}
