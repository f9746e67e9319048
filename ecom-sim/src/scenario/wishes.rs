//! What users wish of their notices, and what an operator asks of the services.

use ecom_core::id::UserId;
use ecom_core::inventory::{self, InventoryContext};
use ecom_core::notification::{self, Choices, EmailChoice, NotificationContext, PushChoice, SetPreferences, SmsChoice};
use ecom_core::order::{self, OrderContext};
use ecom_core::user::{self, UserContext};

use super::command::{RETRIES, heard, message};
use super::{Shopper, Wares};
use crate::world::Command;

/// The one way on which somebody wants to be told, or none: each occasion is one notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Nothing at all.
    Nothing,
    /// Letters to the address of his account.
    Letters,
    /// Letters to another address.
    Elsewhere,
    /// Text messages.
    Texts,
}

impl Wish {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Nothing, Self::Letters, Self::Elsewhere, Self::Texts];

    fn choices(self) -> Choices {
        let address = (self == Self::Elsewhere).then(|| "elsewhere@example.com".to_owned());
        let number = (self == Self::Texts).then(|| "+4312345678".to_owned());
        Choices {
            email: EmailChoice { enabled: matches!(self, Self::Letters | Self::Elsewhere), address },
            sms: SmsChoice { enabled: number.is_some(), number },
            push: PushChoice { enabled: false, endpoint: None },
        }
    }
}

impl Shopper {
    /// Says on which way he wants to be told.
    pub fn wish(self, which: u32, wish: Wish) -> Command {
        Command::new::<NotificationContext>("set preferences", RETRIES, move |known| {
            let set = SetPreferences { user_id: self.user(), choices: wish.choices() };
            message(self, which, known, None, notification::Input::SetPreferences(set))
        })
    }

    /// As an operator, has inventory tell of these products again.
    pub fn retell_products(self, which: u32, wares: Vec<Wares>) -> Command {
        Command::new::<InventoryContext>("tell of products again", RETRIES, move |known| {
            let products = wares.iter().map(|wares| wares.id()).collect();
            message(self, which, known, None, inventory::Input::Resync(products))
        })
    }

    /// As an operator, has the user service tell of these users again.
    pub fn retell_users(self, which: u32, shoppers: Vec<Self>) -> Command {
        Command::new::<UserContext>("tell of users again", RETRIES, move |known| {
            let users: Vec<UserId> = shoppers.iter().map(|shopper| shopper.user()).collect();
            message(self, which, known, None, user::Input::Resync(users))
        })
    }

    /// As an operator, has what is owed to the order of his command number `placed` asked for again.
    pub fn retry(self, which: u32, placed: usize) -> Command {
        Command::new::<OrderContext>("ask again for what is owed", RETRIES, move |known| {
            let input = order::Input::retry(heard(known, placed), self.user(), "asked for");
            message(self, which, known, None, input)
        })
    }

    /// As an operator, takes what is still owed to the order of his command number `placed` on himself.
    pub fn resolve(self, which: u32, placed: usize) -> Command {
        Command::new::<OrderContext>("take on what is owed", RETRIES, move |known| {
            let input = order::Input::resolve(heard(known, placed), self.user(), "asked for");
            message(self, which, known, None, input)
        })
    }
}
