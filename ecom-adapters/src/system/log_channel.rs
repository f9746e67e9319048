//! The channel of notices where no other is configured: the log.

use async_trait::async_trait;
use ecom_core::engine::EffectRow;
use ecom_core::notification::{Effect, EffectAnswer, NotificationContext};
use ecom_core::port::Outside;

/// Writes each notice to the log, whichever channel it is for, and has sent it with that.
///
/// What a notice says is written at the level `debug` alone: it can hold the token that sets a new password.
#[derive(Clone, Copy, Debug, Default)]
pub struct LogChannel;

#[async_trait]
impl Outside<NotificationContext> for LogChannel {
    async fn perform(&self, effect: &EffectRow<Effect>) -> EffectAnswer {
        let Effect::Send(letter) = &effect.effect;
        tracing::info!(
            notice.id = %letter.notice_id,
            notice.channel = letter.channel.name(),
            notice.template = letter.template.name(),
            notice.to = letter.to,
            notice.subject = letter.subject,
            user.id = %letter.user_id,
            "a notice"
        );
        tracing::debug!(notice.id = %letter.notice_id, notice.body = letter.body.0, "what the notice says");
        EffectAnswer::Sent
    }
}
