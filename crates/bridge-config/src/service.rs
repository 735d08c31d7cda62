//! How services of object storage are reached: one rule for all commands.
//!
//! - An end has its own endpoint, or that of OSS.
//! - Its region is its own setting, else `OSS_REGION`, else that of the function, else what its host names.
//!   `OSS_REGION` and the function's region are about the host of `OSS_ENDPOINT`: an end with an endpoint of
//!   its own, whose host names a region, is in that one, unless `OSS_ENDPOINT` names the same. Where there is
//!   no `OSS_ENDPOINT`, `OSS_REGION` is about the source.
//! - Requests to OSS are signed by `OSS_SIGNATURE`.
//!
//! What opens an end is in `keys`.

use oss_lite::{Dialect, Endpoint, SignatureVersion};
use settings::location::scheme;
use settings::reader::missing;
use settings::service::Service;
use settings::{Invalid, Reader, Setting, lenient};

use super::keys;
use super::table::copy::{DEST_ENDPOINT, DEST_REGION, SOURCE_ENDPOINT};
use super::table::oss::{FC_REGION, OSS_ENDPOINT, OSS_REGION, OSS_SIGNATURE};

/// What a service is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The log bucket, in OSS.
    Journal,
    /// Objects are read there.
    Source(Dialect),
    /// Objects are written there.
    Destination(Dialect),
}

impl Role {
    fn dialect(self) -> Dialect {
        match self {
            Self::Journal => Dialect::Oss,
            Self::Source(dialect) | Self::Destination(dialect) => dialect,
        }
    }

    /// The setting of its own endpoint.
    fn own_endpoint(self) -> Option<&'static Setting<String>> {
        match self {
            Self::Journal => None,
            Self::Source(_) => Some(&SOURCE_ENDPOINT),
            Self::Destination(_) => Some(&DEST_ENDPOINT),
        }
    }
}

/// The service that the settings mean. All that is wrong with them is a problem, also where the endpoint is.
pub fn service(r: &mut Reader, role: Role) -> Option<Service> {
    let dialect = role.dialect();
    let (name, endpoint) = endpoint(r, role);
    let own_region = match role {
        Role::Destination(_) => r.get(&DEST_REGION),
        Role::Journal | Role::Source(_) => None,
    };
    let region_setting = match role {
        Role::Destination(_) if own_region.is_some() || name == DEST_ENDPOINT.spec.name => &DEST_REGION,
        _ => &OSS_REGION,
    };
    let region_setting = region_setting.spec.name;
    if dialect == Dialect::Obs {
        let (endpoint, signature) = (endpoint?, SignatureVersion::V4);
        return Some(Service {
            dialect,
            endpoint,
            region: None,
            signature,
            endpoint_setting: name,
            region_setting,
            keys: keys::HUAWEI_NAMES,
        });
    }
    let signature = r.get(&OSS_SIGNATURE).unwrap_or(SignatureVersion::V4);
    let (set, of_function) = (r.get(&OSS_REGION), r.get(&FC_REGION));
    let endpoint = endpoint?;
    let named = endpoint.region_hint();
    let home = home(r, role);
    let has_own = name != OSS_ENDPOINT.spec.name;
    let at_home = !has_own || named.is_none() || named == home.as_deref();
    // Nothing but the source is there that it could be about.
    let alone = matches!(role, Role::Source(_)) && !r.is_set(&OSS_ENDPOINT.spec);
    let region = own_region
        .or_else(|| set.filter(|_| at_home || alone))
        .or_else(|| of_function.filter(|_| at_home))
        .or_else(|| named.map(str::to_owned))
        // A source has no setting of its own for it: where its host names none, it is beside the log bucket.
        .or_else(|| home.filter(|_| matches!(role, Role::Source(_))));
    if region.is_none() && signature == SignatureVersion::V4 {
        let setting = if name == DEST_ENDPOINT.spec.name { &DEST_REGION } else { &OSS_REGION };
        // What is wrong with it is said already.
        if !r.is_set(&setting.spec) {
            r.problem(setting.spec.name, no_region(name));
        }
    }
    let keys = keys::oss_names(r);
    Some(Service { dialect, endpoint, region, signature, endpoint_setting: name, region_setting, keys })
}

