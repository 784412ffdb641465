//! Who calls, what they may, how much of it, and what is written down of it.
//!
//! A caller shows a key ([`keys`]) or a token of an identity provider ([`token`]); both come down to a
//! [`grant::Grant`]. [`access::Access`] knows all of them and reads their files again when they change.
//! [`layer::AccessLayer`] stands before every call of a server: it lets a caller in, or answers why not, keeps to
//! quotas ([`quota`]) and writes the audit log ([`audit`]). What a call is about, its tenant and its collections, is
//! known only where its message is read: [`caller::Caller`] goes there with it, and says what it may reach.

mod about;
pub mod access;
mod answer;
mod arriving;
pub mod audit;
pub mod caller;
mod credentials;
pub mod endpoint;
pub mod enter;
mod failures;
pub mod files;
pub mod grant;
mod key_ring;
pub mod keys;
pub mod layer;
mod meters;
pub mod network;
pub mod quota;
mod record;
mod request_id;
mod ring_provider;
pub mod token;
mod visit;
