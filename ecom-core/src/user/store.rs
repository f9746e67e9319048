//! What this context loads and writes, and the queries that HTTP asks.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use uuid::Uuid;

use super::error::Rejection;
use super::message::{Input, Reply};
use super::model::{PasswordReset, Role, Session, User};
use super::rules;
use super::view::UserView;
use crate::body::Body;
use crate::decide::{Answer, BoundedContext, Context, Decision, NoEffect, Row, Timer};
use crate::email::Email;
use crate::engine::Fault;
use crate::event::{Event, Service};
use crate::id::{MessageId, SessionId, UserId};
use crate::port::{Page, PageRequest};
use crate::secret::TokenHash;

/// The user context.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct UserContext;

/// The keys of the rows that inputs need.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserScope {
    /// Users by id.
    pub users: BTreeSet<UserId>,
    /// Users by e-mail address.
    pub emails: BTreeSet<Email>,
    /// Sessions, each with its user.
    pub sessions: BTreeSet<SessionId>,
    /// Password resets, each with its user.
    pub resets: BTreeSet<TokenHash>,
    /// Users, by e-mail address, whose newest [`super::RESETS_MAX`] resets are needed.
    pub resets_of: BTreeSet<Email>,
    /// Whether the number of active administrators is needed.
    pub active_admins: bool,
}

/// Those rows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct UserSnapshot {
    /// Users.
    pub users: BTreeMap<UserId, User>,
    /// The same users by their e-mail address.
    pub emails: BTreeMap<Email, UserId>,
    /// Sessions.
    pub sessions: BTreeMap<SessionId, Session>,
    /// Password resets.
    pub resets: BTreeMap<TokenHash, PasswordReset>,
    /// How many active administrators there are; 0 when the scope did not ask.
    pub active_admins: u64,
}

impl UserSnapshot {
    /// From loaded rows.
    pub fn new(
        users: impl IntoIterator<Item = User>,
        sessions: impl IntoIterator<Item = Session>,
        resets: impl IntoIterator<Item = PasswordReset>,
        active_admins: u64,
    ) -> Self {
        let users: BTreeMap<_, _> = users.into_iter().map(|user| (user.id, user)).collect();
        Self {
            emails: users.values().map(|user| (user.email.clone(), user.id)).collect(),
            users,
            sessions: sessions.into_iter().map(|session| (session.id, session)).collect(),
            resets: resets.into_iter().map(|reset| (reset.token_hash, reset)).collect(),
            active_admins,
        }
    }

    /// The user with that address.
    pub fn by_email(&self, email: &Email) -> Option<&User> {
        self.users.get(self.emails.get(email)?)
    }
}

/// A change of one row.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Change {
    /// The user as he now is.
    PutUser(User),
    /// The session as it now is.
    PutSession(Session),
    /// The reset as it now is.
    PutReset(PasswordReset),
}

impl BoundedContext for UserContext {
    const SERVICE: Service = Service::User;
    type Input = Input;
    type Scope = UserScope;
    type Snapshot = UserSnapshot;
    type Change = Change;
    type Effect = NoEffect;
    type EffectAnswer = NoEffect;
    type Reply = Reply;
    type Rejection = Rejection;

    fn scope(input: &Input, scope: &mut UserScope) {
        match input {
            Input::Register(new) | Input::CreateAdmin(new) | Input::BootstrapAdmin(new) => {
                scope.users.insert(new.user_id);
                scope.emails.insert(new.email.clone());
                scope.active_admins = true;
            }
            Input::OpenSession(command) => {
                scope.users.insert(command.user_id);
                scope.sessions.insert(command.session_id);
            }
            Input::RotateToken(command) => {
                scope.sessions.insert(command.session_id);
            }
            Input::Logout { session_id } => {
                scope.sessions.insert(*session_id);
            }
            Input::ChangeProfile(command) => {
                scope.users.extend([command.actor, command.user_id]);
                scope.active_admins = true;
            }
            Input::ChangePassword(command) => {
                scope.users.insert(command.user_id);
                scope.sessions.insert(command.session_id);
            }
            Input::Deactivate { actor, user_id } => {
                scope.users.extend([actor, user_id]);
                scope.active_admins = true;
            }
            Input::RequestReset(command) => {
                scope.emails.insert(command.email.clone());
                scope.resets_of.insert(command.email.clone());
                scope.resets.insert(command.token_hash);
            }
            Input::ConfirmReset(command) => {
                scope.resets.insert(command.token_hash);
            }
            Input::Resync(users) => scope.users.extend(users),
        }
    }

