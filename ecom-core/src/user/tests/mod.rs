//! The rules of the user context, by tables and by properties.

mod account;
mod reset;
mod session;
mod validate;

use std::collections::BTreeMap;
use std::time::Duration;

use uuid::Uuid;

use super::store::{Change, UserContext, UserScope, UserSnapshot};
use super::{
    Input, Name, NewUser, OpenSession, PasswordReset, RESETS_MAX, Rejection, Reply, RotateToken, Session, User,
};
use crate::decide::{Because, BoundedContext, Context, Decision, Move};
use crate::email::Email;
use crate::event::Event;
use crate::id::{CorrelationId, MessageId, SessionId, UserId};
use crate::policy::Policy;
use crate::secret::{PasswordHash, TokenHash};
use crate::time::Timestamp;

/// All rows of the context, and a clock. Rules see no more of them than their scope asks for.
#[derive(Clone, Debug, Default)]
struct World {
    all: UserSnapshot,
    now: Timestamp,
    events: BTreeMap<UserId, Vec<u64>>,
}

impl World {
    /// A world with an active administrator (1) and two active customers (2 and 3).
    fn peopled() -> Self {
        let mut world = Self { now: Timestamp::from_micros(1_700_000_000_000_000), ..Self::default() };
        world.moved(&Input::CreateAdmin(newcomer(1)));
        world.moved(&Input::Register(newcomer(2)));
        world.moved(&Input::Register(newcomer(3)));
        world
    }

    /// Decides on what the scope loads, applies, and checks what must hold after every command.
    fn run(&mut self, input: &Input) -> Result<Decision<UserContext>, Rejection> {
        let mut scope = UserScope::default();
        UserContext::scope(input, &mut scope);
        let loaded = self.load(&scope);
        let policy = Policy::default();
        let cause = MessageId(Uuid::from_u128(1));
        let context =
            Context { now: self.now, cause, correlation: CorrelationId(Uuid::nil()), policy: &policy, calls: None };
        let decision = UserContext::decide(&loaded, input, &context)?;
        if let Decision::Move(step) = &decision {
            for change in &step.changes {
                self.check_version(change);
                UserContext::apply(&mut self.all, change);
            }
            self.check_announcements(step, matches!(input, Input::Resync(_)));
        }
        Ok(decision)
    }

    /// The rows that a store would load.
    fn load(&self, scope: &UserScope) -> UserSnapshot {
        let all = &self.all;
        let sessions: Vec<Session> = scope.sessions.iter().filter_map(|id| all.sessions.get(id)).cloned().collect();
        let mut newest: Vec<&PasswordReset> = all.resets.values().collect();
        newest.sort_by_key(|reset| std::cmp::Reverse(reset.requested_at));
        let mut resets: Vec<PasswordReset> =
            scope.resets.iter().filter_map(|hash| all.resets.get(hash)).cloned().collect();
        let of_sessions = sessions.iter().map(|session| session.user_id);
        let of_resets = resets.iter().map(|reset| reset.user_id);
        let of_emails = scope.emails.iter().filter_map(|email| all.emails.get(email)).copied();
        let ids: Vec<UserId> =
            scope.users.iter().copied().chain(of_sessions).chain(of_resets).chain(of_emails).collect();
        for owner in scope.resets_of.iter().filter_map(|email| all.emails.get(email)) {
            let theirs = newest.iter().filter(|reset| reset.user_id == *owner);
            resets.extend(theirs.take(RESETS_MAX).map(|reset| (*reset).clone()));
        }
        let users = ids.iter().filter_map(|id| all.users.get(id)).cloned();
        UserSnapshot::new(users, sessions, resets, if scope.active_admins { all.active_admins } else { 0 })
    }

    fn check_version(&self, change: &Change) {
        let (before, after) = match change {
            Change::PutUser(user) => (self.all.users.get(&user.id).map(|row| row.version), user.version),
            Change::PutSession(session) => (self.all.sessions.get(&session.id).map(|row| row.version), session.version),
            Change::PutReset(reset) => (self.all.resets.get(&reset.token_hash).map(|row| row.version), reset.version),
        };
        assert_eq!(after, before.unwrap_or(0) + 1, "{change:?}");
    }

