//! Which service owns which path.

use ecom_core::event::Service;
use warp::http::Method;

/// The service that answers below a path; `None` when no service does.
pub(super) fn owner(path: &str) -> Option<Service> {
    let mut segments = path.split('/').skip(1);
    let mut next = || segments.next();
    match [next(), next(), next(), next(), next()] {
        [Some(".well-known"), Some("jwks.json"), None, ..] => Some(Service::User),
        [Some("api"), Some("v1"), Some("admin"), Some("resync"), what] => match what {
            Some("users") => Some(Service::User),
            Some("products") => Some(Service::Inventory),
            _ => None,
        },
        [Some("api"), Some("v1"), Some(resource), below, _] => match (resource, below) {
            ("users", _) => Some(Service::User),
            ("orders", _) | ("admin", Some("sagas")) => Some(Service::Order),
            ("products" | "reservations", _) => Some(Service::Inventory),
            ("payments" | "payment-methods", _) => Some(Service::Payment),
            ("notifications", _) => Some(Service::Notification),
            _ => None,
        },
        _ => None,
    }
}

/// Whether a request that may have been carried out can be sent again and gets the answer that it would have got:
/// reading ones, replacements, and creations under a key that their service keeps.
pub(super) fn may_repeat(method: &Method, path: &str, has_key: bool) -> bool {
    match *method {
        Method::GET | Method::HEAD | Method::OPTIONS | Method::PUT => true,
        Method::POST => has_key && keeps_answers(path),
        // A second deletion finds nothing, and a second change another version.
        _ => false,
    }
}

fn keeps_answers(path: &str) -> bool {
    let Some(rest) = path.strip_prefix("/api/v1/") else { return false };
    let segments: Vec<&str> = rest.split('/').collect();
    matches!(
        segments.as_slice(),
        ["orders" | "products" | "payment-methods"] | ["products", _, "stock"] | ["payments", _, "refunds"]
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_path_has_at_most_one_owner() {
        for (path, expected) in [
            ("/api/v1/users", Some(Service::User)),
            ("/api/v1/users/me/password", Some(Service::User)),
            ("/.well-known/jwks.json", Some(Service::User)),
            ("/.well-known/jwks.json/more", None),
            ("/api/v1/orders/1/cancel", Some(Service::Order)),
            ("/api/v1/admin/sagas/1/retry", Some(Service::Order)),
            ("/api/v1/admin/resync/users", Some(Service::User)),
            ("/api/v1/admin/resync/products", Some(Service::Inventory)),
            ("/api/v1/admin/resync", None),
            ("/api/v1/admin", None),
            ("/api/v1/products", Some(Service::Inventory)),
            ("/api/v1/reservations/1", Some(Service::Inventory)),
            ("/api/v1/payments/sandbox/log", Some(Service::Payment)),
            ("/api/v1/payment-methods", Some(Service::Payment)),
            ("/api/v1/notifications/preferences", Some(Service::Notification)),
            ("/api/v1/ordersx", None),
            ("/api/v2/orders", None),
            ("/api/v1", None),
            ("/", None),
            ("", None),
        ] {
            assert_eq!(owner(path), expected, "{path}");
        }
    }

    #[test]
    fn only_what_has_one_effect_is_repeated() {
        for (method, path, has_key, expected) in [
            (Method::GET, "/api/v1/orders", false, true),
            (Method::PUT, "/api/v1/notifications/preferences", false, true),
            (Method::DELETE, "/api/v1/users/me", false, false),
            (Method::PATCH, "/api/v1/users/me", true, false),
            (Method::POST, "/api/v1/orders", false, false),
            (Method::POST, "/api/v1/orders", true, true),
            (Method::POST, "/api/v1/orders/1/cancel", true, false),
            (Method::POST, "/api/v1/users/login", true, false),
            (Method::POST, "/api/v1/products/1/stock", true, true),
            (Method::POST, "/api/v1/payments/1/refunds", true, true),
        ] {
            assert_eq!(may_repeat(&method, path, has_key), expected, "{method} {path}");
        }
    }
}
