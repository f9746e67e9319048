//! Who calls: `Authorization: Bearer`, checked on every request by every service.

use async_trait::async_trait;
use ecom_core::id::{SessionId, UserId};
use ecom_core::port::{Clock, TokenError, TokenSigner};
use warp::http::HeaderMap;
use warp::http::header::AUTHORIZATION;

use super::problem::Problem;
use super::request::Query;

/// A caller whose token is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Who.
    pub user_id: UserId,
    /// Whether the role is `admin`.
    pub is_admin: bool,
    /// The session that the token belongs to.
    pub session_id: SessionId,
}

impl Caller {
    /// The caller, when it is an administrator; otherwise 403.
    pub fn admin(self) -> Result<Self, Problem> {
        if self.is_admin { Ok(self) } else { Err(Problem::forbidden()) }
    }

    /// Whether the caller may see what belongs to that user.
    pub fn may_see(self, owner: UserId) -> bool {
        self.is_admin || self.user_id == owner
    }

    /// Nothing when the caller may see what belongs to that user; otherwise 404, as if it were not there.
    pub fn sees(self, owner: UserId) -> Result<(), Problem> {
        if self.may_see(owner) { Ok(()) } else { Err(Problem::not_found()) }
    }

    /// Whose things a list shows: an administrator sees everybody's or those of `?user_id=`, others see their own.
    ///
    /// # Errors
    /// 404 when somebody else asks for another user's: whether there is such a user is not his to know.
    pub fn list_of(self, query: &Query) -> Result<Option<UserId>, Problem> {
        let asked = query.parsed::<UserId>("user_id")?;
        match asked {
            Some(user_id) if self.may_see(user_id) => Ok(Some(user_id)),
            Some(_) => Err(Problem::not_found()),
            None if self.is_admin => Ok(None),
            None => Ok(Some(self.user_id)),
        }
    }
}

/// Public keys that live in another process.
#[async_trait]
pub trait Keys: Send + Sync + 'static {
    /// Called before a request is handled: fetches the keys, if the request's token names one that is not known. It
    /// *must* end within a few seconds, whether the keys came or not.
    async fn prepare(&self, headers: &HeaderMap);
}

/// The token of a request that has exactly one.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let text = values.next()?.to_str().ok().filter(|_| values.next().is_none())?;
    let (scheme, token) = text.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Reads and checks the access token.
///
/// # Errors
/// 401 `missing_token`, `invalid_token` or `token_expired`; 503 `keys_unavailable` when no key is known to check it
/// with: that is not the caller's fault.
pub fn caller(headers: &HeaderMap, signer: &dyn TokenSigner, clock: &dyn Clock) -> Result<Caller, Problem> {
    if !headers.contains_key(AUTHORIZATION) {
        return Err(Problem::unauthorized("missing_token", "send an access token: Authorization: Bearer <token>"));
    }
    let invalid = || Problem::unauthorized("invalid_token", TokenError::Invalid.to_string());
    match signer.verify(bearer(headers).ok_or_else(invalid)?, clock.now()) {
        Ok(claims) => Ok(Caller { user_id: claims.user_id, is_admin: claims.is_admin, session_id: claims.session_id }),
        Err(error @ TokenError::Expired) => Err(Problem::unauthorized("token_expired", error.to_string())),
        Err(TokenError::Invalid) => Err(invalid()),
        Err(error @ TokenError::NoKey) => Err(Problem::unavailable("keys_unavailable", error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use ecom_core::port::Claims;
    use ecom_core::time::Timestamp;
    use uuid::Uuid;
    use warp::http::HeaderValue;

    use super::*;

    struct Fixed;

    impl Clock for Fixed {
        fn now(&self) -> Timestamp {
            Timestamp::EPOCH
        }
    }

    impl TokenSigner for Fixed {
        fn sign(&self, _: &Claims) -> Result<String, TokenError> {
            Err(TokenError::NoKey)
        }

        fn verify(&self, token: &str, now: Timestamp) -> Result<Claims, TokenError> {
            let is_admin = match token {
                "admin" => true,
                "customer" => false,
                "old" => return Err(TokenError::Expired),
                "unchecked" => return Err(TokenError::NoKey),
                _ => return Err(TokenError::Invalid),
            };
            let (user_id, session_id) = (UserId(Uuid::from_u128(1)), SessionId(Uuid::from_u128(2)));
            Ok(Claims { user_id, is_admin, session_id, issued_at: now, expires_at: now })
        }
    }

    #[test]
    fn each_token_has_its_answer() {
        for (values, status, code) in [
            (&[][..], 401, "missing_token"),
            (&["Bearer other"], 401, "invalid_token"),
            (&["Bearer"], 401, "invalid_token"),
            (&["Basic admin"], 401, "invalid_token"),
            (&["Bearer admin", "Bearer admin"], 401, "invalid_token"),
            (&["Bearer old"], 401, "token_expired"),
            (&["Bearer unchecked"], 503, "keys_unavailable"),
            (&["Bearer customer"], 403, "forbidden"),
            (&["bearer admin"], 200, ""),
        ] {
            let headers = values.iter().map(|value| (AUTHORIZATION, HeaderValue::from_static(value))).collect();
            let admin = caller(&headers, &Fixed, &Fixed).and_then(Caller::admin);
            let answer = admin.map_or_else(|problem| (problem.status.as_u16(), problem.code), |_| (200, ""));
            assert_eq!(answer, (status, code), "{values:?}");
        }
    }

    #[test]
    fn what_is_another_users_is_not_there() {
        let (mine, other) = (UserId(Uuid::from_u128(1)), UserId(Uuid::from_u128(3)));
        let caller = Caller { user_id: mine, is_admin: false, session_id: SessionId(Uuid::from_u128(2)) };
        assert_eq!(caller.sees(mine), Ok(()));
        assert_eq!(caller.sees(other).unwrap_err().status.as_u16(), 404);
        let admin = Caller { is_admin: true, ..caller };
        assert_eq!(admin.sees(other), Ok(()));
        let list = |caller: Caller, query: &str| {
            caller.list_of(&Query::parse(query).unwrap()).map_err(|problem| problem.status.as_u16())
        };
        let of = |user: UserId| format!("user_id={user}");
        assert_eq!(list(caller, ""), Ok(Some(mine)));
        assert_eq!(list(caller, &of(mine)), Ok(Some(mine)));
        assert_eq!(list(caller, &of(other)), Err(404));
        assert_eq!((list(admin, ""), list(admin, &of(other))), (Ok(None), Ok(Some(other))));
    }
}
