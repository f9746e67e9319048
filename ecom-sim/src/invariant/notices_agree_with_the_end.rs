use ecom_core::notification::{Channel, NoticeState, NotificationContext, Template};
use ecom_core::order::{OrderContext, Status};

use super::{Broken, Invariant, When};
use crate::world::World;

pub(super) const INVARIANT: Invariant = Invariant {
    name: "each order's end has one notice, and it says that end",
    when: When::AtRest,
    of: &[],
    near: None,
    check,
};

fn check(world: &World) -> Result<(), Broken> {
    let (Some(orders), Some(service)) = (world.service::<OrderContext>(), world.service::<NotificationContext>())
    else {
        return Ok(());
    };
    let notices = &service.tables().snapshot().notices;
    for order in orders.tables().snapshot().orders.values() {
        let expected = match order.status() {
            Status::Completed => Template::OrderCompleted,
            Status::Failed => Template::OrderFailed,
            Status::Cancelled => Template::OrderCancelled,
            Status::Pending | Status::Processing => continue,
        };
        let ends = [Template::OrderCompleted, Template::OrderFailed, Template::OrderCancelled];
        let told: Vec<_> =
            notices.values().filter(|it| it.subject_id == order.id.0 && ends.contains(&it.template)).collect();
        let right = told.len() == 1 && told.iter().all(|notice| notice.template == expected);
        if !right {
            let words: Vec<_> = told.iter().map(|notice| notice.template.name()).collect();
            return Err(Broken::new(format!("order {}", order.id), expected.name(), format!("{words:?}")));
        }
    }
    for notice in notices.values() {
        let taken = service.outside().letters().filter(|letter| letter.notice_id == notice.id).count();
        let right = match (&notice.state, notice.channel) {
            (NoticeState::Sent { .. }, _) => taken == 1,
            (NoticeState::Deferred { .. }, _) | (NoticeState::Suppressed, Channel::Log) => taken == 0,
            // What was given up or suppressed at last may have been taken by a call whose answer was lost.
            (NoticeState::Failed { .. } | NoticeState::Suppressed, _) => true,
            (NoticeState::Queued, _) => false,
        };
        if !right {
            let actual = format!("{} with {taken} letters", notice.state.status());
            return Err(Broken::new(format!("notice {}", notice.id), "a letter for each notice that is sent", actual));
        }
    }
    Ok(())
}
