//! Opens channels. A channel is handed out only after the topology was declared on it, so that nothing is published
//! past a queue that is not there.

use std::future::Future;
use std::sync::{Mutex, PoisonError};

use ecom_core::port::BusError;
use lapin::options::{
    ExchangeDeclareOptions, ExchangeDeleteOptions, QueueBindOptions, QueueDeclareOptions, QueueDeleteOptions,
};
use lapin::types::FieldTable;
use lapin::{Channel, Error, ErrorKind, ExchangeKind};
use tokio::time::{Instant, timeout, timeout_at};

use super::Options;
use super::link::{Line, Link};
use super::topology::{QueueSpec, Topology};

/// AMQP's code for "it exists, and is different".
const PRECONDITION_FAILED: u16 = 406;

/// What all parts of one bus share.
#[derive(Debug)]
pub(super) struct Broker {
    pub(super) options: Options,
    pub(super) topology: Topology,
    /// One declaration at a time.
    turn: tokio::sync::Mutex<()>,
    /// Why the topology could not be declared the last time.
    fault: Mutex<Option<String>>,
}

impl Broker {
    pub(super) fn new(options: Options) -> Self {
        let topology = Topology::new(&options);
        Self { options, topology, turn: tokio::sync::Mutex::default(), fault: Mutex::default() }
    }

    /// A fresh channel with the topology declared, and the line it is on.
    pub(super) async fn open(&self, link: &Link, deadline: Instant) -> Result<(Channel, Line), BusError> {
        let line = link.line(deadline).await?;
        match self.open_on(link, &line).await {
            Ok(channel) => Ok((channel, line)),
            Err(Refusal::Answered(error)) => Err(error),
            Err(Refusal::Silent(error)) => {
                // Blocked is not dead: it will answer when its alarm is over.
                if !line.connection.status().blocked() {
                    link.doubt(line.number);
                }
                Err(error)
            }
        }
    }

    /// Why the topology could not be declared, if that is how it stands.
    pub(super) fn fault(&self) -> Option<String> {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Awaits one request to the broker.
    pub(super) async fn request<T>(
        &self,
        what: &str,
        request: impl Future<Output = lapin::Result<T>>,
    ) -> Result<T, Refusal> {
        match timeout(self.options.request_timeout, request).await {
            Ok(result) => result.map_err(|error| Refusal::Answered(explain(what, &error))),
            Err(_) => Err(Refusal::Silent(BusError(format!("{what}: no answer")))),
        }
    }

    /// Deletes everything that [`Broker::open`] declares. What is not there is deleted already.
    pub(super) async fn delete(&self, link: &Link) -> Result<(), BusError> {
        let line = link.line(Instant::now() + self.options.connect_timeout).await?;
        let channel = self.request("open a channel", line.connection.create_channel()).await;
        let channel = channel.map_err(Refusal::into_error)?;
        for queue in &self.topology.queues {
            let deleted = channel.queue_delete(queue.name.as_str().into(), QueueDeleteOptions::default());
            self.request("delete a queue", deleted).await.map_err(Refusal::into_error)?;
        }
        let deleted = channel.exchange_delete(self.topology.exchange.as_str().into(), ExchangeDeleteOptions::default());
        self.request("delete an exchange", deleted).await.map_err(Refusal::into_error)
    }

    async fn open_on(&self, link: &Link, line: &Line) -> Result<Channel, Refusal> {
        let channel = self.request("open a channel", line.connection.create_channel()).await?;
        let patience = Instant::now() + self.options.request_timeout;
        let busy = |_| Refusal::Answered(BusError("the topology is being declared, and that takes long".to_owned()));
        let turn = timeout_at(patience, self.turn.lock()).await.map_err(busy)?;
        let declared = self.declare(&channel).await;
        drop(turn);
        let fault = declared.as_ref().err().map(|refusal| refusal.error().0.clone());
        if let Some(error) = &fault {
            tracing::error!(error, "the topology cannot be declared");
        }
        // A connection that was lost meanwhile says nothing about the topology.
        if fault.is_none() || link.fault().is_none() {
            *self.fault.lock().unwrap_or_else(PoisonError::into_inner) = fault;
        }
        declared.map(|()| channel)
    }

    async fn declare(&self, channel: &Channel) -> Result<(), Refusal> {
        let name = self.topology.exchange.as_str();
        let durable = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
        let exchange = channel.exchange_declare(name.into(), ExchangeKind::Topic, durable, FieldTable::default());
        self.request(&format!("declare exchange {name:?}"), exchange).await?;
        for queue in &self.topology.queues {
            self.declare_queue(channel, queue).await?;
        }
        Ok(())
    }

    async fn declare_queue(&self, channel: &Channel, queue: &QueueSpec) -> Result<(), Refusal> {
        let (name, exchange) = (queue.name.as_str(), self.topology.exchange.as_str());
        let durable = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
        let declared = channel.queue_declare(name.into(), durable, queue.table());
        self.request(&format!("declare queue {name:?}"), declared).await?;
        for key in &queue.bindings {
            let options = QueueBindOptions::default();
            let bound = channel.queue_bind(name.into(), exchange.into(), (*key).into(), options, FieldTable::default());
            self.request(&format!("bind queue {name:?} to {key:?}"), bound).await?;
        }
        Ok(())
    }
}

/// How a request failed.
#[derive(Debug)]
pub(super) enum Refusal {
    /// The broker, or the client, said no.
    Answered(BusError),
    /// Nothing was said in time.
    Silent(BusError),
}

impl Refusal {
    pub(super) fn error(&self) -> &BusError {
        match self {
            Self::Answered(error) | Self::Silent(error) => error,
        }
    }

    pub(super) fn into_error(self) -> BusError {
        match self {
            Self::Answered(error) | Self::Silent(error) => error,
        }
    }
}

/// Says what failed, and what to do about it where that is known. A mismatch names what is there and what is wanted.
fn explain(what: &str, error: &Error) -> BusError {
    if let ErrorKind::ProtocolError(said) = error.kind()
        && said.get_id() == PRECONDITION_FAILED
    {
        return BusError(format!(
            "{what}: it exists with other settings than this version declares: {}. Nothing was changed. Either give \
             the bus the options that it was declared with, or stop all services, see that the queue is empty, delete \
             it (`rabbitmqctl delete_queue NAME`) and start again: it is declared anew.",
            said.get_message()
        ));
    }
    BusError(format!("{what}: {error}"))
}
