//! A small HTTP/1.1 server that does on the wire exactly what an [`Answer`] says: also what no
//! well-behaved server library would do, such as a head that breaks off or a body that is reset.

mod answer;
mod encode;
mod reader;
mod request;
mod serve;
mod writer;

pub use answer::{Answer, Body, HeadFault, Step};
pub use encode::{Coding, encode};
pub use request::Request;
pub use serve::{Server, Service};
