//! Devices of other machines: a worker lends one, a run borrows it.
//!
//! Burn's server and its websockets do the work. What is said here, on the same port, comes before and beside it: versions, a
//! proof that both know the token, and a sign of life every two seconds.

mod client;
mod handshake;
mod token;
mod worker;

pub(crate) use client::{Lent, borrow, end_where_lost, over, watch};
pub(crate) use token::TokenArg;
pub(crate) use worker::Worker;
