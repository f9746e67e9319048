//! Passwords: bcrypt over a digest, in a bounded queue beside the runtime.

use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use bcrypt::HashParts;
use ecom_core::port::{HasherBusy, PasswordHasher};
use hmac::Mac;
use tokio::sync::Semaphore;

use super::mac::{HmacSha384, hmac_sha384};

/// The lowest cost that may be configured: less is no hindrance to who has the hashes.
pub const BCRYPT_COST_MIN: u32 = 10;

/// The highest cost that may be configured: about three seconds for each sign-in.
pub const BCRYPT_COST_MAX: u32 = 15;

/// The cost when nobody says: about 0.4 s.
pub const BCRYPT_COST_DEFAULT: u32 = 12;

/// How many passwords may wait for each worker; one more would wait longer than its client.
const WAITING_PER_WORKER: usize = 32;

/// Names the way in which a password becomes a hash.
const SCHEME: &str = "v1";

/// The key of the digest when no pepper is configured; it only keeps the digest apart from other digests.
const NO_PEPPER: &[u8] = b"ecom password v1";

/// The salt of the work that is done when there is no hash to check.
const DUMMY_SALT: [u8; 16] = [0x5a; 16];

/// The cost is not within [`BCRYPT_COST_MIN`] to [`BCRYPT_COST_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the bcrypt cost is {BCRYPT_COST_MIN} to {BCRYPT_COST_MAX}, not {0}")]
pub struct InvalidCost(pub u32);

/// Hashes passwords with bcrypt.
///
/// bcrypt takes 72 bytes and stops at a zero byte, so it is given the base64 of an HMAC-SHA-384 of the password: 64
/// characters that depend on every byte of it. The HMAC's key is the pepper, if there is one: without it the hashes of
/// a stolen database cannot be attacked. Losing or changing the pepper voids all passwords.
///
/// Kept as `v1$2b$…`. Plain `$2a$`, `$2b$` and `$2y$` hashes of another system are checked as that system made them,
/// and are outdated, so that each is replaced at its owner's next sign-in.
///
/// One core stays free for everything else; at most [`WAITING_PER_WORKER`] passwords wait for each of the others.
pub struct BcryptHasher {
    work: Arc<Work>,
    workers: Arc<Semaphore>,
    places: Arc<Semaphore>,
}

impl BcryptHasher {
    /// With a cost of [`BCRYPT_COST_MIN`] to [`BCRYPT_COST_MAX`] and perhaps a pepper.
    pub fn new(cost: u32, pepper: Option<&[u8]>) -> Result<Self, InvalidCost> {
        if !(BCRYPT_COST_MIN..=BCRYPT_COST_MAX).contains(&cost) {
            return Err(InvalidCost(cost));
        }
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let workers = cores.saturating_sub(1).max(1);
        Ok(Self::with(cost, pepper, workers, workers * WAITING_PER_WORKER))
    }

    /// With the lowest cost that bcrypt knows, for tests: worthless as a protection.
    pub fn cheap_for_tests() -> Self {
        Self::with(4, None, 2, 1_000)
    }

    fn with(cost: u32, pepper: Option<&[u8]>, workers: usize, waiting: usize) -> Self {
        let work = Work { cost, mac: hmac_sha384(pepper.unwrap_or(NO_PEPPER)) };
        let (places, workers) = (Semaphore::new(workers + waiting), Semaphore::new(workers));
        Self { work: Arc::new(work), workers: Arc::new(workers), places: Arc::new(places) }
    }

    /// Runs slow work when it is its turn.
    ///
    /// Who waits may give up; the place and the worker go with the work, which nobody can interrupt.
    async fn run<T: Send + 'static>(&self, slow: impl FnOnce(&Work) -> T + Send + 'static) -> Result<T, HasherBusy> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| HasherBusy)?;
        let worker = Arc::clone(&self.workers).acquire_owned().await.map_err(|_| HasherBusy)?;
        let work = Arc::clone(&self.work);
        let task = tokio::task::spawn_blocking(move || {
            let done = slow(&work);
            drop((worker, place));
            done
        });
        // It fails only when the runtime is shutting down.
        task.await.map_err(|_| HasherBusy)
    }
}

#[async_trait]
impl PasswordHasher for BcryptHasher {
    async fn hash(&self, password: &str) -> Result<String, HasherBusy> {
        let password = password.to_owned();
        // bcrypt fails without randomness, or for a cost that `new` has refused.
        self.run(move |work| work.hash(&password)).await?.map_err(|_| HasherBusy)
    }

    async fn verify(&self, password: &str, hash: Option<&str>) -> Result<bool, HasherBusy> {
        let (password, hash) = (password.to_owned(), hash.map(str::to_owned));
        self.run(move |work| work.verify(&password, hash.as_deref())).await
    }

    fn is_outdated(&self, hash: &str) -> bool {
        Stored::parse(hash).is_none_or(|stored| stored.is_foreign || stored.cost < self.work.cost)
    }
}

/// What the workers do.
struct Work {
    cost: u32,
    mac: HmacSha384,
}

impl Work {
    fn hash(&self, password: &str) -> Result<String, bcrypt::BcryptError> {
        Ok(format!("{SCHEME}{}", bcrypt::hash(self.digest(password), self.cost)?))
    }

    fn verify(&self, password: &str, hash: Option<&str>) -> bool {
        let Some(stored) = hash.and_then(Stored::parse) else {
            // As long as with a hash, and never true.
            let _: Result<_, _> = bcrypt::hash_with_salt(self.digest(password), self.cost, DUMMY_SALT);
            return false;
        };
        let fits = if stored.is_foreign {
            bcrypt::verify(password, stored.bcrypt)
        } else {
            bcrypt::verify(self.digest(password), stored.bcrypt)
        };
        fits.unwrap_or(false)
    }

