//! Uploads straight from browsers to OSS: policies are signed here, files go to the bucket, and the bucket tells.
//!
//! ```text
//! browser ──POST /uploads──▶ desk: row `pending`, signed policy
//! browser ──form──▶ OSS ──POST /callback──▶ desk: signature checked, row `stored` ──▶ answer, through OSS, to the browser
//!                                             └──later: worker ──HEAD, pipeline──▶ row settled
//! ```

pub mod catalogue;
pub mod entry;
