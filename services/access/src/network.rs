//! What counts as one place that callers come from.

use std::net::{IpAddr, Ipv6Addr};

/// The address itself, or of IPv6 its network (/64): whoever has one address of it has 2^64.
#[must_use]
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)).into(),
    }
}
