//! An administrator for whoever has the databases.

use std::sync::Arc;
use std::time::Duration;

use ecom_adapters::system::{SystemClock, SystemIds};
use ecom_core::email::Email;
use ecom_core::port::Ids;
use ecom_core::secret::Secret;
use ecom_core::user::Input;

use super::StartError;
use super::assembly::Materials;
use super::data_dir::DataDir;
use super::identity::{Identity, add_administrator};
use super::shop::Shop;
use crate::config::{Config, FirstAdmin};

/// How long the services may take to stop.
const STOP_MAX: Duration = Duration::from_secs(5);

/// Adds an administrator with the configured password, or else with one that is made and returned. `_data` is locked:
/// no other process has its files.
///
/// The services run meanwhile, so that what is told about the new account reaches them as it always does.
pub async fn create_administrator(
    _data: &DataDir,
    config: &Config,
    email: Email,
) -> Result<Option<Secret>, StartError> {
    let ids: Arc<dyn Ids> = Arc::new(SystemIds::new(Arc::new(SystemClock))?);
    let given = config.first_admin.as_ref().map(|FirstAdmin { password, .. }| password.clone());
    let made = if given.is_none() { Some(Secret::new(ids.secret())) } else { None };
    let shop = Shop::start(Materials::of(config)).await?;
    let added = match (&given, &made) {
        (Some(password), _) | (None, Some(password)) => {
            let identity = Identity::new(&shop.users.signing_keys, config)?;
            let handle = &shop.users.service.handle;
            add_administrator(&identity, ids.as_ref(), handle, email, password.reveal(), Input::CreateAdmin).await
        }
        (None, None) => Ok(false),
    };
    shop.stop(STOP_MAX).await;
    added?;
    Ok(made)
}
