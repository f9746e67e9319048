//! What each process says about its own API.

use ecom_core::event::Service;

use crate::http::openapi::{self, Document, Operation, Schemas};
use crate::http::router::Router;
use crate::{gateway, inventory, letters, notification, order, pages, payment, user};

/// The services behind the gateway.
const BEHIND: [Service; 5] =
    [Service::User, Service::Order, Service::Inventory, Service::Payment, Service::Notification];

const DESCRIPTION: &str = "Errors are problem documents (RFC 9457) with a stable `code`; `x-codes` lists the codes of \
    each status. Money is a decimal string with a currency, times are RFC 3339 in UTC, ids are UUIDs. Lists come in \
    pages, the newest first. A field that a client does not know is to be passed over in answers, and is refused in \
    requests. Sign in with `POST /api/v1/users/login` and send the access token as `Authorization: Bearer`.";

/// `/openapi.json` of a process, and the pages of the gateway.
pub(super) fn routes(process: Service) -> Router {
    let described = openapi::routes(&document(process).to_json());
    if process == Service::Gateway { described.merge(pages::routes()) } else { described }
}

/// The description of a process.
pub(super) fn document(process: Service) -> Document {
    let (mut operations, mut schemas) = (openapi::operations(), openapi::schemas());
    let (own, named) = match process {
        Service::Gateway => everything(),
        service => of(service),
    };
    operations.extend(own);
    operations.extend(letters::openapi::operations());
    schemas.extend(named);
    schemas.extend(letters::openapi::schemas());
    if process == Service::Gateway {
        operations.extend(pages::operations());
        for operation in operations.iter_mut().filter(|operation| operation.is_api()) {
            operation.is_limited = true;
        }
    }
    let title = format!("Ecom: {}", process.name());
    Document { title, description: DESCRIPTION, operations, schemas }
}

fn everything() -> (Vec<Operation>, Schemas) {
    let (mut operations, mut schemas) = (gateway::openapi::operations(), gateway::openapi::schemas());
    for (own, named) in BEHIND.map(of) {
        operations.extend(own);
        schemas.extend(named);
    }
    (operations, schemas)
}

fn of(service: Service) -> (Vec<Operation>, Schemas) {
    match service {
        Service::User => (user::openapi::operations(), user::openapi::schemas()),
        Service::Order => (order::openapi::operations(), order::openapi::schemas()),
        Service::Inventory => (inventory::openapi::operations(), inventory::openapi::schemas()),
        Service::Payment => (payment::openapi::operations(), payment::openapi::schemas()),
        Service::Notification => (notification::openapi::operations(), notification::openapi::schemas()),
        Service::Gateway => (vec![], vec![]),
    }
}
