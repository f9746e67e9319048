//! Who signs tokens and who is the first administrator.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ecom_adapters::system::{BcryptHasher, Ed25519Key, InvalidCost, InvalidKey, JwtSigner, RefreshTokens};
use ecom_core::email::Email;
use ecom_core::engine::Outcome;
use ecom_core::id::{CorrelationId, MessageId, UserId};
use ecom_core::port::{Ids, PageRequest, PasswordHasher};
use ecom_core::secret::PasswordHash;
use ecom_core::user::{Input, Name, NewUser, Reply, Role, UserContext, UserFilter, UserReader};

use super::assembly::Running;
use super::data_dir::{DataDir, DataDirError};
use crate::config::{Config, FirstAdmin};
use crate::host::{Command, Handle};

/// The file with the generated password of the first administrator.
const PASSWORD_FILE: &str = "admin-password";

/// The first administrator when nobody names one.
const ADMIN_EMAIL: &str = "admin@example.com";

/// Why nobody can sign in. Each is one clear line.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The data directory cannot be used.
    #[error(transparent)]
    Data(#[from] DataDirError),
    /// The key file cannot be read.
    #[error("cannot read the signing key {path}: {source}")]
    KeyFile {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The key file holds no key.
    #[error("{path} is not usable: {source}")]
    Key {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: InvalidKey,
    },
    /// A key that the user service keeps is none.
    #[error("a kept signing key is not usable: {0}")]
    Kept(#[from] InvalidKey),
    /// The user service keeps no key.
    #[error("there is no signing key")]
    NoKey,
    /// The hashing cost is out of bounds.
    #[error(transparent)]
    Cost(#[from] InvalidCost),
    /// The first administrator cannot be created.
    #[error("cannot create the first administrator: {0}")]
    Admin(String),
}

/// What signs, checks and hashes.
pub struct Identity {
    /// Signs and checks access tokens.
    pub signer: Arc<JwtSigner>,
    /// Makes refresh tokens.
    pub mint: Arc<RefreshTokens>,
    /// Hashes passwords.
    pub hasher: Arc<dyn PasswordHasher>,
}

impl Identity {
    /// With the keys that the user service keeps (PKCS#8, the newest first), or with the one of the configured file.
    pub fn new(kept: &[Vec<u8>], config: &Config) -> Result<Self, IdentityError> {
        let mut keys = match &config.tokens.private_key_file {
            Some(path) => vec![key_from(path)?],
            None => kept.iter().map(|key| Ed25519Key::from_pkcs8(key)).collect::<Result<_, _>>()?,
        };
        if keys.is_empty() {
            return Err(IdentityError::NoKey);
        }
        let older = keys.split_off(1);
        let key = keys.remove(0);
        let mint = Arc::new(RefreshTokens::new(&key, &older));
        let signer = Arc::new(JwtSigner::new(&config.tokens.issuer, &config.tokens.audience, key, older));
        let pepper = config.passwords.pepper.as_ref().map(|pepper| pepper.reveal().as_bytes());
        let hasher = Arc::new(BcryptHasher::new(config.passwords.cost, pepper)?);
        Ok(Self { signer, mint, hasher })
    }
}

fn key_from(path: &Path) -> Result<Ed25519Key, IdentityError> {
    let text = std::fs::read(path).map_err(|source| IdentityError::KeyFile { path: path.to_owned(), source })?;
    Ed25519Key::from_pem(&text).map_err(|source| IdentityError::Key { path: path.to_owned(), source })
}

/// A password that was made for the first administrator; shown once.
pub struct GeneratedPassword {
    /// Whose.
    pub email: String,
    /// The password.
    pub password: String,
}

/// Creates the configured administrator when there is none.
pub(super) async fn configured_administrator(
    config: &Config,
    identity: &Identity,
    ids: &dyn Ids,
    users: &Running<UserContext, dyn UserReader>,
) -> Result<(), IdentityError> {
    // Hashing takes a good part of a second: not at every start.
    if let Some(FirstAdmin { email, password }) = &config.first_admin
        && !has_administrator(users).await?
    {
        add_administrator(identity, ids, &users.handle, email.clone(), password.reveal(), Input::BootstrapAdmin)
            .await?;
    }
    Ok(())
}

/// Creates the first administrator when there is none: the configured one, or one with a random password that is kept
/// in the data directory. The password is written before the account exists, so that a crash in between leaves no
/// account whose password nobody knows.
pub(super) async fn first_administrator(
    data: &DataDir,
    config: &Config,
    identity: &Identity,
    ids: &dyn Ids,
    users: &Running<UserContext, dyn UserReader>,
) -> Result<Option<GeneratedPassword>, IdentityError> {
    configured_administrator(config, identity, ids, users).await?;
    if config.first_admin.is_some() || has_administrator(users).await? {
        return Ok(None);
    }
    let kept = data.read(PASSWORD_FILE)?.map(|bytes| String::from_utf8_lossy(&bytes).trim().to_owned());
    let password = if let Some(password) = kept {
        password
    } else {
        let password = ids.secret();
        data.write_secret(PASSWORD_FILE, format!("{password}\n").as_bytes())?;
        password
    };
    let email = Email::parse(ADMIN_EMAIL).map_err(|error| IdentityError::Admin(error.to_string()))?;
    let created = add_administrator(identity, ids, &users.handle, email, &password, Input::BootstrapAdmin).await?;
    Ok(created.then(|| GeneratedPassword { email: ADMIN_EMAIL.to_owned(), password }))
}

async fn has_administrator(users: &Running<UserContext, dyn UserReader>) -> Result<bool, IdentityError> {
    let administrators = UserFilter { role: Some(Role::Admin), ..UserFilter::default() };
    let page = users.reader.list(&administrators, PageRequest::default()).await;
    page.map(|page| !page.items.is_empty()).map_err(|fault| IdentityError::Admin(fault.to_string()))
}

/// Whether an administrator was created.
pub(super) async fn add_administrator(
    identity: &Identity,
    ids: &dyn Ids,
    users: &Handle<UserContext>,
    email: Email,
    password: &str,
    input: fn(NewUser) -> Input,
) -> Result<bool, IdentityError> {
    let failed = |detail: &dyn std::fmt::Display| IdentityError::Admin(detail.to_string());
    let name = |text: &str| Name::parse(text).map_err(|error| failed(&error));
    let hash = identity.hasher.hash(password).await.map_err(|error| failed(&error))?;
    let user = NewUser {
        user_id: UserId(ids.fresh()),
        email,
        password_hash: PasswordHash::new(hash),
        first_name: name("Shop")?,
        last_name: name("Administrator")?,
    };
    let command = Command {
        id: MessageId(ids.fresh()),
        correlation: CorrelationId(ids.fresh()),
        key: None,
        traceparent: None,
        input: input(user),
    };
    match users.execute(command).await.map_err(|error| failed(&error))? {
        Outcome::Applied(Some(Reply::Registered(_))) => Ok(true),
        Outcome::Applied(_) | Outcome::Stayed(..) | Outcome::Duplicate | Outcome::Replayed(_) | Outcome::KeyReused => {
            Ok(false)
        }
        Outcome::Rejected(rejection) => Err(failed(&rejection)),
    }
}
