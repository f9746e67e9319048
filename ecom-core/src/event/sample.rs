//! One event of each type, for tests.

use serde_json::value::RawValue;

use super::{Event, EventType};

/// All fields of all payloads: what a type does not know, it passes over.
const FIELDS: &str = r#"{
    "order_id": "01890000-0000-7000-8000-000000000001", "user_id": "01890000-0000-7000-8000-000000000002",
    "product_id": "01890000-0000-7000-8000-000000000003", "reservation_id": "01890000-0000-7000-8000-000000000004",
    "payment_id": "01890000-0000-7000-8000-000000000005", "refund_id": "01890000-0000-7000-8000-000000000006",
    "notification_id": "01890000-0000-7000-8000-000000000007", "payment_method_id": null,
    "items": [{"product_id": "01890000-0000-7000-8000-000000000003", "sku": "TEA-1", "quantity": 2, "requested": 2,
               "available": 1, "unit_price": {"amount": "1.50", "currency": "EUR"}}],
    "total_amount": {"amount": "3.00", "currency": "EUR"}, "amount": {"amount": "3.00", "currency": "EUR"},
    "price": {"amount": "1.50", "currency": "EUR"}, "reason": "out_of_stock", "detail": "",
    "provider_reference": null, "full": true, "undo": false, "version": 1, "sku": "TEA-1", "name": "Tea",
    "is_active": true, "available": 1, "threshold": 5, "email": "ada@example.com", "first_name": "Ada",
    "last_name": "Lovelace", "is_admin": false, "token": "secret", "expires_at": "2026-01-01T00:00:00Z",
    "channel": "email", "template": "order_completed"
}"#;

/// An event of that type.
pub(crate) fn sample(event_type: EventType) -> Event {
    let fields = RawValue::from_string(FIELDS.to_owned()).unwrap();
    Event::decode(event_type.name(), event_type.version(), &fields).unwrap()
}
