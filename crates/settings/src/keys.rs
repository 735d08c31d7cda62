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
}

impl Vendor {
    fn is_id(self, text: &str) -> bool {
        match self {
            Self::Alibaba => text.starts_with("LTAI") || text.starts_with("STS."),
            Self::Huawei => {
                text.len() == 20
                    && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
            }
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
    if vendor == Vendor::Huawei && !vendor.is_id(id) && Vendor::Alibaba.is_id(id) {
        let invalid = Invalid::new("is an access key of Alibaba Cloud, and one of Huawei Cloud is wanted")
            .with_remedy("create one in Huawei's console, under My Credentials");
        return Some(Problem::new(id_name, invalid));
    }
    None
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
        assert!(told(Vendor::Huawei, OSS).unwrap().contains("of Alibaba Cloud"));
        for own in [["minio", "minio-secret"], ["LTAI5tMadeUp", "STS.as-its-secret"], ["", ""]] {
            assert_eq!(told(Vendor::Alibaba, own), None, "{own:?}");
        }
        assert_eq!(told(Vendor::Huawei, ["AK", "SK"]), None);
    }
}
