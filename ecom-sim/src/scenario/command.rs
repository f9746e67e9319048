//! Commands as clients send them: what HTTP would make of a request, with ids that say whose they are.

use ecom_core::decide::BoundedContext;
use ecom_core::email::Email;
use ecom_core::engine::{Idempotency, Message, Origin};
use ecom_core::event::Service;
use ecom_core::id::{CorrelationId, MessageId, OrderId, PaymentMethodId, ProductId, RefundId, UserId, derive};
use ecom_core::inventory::{self, AdjustStock, ChangeProduct, CreateProduct, InventoryContext, ProductPatch};
use ecom_core::money::{Currency, Money};
use ecom_core::order::{self, Actor, OrderContext, Place, PlacedLine};
use ecom_core::payment::{self, AddMethod, Card, PaymentContext, RequestRefund, payment_id};
use ecom_core::quantity::Quantity;
use ecom_core::secret::PasswordHash;
use ecom_core::user::{self, ChangeProfile, Name, NewUser, UserContext};
use uuid::Uuid;

use crate::world::{Command, Known, Trail};

/// How often a client sends a command again whose end it does not know.
pub(super) const RETRIES: u32 = 12;

/// The domain of addresses to which no letter can be sent.
pub(crate) const REFUSED: &str = "refused.example";

/// Kinds of ids.
#[derive(Clone, Copy)]
enum Kind {
    User = 0xa,
    Product = 0xb,
    Method = 0xc,
    Order = 0xd,
    Refund = 0xe,
    Message = 0xf,
}

/// The id of something: kind, whose, which, and at which attempt it was minted.
fn id(kind: Kind, whose: u32, which: u32, attempt: u32) -> Uuid {
    let time = 0x0190_0000_0000_u128 + (u128::from(whose) << 8) + u128::from(which);
    let tail = u128::from(whose) << 24 | u128::from(which) << 8 | u128::from(attempt);
    Uuid::from_u128(time << 80 | 0x7 << 76 | (kind as u128) << 72 | 0b10 << 62 | tail)
}

/// Somebody who sends commands; everything he makes bears his number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shopper(pub u32);

/// A product by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wares(pub u32);

impl Wares {
    /// Its id.
    pub fn id(self) -> ProductId {
        ProductId(id(Kind::Product, 0, self.0, 0))
    }
}

pub(super) fn message<C: BoundedContext>(
    shopper: Shopper,
    which: u32,
    known: Known<'_>,
    key: Option<Idempotency>,
    input: C::Input,
) -> Message<C> {
    let message = id(Kind::Message, shopper.0, which, known.attempt);
    Message {
        id: MessageId(message),
        origin: Origin::Command(key),
        correlation: CorrelationId(message),
        causation: None,
        traceparent: None,
        input,
    }
}

impl Shopper {
    /// Somebody to whom no letter can be sent; nobody else in any world has his number.
    pub const UNREACHABLE: Self = Self(60);

    /// His id.
    pub fn user(self) -> UserId {
        UserId(id(Kind::User, self.0, 0, 0))
    }

    /// Orders; `which` names the command, and the key under which it is sent again. The id of the order is minted anew
    /// with each attempt, as HTTP does.
    pub fn place(self, which: u32, lines: Vec<(Wares, u32)>, method: Option<u32>) -> Command {
        self.place_as("place an order", which, which, lines, method)
    }

