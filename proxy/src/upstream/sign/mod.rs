//! Credentials that are not sent but prove something: a signature for AWS, a signed assertion for Google.
//!
//! [`sigv4`] and [`google`] are functions of their arguments, the time among them. [`token`] trades assertions for access
//! tokens and keeps those; it is the only one with I/O. Knows no dialect and no request of a client.

pub(crate) mod google;
pub(crate) mod sigv4;
pub(crate) mod token;
