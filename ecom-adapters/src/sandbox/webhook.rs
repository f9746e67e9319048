//! The sandbox's webhook: what it signs and sends of its own accord, and how that is read again.

use ecom_core::id::{MessageId, OrderId, PaymentId, RefundId};
use ecom_core::money::Money;
use ecom_core::payment::{
    ChargeRequest, News, NotOpened, Notice, ProviderAnswer, Refusal, SANDBOX, Webhook, notice_id,
};
use ecom_core::secret::Secret;
use ecom_core::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::system::BodySigner;

/// The header that carries the signature.
const HEADER: &str = "sandbox-signature";

/// The longest name or reason in a notice, in bytes.
const TEXT_MAX: usize = 1_000;

/// Opens the sandbox's webhooks, and signs what is sent in its name.
#[derive(Clone, Debug)]
pub struct SandboxWebhook {
    signer: BodySigner,
}

impl SandboxWebhook {
    /// With the secret that both sides have.
    pub const fn new(secret: Secret) -> Self {
        Self { signer: BodySigner::new(secret) }
    }

    /// The signature of a body that is sent now.
    pub fn sign(&self, body: &[u8], now: Timestamp) -> String {
        self.signer.sign(body, now)
    }
}

impl Webhook for SandboxWebhook {
    fn provider(&self) -> &str {
        SANDBOX
    }

    fn header(&self) -> &'static str {
        HEADER
    }

    fn open(&self, signature: &str, body: &[u8], now: Timestamp) -> Result<(MessageId, Notice), NotOpened> {
        self.signer.check(signature, body, now).map_err(|error| NotOpened::Signature(error.to_string()))?;
        let letter: Letter = serde_json::from_slice(body).map_err(|error| NotOpened::Content(error.to_string()))?;
        letter.read()
    }
}

/// What is sent.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Letter {
    /// The same for the same event, however often it is sent.
    id: String,
    #[serde(rename = "type")]
    kind: Kind,
    /// The key under which the call was made.
    idempotency_key: MessageId,
    order_id: OrderId,
    payment_id: PaymentId,
    #[serde(default)]
    refund_id: Option<RefundId>,
    amount: Money,
    /// The sandbox's name for it, when it was done.
    #[serde(default)]
    reference: Option<String>,
    /// Why it was not done.
    #[serde(default)]
    refusal: Option<Refusal>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
enum Kind {
    #[serde(rename = "charge.succeeded")]
    ChargeSucceeded,
    #[serde(rename = "charge.refused")]
    ChargeRefused,
    #[serde(rename = "refund.succeeded")]
    RefundSucceeded,
    #[serde(rename = "refund.refused")]
    RefundRefused,
}

impl Letter {
    fn read(self) -> Result<(MessageId, Notice), NotOpened> {
        let unfit = |what: &str| NotOpened::Content(what.to_owned());
        let short = |text: &str| !text.is_empty() && text.len() <= TEXT_MAX;
        if !short(&self.id) {
            return Err(unfit("the event's id is empty or too long"));
        }
        let is_refund = matches!(self.kind, Kind::RefundSucceeded | Kind::RefundRefused);
        if is_refund != self.refund_id.is_some() {
            return Err(unfit("a refund_id is for refunds, and they have one"));
        }
        let news = match (self.kind, self.reference, self.refusal) {
            (Kind::ChargeSucceeded | Kind::RefundSucceeded, Some(reference), None) if short(&reference) => {
                News::Succeeded { reference }
            }
            (Kind::ChargeRefused | Kind::RefundRefused, None, Some(code)) => {
                News::Refused { code, detail: "the sandbox refused".to_owned() }
            }
            _ => return Err(unfit("what succeeded has a reference, what was refused has a refusal")),
        };
        let notice = Notice {
            provider: SANDBOX.to_owned(),
            key: self.idempotency_key,
            payment_id: self.payment_id,
            refund_id: self.refund_id,
            amount: self.amount,
            news,
        };
        Ok((notice_id(SANDBOX, &self.id), notice))
    }
}

/// The letter that tells how a charge ended; `None` while nobody knows.
pub(super) fn letter(key: MessageId, charge: &ChargeRequest, answer: &ProviderAnswer) -> Option<Vec<u8>> {
    let (kind, reference, refusal) = match answer {
        ProviderAnswer::Succeeded { reference } => (Kind::ChargeSucceeded, Some(reference.clone()), None),
        ProviderAnswer::Refused { code, .. } => (Kind::ChargeRefused, None, Some(*code)),
        ProviderAnswer::Transient { .. } | ProviderAnswer::Unknown { .. } => return None,
    };
    let letter = Letter {
        id: format!("evt_{}", key.0.simple()),
        kind,
        idempotency_key: key,
        order_id: charge.order_id,
        payment_id: charge.payment_id,
        refund_id: None,
        amount: charge.amount,
        reference,
        refusal,
    };
    serde_json::to_vec(&letter).ok()
}
