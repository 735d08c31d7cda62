//! The command `desk`: browsers, OSS and the desk, over HTTP.

#[cfg(test)]
mod access;
#[cfg(test)]
mod buckets;
#[cfg(test)]
mod callbacks;
#[cfg(test)]
mod claims;
#[cfg(test)]
mod content_types;
#[cfg(test)]
mod contradictions;
#[cfg(test)]
mod deletes;
#[cfg(test)]
mod duplicates;
#[cfg(test)]
mod forged;
#[cfg(test)]
mod forms;
#[cfg(test)]
mod forwarding;
#[cfg(test)]
mod from_url;
#[cfg(test)]
mod http;
#[cfg(test)]
mod links;
#[cfg(test)]
mod lost;
#[cfg(test)]
mod many;
#[cfg(test)]
mod multipart;
#[cfg(test)]
mod names;
#[cfg(test)]
mod objects;
#[cfg(test)]
mod outages;
#[cfg(test)]
mod part_sizes;
#[cfg(test)]
mod parts;
#[cfg(test)]
mod parts_lost;
#[cfg(test)]
mod restarts;
#[cfg(test)]
mod secrets;
#[cfg(test)]
mod settings;
#[cfg(test)]
mod slow_clients;
#[cfg(test)]
mod slow_hosts;
#[cfg(test)]
mod start;
#[cfg(test)]
mod support;
#[cfg(test)]
mod uploads;