fn no_region(endpoint: &str) -> Invalid {
    Invalid::new(format_args!("missing: V4 signatures need it and {endpoint} does not tell"))
        .with_remedy("set it to the region id, such as cn-hangzhou")
}

/// The endpoint, and the name of the setting that has it.
fn endpoint(r: &mut Reader, role: Role) -> (&'static str, Option<Endpoint>) {
    let (dialect, own) = (role.dialect(), role.own_endpoint());
    if let Some(own) = own.filter(|own| r.is_set(&own.spec)) {
        return (own.spec.name, r.get_by(own, |text| lenient::endpoint(text, dialect)));
    }
    if dialect == Dialect::Oss && r.is_set(&OSS_ENDPOINT.spec) {
        return (OSS_ENDPOINT.spec.name, r.get(&OSS_ENDPOINT));
    }
    let (name, needed) = match own {
        None => (OSS_ENDPOINT.spec.name, missing(OSS_ENDPOINT.spec.about.en)),
        Some(own) => {
            let scheme = scheme(dialect);
            let needed = match dialect {
                Dialect::Oss => format!("{scheme}:// needs it, or OSS_ENDPOINT"),
                Dialect::Obs => format!("{scheme}:// needs it"),
            };
            (own.spec.name, missing(&needed))
        }
    };
    r.problem(name, needed);
    (name, None)
}

