//! The gateway's own rows of the API's description.

use crate::http::openapi::schema::{array, named, nullable, object, one_of};
use crate::http::openapi::{Operation, Schemas, get};

/// Beside [`super::routes`], less those that the services have, too.
pub fn operations() -> Vec<Operation> {
    vec![
        get("/api/v1/orders/{id}/summary", "An order with its payment, reservation and notices")
            .user()
            .tag("Orders")
            .answers(200, "Summary"),
    ]
}

/// The schemas that the rows name.
pub fn schemas() -> Schemas {
    let part = |data| object([("status", one_of(&["ok", "unavailable"])), ("data", nullable(&data))]);
    let summary = object([
        ("order", part(named("Order"))),
        ("payment", part(named("Payment"))),
        ("reservation", part(named("Reservation"))),
        ("notifications", part(array(named("Notice")))),
    ]);
    vec![("Summary", summary)]
}
