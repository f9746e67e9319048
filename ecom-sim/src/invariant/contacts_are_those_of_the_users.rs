use ecom_core::notification::{ContactState, NotificationContext};
use ecom_core::user::{Role, User, UserContext};

use super::{Broken, Invariant, When};
use crate::world::World;

pub(super) const INVARIANT: Invariant = Invariant {
    name: "notices go to the users as the user service has them",
    when: When::AtRest,
    of: &[],
    near: None,
    check,
};

fn check(world: &World) -> Result<(), Broken> {
    let (Some(users), Some(notices)) = (world.service::<UserContext>(), world.service::<NotificationContext>()) else {
        return Ok(());
    };
    for user in users.tables().snapshot().users.values() {
        let known = notices.tables().snapshot().contacts.get(&user.id).map(|contact| &contact.state);
        let wanted = wanted(user);
        if known != Some(&wanted) {
            let subject = format!("user {}", user.id);
            return Err(Broken::new(subject, told(&wanted), known.map_or_else(|| "not known".to_owned(), told)));
        }
    }
    Ok(())
}

fn wanted(user: &User) -> ContactState {
    if !user.is_active {
        return ContactState::Deactivated { user_version: user.version };
    }
    ContactState::Active {
        user_version: user.version,
        email: user.email.clone(),
        first_name: user.first_name.as_str().to_owned(),
        is_admin: user.role == Role::Admin,
    }
}

fn told(state: &ContactState) -> String {
    let version = state.user_version();
    match state {
        ContactState::Awaited => "only awaited".to_owned(),
        ContactState::Active { email, first_name, is_admin, .. } => {
            let role = if *is_admin { ", an administrator" } else { "" };
            format!("{first_name} at {email}{role}, version {version}")
        }
        ContactState::Deactivated { .. } => format!("gone, version {version}"),
    }
}
