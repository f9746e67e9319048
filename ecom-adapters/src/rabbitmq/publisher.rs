//! Publishes in windows: a channel sends up to a window of messages without waiting, then waits until all of them are
//! answered. What comes meanwhile is gathered for the next window, so windows grow with the load.

use std::sync::Arc;

use async_trait::async_trait;
use ecom_core::event::Envelope;
use ecom_core::port::{Published, Publisher};
use futures_util::future::join_all;
use lapin::Channel;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::types::ShortString;
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::time::{Instant, sleep, timeout_at};

use super::broker::{Broker, Refusal};
use super::confirms::{judge, unknown};
use super::link::Link;
use super::wire::Outgoing;

/// After a channel could not be opened, and the reason is not the connection's.
const PAUSE: std::time::Duration = std::time::Duration::from_millis(500);

/// Messages for one window, and who waits for them.
#[derive(Debug)]
struct Job {
    messages: Vec<Outgoing>,
    bytes: usize,
    deadline: Instant,
    reply: oneshot::Sender<Vec<Published>>,
}

/// Where messages enter.
#[derive(Clone, Debug)]
pub(super) struct Outbound {
    broker: Arc<Broker>,
    jobs: mpsc::Sender<Job>,
}

impl Outbound {
    /// Starts the channels. They end when the last `Outbound` is gone.
    pub(super) fn start(broker: &Arc<Broker>, link: &Arc<Link>) -> Self {
        let (jobs, receiver) = mpsc::channel(broker.options.pending_max);
        let intake = Arc::new(Mutex::new(Intake { jobs: receiver, left: None }));
        for _ in 0..broker.options.publish_channels {
            let (broker, link, intake) = (Arc::clone(broker), Arc::clone(link), Arc::clone(&intake));
            tokio::spawn(Lane { broker, link, intake, channel: None }.run());
        }
        Self { broker: Arc::clone(broker), jobs }
    }

    /// Publishes, and returns one result for each message, in order.
    pub(super) async fn send(&self, messages: Vec<Outgoing>) -> Vec<Published> {
        let deadline = Instant::now() + self.broker.options.confirm_timeout;
        let mut waiting = vec![];
        for messages in self.windows(messages) {
            let count = messages.len();
            let (reply, answer) = oneshot::channel();
            let bytes = messages.iter().map(|message| message.body.len()).sum();
            let sent = timeout_at(deadline, self.jobs.send(Job { messages, bytes, deadline, reply })).await;
            waiting.push((count, matches!(sent, Ok(Ok(()))).then_some(answer)));
        }
        let mut results = vec![];
        for (count, answer) in waiting {
            results.extend(match answer {
                // The lane keeps to the deadline; the grace is for the way back.
                Some(answer) => match timeout_at(deadline + PAUSE, answer).await {
                    Ok(Ok(published)) => published,
                    Ok(Err(_)) => unknown(count, "the bus is closed"),
                    Err(_) => unknown(count, "not confirmed in time"),
                },
                None => unknown(count, "too much waits to be published"),
            });
        }
        results
    }

    fn windows(&self, messages: Vec<Outgoing>) -> Vec<Vec<Outgoing>> {
        let (mut windows, mut window, mut bytes) = (vec![], vec![], 0);
        for message in messages {
            if !window.is_empty() && !self.fits(window.len() + 1, bytes + message.body.len()) {
                windows.push(std::mem::take(&mut window));
                bytes = 0;
            }
            bytes += message.body.len();
            window.push(message);
        }
        windows.extend((!window.is_empty()).then_some(window));
        windows
    }

    fn fits(&self, count: usize, bytes: usize) -> bool {
        fits(&self.broker, count, bytes)
    }
}

fn fits(broker: &Broker, count: usize, bytes: usize) -> bool {
    count <= broker.options.window && bytes <= broker.options.window_bytes
}

/// The queue in front of the lanes.
#[derive(Debug)]
struct Intake {
    jobs: mpsc::Receiver<Job>,
    /// Did not fit into the last window.
    left: Option<Job>,
}

