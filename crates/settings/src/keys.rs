//! Access keys in each other's place.
//!
//! Both halves of a pair, and the keys of two clouds, have forms of their own. Only what cannot be meant is
//! refused: private clouds give keys of any form.

use crate::{Invalid, Problem};

/// Whose keys are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vendor {
    /// Alibaba Cloud: access key ids begin with `LTAI`, temporary ones with `STS.`.
    Alibaba,
    /// Huawei Cloud: access keys have 20 capitals and digits, secret keys 40 characters.
    Huawei,
    /// Amazon Web Services: access key ids have 20 capitals and digits and begin with `AKIA`, temporary ones
    /// with `ASIA`.
    Amazon,
}

impl Vendor {
    /// Whose key an id is, by its form.
    fn of(id: &str) -> Option<Self> {
        [Self::Alibaba, Self::Amazon, Self::Huawei].into_iter().find(|vendor| vendor.is_id(id))
    }

    fn is_id(self, text: &str) -> bool {
        let is_plain = text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
        match self {
            Self::Alibaba => text.starts_with("LTAI") || text.starts_with("STS."),
            Self::Huawei => text.len() == 20 && is_plain,
            Self::Amazon => {
                (text.starts_with("AKIA") || text.starts_with("ASIA")) && text.len() == 20 && is_plain
            }
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Alibaba => "Alibaba Cloud",
            Self::Huawei => "Huawei Cloud",
            Self::Amazon => "Amazon Web Services",
        }
    }

    fn remedy(self) -> &'static str {
        match self {
            Self::Alibaba => "create one in Alibaba Cloud's console, under RAM",
            Self::Huawei => "create one in Huawei's console, under My Credentials",
            Self::Amazon => "create one in the console of AWS, under IAM",
        }
    }
}

/// What is wrong with a pair of keys, if that can be told by their form. `names` are those of the access key
/// and of its secret.
pub fn confused(vendor: Vendor, names: [&'static str; 2], id: &str, secret: &str) -> Option<Problem> {
    let [id_name, secret_name] = names;
    if vendor.is_id(secret) && !vendor.is_id(id) {
        let invalid = Invalid::new(format_args!("has the form of no access key, and {secret_name} has"))
            .with_remedy(format_args!("probably {id_name} and {secret_name} are swapped"));
        return Some(Problem::new(id_name, invalid));
    }
    foreign(vendor, id_name, id)
}

/// What is wrong with an access key of another cloud than the one that is wanted.
pub fn foreign(vendor: Vendor, name: &'static str, id: &str) -> Option<Problem> {
    let found = Vendor::of(id).filter(|found| *found != vendor)?;
    // Services that stand in for those of Amazon take keys of any form, of 20 capitals too.
    if vendor == Vendor::Amazon && found == Vendor::Huawei {
        return None;
    }
    let what = format!("is an access key of {}, and one of {} is wanted", found.name(), vendor.name());
    Some(Problem::new(name, Invalid::new(what).with_remedy(vendor.remedy())))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OSS: [&str; 2] = ["LTAI5tMadeUpAccessKeyId1", "MadeUpSecretOfThirtyCharacters"];
    const HUAWEI: [&str; 2] = ["MADEUPACCESSKEY00001", "MadeUpSecretKeyOfFortyCharactersInAll0001"];

    fn told(vendor: Vendor, [id, secret]: [&str; 2]) -> Option<String> {
        let problem = confused(vendor, ["HW_AK", "HW_SK"], id, secret)?.to_string();
        assert!(!problem.contains("MadeUp") && !problem.contains("MADEUP"), "{problem}");
        Some(problem)
    }

    #[test]
    fn keys_that_are_swapped_or_of_the_other_cloud_are_told_and_no_others() {
        let swapped = |[id, secret]: [&'static str; 2]| [secret, id];
        for (vendor, pair) in [(Vendor::Alibaba, OSS), (Vendor::Huawei, HUAWEI)] {
            assert_eq!(told(vendor, pair), None);
            let told = told(vendor, swapped(pair)).unwrap();
            assert!(told.starts_with("HW_AK: ") && told.contains("HW_AK and HW_SK are swapped"), "{told}");
        }
        assert!(told(Vendor::Alibaba, ["secret", "STS.NTMadeUp"]).is_some());
        for (vendor, pair, said) in [
            (Vendor::Huawei, OSS, "of Alibaba Cloud, and one of Huawei Cloud"),
            (Vendor::Alibaba, HUAWEI, "of Huawei Cloud, and one of Alibaba Cloud"),
            (Vendor::Amazon, OSS, "of Alibaba Cloud, and one of Amazon"),
            (Vendor::Huawei, ["AKIAMADEUP0000000001", "s"], "of Amazon Web Services, and one of Huawei"),
            (Vendor::Alibaba, ["ASIAMADEUP0000000001", "s"], "of Amazon Web Services, and one of Alibaba"),
        ] {
            assert!(told(vendor, pair).unwrap().contains(said), "{vendor:?}");
        }
        assert_eq!(told(Vendor::Amazon, ["AKIAMADEUP0000000001", "s"]), None);
        for own in [["minio", "minio-secret"], ["LTAI5tMadeUp", "STS.as-its-secret"], ["", ""]] {
            assert_eq!(told(Vendor::Alibaba, own), None, "{own:?}");
        }
        assert_eq!(told(Vendor::Huawei, ["AK", "SK"]), None);
    }
}
