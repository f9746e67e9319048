//! What orders need before they can be placed: products with stock, users who are signed in, payment methods. All of it
//! is new, so that a shop with other customers can be used too.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ecom_core::money::{Currency, Money};
use ecom_core::time::Timestamp;
use futures_util::future::try_join_all;
use serde_json::{Value, json};
use uuid::Uuid;

use super::client::{Call, Shop, ShopError, refusal};
use super::session::{Credentials, Session};
use super::wire::{Created, Product, Stock};

/// How many products are always in stock.
const AMPLE: usize = 6;
/// How many pieces of the scarce product there are: too few for any order that wants it.
const SCARCE_STOCK: i64 = 3;
/// How many pieces such an order wants.
const SCARCE_WANTED: i64 = 5;
/// Pieces that an adjustment takes out again, so that there is one downwards.
const SHRINKAGE: i64 = 5;
/// How long a new product may take until it can be ordered.
const OFFER_PATIENCE: Duration = Duration::from_secs(60);

/// What is bought and paid how, and how that ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Counts the orders of a scene.
    pub index: u32,
    /// The sandbox token that pays.
    pub token: &'static str,
    /// How it ends.
    pub fate: Fate,
}

/// How an order ends when everything works as promised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Completed.
    Completes,
    /// Failed with that code.
    Fails(&'static str),
    /// Cancelled, or, when the cancellation comes too late, completed.
    Cancelled,
}

/// The way that the scene's orders are mixed: from the index to token and fate.
pub type Mix = fn(u32) -> (&'static str, Fate);

/// A product of the scene and what was put into its shelf.
#[derive(Clone, Debug)]
pub struct Shelf {
    /// The product.
    pub product: Uuid,
    /// Its name for people.
    pub sku: String,
    /// What one piece costs.
    pub price: Money,
    /// Initial stock and adjustments together.
    pub supply: i64,
}

/// A customer of the scene.
#[derive(Debug)]
pub struct Customer {
    /// The user.
    pub id: Uuid,
    /// Signed in.
    pub session: Session,
    methods: BTreeMap<&'static str, Uuid>,
}

/// Everything that orders need.
#[derive(Debug)]
pub struct Scene {
    /// Where.
    pub shop: Arc<Shop>,
    /// An administrator.
    pub admin: Arc<Session>,
    /// Tells this scene's names from those of any other.
    pub run: String,
    /// When it began, by the shop's clock.
    pub since: Timestamp,
    /// What is sold; the last one is scarce.
    pub shelves: Vec<Shelf>,
    /// Who buys.
    pub customers: Vec<Customer>,
    mix: Mix,
}

/// How large a scene is.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// How many customers.
    pub customers: usize,
    /// How many orders there may be.
    pub orders: u32,
    /// The tokens that the mix uses.
    pub tokens: &'static [&'static str],
    /// The mix.
    pub mix: Mix,
}

impl Scene {
    /// Creates everything over HTTP.
    pub async fn prepare(shop: Arc<Shop>, admin: Arc<Session>, run: String, size: Size) -> Result<Self, ShopError> {
        let shelves = try_join_all((0..=AMPLE).map(|number| stock_shelf(&shop, &admin, &run, number, size.orders)));
        let customers = try_join_all((0..size.customers).map(|number| sign_up(&shop, &run, number, size.tokens)));
        let (shelves, customers) = futures_util::future::try_join(shelves, customers).await?;
        try_join_all(shelves.iter().map(|(shelf, _)| on_offer(&shop, &admin, &run, shelf))).await?;
        let since = shelves.iter().map(|(_, created)| *created).min().unwrap_or_default();
        let shelves = shelves.into_iter().map(|(shelf, _)| shelf).collect();
        Ok(Self { shop, admin, run, since, shelves, customers, mix: size.mix })
    }

    /// The order of that number: always the same, so that a retry sends the same body.
    pub fn plan(&self, index: u32) -> Plan {
        let (token, fate) = (self.mix)(index);
        Plan { index, token, fate }
    }

    /// Who places it.
    pub fn customer(&self, plan: &Plan) -> &Customer {
        &self.customers[plan.index as usize % self.customers.len()]
    }

    /// The request that places it; `query` is empty or begins with `?`.
    pub fn order_call(&self, plan: &Plan, token: &str, query: &str) -> Call {
        let customer = self.customer(plan);
        let items: Vec<Value> = lines(plan)
            .into_iter()
            .map(|(shelf, quantity)| json!({ "product_id": self.shelves[shelf].product, "quantity": quantity }))
            .collect();
        let body = json!({
            "items": items,
            "payment_method_id": customer.methods.get(plan.token),
            "metadata": { "number": plan.index },
        });
        Call::post(format!("/api/v1/orders{query}"), body).token(token).key(format!("{}-{}", self.run, plan.index))
    }

    /// Cancels an order; that it ended first is a good answer too.
    pub async fn cancel(&self, order: Uuid, token: &str) -> Result<(), ShopError> {
        let call = Self::cancel_call(order, token);
        let answer = self.shop.send(&call).await?;
        let late = answer.status == 409 && answer.code() == "not_cancellable";
        if answer.status == 202 || late { Ok(()) } else { Err(refusal(&call, &answer)) }
    }