impl Intake {
    /// Jobs for one window: waits for the first, takes what else is there and fits. `None`: there will be no more.
    async fn window(&mut self, broker: &Broker) -> Option<Vec<Job>> {
        let first = match self.left.take() {
            Some(job) => job,
            None => self.jobs.recv().await?,
        };
        let (mut count, mut bytes) = (first.messages.len(), first.bytes);
        let mut window = vec![first];
        while let Ok(job) = self.jobs.try_recv() {
            (count, bytes) = (count + job.messages.len(), bytes + job.bytes);
            if !fits(broker, count, bytes) {
                self.left = Some(job);
                break;
            }
            window.push(job);
        }
        let now = Instant::now();
        window.retain(|job| job.deadline > now && !job.reply.is_closed());
        Some(window)
    }
}

/// One channel that publishes.
struct Lane {
    broker: Arc<Broker>,
    link: Arc<Link>,
    intake: Arc<Mutex<Intake>>,
    channel: Option<Channel>,
}

impl Lane {
    async fn run(mut self) {
        loop {
            let window = self.intake.lock().await.window(&self.broker).await;
            let Some(jobs) = window else { return };
            let Some(deadline) = jobs.iter().map(|job| job.deadline).max() else { continue };
            let messages: Vec<&Outgoing> = jobs.iter().flat_map(|job| &job.messages).collect();
            let mut results = self.publish(&messages, deadline).await.into_iter();
            for job in jobs {
                let part = results.by_ref().take(job.messages.len()).collect();
                // Whoever waited may have given up.
                drop(job.reply.send(part));
            }
        }
    }

    async fn publish(&mut self, window: &[&Outgoing], deadline: Instant) -> Vec<Published> {
        let channel = match self.ready(deadline).await {
            Ok(channel) => channel,
            Err(why) => return unknown(window.len(), &why),
        };
        let options = BasicPublishOptions { mandatory: true, immediate: false };
        // All are written in order by the first poll; none waits for the one before.
        let sent = window.iter().map(|message| async {
            let (exchange, key) = (message.exchange.clone(), message.routing_key.clone());
            let properties = message.properties.clone();
            channel.basic_publish(exchange, key, options, &message.body, properties).await?.await
        });
        let answered = timeout_at(deadline, join_all(sent)).await;
        if let Ok(answers) = answered {
            if answers.iter().all(Result::is_ok) {
                self.channel = Some(channel);
            }
            judge(window, answers)
        } else {
            // Late answers would be mixed up with those of the next window, so the channel is not used again.
            unknown(window.len(), "not confirmed in time")
        }
    }

    /// A channel with nothing on its way; the lane has none until it is given back.
    async fn ready(&mut self, deadline: Instant) -> Result<Channel, String> {
        let line = self.link.line(deadline).await.map_err(|error| error.0)?;
        match self.channel.take() {
            Some(channel) if channel.status().connected() && line.connection.status().connected() => Ok(channel),
            Some(_) | None => match self.open(deadline).await {
                Ok(channel) => Ok(channel),
                Err(refusal) => {
                    sleep(PAUSE).await;
                    Err(refusal.into_error().0)
                }
            },
        }
    }

    async fn open(&self, deadline: Instant) -> Result<Channel, Refusal> {
        let (channel, _) = self.broker.open(&self.link, deadline).await.map_err(Refusal::Answered)?;
        let confirm = channel.confirm_select(ConfirmSelectOptions::default());
        self.broker.request("ask for confirms", confirm).await?;
        Ok(channel)
    }
}

/// Publishes events.
pub(super) struct RabbitPublisher {
    outbound: Outbound,
    exchange: ShortString,
}

impl RabbitPublisher {
    pub(super) fn new(outbound: Outbound) -> Self {
        let exchange = outbound.broker.topology.exchange.as_str().into();
        Self { outbound, exchange }
    }
}

#[async_trait]
impl Publisher for RabbitPublisher {
    async fn publish(&self, batch: Vec<Arc<Envelope>>) -> Vec<Published> {
        let bytes_max = self.outbound.broker.options.message_bytes_max;
        let mut results = Vec::with_capacity(batch.len());
        let mut messages = Vec::with_capacity(batch.len());
        for envelope in batch {
            let message = Outgoing::event(&self.exchange, &envelope);
            let bytes = message.body.len();
            if bytes <= bytes_max {
                messages.push(message);
                results.push(None);
            } else {
                results.push(Some(Published::Unknown(format!("{bytes} bytes, and {bytes_max} is the most"))));
            }
        }
        let mut published = self.outbound.send(messages).await.into_iter();
        let lost = || Published::Unknown("no result".to_owned());
        results.into_iter().map(|known| known.or_else(|| published.next()).unwrap_or_else(lost)).collect()
    }
}
