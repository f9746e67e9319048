//! The tables of the user context against a real database. Every adapter runs these; `super` names its database.

use std::sync::Arc;
use std::time::Duration;

use ecom_core::decide::BoundedContext;
use ecom_core::email::Email;
use ecom_core::engine::{Batch, Message, Origin, Outcome, Transacted};
use ecom_core::id::{CorrelationId, MessageId, SessionId, UserId};
use ecom_core::port::{Clock, PageRequest, Store as _};
use ecom_core::secret::{PasswordHash, Secret, TokenHash};
use ecom_core::time::Timestamp;
use ecom_core::user::{
    Change, EndCause, Input, Name, NewUser, OpenSession, PasswordReset, Rejection, RequestReset, Role, RotateToken,
    Rotation, SESSION_LIFE, Session, SessionState, User, UserContext, UserFilter, UserReader, UserScope,
};
use uuid::Uuid;

use super::{Connection, Home, REFUSED, Reader, Store, Tables, UserTables, signing_keys};

const NOW: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        NOW
    }
}

async fn open() -> (Home, Store<UserContext, UserTables>) {
    let home = Home::new().await;
    let store = home.open(Arc::new(Still)).await;
    (home, store)
}

/// An empty database with the tables, without the store around them.
async fn bare() -> (Home, Connection) {
    let (home, store) = open().await;
    store.close().await;
    let connection = home.connection().await;
    (home, connection)
}

fn user(number: u128) -> User {
    User {
        id: UserId(Uuid::from_u128(number)),
        email: Email::parse(&format!("user{number}@example.com")).unwrap(),
        first_name: Name::parse("O'Neil \"\u{1f600}\"").unwrap(),
        last_name: Name::parse("L").unwrap(),
        role: Role::Customer,
        is_active: true,
        password_hash: PasswordHash::new("v1$2b$…".to_owned()),
        epoch: 3,
        created_at: NOW,
        updated_at: NOW,
        version: 1,
    }
}

fn session(number: u128, owner: &User) -> Session {
    Session {
        id: SessionId(Uuid::from_u128(number)),
        user_id: owner.id,
        epoch: owner.epoch,
        state: SessionState::Open { current: TokenHash([1; 32]), rotation: None },
        created_at: NOW,
        expires_at: NOW.after(SESSION_LIFE),
        version: 1,
    }
}

fn reset(number: u8, owner: &User) -> PasswordReset {
    PasswordReset {
        token_hash: TokenHash([number; 32]),
        user_id: owner.id,
        epoch: owner.epoch,
        requested_at: NOW.after(Duration::from_secs(number.into())),
        expires_at: NOW.after(Duration::from_secs(2_000)),
        used_at: None,
        version: 1,
    }
}

fn message(number: u128, input: Input) -> Message<UserContext> {
    let (id, correlation) = (MessageId(Uuid::from_u128(number)), CorrelationId(Uuid::from_u128(number)));
    Message { id, origin: Origin::Command(None), correlation, causation: None, traceparent: None, input }
}

fn registration(number: u128) -> Input {
    let User { id, email, first_name, last_name, password_hash, .. } = user(number);
    Input::Register(NewUser { user_id: id, email, password_hash, first_name, last_name })
}

