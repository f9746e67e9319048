//! The inventory service's rows of the API's description.

use crate::http::openapi::schema::{
    array, between, boolean, closed, count, integer, length, named, nullable, object, one_of, page, text, time,
};
use crate::http::openapi::{Operation, Schemas, get, patch, post};

/// Beside [`super::routes`].
pub fn operations() -> Vec<Operation> {
    let field_codes = ["name_invalid", "description_invalid", "price_negative", "card_number_refused"];
    let rows = vec![
        post("/api/v1/products", "Adds a product with its stock")
            .admin()
            .takes("NewProduct")
            .keyed()
            .answers(201, "Product")
            .problems_of(409, &["sku_taken", "stock_limit_exceeded"])
            .problem(422, "sku_invalid")
            .problems_of(422, &field_codes),
        get("/api/v1/products", "Products, the newest first")
            .query("sku", text())
            .query("q", text())
            .lists("ProductPage"),
        get("/api/v1/products/{id}", "A product").answers(200, "Product"),
        patch("/api/v1/products/{id}", "Changes a product; orders that were accepted before keep their price")
            .admin()
            .takes("ProductChange")
            .answers(200, "Product")
            .problem(404, "product_not_found")
            .problems_of(422, &field_codes),
        get("/api/v1/products/{id}/stock", "A product's stock").admin().answers(200, "Stock"),
        post("/api/v1/products/{id}/stock", "Puts pieces in, or takes pieces out that no order holds")
            .admin()
            .takes("Adjustment")
            .keyed()
            .answers(200, "Stock")
            .problem(404, "product_not_found")
            .problems_of(409, &["insufficient_stock", "stock_limit_exceeded"])
            .problems_of(422, &["delta_zero", "reason_invalid", "card_number_refused"]),
        get("/api/v1/products/{id}/movements", "Everything that changed a product's stock")
            .admin()
            .lists("MovementPage"),
        get("/api/v1/reservations/{order_id}", "What an order holds, or held").user().answers(200, "Reservation"),
    ];
    let resync = post("/api/v1/admin/resync/products", "Publishes a page of products again").republishes();
    rows.into_iter().map(|row| row.tag("Products and stock")).chain([resync.tag("Operations")]).collect()
}

/// The schemas that the rows name.
pub fn schemas() -> Schemas {
    [products(), stock()].concat()
}

fn products() -> Schemas {
    let name = || length(text(), 1, 200);
    let description = || length(text(), 0, 10_000);
    vec![
        (
            "Product",
            object([
                ("id", named("Id")),
                ("sku", text()),
                ("name", text()),
                ("description", text()),
                ("price", named("Money")),
                ("is_active", boolean()),
                ("available", count()),
                ("created_at", time()),
                ("updated_at", time()),
            ]),
        ),
        ("ProductPage", page("Product")),
        (
            "NewProduct",
            closed([
                ("sku", length(text(), 1, 64)),
                ("name", name()),
                ("description?", nullable(&description())),
                ("price", named("Money")),
                ("initial_stock?", nullable(&count())),
            ]),
        ),
        (
            "ProductChange",
            closed([
                ("name?", name()),
                ("description?", description()),
                ("price?", named("Money")),
                ("is_active?", boolean()),
            ]),
        ),
    ]
}

fn stock() -> Schemas {
    vec![
        (
            "Stock",
            object([
                ("product_id", named("Id")),
                ("on_hand", count()),
                ("reserved", count()),
                ("available", count()),
                ("committed", count()),
            ]),
        ),
        ("Adjustment", closed([("delta", integer()), ("reason", length(text(), 1, 200))])),
        (
            "Movement",
            object([
                ("id", named("Id")),
                ("kind", one_of(&["initial", "adjustment", "commit"])),
                ("delta", integer()),
                ("reason", text()),
                ("actor", nullable(&named("Id"))),
                ("order_id", nullable(&named("Id"))),
                ("at", time()),
            ]),
        ),
        ("MovementPage", page("Movement")),
        (
            "Reservation",
            object([
                ("order_id", named("Id")),
                ("state", one_of(&["held", "committed", "released"])),
                ("lines", array(named("ReservedLine"))),
                ("created_at", time()),
                ("alarm_at", time()),
            ]),
        ),
        (
            "ReservedLine",
            object([
                ("product_id", named("Id")),
                ("sku", text()),
                ("quantity", between(1, 1_000_000)),
                ("unit_price", named("Money")),
            ]),
        ),
    ]
}
