//! Who may see and who may change: keys, sessions, headers, limits.

mod access;
mod address;
mod cookie;
mod guard;
mod headers;
mod keeper;
mod login_limit;

pub use access::{Visitor, identify, is_loopback_name, may_write};
pub use address::{client_address, host_name, is_https};
pub use cookie::{find_cookie, hidden_cookie};
pub use guard::{api, pages};
pub use headers::with_headers;
pub use keeper::{COOKIE, Keeper, Session};
pub use login_limit::LoginLimit;