async fn transact(store: &Store<UserContext, UserTables>, inputs: Vec<Input>) -> Vec<Outcome<UserContext>> {
    let messages = (1..).zip(inputs).map(|(number, input)| message(number, input)).collect();
    match store.transact(Batch { messages, delivered: vec![], leased: true }).await {
        Transacted::Committed(committed) => committed.outcomes,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_is_saved_is_loaded_again_by_every_key() {
    let (_home, mut connection) = bare().await;
    let owner = user(1);
    let rotated = SessionState::Open {
        current: TokenHash([2; 32]),
        rotation: Some(Rotation { previous: TokenHash([1; 32]), at: NOW }),
    };
    let ended = SessionState::Ended { at: NOW, cause: EndCause::TokenReused };
    let admin = User { role: Role::Admin, epoch: 4, version: 3, ..user(1) };
    let changes = [
        Change::PutSession(session(10, &owner)),
        Change::PutUser(owner.clone()),
        Change::PutUser(User { role: Role::Admin, version: 2, ..owner.clone() }),
        Change::PutUser(User { is_active: false, ..user(2) }),
        Change::PutSession(Session { state: rotated, ..session(11, &owner) }),
        Change::PutSession(Session { state: ended, ..session(12, &owner) }),
        Change::PutReset(reset(1, &owner)),
    ];
    UserTables::save(&mut connection, &changes).await.unwrap();
    UserTables::save(&mut connection, &[Change::PutUser(admin.clone())]).await.unwrap();
    let mut all = ecom_core::user::UserSnapshot { active_admins: 1, ..Default::default() };
    for change in changes.iter().chain(&[Change::PutUser(admin.clone())]) {
        UserContext::apply(&mut all, change);
    }
    all.active_admins = 1;
    let scope = UserScope {
        users: [UserId(Uuid::from_u128(2))].into(),
        sessions: [10, 11, 12].map(|number| SessionId(Uuid::from_u128(number))).into(),
        resets: [TokenHash([1; 32])].into(),
        active_admins: true,
        ..UserScope::default()
    };
    assert_eq!(UserTables::load(&mut connection, &scope).await.unwrap(), all);
    let by_email = UserScope { emails: [admin.email.clone()].into(), ..UserScope::default() };
    assert_eq!(UserTables::load(&mut connection, &by_email).await.unwrap().by_email(&admin.email), Some(&admin));
    let by_reset = UserScope { resets: [TokenHash([1; 32])].into(), ..UserScope::default() };
    assert_eq!(UserTables::load(&mut connection, &by_reset).await.unwrap().users.len(), 1);
    let nothing = UserTables::load(&mut connection, &UserScope::default()).await.unwrap();
    assert_eq!(nothing, ecom_core::user::UserSnapshot::default());
}

#[tokio::test]
async fn only_the_newest_resets_of_a_user_are_loaded() {
    let (_home, mut connection) = bare().await;
    let (owner, other) = (user(1), user(2));
    let mut changes = vec![Change::PutUser(owner.clone()), Change::PutUser(other.clone())];
    changes.extend((1..=8).map(|number| Change::PutReset(reset(number, &owner))));
    changes.push(Change::PutReset(reset(9, &other)));
    UserTables::save(&mut connection, &changes).await.unwrap();
    let emails = [owner.email.clone()];
    let scope = UserScope { resets_of: emails.clone().into(), emails: emails.into(), ..UserScope::default() };
    let loaded = UserTables::load(&mut connection, &scope).await.unwrap();
    let found: Vec<u8> = loaded.resets.keys().map(|hash| hash.0[0]).collect();
    assert_eq!(found, [4, 5, 6, 7, 8]);
}

#[tokio::test]
async fn what_must_never_be_is_refused() {
    let (_home, mut connection) = bare().await;
    let owner = user(1);
    UserTables::save(&mut connection, &[Change::PutUser(owner.clone())]).await.unwrap();
    let orphan = session(10, &user(99));
    let same_email = User { email: owner.email.clone(), ..user(2) };
    let short = Session { expires_at: NOW, ..session(10, &owner) };
    let refused = [
        ("the same version again", Change::PutUser(owner.clone())),
        ("version 0", Change::PutUser(User { version: 0, ..user(2) })),
        ("an address twice", Change::PutUser(same_email)),
        ("a session of nobody", Change::PutSession(orphan)),
        ("a session that never lives", Change::PutSession(short)),
        ("a reset of nobody", Change::PutReset(reset(1, &user(99)))),
    ];
    for (what, change) in refused {
        assert!(UserTables::save(&mut connection, &[change]).await.is_err(), "{what}");
    }
    UserTables::save(&mut connection, &[Change::PutSession(session(10, &owner))]).await.unwrap();
    for statement in REFUSED {
        assert!(sqlx::query(*statement).execute(&mut connection).await.is_err(), "{statement}");
    }
}

#[tokio::test]
async fn what_has_expired_is_cleared_away_when_new_rows_come() {
    let (_home, mut connection) = bare().await;
    let owner = user(1);
    let later = NOW.after(SESSION_LIFE);
    let before =
        [Change::PutUser(owner.clone()), Change::PutSession(session(10, &owner)), Change::PutReset(reset(1, &owner))];
    UserTables::save(&mut connection, &before).await.unwrap();
    let after = [
        Change::PutSession(Session { created_at: later, expires_at: later.after(SESSION_LIFE), ..session(11, &owner) }),
        Change::PutReset(PasswordReset {
            requested_at: later,
            expires_at: later.after(Duration::from_secs(1)),
            ..reset(2, &owner)
        }),
    ];
    UserTables::save(&mut connection, &after).await.unwrap();
    for (count, statement) in [
        (1, "SELECT count(*) FROM sessions"),
        (1, "SELECT count(*) FROM password_resets"),
        (0, "SELECT count(*) FROM sessions WHERE CAST(id AS TEXT) LIKE '%0010'"),
    ] {
        let found: i64 = sqlx::query_scalar(statement).fetch_one(&mut connection).await.unwrap();
        assert_eq!(found, count, "{statement}");
    }
}

#[tokio::test]
async fn a_user_registers_signs_in_and_renews_his_token_through_the_store() {
    let (_home, store) = open().await;
    let reader = Reader::new(store.readers().clone());
    let outcomes = transact(&store, vec![registration(1), registration(1), registration(2)]).await;
    assert!(matches!(outcomes[..], [Outcome::Applied(_), Outcome::Stayed(..), Outcome::Applied(_)]), "{outcomes:?}");
    let taken = NewUser {
        user_id: UserId(Uuid::from_u128(3)),
        email: user(1).email,
        password_hash: user(1).password_hash,
        first_name: user(1).first_name,
        last_name: user(1).last_name,
    };
    let outcomes = transact(&store, vec![Input::Register(taken)]).await;
    assert_eq!(outcomes, [Outcome::Rejected(Rejection::EmailTaken)]);
    let owner = reader.by_email(&user(1).email).await.unwrap().unwrap();
    let session_id = SessionId(Uuid::from_u128(10));
    let hashes = [1, 2].map(|byte| TokenHash([byte; 32]));
    let command = OpenSession {
        session_id,
        user_id: owner.id,
        verified: owner.password_hash.clone(),
        renewed: None,
        token: hashes[0],
    };
    let rotate = RotateToken { session_id, presented: hashes[0], successor: hashes[1] };
    let request = RequestReset {
        email: owner.email.clone(),
        token: Secret::new("token".to_owned()),
        token_hash: TokenHash([7; 32]),
    };
    let inputs = vec![Input::OpenSession(command), Input::RotateToken(rotate.clone()), Input::RequestReset(request)];
    let outcomes = transact(&store, inputs).await;
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Outcome::Applied(_))), "{outcomes:?}");
    let outcomes = transact(&store, vec![Input::RotateToken(rotate)]).await;
    assert!(matches!(outcomes[..], [Outcome::Stayed(..)]), "the same answer again: {outcomes:?}");
    let (session, owner) = reader.session(session_id).await.unwrap().unwrap();
    assert!(session.is_live(&owner, NOW));
    assert_eq!(session.version, 2);
    let (reset, owner) = reader.reset(&TokenHash([7; 32])).await.unwrap().unwrap();
    assert!(reset.is_open(&owner, NOW));
    assert_eq!(reader.user(owner.id).await.unwrap(), Some(owner));
    assert_eq!(reader.user(UserId(Uuid::from_u128(99))).await.unwrap(), None);
    assert_eq!(reader.session(SessionId(Uuid::from_u128(99))).await.unwrap(), None);
    assert_eq!(reader.reset(&TokenHash([9; 32])).await.unwrap(), None);
}

