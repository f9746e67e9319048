//! Queries for rows.

/// A query for whole orders: one row each, its lines as JSON, so that there is one round trip.
macro_rules! orders {
    ($rest:literal) => {
        concat!(
            "SELECT o.id, o.user_id, o.total, o.currency, o.payment_method_id, o.payment_status, o.metadata,
                    o.correlation_id, o.request_correlation_id, o.saga_definition_version, o.saga, o.attention,
                    o.created_at, o.updated_at, o.version,
                    (SELECT json_agg(json_build_array(i.position, i.id, i.product_id, i.sku, i.name, i.quantity,
                                                      i.unit_price::TEXT, i.line_total::TEXT))
                     FROM order_items AS i WHERE i.order_id = o.id) AS items
             FROM orders AS o ",
            $rest
        )
    };
}

/// A query for entries of the catalogue.
macro_rules! catalogue {
    ($rest:literal) => {
        concat!("SELECT product_id, version, sku, name, price, currency, is_active FROM catalogue ", $rest)
    };
}

pub(super) use {catalogue, orders};