    /// Orders under the key of another command: a second click, or a key that is used again.
    pub fn place_as(
        self,
        label: &'static str,
        which: u32,
        key: u32,
        lines: Vec<(Wares, u32)>,
        method: Option<u32>,
    ) -> Command {
        let pieces: Vec<u32> = lines.iter().map(|(_, pieces)| *pieces).collect();
        let wares: Vec<Wares> = lines.iter().map(|(wares, _)| *wares).collect();
        let remake = move |pieces: &[u32]| {
            let lines = wares.iter().copied().zip(pieces.iter().copied()).collect();
            self.place_as(label, which, key, lines, method)
        };
        let lines: Vec<_> = lines.into_iter().filter(|(_, pieces)| *pieces > 0).collect();
        let asks = format!("{lines:?}{method:?}");
        let (scope, key, request) = (format!("{} POST /orders", self.0), key.to_string(), format!("{}/{key}", self.0));
        let (fingerprint, keyed) = (asks.clone(), format!("{scope} {key}"));
        let place = Command::new::<OrderContext>(label, RETRIES, move |known| {
            let order = id(Kind::Order, self.0, which, known.attempt);
            let items = lines.iter().map(|(wares, pieces)| PlacedLine {
                product_id: wares.id(),
                quantity: Quantity::new(u64::from(*pieces)).unwrap_or(Quantity::ONE),
                unit_price: None,
            });
            let place = Place {
                order_id: OrderId(order),
                user_id: self.user(),
                correlation_id: CorrelationId(order),
                request_correlation_id: Some(request.clone()),
                items: items.collect(),
                payment_method_id: method.map(|method| self.method(method)),
                metadata: None,
            };
            let key = Idempotency { scope: scope.clone(), key: key.clone(), fingerprint: fingerprint.clone() };
            let input = order::Input::Place(Box::new(place));
            Message { correlation: CorrelationId(order), ..message(self, which, known, Some(key), input) }
        });
        let order = move |attempt| Trail::Order(OrderId(id(Kind::Order, self.0, which, attempt)));
        place.keyed(&keyed, order).asking(self.user(), asks).of_lines(&pieces, remake)
    }

    /// Cancels the order of his command number `placed`, as he heard of it.
    pub fn cancel(self, which: u32, placed: usize) -> Command {
        Command::new::<OrderContext>("cancel the order", RETRIES, move |known| {
            let input = order::Input::cancel(heard(known, placed), Actor::User(self.user()), "");
            message(self, which, known, None, input)
        })
    }

    /// Looks at the order of his command number `placed`, as he heard of it.
    pub fn look(self, placed: usize) -> Command {
        Command::look::<OrderContext>("look at the order", move |known| heard(known, placed).0)
    }

    /// As an administrator, gives back some of what the order of his command number `placed` paid; all of it when
    /// `minor` is 0.
    pub fn refund(self, which: u32, placed: usize, minor: i64) -> Command {
        let (scope, wanted) = (format!("{} POST /refunds", self.0), (minor > 0).then_some(minor));
        let (keyed, refund) =
            (format!("{scope} {which}"), move |attempt| RefundId(id(Kind::Refund, self.0, which, attempt)));
        let command = Command::new::<PaymentContext>("refund", RETRIES, move |known| {
            let asked = RequestRefund {
                id: refund(known.attempt),
                payment_id: payment_id(heard(known, placed)),
                amount: wanted.map(eur),
                reason: "asked for".to_owned(),
                actor: self.user(),
            };
            let key = Idempotency { scope: scope.clone(), key: which.to_string(), fingerprint: minor.to_string() };
            message(self, which, known, Some(key), payment::Input::Refund(asked))
        });
        command.keyed(&keyed, move |attempt| Trail::Refund(refund(attempt), wanted))
    }

    /// The id of one of his cards.
    pub fn method(self, method: u32) -> PaymentMethodId {
        PaymentMethodId(id(Kind::Method, self.0, method, 0))
    }

    /// Adds a card by its token.
    pub fn add_card(self, which: u32, method: u32, token: &'static str) -> Command {
        Command::new::<PaymentContext>("add a card", RETRIES, move |known| {
            let card = Card { brand: "visa".to_owned(), last4: "4242".to_owned(), exp_month: 12, exp_year: 2039 };
            let (provider, token) = ("sandbox".to_owned(), token.to_owned());
            let add = AddMethod { id: self.method(method), user_id: self.user(), provider, token, card };
            message(self, which, known, None, payment::Input::AddMethod(add))
        })
    }

    /// Removes a card.
    pub fn remove_card(self, which: u32, method: u32) -> Command {
        Command::new::<PaymentContext>("remove a card", RETRIES, move |known| {
            let input = payment::Input::RemoveMethod { id: self.method(method), user_id: self.user() };
            message(self, which, known, None, input)
        })
    }

    /// Makes a card his default.
    pub fn choose_card(self, which: u32, method: u32) -> Command {
        Command::new::<PaymentContext>("choose a card", RETRIES, move |known| {
            let input = payment::Input::SetDefaultMethod { id: self.method(method), user_id: self.user() };
            message(self, which, known, None, input)
        })
    }