    /// The request that cancels an order.
    pub fn cancel_call(order: Uuid, token: &str) -> Call {
        Call::post(format!("/api/v1/orders/{order}/cancel"), json!({ "reason": "changed my mind" })).token(token)
    }
}

/// Which shelves, and how many pieces from each: one to three lines, and for an order that is to find no stock one line
/// more, of the scarce product, so that the others must come back.
fn lines(plan: &Plan) -> Vec<(usize, i64)> {
    let index = plan.index as usize;
    let mut lines: Vec<(usize, i64)> =
        (0..=index % 3).map(|line| ((index + line) % AMPLE, 1 + i64::from((plan.index / 3) % 3))).collect();
    if plan.fate == Fate::Fails("out_of_stock") {
        lines.push((AMPLE, SCARCE_WANTED));
    }
    lines
}

/// Creates one product with stock: part of it from the start, part by adjustments up and down.
async fn stock_shelf(
    shop: &Shop,
    admin: &Session,
    run: &str,
    number: usize,
    orders: u32,
) -> Result<(Shelf, Timestamp), ShopError> {
    let scarce = number == AMPLE;
    let supply = if scarce { SCARCE_STOCK } else { i64::from(orders) * 3 + 10 };
    let initial = if scarce { SCARCE_STOCK } else { supply / 2 };
    let price = Money::new(199 + 350 * number as i64, Currency::EUR);
    let sku = format!("DEMO-{run}-{number}").to_uppercase();
    let create =
        json!({ "sku": sku, "name": format!("Demo product {number}"), "price": price, "initial_stock": initial });
    let call =
        Call::post("/api/v1/products", create).token(admin.token().await?).key(format!("{run}-product-{number}"));
    let product: Product = shop.expect(&call, 201).await?;
    let missing = supply - initial;
    let deltas: &[i64] = if missing == 0 { &[] } else { &[missing + SHRINKAGE, -SHRINKAGE] };
    for (step, delta) in deltas.iter().enumerate() {
        let path = format!("/api/v1/products/{}/stock", product.id);
        let call = Call::post(path, json!({ "delta": delta, "reason": "demo" }))
            .token(admin.token().await?)
            .key(format!("{run}-stock-{number}-{step}"));
        let _: Stock = shop.expect(&call, 200).await?;
    }
    Ok((Shelf { product: product.id, sku, price, supply }, product.created_at))
}

/// Waits until the product can be ordered: orders hear of it by an event, which may take its time in a shop that has
/// only just begun. Asks with a price that is not the product's, so that nothing is ever ordered.
async fn on_offer(shop: &Shop, admin: &Session, run: &str, shelf: &Shelf) -> Result<(), ShopError> {
    let price = Money::new(shelf.price.minor() + 1, shelf.price.currency());
    let line = json!({ "product_id": shelf.product, "quantity": 1, "unit_price": price });
    let body = json!({ "items": [line] });
    let begun = Instant::now();
    loop {
        let call = Call::post("/api/v1/orders", body.clone())
            .token(admin.token().await?)
            .key(format!("{run}-offer-{}", shelf.sku));
        let answer = shop.send(&call).await?;
        match answer.code().as_str() {
            "price_changed" => return Ok(()),
            "unknown_product" if begun.elapsed() < OFFER_PATIENCE => {}
            _ => return Err(refusal(&call, &answer)),
        }
    }
}

/// Registers one customer with a payment method for every token.
async fn sign_up(
    shop: &Arc<Shop>,
    run: &str,
    number: usize,
    tokens: &'static [&'static str],
) -> Result<Customer, ShopError> {
    let (email, password) = (format!("demo-{run}-{number}@example.com"), format!("demo password {run}"));
    let body =
        json!({ "email": email, "password": password, "first_name": "Demo", "last_name": format!("No {number}") });
    let call = Call::post("/api/v1/users/register", body);
    let answer = shop.send(&call).await?;
    // A registration whose answer was lost finds its own e-mail taken when it is tried again.
    if answer.status != 201 && answer.code() != "email_taken" {
        return Err(refusal(&call, &answer));
    }
    let session = Session::new(Arc::clone(shop), Credentials::Password { email, password });
    let token = session.token().await?;
    let me: Created = shop.expect(&Call::get("/api/v1/users/me").token(&token), 200).await?;
    let mut methods = BTreeMap::new();
    for name in tokens {
        let call = Call::post("/api/v1/payment-methods", json!({ "token": name, "type": "card" }))
            .token(&token)
            .key(format!("{run}-method-{name}"));
        let method: Created = shop.expect(&call, 201).await?;
        methods.insert(*name, method.id);
    }
    Ok(Customer { id: me.id, session, methods })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_buys_each_product_once_and_less_than_the_supply_allows() {
        for index in 0..100 {
            for fate in [Fate::Completes, Fate::Fails("out_of_stock")] {
                let lines = lines(&Plan { index, token: "tok_visa", fate });
                let shelves: std::collections::BTreeSet<usize> = lines.iter().map(|(shelf, _)| *shelf).collect();
                assert_eq!(shelves.len(), lines.len());
                assert!(lines.iter().all(|(shelf, quantity)| *shelf == AMPLE || (1..=3).contains(quantity)));
            }
        }
    }
}