#[tokio::test]
async fn lists_are_newest_first_in_pages_and_filtered() {
    let (home, mut connection) = bare().await;
    let users: Vec<User> = (1..=7)
        .map(|number| User {
            created_at: NOW.after(Duration::from_micros((number / 2) as u64)),
            role: if number % 3 == 0 { Role::Admin } else { Role::Customer },
            is_active: number != 5,
            ..user(number)
        })
        .collect();
    let changes: Vec<Change> = users.iter().cloned().map(Change::PutUser).collect();
    UserTables::save(&mut connection, &changes).await.unwrap();
    let reader = Reader::new(home.pool::<UserContext, UserTables>().await);
    let all = UserFilter::default();
    let (mut found, mut after) = (vec![], None);
    loop {
        let page = reader.list(&all, PageRequest::new(3, after).unwrap()).await.unwrap();
        found.extend(page.items.iter().map(|user| user.id.0.as_u128()));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(found, [7, 6, 5, 4, 3, 2, 1]);
    let table = [
        (UserFilter { role: Some(Role::Admin), ..all.clone() }, vec![6, 3]),
        (UserFilter { is_active: Some(false), ..all.clone() }, vec![5]),
        (UserFilter { role: Some(Role::Customer), is_active: Some(true), ..all.clone() }, vec![7, 4, 2, 1]),
        (UserFilter { email: Some(user(3).email), ..all.clone() }, vec![3]),
        (UserFilter { email: Some(user(3).email), role: Some(Role::Customer), ..all.clone() }, vec![]),
        (UserFilter { email: Some(user(5).email), is_active: Some(true), ..all }, vec![]),
    ];
    for (filter, wanted) in table {
        let page = reader.list(&filter, PageRequest::default()).await.unwrap();
        let found: Vec<u128> = page.items.iter().map(|user| user.id.0.as_u128()).collect();
        assert_eq!((found, page.next), (wanted, None), "{filter:?}");
    }
}

#[tokio::test]
async fn the_first_signing_key_stays() {
    let (_home, store) = open().await;
    assert_eq!(signing_keys(&store, b"one", NOW).await, Ok(vec![b"one".to_vec()]));
    assert_eq!(signing_keys(&store, b"two", NOW).await, Ok(vec![b"one".to_vec()]));
}