    /// Registers.
    pub fn register(self, which: u32) -> Command {
        Command::new::<UserContext>("register", RETRIES, move |known| {
            message(self, which, known, None, user::Input::Register(self.account()))
        })
    }

    /// Becomes an administrator.
    pub fn register_admin(self, which: u32) -> Command {
        Command::new::<UserContext>("register an administrator", RETRIES, move |known| {
            message(self, which, known, None, user::Input::CreateAdmin(self.account()))
        })
    }

    /// Changes his name.
    pub fn rename(self, which: u32) -> Command {
        Command::new::<UserContext>("change the name", RETRIES, move |known| {
            let change = ChangeProfile {
                actor: self.user(),
                user_id: self.user(),
                first_name: Name::parse(&format!("Ada {which}")).ok(),
                last_name: None,
                role: None,
                is_active: None,
            };
            message(self, which, known, None, user::Input::ChangeProfile(change))
        })
    }

    /// Leaves.
    pub fn leave(self, which: u32) -> Command {
        Command::new::<UserContext>("leave", RETRIES, move |known| {
            let input = user::Input::Deactivate { actor: self.user(), user_id: self.user() };
            message(self, which, known, None, input)
        })
    }

    fn account(self) -> NewUser {
        // Both are literals that the parsers take.
        let domain = if self == Self::UNREACHABLE { REFUSED } else { "example.com" };
        let email = Email::parse(&format!("user{}@{domain}", self.0));
        let names = (Name::parse("Ada"), Name::parse("Lovelace"));
        match (email, names) {
            (Ok(email), (Ok(first_name), Ok(last_name))) => NewUser {
                user_id: self.user(),
                email,
                password_hash: PasswordHash::new("hash".to_owned()),
                first_name,
                last_name,
            },
            _ => unreachable!("a literal is well formed"),
        }
    }

    /// As an administrator, adds a product with that many pieces, for 10.00 and its number in cents.
    pub fn add_product(self, which: u32, wares: Wares, pieces: u64) -> Command {
        Command::new::<InventoryContext>("add a product", RETRIES, move |known| {
            let create = CreateProduct {
                id: wares.id(),
                sku: format!("sku-{}", wares.0),
                name: format!("product {}", wares.0),
                description: String::new(),
                price: eur(1_000 + i64::from(wares.0)),
                initial_stock: pieces,
                actor: self.user(),
            };
            message(self, which, known, None, inventory::Input::CreateProduct(create))
        })
    }

    /// As an administrator, changes a product's price, or whether it is for sale.
    pub fn change_product(self, which: u32, wares: Wares, minor: Option<i64>, is_active: Option<bool>) -> Command {
        Command::new::<InventoryContext>("change a product", RETRIES, move |known| {
            let patch = ProductPatch { price: minor.map(eur), is_active, ..ProductPatch::default() };
            let change = ChangeProduct { id: wares.id(), patch, actor: self.user() };
            message(self, which, known, None, inventory::Input::ChangeProduct(change))
        })
    }

    /// As an administrator, puts pieces in or takes them out, under a key.
    pub fn adjust(self, which: u32, wares: Wares, delta: i64) -> Command {
        let scope = format!("{} POST /stock", self.0);
        let keyed = format!("{scope} {which}");
        let command = Command::new::<InventoryContext>("adjust stock", RETRIES, move |known| {
            let adjust =
                AdjustStock { product_id: wares.id(), delta, reason: "counted".to_owned(), actor: self.user() };
            let key = Idempotency { scope: scope.clone(), key: which.to_string(), fingerprint: delta.to_string() };
            message(self, which, known, Some(key), inventory::Input::AdjustStock(adjust))
        });
        // As the rules name the line.
        let line = move |attempt| {
            let cause = id(Kind::Message, self.0, which, attempt);
            derive(Service::Inventory.name(), cause, "movement", wares.id().0, 0)
        };
        command.keyed(&keyed, move |attempt| Trail::Movement(line(attempt), delta))
    }
}

/// The order that the client's command number `placed` made, as far as he heard.
pub(super) fn heard(known: Known<'_>, placed: usize) -> OrderId {
    OrderId(known.replies.get(placed).map(crate::world::Reply::resource).unwrap_or_default())
}

fn eur(minor: i64) -> Money {
    match Currency::from_code("EUR") {
        Some(currency) => Money::new(minor, currency),
        None => unreachable!("the euro is a currency"),
    }
}
