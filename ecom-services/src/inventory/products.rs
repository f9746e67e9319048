//! Products: anybody may read them, an administrator keeps them.

use ecom_core::inventory::{ChangeProduct, CreateProduct, Input, ProductFilter, ProductPatch, ProductView};

use super::Deps;
use super::body::{NewProduct, ProductChange};
use crate::http::body::{free_text, json};
use crate::http::door::fault_problem;
use crate::http::idempotency;
use crate::http::page;
use crate::http::problem::Problem;
use crate::http::request::Request;
use crate::http::response::{Answer, ok};

pub(super) async fn create(deps: Deps, request: Request) -> Answer {
    let caller = deps.door.gate.admin(&request)?;
    let key = idempotency::optional(&request, &caller)?;
    let body: NewProduct = json(&request)?;
    let description = body.description.unwrap_or_default();
    free_text("/name", &body.name)?;
    free_text("/description", &description)?;
    let command = CreateProduct {
        id: deps.door.gate.fresh(),
        sku: body.sku,
        name: body.name,
        description,
        price: body.price,
        initial_stock: body.initial_stock.unwrap_or(0),
        actor: caller.user_id,
    };
    deps.door.execute(&request, key, Input::CreateProduct(command)).await
}

pub(super) async fn list(deps: Deps, request: Request) -> Answer {
    let text = |name: &str| request.query.get(name).map(str::to_owned);
    let filter = ProductFilter { sku: text("sku"), q: text("q") };
    let products = deps.reader.products(&filter, page::page(&request.query)?).await.map_err(fault_problem)?;
    page::list(products.map(|product| ProductView::from(&product)))
}

pub(super) async fn get(deps: Deps, request: Request) -> Answer {
    let product = deps.reader.product(request.id(0)?).await.map_err(fault_problem)?;
    ok(&ProductView::from(&product.ok_or_else(Problem::not_found)?))
}

pub(super) async fn change(deps: Deps, request: Request) -> Answer {
    let caller = deps.door.gate.admin(&request)?;
    let ProductChange { name, description, price, is_active } = json(&request)?;
    free_text("/name", name.as_deref().unwrap_or_default())?;
    free_text("/description", description.as_deref().unwrap_or_default())?;
    let patch = ProductPatch { name, description, price, is_active };
    let command = ChangeProduct { id: request.id(0)?, patch, actor: caller.user_id };
    deps.door.execute(&request, None, Input::ChangeProduct(command)).await
}

/// `POST /admin/resync/products`: a page of them, the newest first.
pub(super) async fn resync(deps: Deps, request: Request) -> Answer {
    let actor = deps.door.gate.admin(&request)?.user_id;
    let wanted = page::page(&request.query)?;
    let products = deps.reader.products(&ProductFilter::default(), wanted).await.map_err(fault_problem)?;
    if !products.items.is_empty() {
        let ids = products.items.iter().map(|stocked| stocked.product.id).collect();
        deps.door.reply(&request, Input::Resync(ids)).await?;
        tracing::info!(%actor, count = products.items.len(), "products are published again");
    }
    page::republished(&products)
}
