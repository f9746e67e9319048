//! From a request to a use case: who calls, under which key, and what comes of it. The same for all services.

use std::sync::Arc;
use std::time::Duration;

use ecom_core::decide::BoundedContext;
use ecom_core::engine::{Fault, Idempotency, Outcome};
use ecom_core::id::{CorrelationId, MessageId};
use ecom_core::port::{Clock, Ids, TokenSigner};

use super::answer::answer;
use super::auth::{Caller, caller};
use super::idempotency::InFlight;
use super::problem::Problem;
use super::request::Request;
use super::response::Answer;
use crate::host::{Busy, Command, Handle};

/// What every service's routes need of the process.
#[derive(Clone)]
pub struct Gate {
    /// Checks access tokens.
    pub signer: Arc<dyn TokenSigner>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Mints ids.
    pub ids: Arc<dyn Ids>,
    /// The idempotency keys whose requests are running.
    pub in_flight: InFlight,
}

impl Gate {
    /// Who calls; 401 when nobody does.
    pub fn caller(&self, request: &Request) -> Result<Caller, Problem> {
        caller(&request.headers, self.signer.as_ref(), self.clock.as_ref())
    }

    /// Who calls; 401 when nobody does, 403 when it is no administrator.
    pub fn admin(&self, request: &Request) -> Result<Caller, Problem> {
        self.caller(request)?.admin()
    }

    /// A fresh id.
    pub fn fresh<T: From<uuid::Uuid>>(&self) -> T {
        T::from(self.ids.fresh())
    }
}

/// The door to one service's use cases.
pub struct Door<C: BoundedContext> {
    /// The service.
    pub handle: Handle<C>,
    /// What the process brings.
    pub gate: Gate,
    /// What a broken rule of the context is over HTTP.
    pub refuse: fn(&C::Rejection) -> Problem,
}

impl<C: BoundedContext> Clone for Door<C> {
    fn clone(&self) -> Self {
        Self { handle: self.handle.clone(), gate: self.gate.clone(), refuse: self.refuse }
    }
}

impl<C: BoundedContext> Door<C> {
    /// Carries a command out and answers.
    ///
    /// # Errors
    /// As [`Door::outcome`], and the problems of broken rules and reused keys.
    pub async fn execute(&self, request: &Request, key: Option<Idempotency>, input: C::Input) -> Answer {
        answer(self.outcome(request, key, input).await?, self.refuse)
    }

    /// Carries a command out.
    ///
    /// # Errors
    /// 409 `idempotency_in_flight` while the first request with the key is running; 503 `overloaded`, `unavailable`
    /// or `outcome_unknown`; 500 when the command cannot be stored.
    pub async fn outcome(
        &self,
        request: &Request,
        key: Option<Idempotency>,
        input: C::Input,
    ) -> Result<Outcome<C>, Problem> {
        self.outcome_as(self.gate.fresh(), request, key, input).await
    }

    /// Carries a command out under a correlation id that its input names, too.
    ///
    /// # Errors
    /// As [`Door::outcome`].
    pub async fn outcome_as(
        &self,
        correlation: CorrelationId,
        request: &Request,
        key: Option<Idempotency>,
        input: C::Input,
    ) -> Result<Outcome<C>, Problem> {
        let _running = key.as_ref().map(|key| self.gate.in_flight.enter(key)).transpose()?;
        let id: MessageId = self.gate.fresh();
        let traceparent = Some(request.arrival.traceparent.clone());
        let command = Command { id, correlation, key, traceparent, input };
        self.handle.execute(command).await.map_err(|busy| busy_problem(&busy))
    }

    /// Takes in what somebody outside tells of his own accord; the id makes it the same message when he tells it again.
    ///
    /// # Errors
    /// As [`Door::outcome`].
    pub async fn hear(&self, request: &Request, id: MessageId, input: C::Input) -> Result<Outcome<C>, Problem> {
        let traceparent = Some(request.arrival.traceparent.clone());
        let news = Command { id, correlation: self.gate.fresh(), key: None, traceparent, input };
        self.handle.hear(news).await.map_err(|busy| busy_problem(&busy))
    }

    /// Carries a command out and returns its reply, for responses that the context does not know.
    ///
    /// # Errors
    /// As [`Door::outcome`], the problem of a broken rule, and 500 for a command that says nothing.
    pub async fn reply(&self, request: &Request, input: C::Input) -> Result<C::Reply, Problem> {
        match self.outcome(request, None, input).await? {
            Outcome::Applied(Some(reply)) | Outcome::Stayed(_, Some(reply)) => Ok(reply),
            Outcome::Rejected(rejection) => Err((self.refuse)(&rejection)),
            Outcome::Applied(None)
            | Outcome::Stayed(_, None)
            | Outcome::Duplicate
            | Outcome::Replayed(_)
            | Outcome::KeyReused => {
                tracing::error!(service = %C::SERVICE, "a command has no reply");
                Err(Problem::internal())
            }
        }
    }
}

/// 503 or 500 for a command that has no outcome.
pub fn busy_problem(busy: &Busy) -> Problem {
    let again = Duration::from_secs(1);
    match busy {
        Busy::Overloaded => Problem::unavailable("overloaded", busy.to_string()).retry_after(again),
        Busy::Unavailable => Problem::unavailable("unavailable", busy.to_string()).retry_after(again),
        Busy::Unknown => Problem::unavailable("outcome_unknown", busy.to_string()).retry_after(again),
        Busy::Failed(detail) => {
            tracing::error!(detail, "a command could not be stored");
            Problem::internal()
        }
    }
}

/// 503 for a query that could not be answered; 500 when the database holds what does not fit.
#[expect(clippy::needless_pass_by_value, reason = "made for `map_err`")]
pub fn fault_problem(fault: Fault) -> Problem {
    match fault {
        Fault::Unavailable(_) | Fault::Conflict => {
            tracing::warn!(%fault, "a query could not be answered");
            Problem::unavailable("unavailable", "the database is unavailable").retry_after(Duration::from_secs(1))
        }
        Fault::Broken(_) => {
            tracing::error!(%fault, "a query failed");
            Problem::internal()
        }
    }
}
