//! What bounds the adapter, and where its broker is.

use std::time::Duration;

use ecom_core::port::BusError;
use lapin::uri::AMQPUri;

/// Longest namespace: the names made with it must fit AMQP's 255 bytes.
const NAMESPACE_BYTES_MAX: usize = 100;

/// What bounds the adapter. Arguments of queues are fixed when a queue is first declared: changing
/// [`Options::delivery_limit`], [`Options::queue_length_max`] or [`Options::retry_classes`] later makes
/// [`declare`](ecom_core::port::Bus::declare) fail until the old queues are gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The name that connections carry on the broker, with `publish` or `consume` behind it.
    pub name: String,
    /// Put in front of every exchange and queue, so that several fleets may share a virtual host. Empty by default.
    pub namespace: String,
    /// Certificates to trust beside those of the system, in PEM, for `amqps://`.
    pub extra_roots: Option<String>,
    /// How often each side shows that it lives; a dead peer is noticed after twice that. Whole seconds, at least one.
    /// A `heartbeat` in the URL wins.
    pub heartbeat: Duration,
    /// How long it may take to connect, handshakes included.
    pub connect_timeout: Duration,
    /// How long one request to the broker may take.
    pub request_timeout: Duration,
    /// How long a publication may take in all, waiting for the connection and for its turn included. Keep it below
    /// the lease of outbox rows, or the sweeper publishes again what is still on its way.
    pub confirm_timeout: Duration,
    /// Messages that one channel publishes before it waits for their confirms.
    pub window: usize,
    /// The same in bytes.
    pub window_bytes: usize,
    /// Channels that publish in turn: while one waits for confirms, the next fills its window.
    pub publish_channels: usize,
    /// Windows that may wait for their turn; beyond them whoever publishes waits.
    pub pending_max: usize,
    /// The largest body that is published. A larger one is never confirmed.
    pub message_bytes_max: usize,
    /// Messages that a subscription may hold, handed out or not: twice a consumer's batch, so that the next one is
    /// here when the last one is settled. A consumer that dies costs each of them one of [`Options::delivery_limit`].
    pub prefetch: u16,
    /// How often the broker delivers a message until it gives it up to the dead-letter queue by itself. A backstop
    /// against consumers that die of it; attempts are counted by the services, so keep it far above their ladder.
    pub delivery_limit: u32,
    /// Messages that a queue holds before it refuses more, which leaves them in their outboxes.
    pub queue_length_max: u32,
    /// Upper bounds of the delays that share a retry queue, rising. In one queue a short delay may wait for a longer
    /// one before it, but never beyond the bound. Longer delays than the last bound are shortened to it.
    pub retry_classes: Vec<Duration>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            name: "ecom".to_owned(),
            namespace: String::new(),
            extra_roots: None,
            heartbeat: Duration::from_secs(10),
            connect_timeout: Duration::from_secs(5),
            request_timeout: Duration::from_secs(10),
            confirm_timeout: Duration::from_secs(10),
            window: 500,
            window_bytes: 4 * 1_024 * 1_024,
            publish_channels: 2,
            pending_max: 256,
            message_bytes_max: 1_024 * 1_024,
            prefetch: 512,
            delivery_limit: 1_000,
            queue_length_max: 1_000_000,
            // Just above the rungs 250 ms, 1 s, 5 s, 15 s and 30 s with their jitter, then coarser.
            retry_classes: [500, 2_000, 7_000, 20_000, 40_000, 180_000, 900_000].map(Duration::from_millis).to_vec(),
        }
    }
}

impl Options {
    /// Reads the URL and checks the limits. No message repeats the URL: it holds a password.
    pub(super) fn address(&self, url: &str) -> Result<AMQPUri, BusError> {
        let refused = |why: &str| Err(BusError(why.to_owned()));
        let Ok(mut uri) = url.parse::<AMQPUri>() else {
            return refused("not an AMQP URL; it looks like amqps://user:password@host:5671/vhost");
        };
        let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
        if self.namespace.len() > NAMESPACE_BYTES_MAX || !plain(&self.namespace) {
            return refused("the namespace must be short and of letters, digits, dots, dashes and underscores alone");
        }
        if self.retry_classes.is_empty()
            || self.retry_classes[0].is_zero()
            || !self.retry_classes.is_sorted_by(|left, right| left < right)
        {
            return refused("the retry classes must rise, and there must be one");
        }
        if [self.window, self.window_bytes, self.publish_channels, self.pending_max].contains(&0) || self.prefetch == 0
        {
            return refused("windows, channels, pending_max and prefetch must not be zero");
        }
        let heartbeat = u16::try_from(self.heartbeat.as_secs()).unwrap_or(u16::MAX).max(1);
        uri.query.heartbeat.get_or_insert(heartbeat);
        Ok(uri)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_host_vhost_and_heartbeat() {
        let uri = Options::default().address("amqps://shop:secret@mq.example:5671/prod?heartbeat=7").unwrap();
        assert_eq!((uri.authority.host.as_str(), uri.vhost.as_str()), ("mq.example", "prod"));
        assert_eq!(uri.query.heartbeat, Some(7));
        assert_eq!(Options::default().address("amqp://mq").unwrap().query.heartbeat, Some(10));
    }

    #[test]
    fn a_refusal_does_not_repeat_the_password() {
        for url in ["http://shop:secret@mq", "amqp://shop:secret@mq:port", "secret", "amqp://a:secret@b/%ff"] {
            let error = Options::default().address(url).unwrap_err();
            assert!(!error.0.contains("secret"), "{error}");
        }
    }

    #[test]
    fn limits_that_cannot_work_are_refused() {
        let classes = |classes: &[u64]| Options {
            retry_classes: classes.iter().copied().map(Duration::from_millis).collect(),
            ..Options::default()
        };
        let bad = [
            Options { namespace: "a b".to_owned(), ..Options::default() },
            Options { namespace: "n".repeat(101), ..Options::default() },
            Options { window: 0, ..Options::default() },
            Options { prefetch: 0, ..Options::default() },
            classes(&[]),
            classes(&[0, 5]),
            classes(&[10, 10]),
        ];
        for options in bad {
            assert!(options.address("amqp://mq").is_err(), "{options:?}");
        }
    }
}