    /// Every new version of a user is announced once, by an event that carries it.
    fn check_announcements(&mut self, step: &Move<UserContext>, repeats: bool) {
        let put = step.changes.iter().filter(|change| matches!(change, Change::PutUser(_))).count();
        assert!(repeats || step.events.len() == put, "{step:?}");
        for emit in &step.events {
            let (user_id, version) = match &emit.event {
                Event::UserRegistered(payload) | Event::UserUpdated(payload) => (payload.user_id, payload.version),
                Event::UserDeactivated(payload) => (payload.user_id, payload.version),
                Event::PasswordResetRequested(payload) => (payload.user_id, payload.version),
                other => panic!("{other:?} is not ours"),
            };
            assert_eq!((emit.aggregate_id, emit.aggregate_version), (user_id.0, version));
            assert_eq!(self.all.users[&user_id].version, version);
            if !repeats {
                self.events.entry(user_id).or_default().push(version);
            }
        }
        let admins = self.all.users.values().filter(|user| user.is_active_admin()).count();
        assert_eq!(self.all.active_admins, admins as u64);
        for (user_id, versions) in &self.events {
            assert!(versions.iter().copied().eq(1..=versions.len() as u64), "{user_id}: {versions:?}");
        }
    }

    fn moved(&mut self, input: &Input) -> Move<UserContext> {
        match self.run(input) {
            Ok(Decision::Move(step)) => *step,
            other => panic!("{input:?} gave {other:?}"),
        }
    }

    fn stayed(&mut self, input: &Input) -> (Because, Option<Reply>) {
        match self.run(input) {
            Ok(Decision::Stay { because, reply }) => (because, reply),
            other => panic!("{input:?} gave {other:?}"),
        }
    }

    fn rejected(&mut self, input: &Input) -> Rejection {
        let before = self.all.clone();
        match self.run(input) {
            Err(rejection) => {
                assert_eq!(self.all, before);
                assert!(!rejection.to_string().is_empty() && !rejection.code().is_empty());
                rejection
            }
            other => panic!("{input:?} gave {other:?}"),
        }
    }

    fn pass(&mut self, time: Duration) {
        self.now = self.now.after(time);
    }

    fn user(&self, number: u128) -> &User {
        &self.all.users[&user_id(number)]
    }

    /// Signs a user in; the first token is `token(session, 0)`.
    fn sign_in(&mut self, user: u128, session: u128) {
        let command = opening(self.user(user), session);
        self.moved(&Input::OpenSession(command));
    }

    fn is_live(&self, session: u128) -> bool {
        let session = &self.all.sessions[&session_id(session)];
        session.is_live(&self.all.users[&session.user_id], self.now)
    }
}

fn user_id(number: u128) -> UserId {
    UserId(Uuid::from_u128(number))
}

fn session_id(number: u128) -> SessionId {
    SessionId(Uuid::from_u128(number))
}

fn email(number: u128) -> Email {
    Email::parse(&format!("user{number}@example.com")).unwrap()
}

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

fn hash(text: &str) -> PasswordHash {
    PasswordHash::new(text.to_owned())
}

/// The token of a session in a generation.
fn token(session: u128, generation: u8) -> TokenHash {
    let mut bytes = [generation; 32];
    bytes[..16].copy_from_slice(&session.to_be_bytes());
    TokenHash(bytes)
}

fn newcomer(number: u128) -> NewUser {
    NewUser {
        user_id: user_id(number),
        email: email(number),
        password_hash: hash("first"),
        first_name: name("Ada"),
        last_name: name("Lovelace"),
    }
}

fn opening(user: &User, session: u128) -> OpenSession {
    OpenSession {
        session_id: session_id(session),
        user_id: user.id,
        verified: user.password_hash.clone(),
        renewed: None,
        token: token(session, 0),
    }
}

fn rotation(session: u128, generation: u8) -> Input {
    Input::RotateToken(RotateToken {
        session_id: session_id(session),
        presented: token(session, generation),
        successor: token(session, generation + 1),
    })
}
