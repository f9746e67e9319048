//! The door through which effects leave.

use async_trait::async_trait;

use crate::decide::BoundedContext;
use crate::engine::EffectRow;

/// Performs the effects of a context: the payment provider, the channels of notices.
#[async_trait]
pub trait Outside<C: BoundedContext>: Send + Sync + 'static {
    /// Performs one effect and says how it ended.
    ///
    /// It *must* use the effect's id as the idempotency key of the call, *must* return within the policy's timeout,
    /// and *must* say "unknown" whenever it cannot tell whether the call was carried out.
    async fn perform(&self, effect: &EffectRow<C::Effect>) -> C::EffectAnswer;
}

/// For contexts that never call the outside.
#[async_trait]
impl<C: BoundedContext<Effect = crate::decide::NoEffect>> Outside<C> for () {
    async fn perform(&self, effect: &EffectRow<C::Effect>) -> C::EffectAnswer {
        match effect.effect {}
    }
}