/// The region that the host names which `OSS_REGION` is about: that of OSS, and for a destination where there
/// is none, of the source.
fn home(r: &Reader, role: Role) -> Option<String> {
    let of_source = r.text(&SOURCE_ENDPOINT.spec).filter(|_| matches!(role, Role::Destination(_)));
    let text = r.text(&OSS_ENDPOINT.spec).or(of_source)?;
    let endpoint = lenient::endpoint(text, Dialect::Oss).ok()?;
    endpoint.region_hint().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use settings::{Spec, Values};

    use super::*;

    const HANGZHOU: &str = "oss-cn-hangzhou.aliyuncs.com";
    const BEIJING: &str = "oss-cn-beijing.aliyuncs.com";
    const SOURCE: Role = Role::Source(Dialect::Oss);
    const DESTINATION: Role = Role::Destination(Dialect::Oss);

    fn found(role: Role, given: &[(&'static Spec, &str)]) -> Result<Option<String>, String> {
        let values = given.iter().fold(Values::default(), |values, (spec, value)| values.with(spec, value));
        let mut reader = Reader::new(values);
        let service = service(&mut reader, role);
        reader.finish(service).map(|service| service.region).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_set_stands_above_the_function_and_that_above_the_host_for_all_ends() {
        let (set, function) = ((&OSS_REGION.spec, "cn-set"), (&FC_REGION.spec, "cn-function"));
        for (role, endpoint) in [
            (Role::Journal, &OSS_ENDPOINT.spec),
            (SOURCE, &OSS_ENDPOINT.spec),
            (SOURCE, &SOURCE_ENDPOINT.spec),
            (DESTINATION, &OSS_ENDPOINT.spec),
            (DESTINATION, &DEST_ENDPOINT.spec),
        ] {
            let is_own = endpoint.name != OSS_ENDPOINT.spec.name;
            for host in [(endpoint, HANGZHOU), (endpoint, "files.example.com")] {
                let region = |given: &[_]| found(role, given).unwrap();
                // An endpoint of its own that names a region is in that one, whatever the function's is; what
                // is set is about the source where there is no other.
                let names = is_own && host.1 == HANGZHOU;
                let (as_set, as_function) = match (names, role) {
                    (true, DESTINATION) => ("cn-hangzhou", "cn-hangzhou"),
                    (true, _) => ("cn-set", "cn-hangzhou"),
                    (false, _) => ("cn-set", "cn-function"),
                };
                assert_eq!(region(&[host, set, function]).as_deref(), Some(as_set), "{role:?}");
                assert_eq!(region(&[host, function]).as_deref(), Some(as_function), "{role:?}");
            }
            let guess = found(role, &[(endpoint, HANGZHOU)]).unwrap();
            assert_eq!(guess.as_deref(), Some("cn-hangzhou"), "{role:?}");
        }
    }

    #[test]
    fn an_end_in_another_region_is_there_and_not_where_oss_is() {
        let oss = [(&OSS_ENDPOINT.spec, HANGZHOU), (&OSS_REGION.spec, "cn-hangzhou")];
        let beside = |role, spec, value| found(role, &[oss[0], oss[1], (spec, value)]).unwrap();
        for (role, endpoint) in [(SOURCE, &SOURCE_ENDPOINT.spec), (DESTINATION, &DEST_ENDPOINT.spec)] {
            assert_eq!(beside(role, endpoint, BEIJING).as_deref(), Some("cn-beijing"), "{role:?}");
            for same in ["oss-cn-hangzhou-internal.aliyuncs.com", "files.example.com"] {
                assert_eq!(beside(role, endpoint, same).as_deref(), Some("cn-hangzhou"), "{role:?} {same}");
            }
        }
        // A host of OSS that names none says nothing about where the other end is.
        for own in [(SOURCE, &SOURCE_ENDPOINT.spec), (DESTINATION, &DEST_ENDPOINT.spec)] {
            let given = [
                (&OSS_ENDPOINT.spec, "files.example.com"),
                (&OSS_REGION.spec, "cn-hangzhou"),
                (own.1, BEIJING),
            ];
            assert_eq!(found(own.0, &given).unwrap().as_deref(), Some("cn-beijing"), "{own:?}");
            let function = [given[0], (&FC_REGION.spec, "cn-hangzhou"), given[2]];
            assert_eq!(found(own.0, &function).unwrap().as_deref(), Some("cn-beijing"), "{own:?}");
        }
        // The region of Finance Cloud is not what its hosts name, so it is set, and holds for both of its
        // hosts.
        let finance = [
            (&OSS_ENDPOINT.spec, "oss-cn-hzfinance-internal.aliyuncs.com"),
            (&SOURCE_ENDPOINT.spec, "oss-cn-hzfinance.aliyuncs.com"),
            (&OSS_REGION.spec, "cn-hangzhou-finance"),
        ];
        assert_eq!(found(SOURCE, &finance).unwrap().as_deref(), Some("cn-hangzhou-finance"));
        let without_oss = [(&SOURCE_ENDPOINT.spec, HANGZHOU), (&DEST_ENDPOINT.spec, BEIJING), oss[1]];
        assert_eq!(found(DESTINATION, &without_oss).unwrap().as_deref(), Some("cn-beijing"));
        assert_eq!(found(SOURCE, &without_oss).unwrap().as_deref(), Some("cn-hangzhou"));
        let own = [oss[0], oss[1], (&DEST_ENDPOINT.spec, BEIJING), (&DEST_REGION.spec, "cn-own")];
        assert_eq!(found(DESTINATION, &own).unwrap().as_deref(), Some("cn-own"));
    }

    #[test]
    fn what_is_missing_or_wrong_is_told_at_once_and_by_its_own_name() {
        for (role, name) in [(SOURCE, "SOURCE_ENDPOINT"), (DESTINATION, "DEST_ENDPOINT")] {
            let told = found(role, &[]).unwrap_err();
            assert!(told.contains(&format!("{name}: missing: oss:// needs it, or OSS_ENDPOINT")), "{told}");
        }
        assert!(found(Role::Journal, &[]).unwrap_err().contains("OSS_ENDPOINT: missing"));
        let wrong = [
            (&DEST_ENDPOINT.spec, "mirror.oss-cn-beijing.aliyuncs.com"),
            (&DEST_REGION.spec, "北京"),
            (&OSS_REGION.spec, "杭州"),
            (&OSS_SIGNATURE.spec, "v3"),
        ];
        let told = found(DESTINATION, &wrong).unwrap_err();
        for (spec, _) in wrong {
            assert!(told.contains(&format!("\n  {}: ", spec.name)), "{}: {told}", spec.name);
        }
        assert!(!told.contains("missing"), "{told}");
        let nowhere = found(DESTINATION, &[(&DEST_ENDPOINT.spec, "files.example.com")]).unwrap_err();
        assert!(nowhere.contains("DEST_REGION: missing: V4"), "{nowhere}");
        assert_eq!(
            found(DESTINATION, &[(&DEST_ENDPOINT.spec, "files.example.com"), (&OSS_SIGNATURE.spec, "V1")]),
            Ok(None)
        );
    }
}
