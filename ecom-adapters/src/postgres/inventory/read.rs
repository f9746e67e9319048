//! The queries that HTTP asks.

use async_trait::async_trait;
use ecom_core::engine::Fault;
use ecom_core::id::{OrderId, ProductId};
use ecom_core::inventory::{InventoryReader, Movement, ProductFilter, Reservation, Stock, StockedProduct};
use ecom_core::port::{Cursor, Page, PageRequest};
use sqlx::PgPool;
use sqlx::postgres::PgRow;

use crate::postgres::fault::fault;
use crate::postgres::rows::{Moment, printable, statements};
use crate::sql::inventory as load;
use crate::sql::paging::contains;

/// A query for products with their stock.
macro_rules! stocked {
    ($rest:literal) => {
        concat!(
            "SELECT p.*, s.product_id, s.on_hand, s.reserved, s.committed, s.version AS stock_version
             FROM products AS p JOIN stock AS s ON s.product_id = p.id ",
            $rest
        )
    };
}

statements! {
    PRODUCT = stocked!("WHERE p.id = $1");
    /// A SKU is found by its unique index, a list by the index on the newest: one statement could use neither.
    WITH_SKU = stocked!(
        "WHERE (p.created_at, p.id) < ($1, $2) AND p.sku = $5
           AND ($4::TEXT IS NULL OR p.name ILIKE $4 OR p.description ILIKE $4 OR p.sku ILIKE $4)
         ORDER BY p.created_at DESC, p.id DESC LIMIT $3"
    );
    ALL = stocked!(
        "WHERE (p.created_at, p.id) < ($1, $2)
           AND ($4::TEXT IS NULL OR p.name ILIKE $4 OR p.description ILIKE $4 OR p.sku ILIKE $4)
         ORDER BY p.created_at DESC, p.id DESC LIMIT $3"
    );
    STOCK = "SELECT product_id, on_hand, reserved, committed, version AS stock_version FROM stock WHERE product_id = $1";
    MOVEMENTS = "SELECT * FROM movements WHERE product_id = $1 AND (at, id) < ($2, $3)
        ORDER BY at DESC, id DESC LIMIT $4";
    RESERVATION = "SELECT * FROM reservations WHERE order_id = $1";
}

/// Reads what is committed, beside the writers.
#[derive(Clone, Debug)]
pub struct PgInventoryReader {
    pool: PgPool,
}

impl PgInventoryReader {
    /// Over the readers of a store.
    pub const fn new(pool: PgPool) -> Self {
        Self { pool }
    }

    async fn find_product(&self, id: ProductId) -> Result<Option<StockedProduct>, sqlx::Error> {
        let row = sqlx::query(PRODUCT).bind(id.0).fetch_optional(&self.pool).await?;
        row.as_ref().map(stocked).transpose()
    }

    async fn list_products(
        &self,
        filter: &ProductFilter,
        page: PageRequest,
    ) -> Result<Page<StockedProduct>, sqlx::Error> {
        let after = page.after();
        let query = sqlx::query(if filter.sku.is_some() { WITH_SKU } else { ALL })
            .bind(Moment(after.created_at))
            .bind(after.id)
            .bind(page.probe())
            .bind(filter.q.as_deref().map(|text| contains(&printable(text))));
        let query = match &filter.sku {
            Some(sku) => query.bind(printable(sku).into_owned()),
            None => query,
        };
        let rows = query.fetch_all(&self.pool).await?;
        let products = rows.iter().map(stocked).collect::<Result<_, _>>()?;
        Ok(Page::of(products, page, |stocked: &StockedProduct| Cursor {
            created_at: stocked.product.created_at,
            id: stocked.product.id.0,
        }))
    }

    async fn find_stock(&self, product_id: ProductId) -> Result<Option<Stock>, sqlx::Error> {
        let row = sqlx::query(STOCK).bind(product_id.0).fetch_optional(&self.pool).await?;
        row.as_ref().map(load::stock).transpose()
    }

    async fn list_movements(&self, product_id: ProductId, page: PageRequest) -> Result<Page<Movement>, sqlx::Error> {
        let after = page.after();
        let rows = sqlx::query(MOVEMENTS)
            .bind(product_id.0)
            .bind(Moment(after.created_at))
            .bind(after.id)
            .bind(page.probe())
            .fetch_all(&self.pool)
            .await?;
        let movements = rows.iter().map(load::movement).collect::<Result<_, _>>()?;
        Ok(Page::of(movements, page, |movement: &Movement| Cursor { created_at: movement.at, id: movement.id }))
    }

    async fn find_reservation(&self, order_id: OrderId) -> Result<Option<Reservation>, sqlx::Error> {
        let row = sqlx::query(RESERVATION).bind(order_id.0).fetch_optional(&self.pool).await?;
        row.as_ref().map(load::reservation).transpose()
    }
}

fn stocked(row: &PgRow) -> Result<StockedProduct, sqlx::Error> {
    Ok(StockedProduct { product: load::product(row)?, available: load::stock(row)?.available() })
}

#[async_trait]
impl InventoryReader for PgInventoryReader {
    async fn product(&self, id: ProductId) -> Result<Option<StockedProduct>, Fault> {
        self.find_product(id).await.map_err(|error| fault(&error))
    }

    async fn products(&self, filter: &ProductFilter, page: PageRequest) -> Result<Page<StockedProduct>, Fault> {
        self.list_products(filter, page).await.map_err(|error| fault(&error))
    }

    async fn stock(&self, product_id: ProductId) -> Result<Option<Stock>, Fault> {
        self.find_stock(product_id).await.map_err(|error| fault(&error))
    }

    async fn movements(&self, product_id: ProductId, page: PageRequest) -> Result<Page<Movement>, Fault> {
        self.list_movements(product_id, page).await.map_err(|error| fault(&error))
    }

    async fn reservation(&self, order_id: OrderId) -> Result<Option<Reservation>, Fault> {
        self.find_reservation(order_id).await.map_err(|error| fault(&error))
    }
}
