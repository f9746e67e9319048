//! The sandbox against a real file.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use ecom_core::engine::EffectRow;
use ecom_core::id::{CorrelationId, MessageId, OrderId, PaymentId, RefundId};
use ecom_core::money::{Currency, Money};
use ecom_core::payment::{
    ChargeRequest, Effect, MethodCatalogue, News, NotOpened, ProviderAnswer, RefundRequest, Refusal, SandboxEntry,
    SandboxLog, Webhook,
};
use ecom_core::port::{Clock, Outside, PageRequest};
use ecom_core::secret::Secret;
use ecom_core::time::Timestamp;
use uuid::Uuid;

use super::script::{self, Call, Past, Reply};
use super::{Listener, Sandbox, SandboxWebhook, Token};

/// Long enough for any write, also on a machine that is busy.
const PATIENT: Duration = Duration::from_secs(60);

/// Shorter than the slow token, longer than a write.
const IMPATIENT: Duration = Duration::from_secs(2);

#[derive(Default)]
struct Ticks(AtomicI64);

impl Clock for Ticks {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.fetch_add(1, Ordering::Relaxed))
    }
}

async fn open(folder: &Path) -> Sandbox {
    open_for(folder, PATIENT).await
}

async fn open_for(folder: &Path, timeout: Duration) -> Sandbox {
    Sandbox::open(&folder.join("sandbox.sqlite"), timeout, Arc::new(Ticks::default())).await.unwrap()
}

fn key(n: u128) -> MessageId {
    MessageId(Uuid::from_u128(n))
}

fn row(key: MessageId, effect: Effect) -> EffectRow<Effect> {
    EffectRow {
        id: key,
        correlation: CorrelationId(Uuid::nil()),
        effect,
        attempts: 1,
        due: Timestamp::EPOCH,
        traceparent: None,
    }
}

fn euro(minor: i64) -> Money {
    Money::new(minor, Currency::EUR)
}

fn charge(n: u128, token: &str, minor: i64) -> EffectRow<Effect> {
    let effect = Effect::Charge(ChargeRequest {
        order_id: OrderId(Uuid::from_u128(n)),
        payment_id: PaymentId(Uuid::from_u128(n)),
        token: token.to_owned(),
        amount: Money::new(minor, Currency::EUR),
        harmless: 0,
    });
    row(key(n), effect)
}

fn refund(n: u128, charge: &str, minor: i64) -> EffectRow<Effect> {
    let effect = Effect::Refund(RefundRequest {
        order_id: OrderId(Uuid::from_u128(n)),
        payment_id: PaymentId(Uuid::from_u128(n)),
        refund_id: RefundId(Uuid::from_u128(n)),
        charge: charge.to_owned(),
        amount: Money::new(minor, Currency::EUR),
    });
    row(key(n), effect)
}

/// The first word of an answer; the money behind it is in the log.
fn word(answer: &ProviderAnswer) -> &'static str {
    match answer {
        ProviderAnswer::Succeeded { .. } => "succeeded",
        ProviderAnswer::Refused { code: Refusal::Declined, .. } => "declined",
        ProviderAnswer::Refused { code: Refusal::InsufficientFunds, .. } => "insufficient",
        ProviderAnswer::Refused { code: Refusal::Invalid, .. } => "invalid",
        ProviderAnswer::Transient { .. } => "transient",
        ProviderAnswer::Unknown { .. } => "unknown",
    }
}

async fn log(sandbox: &Sandbox) -> Vec<SandboxEntry> {
    let mut entries = sandbox.entries(None, PageRequest::new(100, None).unwrap()).await.unwrap().items;
    entries.reverse();
    entries
}

