//! The queries that HTTP asks.

use async_trait::async_trait;
use ecom_core::engine::Fault;
use ecom_core::id::{OrderId, ProductId};
use ecom_core::inventory::{InventoryReader, Movement, ProductFilter, Reservation, Stock, StockedProduct};
use ecom_core::port::{Cursor, Page, PageRequest};
use sqlx::SqlitePool;
use sqlx::sqlite::SqliteRow;

use crate::sql::inventory as load;
use crate::sql::paging::contains;
use crate::sqlite::store::fault;

/// Reads what is committed, beside the writer.
#[derive(Clone, Debug)]
pub struct SqliteInventoryReader {
    pool: SqlitePool,
}

impl SqliteInventoryReader {
    /// Over the readers of a store.
    pub const fn new(pool: SqlitePool) -> Self {
        Self { pool }
    }

    async fn find_product(&self, id: ProductId) -> Result<Option<StockedProduct>, sqlx::Error> {
        let row = sqlx::query(
            "SELECT p.*, s.product_id, s.on_hand, s.reserved, s.committed, s.version AS stock_version
             FROM products AS p JOIN stock AS s ON s.product_id = p.id WHERE p.id = ?1",
        )
        .bind(id.to_string())
        .fetch_optional(&self.pool)
        .await?;
        row.as_ref().map(stocked).transpose()
    }

    async fn list_products(
        &self,
        filter: &ProductFilter,
        page: PageRequest,
    ) -> Result<Page<StockedProduct>, sqlx::Error> {
        let after = page.after();
        // A SKU is found by its unique index, a list by the index on the newest: with `?5 IS NULL OR …` neither could be.
        let query = match &filter.sku {
            Some(_) => sqlx::query(
                "SELECT p.*, s.product_id, s.on_hand, s.reserved, s.committed, s.version AS stock_version
                 FROM products AS p JOIN stock AS s ON s.product_id = p.id
                 WHERE (p.created_at, p.id) < (?1, ?2) AND p.sku = ?5
                   AND (?4 IS NULL OR p.name LIKE ?4 ESCAPE '\\' OR p.description LIKE ?4 ESCAPE '\\'
                        OR p.sku LIKE ?4 ESCAPE '\\')
                 ORDER BY p.created_at DESC, p.id DESC LIMIT ?3",
            ),
            None => sqlx::query(
                "SELECT p.*, s.product_id, s.on_hand, s.reserved, s.committed, s.version AS stock_version
                 FROM products AS p JOIN stock AS s ON s.product_id = p.id
                 WHERE (p.created_at, p.id) < (?1, ?2)
                   AND (?4 IS NULL OR p.name LIKE ?4 ESCAPE '\\' OR p.description LIKE ?4 ESCAPE '\\'
                        OR p.sku LIKE ?4 ESCAPE '\\')
                   AND ?5 IS NULL
                 ORDER BY p.created_at DESC, p.id DESC LIMIT ?3",
            ),
        };
        let rows = query
            .bind(after.created_at.as_micros())
            .bind(after.id.to_string())
            .bind(page.probe())
            .bind(filter.q.as_deref().map(contains))
            .bind(filter.sku.as_deref())
            .fetch_all(&self.pool)
            .await?;
        let products = rows.iter().map(stocked).collect::<Result<_, _>>()?;
        Ok(Page::of(products, page, |stocked: &StockedProduct| Cursor {
            created_at: stocked.product.created_at,
            id: stocked.product.id.0,
        }))
    }

    async fn find_stock(&self, product_id: ProductId) -> Result<Option<Stock>, sqlx::Error> {
        let row = sqlx::query(
            "SELECT product_id, on_hand, reserved, committed, version AS stock_version FROM stock WHERE product_id = ?1",
        )
        .bind(product_id.to_string())
        .fetch_optional(&self.pool)
        .await?;
        row.as_ref().map(load::stock).transpose()
    }

    async fn list_movements(&self, product_id: ProductId, page: PageRequest) -> Result<Page<Movement>, sqlx::Error> {
        let after = page.after();
        let rows = sqlx::query(
            "SELECT * FROM movements WHERE product_id = ?1 AND (at, id) < (?2, ?3)
             ORDER BY at DESC, id DESC LIMIT ?4",
        )
        .bind(product_id.to_string())
        .bind(after.created_at.as_micros())
        .bind(after.id.to_string())
        .bind(page.probe())
        .fetch_all(&self.pool)
        .await?;
        let movements = rows.iter().map(load::movement).collect::<Result<_, _>>()?;
        Ok(Page::of(movements, page, |movement: &Movement| Cursor { created_at: movement.at, id: movement.id }))
    }

    async fn find_reservation(&self, order_id: OrderId) -> Result<Option<Reservation>, sqlx::Error> {
        let row = sqlx::query("SELECT * FROM reservations WHERE order_id = ?1")
            .bind(order_id.to_string())
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(load::reservation).transpose()
    }
}

fn stocked(row: &SqliteRow) -> Result<StockedProduct, sqlx::Error> {
    Ok(StockedProduct { product: load::product(row)?, available: load::stock(row)?.available() })
}

#[async_trait]
impl InventoryReader for SqliteInventoryReader {
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
