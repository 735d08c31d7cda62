//! The built binary against the local cloud. One file per concern; the harness is the library of this package.

#[cfg(test)]
mod arrival_status;
#[cfg(test)]
mod breaker;
#[cfg(test)]
mod completions;
#[cfg(test)]
mod concurrency;
#[cfg(test)]
mod config;
#[cfg(test)]
mod confirm;
mod confirm_lists;
mod consume;
#[cfg(test)]
mod consume_outages;
#[cfg(test)]
mod consume_quiet;
#[cfg(test)]
mod credentials;
#[cfg(test)]
mod demo;
#[cfg(test)]
mod destination_guard;
#[cfg(test)]
mod dev;
#[cfg(test)]
mod doctor;
#[cfg(test)]
mod doctor_bucket;
#[cfg(test)]
mod event_memory;
#[cfg(test)]
mod events;
#[cfg(test)]
mod explain;
#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod forward_copy;
#[cfg(test)]
mod forward_copy_commands;
#[cfg(test)]
mod forward_copy_deletes;
#[cfg(test)]
mod forward_copy_failures;
#[cfg(test)]
mod forward_copy_fallback;
#[cfg(test)]
mod forward_copy_large;
#[cfg(test)]
mod forward_copy_proxies;
#[cfg(test)]
mod forward_copy_resume;
#[cfg(test)]
mod forward_copy_versions;
#[cfg(test)]
mod ingest;
#[cfg(test)]
mod ingest_guard;
#[cfg(test)]
mod ingest_sources;
#[cfg(test)]
mod interleaved;
#[cfg(test)]
mod interrupts;
#[cfg(test)]
mod journal_races;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod lambda;
#[cfg(test)]
mod lambda_hosts;
#[cfg(test)]
#[path = "../texts/leftovers.rs"]
mod leftovers;
#[cfg(test)]
mod lifecycle;
#[cfg(test)]
mod messages;
#[cfg(test)]
mod messages_results;
#[cfg(test)]
mod messages_settings;
#[cfg(test)]
mod metrics;
#[cfg(test)]
mod modes;
#[cfg(test)]
mod off_the_platform;
#[cfg(test)]
mod oms_replies;
#[cfg(test)]
mod one_configuration;
#[cfg(test)]
mod origins;
#[cfg(test)]
mod outcomes;
#[cfg(test)]
mod output;
#[cfg(test)]
mod reconcile_timer;
#[cfg(test)]
mod reconcile_timer_faults;
#[cfg(test)]
mod reconcile_timer_progress;
#[cfg(test)]
mod reconcile_timer_scope;
#[cfg(test)]
mod removals;
#[cfg(test)]
mod replay;
#[cfg(test)]
mod replay_faults;
#[cfg(test)]
mod replay_records;
#[cfg(test)]
mod report;
#[cfg(test)]
mod retries;
#[cfg(test)]
mod rights;
#[cfg(test)]
mod run_takeover;
#[cfg(test)]
mod s3_listing;
#[cfg(test)]
mod s3_source;
#[cfg(test)]
mod secrets;
#[cfg(test)]
mod send;
#[cfg(test)]
mod slips;
#[cfg(test)]
mod slow_clients;
#[cfg(test)]
mod source_guard;
#[cfg(test)]
mod status;
#[cfg(test)]
mod translated;
mod usage;
#[cfg(test)]
mod warm_up;
#[cfg(test)]
mod wire;
mod without_effect;