/// Token, answers, lines of the log.
type Script = (&'static str, &'static [&'static str], &'static [&'static str]);

const SCRIPTS: [Script; 9] = [
    ("tok_visa", &["succeeded", "succeeded"], &["succeeded", "repeated"]),
    ("tok_declined", &["declined", "declined"], &["payment_declined", "payment_declined"]),
    ("tok_insufficient_funds", &["insufficient", "insufficient"], &["insufficient_funds", "insufficient_funds"]),
    ("tok_slow", &["unknown", "succeeded"], &["succeeded", "repeated"]),
    ("tok_timeout_charged", &["unknown", "succeeded"], &["succeeded", "repeated"]),
    ("tok_timeout_not_charged", &["unknown", "succeeded", "succeeded"], &["timed_out", "succeeded", "repeated"]),
    ("tok_flaky", &["transient", "transient", "succeeded"], &["transient", "transient", "succeeded"]),
    ("tok_duplicate_webhook", &["succeeded"], &["succeeded"]),
    ("tok_nobody", &["invalid", "invalid"], &["payment_method_invalid", "payment_method_invalid"]),
];

#[tokio::test]
async fn every_token_plays_its_script_also_across_restarts() {
    let plays = SCRIPTS.into_iter().flat_map(|script| [(script, false), (script, true)]);
    let plays: Vec<_> = plays.map(|(script, restarts)| tokio::spawn(play(script, restarts))).collect();
    for play in plays {
        play.await.unwrap();
    }
}

async fn play((token, answers, results): Script, restarts: bool) {
    let folder = tempfile::tempdir().unwrap();
    let mut sandbox = open_for(folder.path(), IMPATIENT).await;
    let mut heard = vec![];
    for _ in answers {
        heard.push(word(&sandbox.perform(&charge(1, token, 500)).await));
        if restarts {
            sandbox.close().await;
            sandbox = open_for(folder.path(), IMPATIENT).await;
        }
    }
    assert_eq!(heard, answers, "{token}");
    let written: Vec<_> = log(&sandbox).await.into_iter().map(|entry| entry.result).collect();
    assert_eq!(written, results, "{token}");
    sandbox.close().await;
}

#[tokio::test]
async fn the_same_key_gives_the_first_result_and_never_another_request() {
    let folder = tempfile::tempdir().unwrap();
    let sandbox = open(folder.path()).await;
    let first = sandbox.perform(&charge(1, "tok_visa", 500)).await;
    assert_eq!(sandbox.perform(&charge(1, "tok_visa", 500)).await, first);
    assert_eq!(word(&sandbox.perform(&charge(1, "tok_visa", 501)).await), "invalid");
    assert_eq!(sandbox.perform(&charge(1, "tok_visa", 500)).await, first);
    let taken: i64 = moved(&log(&sandbox).await).iter().map(|entry| entry.amount.minor()).sum();
    assert_eq!(taken, 500);
}

fn moved(entries: &[SandboxEntry]) -> Vec<&SandboxEntry> {
    entries.iter().filter(|entry| entry.result == "succeeded").collect()
}

#[tokio::test]
async fn refunds_give_back_what_was_taken_and_not_more() {
    let folder = tempfile::tempdir().unwrap();
    let sandbox = open(folder.path()).await;
    let ProviderAnswer::Succeeded { reference } = sandbox.perform(&charge(1, "tok_visa", 500)).await else {
        panic!("the charge succeeds")
    };
    assert_eq!(word(&sandbox.perform(&charge(2, "tok_declined", 500)).await), "declined");
    let not_taken = script::charge_name(key(2));
    let table = [
        (11, reference.as_str(), 300, "succeeded"),
        (11, &reference, 300, "succeeded"),
        (12, &reference, 201, "invalid"),
        (13, &reference, 200, "succeeded"),
        (14, &reference, 1, "invalid"),
        (15, &reference, 0, "invalid"),
        (16, &not_taken, 1, "invalid"),
        (17, "ch_unknown", 1, "invalid"),
    ];
    for (n, charge, minor, expected) in table {
        assert_eq!(word(&sandbox.perform(&refund(n, charge, minor)).await), expected, "{n}");
    }
    let entries = log(&sandbox).await;
    assert_eq!(moved(&entries).len(), 3);
}

#[tokio::test]
async fn two_refunds_of_one_batch_cannot_both_take_the_last_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let sandbox = Arc::new(open(folder.path()).await);
    sandbox.perform(&charge(1, "tok_visa", 500)).await;
    let calls: Vec<_> = (11..31)
        .map(|n| {
            let sandbox = Arc::clone(&sandbox);
            tokio::spawn(async move { sandbox.perform(&refund(n, &script::charge_name(key(1)), 300)).await })
        })
        .collect();
    let mut succeeded = 0;
    for call in calls {
        succeeded += usize::from(word(&call.await.unwrap()) == "succeeded");
    }
    assert_eq!(succeeded, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_calls_move_money_once_for_each_key() {
    let folder = tempfile::tempdir().unwrap();
    // Two handles on one file, as two copies of the service have.
    let sandboxes = [Arc::new(open(folder.path()).await), Arc::new(open(folder.path()).await)];
    let calls: Vec<_> = (0..256_u128)
        .map(|n| {
            let sandbox = Arc::clone(&sandboxes[(n % 2) as usize]);
            tokio::spawn(async move { sandbox.perform(&charge(1 + n / 8, "tok_visa", 5)).await })
        })
        .collect();
    for call in calls {
        assert_eq!(word(&call.await.unwrap()), "succeeded");
    }
    let mut entries = vec![];
    let mut page = PageRequest::new(100, None);
    while let Some(request) = page {
        let found = sandboxes[0].entries(None, request).await.unwrap();
        entries.extend(found.items);
        page = found.next.and_then(|next| PageRequest::new(100, Some(next)));
    }
    assert_eq!(entries.len(), 256);
    assert_eq!(moved(&entries).len(), 32);
}

#[tokio::test]
async fn a_caller_that_gives_up_is_charged_once_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let sandbox = open(folder.path()).await;
    let row = charge(1, "tok_visa", 500);
    // Asked, and dropped before the answer: no time limit, which a quick answer could beat.
    let mut call = sandbox.perform(&row);
    assert!(futures_util::poll!(&mut call).is_pending());
    drop(call);
    assert_eq!(word(&sandbox.perform(&row).await), "succeeded");
    assert_eq!(moved(&log(&sandbox).await).len(), 1);
}

#[tokio::test]
async fn the_log_can_be_read_for_one_order() {
    let folder = tempfile::tempdir().unwrap();
    let sandbox = open(folder.path()).await;
    for n in [1, 2, 1, 3] {
        sandbox.perform(&charge(n, "tok_visa", 5)).await;
    }
    let order = Some(OrderId(Uuid::from_u128(1)));
    let first = sandbox.entries(order, PageRequest::new(1, None).unwrap()).await.unwrap();
    assert_eq!(first.items[0].result, "repeated");
    let second = sandbox.entries(order, PageRequest::new(1, first.next).unwrap()).await.unwrap();
    assert_eq!((second.items[0].result.as_str(), second.next), ("succeeded", None));
}

#[tokio::test]
async fn a_closed_sandbox_does_not_know() {
    let folder = tempfile::tempdir().unwrap();
    let sandbox = open(folder.path()).await;
    sandbox.close().await;
    assert_eq!(word(&sandbox.perform(&charge(1, "tok_visa", 5)).await), "unknown");
}

#[tokio::test]
async fn the_file_itself_refuses_a_second_move_and_any_change() {
    let folder = tempfile::tempdir().unwrap();
    let sandbox = open(folder.path()).await;
    sandbox.perform(&charge(1, "tok_visa", 5)).await;
    sandbox.close().await;
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(folder.path().join("sandbox.sqlite"));
    let pool = sqlx::SqlitePool::connect_with(options).await.unwrap();
    for sql in [
        "INSERT INTO calls (at, key, operation, order_id, payment_id, charge, amount_minor, currency, result, reference)
         SELECT at, key, operation, order_id, payment_id, charge, amount_minor, currency, result, reference FROM calls",
        "UPDATE calls SET amount_minor = 1",
        "DELETE FROM calls",
    ] {
        assert!(sqlx::query(sql).execute(&pool).await.is_err(), "{sql}");
    }
}

#[test]
fn the_slow_token_answers_after_three_seconds_at_first() {
    let effect = charge(1, "tok_slow", 5).effect;
    let call = Call { key: key(1), effect };
    let verdict = script::decide(&call, &Past::default(), None);
    assert!(matches!(verdict.reply, Reply::After(delay, _) if delay == Duration::from_secs(3)));
}

#[tokio::test]
async fn the_catalogue_knows_exactly_its_tokens() {
    let folder = tempfile::tempdir().unwrap();
    let sandbox = open(folder.path()).await;
    assert_eq!(sandbox.provider(), "sandbox");
    let visa = sandbox.describe("tok_visa").unwrap();
    assert_eq!((visa.brand.as_str(), visa.last4.as_str()), ("visa", "4242"));
    for token in Token::ALL {
        assert_eq!(sandbox.describe(token.name()), Some(token.card()));
    }
    assert_eq!(Token::parse(ecom_core::payment::SANDBOX_TOKEN), Some(Token::Visa));
    for unknown in ["", "tok_", "tok_visa ", "TOK_VISA", "4242424242424242"] {
        assert_eq!(sandbox.describe(unknown), None, "{unknown}");
    }
}

/// Hands what it is sent to a test.
struct Letterbox(tokio::sync::mpsc::UnboundedSender<(String, Vec<u8>)>);

#[async_trait::async_trait]
impl Listener for Letterbox {
    async fn post(&self, signature: String, body: Vec<u8>) -> Result<(), String> {
        self.0.send((signature, body)).map_err(|error| error.to_string())
    }
}

#[tokio::test]
async fn the_webhook_comes_before_the_answer_and_once_more() {
    let folder = tempfile::tempdir().unwrap();
    let sandbox = open(folder.path()).await;
    let webhook = SandboxWebhook::new(Secret::new("whsec".to_owned()));
    let (letterbox, mut letters) = tokio::sync::mpsc::unbounded_channel();
    sandbox.tell(Arc::new(Letterbox(letterbox)), webhook.clone());
    assert_eq!(word(&sandbox.perform(&charge(1, "tok_visa", 500)).await), "succeeded");
    let answer = sandbox.perform(&charge(2, "tok_duplicate_webhook", 500)).await;
    let ProviderAnswer::Succeeded { reference } = &answer else { panic!("{answer:?}") };
    let (signature, body) = letters.try_recv().expect("the first has come before the answer, and others have none");
    let now = Timestamp::from_micros(9);
    let (id, notice) = webhook.open(&signature, &body, now).unwrap();
    assert_eq!(notice.news, News::Succeeded { reference: reference.clone() });
    assert_eq!((notice.key, notice.payment_id, notice.amount), (key(2), PaymentId(Uuid::from_u128(2)), euro(500)));
    let (signature, body) = letters.recv().await.unwrap();
    assert_eq!(webhook.open(&signature, &body, now).unwrap().0, id, "the same event is the same message");
    assert_eq!(sandbox.perform(&charge(2, "tok_duplicate_webhook", 500)).await, answer);
    sandbox.close().await;
    assert!(letters.recv().await.is_none(), "an answer that is repeated is not told again");
}

#[test]
fn a_webhook_is_believed_only_when_it_is_signed_and_says_one_thing() {
    let webhook = SandboxWebhook::new(Secret::new("whsec".to_owned()));
    let now = Timestamp::from_micros(9);
    let open = |body: &str| webhook.open(&webhook.sign(body.as_bytes(), now), body.as_bytes(), now);
    let good = serde_json::json!({
        "id": "evt_1", "type": "charge.succeeded", "idempotency_key": key(1), "order_id": key(2), "payment_id": key(3),
        "amount": { "amount": "5.00", "currency": "EUR" }, "reference": "ch_1",
    });
    assert!(open(&good.to_string()).is_ok());
    let changed = |changes: &[(&str, serde_json::Value)]| {
        let mut body = good.clone();
        for (field, value) in changes {
            body[field] = value.clone();
        }
        body.to_string()
    };
    let refused =
        [("type", "charge.refused".into()), ("reference", serde_json::Value::Null), ("refusal", "declined".into())];
    assert!(open(&changed(&refused)).is_ok());
    let refund = [("type", "refund.succeeded".into()), ("refund_id", key(4).to_string().into())];
    assert!(open(&changed(&refund)).is_ok());
    for body in [
        "{}".to_owned(),
        "no json".to_owned(),
        changed(&[("type", "charge.disputed".into())]),
        changed(&[("id", "".into())]),
        changed(&[("id", "x".repeat(1_001).into())]),
        changed(&[("reference", serde_json::Value::Null)]),
        changed(&[("refusal", "declined".into())]),
        changed(&[("refund_id", key(4).to_string().into())]),
        changed(&[("more", 1.into())]),
        changed(&refund[..1]),
    ] {
        assert!(matches!(open(&body), Err(NotOpened::Content(_))), "{body}");
        let unsigned = webhook.open("t=0,v1=00", body.as_bytes(), now);
        assert!(matches!(unsigned, Err(NotOpened::Signature(_))), "the signature is looked at first: {body}");
    }
}