    fn decide(snapshot: &UserSnapshot, input: &Input, context: &Context<'_>) -> Result<Decision<Self>, Rejection> {
        rules::decide(snapshot, input, context)
    }

    fn apply(snapshot: &mut UserSnapshot, change: &Change) {
        match change {
            Change::PutUser(user) => {
                let before = snapshot.users.insert(user.id, user.clone());
                snapshot.emails.insert(user.email.clone(), user.id);
                let was_admin = u64::from(before.is_some_and(|before| before.is_active_admin()));
                let others = snapshot.active_admins.saturating_sub(was_admin);
                snapshot.active_admins = others.saturating_add(u64::from(user.is_active_admin()));
            }
            Change::PutSession(session) => {
                snapshot.sessions.insert(session.id, session.clone());
            }
            Change::PutReset(reset) => {
                snapshot.resets.insert(reset.token_hash, reset.clone());
            }
        }
    }

    fn row(change: &Change) -> Option<Row> {
        Some(match change {
            Change::PutUser(user) => Row { kind: "user", key: user.id.0, version: user.version },
            Change::PutSession(session) => Row { kind: "session", key: session.id.0, version: session.version },
            Change::PutReset(reset) => Row { kind: "reset", key: half(&reset.token_hash), version: reset.version },
        })
    }

    /// This context consumes no events.
    fn on_event(_: &Event) -> Option<Input> {
        None
    }

    /// This context sets no timers.
    fn on_timer(_: &Timer) -> Option<Input> {
        None
    }

    fn on_answer(_: MessageId, effect: NoEffect, _: u32, _: NoEffect) -> Input {
        match effect {}
    }

    fn answer(reply: &Reply) -> Answer {
        let view = |status, user: &User| Answer {
            status,
            resource: user.id.0,
            body: serde_json::to_string(&UserView::from(user)).unwrap_or_default().into(),
        };
        let empty = |resource| Answer { status: 204, resource, body: Body::default() };
        match reply {
            Reply::Registered(user) => view(201, user),
            Reply::Current(user) | Reply::SignedIn { user, .. } => view(200, user),
            Reply::TokenReused { session_id } => empty(session_id.0),
            Reply::Done { user_id } => empty(user_id.map_or_else(Uuid::nil, |id| id.0)),
        }
    }
}

/// Half of a digest names its row as well as the whole.
fn half(hash: &TokenHash) -> Uuid {
    let mut half = [0; 16];
    half.copy_from_slice(&hash.0[..16]);
    Uuid::from_bytes(half)
}

/// Which users a list shows; all conditions hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct UserFilter {
    /// With that address.
    pub email: Option<Email>,
    /// With that role.
    pub role: Option<Role>,
    /// Active or not.
    pub is_active: Option<bool>,
}

/// The queries.
#[async_trait]
pub trait UserReader: Send + Sync + 'static {
    /// A user, active or not.
    async fn user(&self, id: UserId) -> Result<Option<User>, Fault>;

    /// The user with that address, active or not, with his hash: for a sign-in.
    async fn by_email(&self, email: &Email) -> Result<Option<User>, Fault>;

    /// A session, live or not, with its user.
    async fn session(&self, id: SessionId) -> Result<Option<(Session, User)>, Fault>;

    /// A password reset, open or not, with its user: to refuse a wrong token before a password is hashed for it.
    async fn reset(&self, token: &TokenHash) -> Result<Option<(PasswordReset, User)>, Fault>;

    /// Users, newest first.
    async fn list(&self, filter: &UserFilter, page: PageRequest) -> Result<Page<User>, Fault>;
}
