//! The commands `copy` and `reconcile` of the built binary, between the buckets of a local cloud, web servers and this
//! machine. One file per concern; the harness is the library of this package.

#[cfg(test)]
mod archived;
#[cfg(test)]
mod changing;
#[cfg(test)]
mod checksums;
#[cfg(test)]
mod completion;
#[cfg(test)]
mod credentials;
#[cfg(test)]
mod destinations;
#[cfg(test)]
mod encrypted;
#[cfg(test)]
mod endings;
#[cfg(test)]
mod failed_lists;
#[cfg(test)]
mod fidelity;
#[cfg(test)]
mod files;
#[cfg(test)]
mod gone;
#[cfg(test)]
mod headers;
#[cfg(test)]
mod interrupts;
#[cfg(test)]
mod key_lists;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod links;
#[cfg(test)]
mod lists;
#[cfg(test)]
mod local;
#[cfg(test)]
mod metadata;
#[cfg(test)]
mod metadata_forms;
#[cfg(test)]
mod metrics_files;
#[cfg(test)]
mod naming;
#[cfg(test)]
mod outages;
#[cfg(test)]
mod output;
#[cfg(test)]
mod overlap;
#[cfg(test)]
mod previews;
#[cfg(test)]
mod reconcile;
#[cfg(test)]
mod reconcile_chaos;
mod reconcile_deletes;
#[cfg(test)]
mod reconcile_estimate;
#[cfg(test)]
mod reconcile_faults;
mod reconcile_files;
#[cfg(test)]
mod reconcile_inventories;
#[cfg(test)]
mod reconcile_progress;
mod reconcile_repair;
#[cfg(test)]
mod reconcile_resume;
#[cfg(test)]
mod reconcile_s3;
#[cfg(test)]
mod reconcile_scale;
#[cfg(test)]
mod reconcile_task_leases;
#[cfg(test)]
mod reconcile_tasks;
#[cfg(test)]
mod resume;
#[cfg(test)]
mod s3_etags;
#[cfg(test)]
mod scale;
#[cfg(test)]
mod secrets;
#[cfg(test)]
mod server_side;
#[cfg(test)]
mod settings;
#[cfg(test)]
mod skipping;
#[cfg(test)]
mod slips;
#[cfg(test)]
mod stale;
#[cfg(test)]
mod support;
#[cfg(test)]
mod web;
#[cfg(test)]
mod web_framing;
#[cfg(test)]
mod web_hints;
#[cfg(test)]
mod web_oddities;
#[cfg(test)]
mod web_retries;
#[cfg(test)]
mod web_urls;
#[cfg(test)]
mod web_versions;