    /// 64 characters that depend on every byte of the password.
    fn digest(&self, password: &str) -> String {
        let digest = self.mac.clone().chain_update(password.as_bytes()).finalize().into_bytes();
        STANDARD_NO_PAD.encode(digest)
    }
}

/// A hash as kept.
struct Stored<'a> {
    /// Made by another system, of the password itself.
    is_foreign: bool,
    bcrypt: &'a str,
    cost: u32,
}

impl<'a> Stored<'a> {
    /// `None` for anything that cannot be checked, and for a cost that would keep a worker for minutes.
    fn parse(hash: &'a str) -> Option<Self> {
        let ours = hash.strip_prefix(SCHEME);
        let bcrypt = ours.unwrap_or(hash);
        let known = ["$2a$", "$2b$", "$2y$"].iter().any(|version| bcrypt.starts_with(version));
        let cost = bcrypt.parse::<HashParts>().ok()?.get_cost();
        (known && cost <= BCRYPT_COST_MAX).then_some(Self { is_foreign: ours.is_none(), bcrypt, cost })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_fits_its_own_hash_alone() {
        let hasher = BcryptHasher::cheap_for_tests();
        let hash = hasher.hash("correct horse").await.unwrap();
        assert!(hash.starts_with("v1$2b$04$"), "{hash}");
        assert_eq!(hasher.verify("correct horse", Some(&hash)).await, Ok(true));
        for other in ["correct horse ", "Correct horse", "", "correct horse\0"] {
            assert_eq!(hasher.verify(other, Some(&hash)).await, Ok(false), "{other:?}");
        }
        assert_ne!(hasher.hash("correct horse").await.unwrap(), hash, "salted");
    }

    #[tokio::test]
    async fn a_long_password_is_not_cut() {
        let hasher = BcryptHasher::cheap_for_tests();
        let long = "x".repeat(100);
        let hash = hasher.hash(&long).await.unwrap();
        assert_eq!(hasher.verify(&long, Some(&hash)).await, Ok(true));
        assert_eq!(hasher.verify(&"x".repeat(72), Some(&hash)).await, Ok(false));
        let faces = "\u{1f600}".repeat(64);
        let hash = hasher.hash(&faces).await.unwrap();
        assert_eq!(hasher.verify(&faces, Some(&hash)).await, Ok(true));
        assert_eq!(hasher.verify(&"\u{1f600}".repeat(63), Some(&hash)).await, Ok(false));
        let hash = hasher.hash("before\0after").await.unwrap();
        assert_eq!(hasher.verify("before\0other", Some(&hash)).await, Ok(false));
    }

    #[tokio::test]
    async fn hashes_of_other_systems_fit_and_are_outdated() {
        let hasher = BcryptHasher::cheap_for_tests();
        let plain = bcrypt::hash("moved here", 4).unwrap();
        for version in ["$2a$", "$2b$", "$2y$"] {
            let hash = plain.replacen("$2b$", version, 1);
            assert_eq!(hasher.verify("moved here", Some(&hash)).await, Ok(true), "{version}");
            assert_eq!(hasher.verify("moved there", Some(&hash)).await, Ok(false), "{version}");
            assert!(hasher.is_outdated(&hash));
        }
        assert!(!hasher.is_outdated(&hasher.hash("moved here").await.unwrap()));
        assert!(BcryptHasher::new(10, None).unwrap().is_outdated(&hasher.hash("moved here").await.unwrap()));
    }

    #[tokio::test]
    async fn without_a_usable_hash_nothing_fits() {
        let hasher = BcryptHasher::cheap_for_tests();
        let costly = bcrypt::hash("a", 4).unwrap().replacen("$04$", "$31$", 1);
        for hash in [None, Some(""), Some("v1"), Some("plain text"), Some("v1$argon2id$"), Some(&*costly)] {
            assert_eq!(hasher.verify("plain text", hash).await, Ok(false), "{hash:?}");
        }
    }

    #[tokio::test]
    async fn another_pepper_voids_the_hash() {
        let [one, two] = [&b"one"[..], b"two"].map(|pepper| BcryptHasher::with(4, Some(pepper), 1, 1));
        let hash = one.hash("correct horse").await.unwrap();
        assert_eq!(one.verify("correct horse", Some(&hash)).await, Ok(true));
        assert_eq!(two.verify("correct horse", Some(&hash)).await, Ok(false));
    }

    #[tokio::test]
    async fn a_full_queue_refuses_at_once_and_opens_again() {
        let hasher = BcryptHasher::with(4, None, 1, 1);
        let place = Arc::clone(&hasher.places).try_acquire_many_owned(2).unwrap();
        assert_eq!(hasher.verify("a", None).await, Err(HasherBusy));
        assert_eq!(hasher.hash("a").await, Err(HasherBusy));
        drop(place);
        assert_eq!(hasher.verify("a", None).await, Ok(false));
        assert_eq!((hasher.places.available_permits(), hasher.workers.available_permits()), (2, 1));
    }

    #[test]
    fn costs_are_10_to_15() {
        assert_eq!(BcryptHasher::new(9, None).err(), Some(InvalidCost(9)));
        assert_eq!(BcryptHasher::new(16, None).err(), Some(InvalidCost(16)));
        assert!(BcryptHasher::new(BCRYPT_COST_DEFAULT, Some(b"pepper")).is_ok());
    }
}
