//! From SRC to DST: both opened, and how keys are renamed on the way.

use std::path::PathBuf;

use oss_lite::{Bucket, Endpoint};
use thiserror::Error;

use super::mapping::{self, MappingError};
use super::overlap::{self, BucketLocation, Overlap};
use super::{CopyArgs, LinkChoice};
use crate::cli::places::location::Location;
use crate::cli::places::services::{Clients, OpenError, Services};
use object_copy::bulk::KeyMapping;
use object_copy::transfer::{Destination, Directory, Links, ServerSideCopy, Source, Web};

/// Why nothing can be copied from SRC to DST.
#[derive(Debug, Error)]
pub(super) enum RouteError {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Mapping(#[from] MappingError),
    #[error(transparent)]
    Overlap(#[from] Overlap),
}

/// Where objects come from and go to, and by what names.
pub(super) struct Route {
    pub(super) source: Source,
    pub(super) destination: Destination,
    /// The destination, where it can be listed.
    pub(super) destination_bucket: Option<Bucket>,
    pub(super) names: KeyMapping,
    /// What keys in DST begin with, where DST may lie inside SRC.
    pub(super) perhaps_inside: Option<String>,
    /// The directory to copy to.
    pub(super) written: Option<PathBuf>,
    pub(super) server_side: ServerSideCopy,
}

impl Route {
    pub(super) fn new(
        from: &Location,
        to: &Location,
        args: &CopyArgs,
        services: Services,
        own_endpoint: Option<Endpoint>,
        http: &reqwest::Client,
    ) -> Result<Self, RouteError> {
        if from == to {
            return Err(Overlap::Same.into());
        }
        let clients = Clients::new(http);
        let [from_s3, _] = services.s3;
        let from_service = services.source.map(|service| clients.open(service)).transpose()?;
        let to_service = services.destination.map(|service| clients.open(service)).transpose()?;
        let server_side = match (&from_service, &to_service) {
            (Some(one), Some(other)) if one.reaches(other) => ServerSideCopy::Yes,
            _ => ServerSideCopy::No,
        };
        let (root, file) = mapping::local_root(from, args.recursive)?;
        let (target_root, names) = mapping::names(from, to, &file, args.recursive)?;
        match (from, to) {
            (Location::Local(from), Location::Local(_)) if args.recursive => {
                overlap::of_paths(from, &target_root, true)?;
            }
            (Location::Local(from), Location::Local(_)) => {
                overlap::of_paths(from, &target_root.join(&names.to), false)?;
            }
            _ => {}
        }
        let own_endpoint =
            own_endpoint.or_else(|| from_service.as_ref().map(|service| service.endpoint.clone()));
        if let (Some(bucket), Some(endpoint)) = (from.bucket(), &own_endpoint)
            && let (Location::Store(place), Some(service)) = (to, &to_service)
        {
            let there = BucketLocation { endpoint: &service.endpoint, bucket: place.bucket.as_str() };
            overlap::of_buckets(BucketLocation { endpoint, bucket }, there, &names, args.recursive)?;
        }
        let perhaps_inside = args.recursive && overlap::may_lie_inside(from, to, &names);
        let perhaps_inside = perhaps_inside.then(|| names.to.clone());
        let source = match (from, from_service, from_s3) {
            (_, _, Some(s3)) => s3,
            (Location::Store(place), Some(service), _) => Source::Store(service.bucket(place)),
            (Location::Web(_), ..) => Source::Web(Web::new(http.clone())),
            _ => Source::Directory(Directory::new(&root).following(links(args))),
        };
        let (destination, destination_bucket, written) = match (to, to_service) {
            (Location::Store(place), Some(service)) => {
                let bucket = service.bucket(place);
                (Destination::store(bucket.clone()), Some(bucket), None)
            }
            _ => (Destination::Directory(Directory::new(target_root.clone())), None, Some(target_root)),
        };
        Ok(Self { source, destination, destination_bucket, names, perhaps_inside, written, server_side })
    }
}

/// Which links of a directory are followed. A file that is named by a link is named, wherever that leads.
fn links(args: &CopyArgs) -> Links {
    match (args.links, args.recursive) {
        (LinkChoice::Skip, _) => Links::Skip,
        (LinkChoice::Within, true) => Links::Within,
        (LinkChoice::Within, false) | (LinkChoice::Follow, _) => Links::Follow,
    }
}
