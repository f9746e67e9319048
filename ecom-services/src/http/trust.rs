//! Who may say on whose behalf a request comes: `X-Forwarded-For` is believed from known proxies alone.

use std::net::IpAddr;

use warp::http::HeaderMap;
use warp::http::header::HeaderName;

/// The header with the addresses that a request has passed, the client's first.
pub const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The addresses of the proxies in front of this process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<Network>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Network {
    address: u128,
    /// The leading bits that count, of 128.
    bits: u32,
}

impl TrustedProxies {
    /// From `none`, or addresses and networks (`10.0.0.0/8`) separated by commas.
    pub fn parse(text: &str) -> Option<Self> {
        if text == "none" {
            return Some(Self::default());
        }
        text.split(',').map(|part| Network::parse(part.trim())).collect::<Option<_>>().map(Self)
    }

    /// The client's address: the last one in the chain that is no trusted proxy.
    pub fn client(&self, remote: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = remote.to_canonical();
        let mut chain = headers.get_all(FORWARDED_FOR).iter().rev().flat_map(|value| {
            value.to_str().unwrap_or_default().rsplit(',').map(|part| part.trim().parse::<IpAddr>().ok())
        });
        while self.trusts(client) {
            // What is no address was not written by a proxy of ours.
            let Some(Some(before)) = chain.next() else { break };
            client = before.to_canonical();
        }
        client
    }

    fn trusts(&self, address: IpAddr) -> bool {
        let address = wide(address);
        self.0.iter().any(|network| network.holds(address))
    }
}

impl Network {
    fn parse(text: &str) -> Option<Self> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse::<u32>().ok()?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(width);
        (bits <= width).then(|| Self { address: wide(address), bits: 128 - width + bits })
    }

    fn holds(self, address: u128) -> bool {
        // A shift by the whole width is none that the machine knows: a network of no bits holds everything.
        (self.address ^ address).checked_shr(128 - self.bits).unwrap_or(0) == 0
    }
}

/// An address as a number, those of IPv4 within those of IPv6.
fn wide(address: IpAddr) -> u128 {
    match address.to_canonical() {
        IpAddr::V4(address) => u128::from(address.to_ipv6_mapped()),
        IpAddr::V6(address) => u128::from(address),
    }
}

#[cfg(test)]
mod tests {
    use warp::http::HeaderValue;

    use super::*;

    fn client(trusted: &str, remote: &str, forwarded: &[&'static str]) -> String {
        let headers = forwarded.iter().map(|value| (FORWARDED_FOR, HeaderValue::from_static(value))).collect();
        TrustedProxies::parse(trusted).unwrap().client(remote.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn only_proxies_are_believed() {
        for (trusted, remote, forwarded, expected) in [
            ("none", "10.0.0.1", &["1.2.3.4"][..], "10.0.0.1"),
            ("10.0.0.0/8", "10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.0/8", "10.0.0.1", &["1.2.3.4"], "1.2.3.4"),
            ("10.0.0.0/8", "11.0.0.1", &["1.2.3.4"], "11.0.0.1"),
            // Whatever a client made up stands before what the proxies have seen.
            ("10.0.0.0/8", "10.0.0.1", &["6.6.6.6, 1.2.3.4, 10.0.0.2"], "1.2.3.4"),
            ("10.0.0.0/8", "10.0.0.1", &["6.6.6.6", "1.2.3.4"], "1.2.3.4"),
            ("10.0.0.0/8", "10.0.0.1", &["1.2.3.4, nonsense"], "10.0.0.1"),
            ("10.0.0.0/8", "10.0.0.1", &["10.0.0.3"], "10.0.0.3"),
            ("127.0.0.0/8,::1", "::ffff:127.0.0.1", &["2001:db8::7"], "2001:db8::7"),
            ("::1", "::1", &["::ffff:1.2.3.4"], "1.2.3.4"),
            ("0.0.0.0/0", "9.9.9.9", &["1.2.3.4"], "1.2.3.4"),
            ("::/0", "9.9.9.9", &["1.2.3.4"], "1.2.3.4"),
        ] {
            assert_eq!(client(trusted, remote, forwarded), expected, "{trusted} {remote} {forwarded:?}");
        }
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in ["", "10.0.0.0/33", "::/129", "10.0.0.0/-1", "10.0.0.0/", "host", "10.0.0.1;10.0.0.2"] {
            assert_eq!(TrustedProxies::parse(text), None, "{text}");
        }
    }
}
