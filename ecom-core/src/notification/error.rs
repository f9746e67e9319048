//! Why preferences are refused. Events are never refused: each has its place in every state.

use thiserror::Error;

/// Why an input was refused, one variant per broken rule.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Error)]
pub enum Rejection {
    /// Not an e-mail address.
    #[error("not a valid e-mail address")]
    AddressInvalid,
    /// Text messages without a number.
    #[error("text messages need a number")]
    NumberRequired,
    /// Not a telephone number.
    #[error("a number is a + and 7 to 15 digits, the first of them not 0")]
    NumberInvalid,
    /// Push messages without an endpoint.
    #[error("push messages need an endpoint")]
    EndpointRequired,
    /// Not an endpoint.
    #[error("an endpoint is an https URL of up to 2,048 printable ASCII characters")]
    EndpointInvalid,
}

impl Rejection {
    /// The stable word for it.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::AddressInvalid => "address_invalid",
            Self::NumberRequired => "number_required",
            Self::NumberInvalid => "number_invalid",
            Self::EndpointRequired => "endpoint_required",
            Self::EndpointInvalid => "endpoint_invalid",
        }
    }

    /// The JSON pointer of the field that is invalid.
    pub const fn pointer(&self) -> &'static str {
        match self {
            Self::AddressInvalid => "/email/address",
            Self::NumberRequired | Self::NumberInvalid => "/sms/number",
            Self::EndpointRequired | Self::EndpointInvalid => "/push/endpoint",
        }
    }
}
