//! The policies in `deploy/`, attached to the keys that the product is given.

use std::path::Path;

use cloud_twin::{AccessPolicy, Account, Denied, Twin, TwinConfig};
use serde_json::{Value, json};

use crate::cloud::{Cloud, LOGS, MIRROR, SOURCE};

/// Bucket of OSS that copies go to.
pub const TARGET: &str = "target";

/// Policies, with the buckets of a [`Cloud`] in the place of the placeholders.
#[derive(Clone, Debug)]
pub struct Rights {
    documents: Vec<Value>,
}

/// One action of one statement.
#[derive(Clone, Copy, Debug)]
struct Place {
    document: usize,
    statement: usize,
    action: usize,
}

impl Rights {
    /// The policies in these files of `deploy/`. Copies go to a bucket of OBS or, with `to_oss`, to
    /// [`TARGET`].
    pub fn of(files: &[&str], to_oss: bool) -> Self {
        let deploy = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy");
        let dest = if to_oss { TARGET } else { MIRROR };
        let read = |file: &&str| {
            let text =
                std::fs::read_to_string(deploy.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
            let text = text.replace("<LOG_BUCKET>", LOGS).replace("<SOURCE_BUCKET>", SOURCE);
            let text =
                text.replace("<DESK_BUCKET>", SOURCE).replace("<DEST_BUCKET>", dest).replace("<TOPIC>", "t");
            let text = text.replace("<LOG_PROJECT>", "p");
            assert!(!text.contains('<'), "{file}: a placeholder that nobody knows");
            serde_json::from_str(&text).unwrap()
        };
        Self { documents: files.iter().map(read).collect() }
    }

    /// A cloud where the product's keys have these policies. The first keys of each cloud may do everything.
    pub async fn cloud(&self) -> Cloud {
        let cloud = Cloud::with(self.attach(Twin::builder())).await;
        cloud.twin.create_oss_bucket(TARGET);
        cloud
    }

    fn attach(&self, config: TwinConfig) -> TwinConfig {
        let user = Account::temporary("STS.user", "TwinFakeSecretOfTheUser", "TwinFakeTokenOfTheUser");
        let config =
            config.oss_accounts([Account::permanent("LTAIroot", "TwinFakeSecretOfTheRoot"), user.clone()]);
        let huawei = Account::permanent("HWUSER", "TwinFakeSecretOfTheHuaweiUser");
        let config = config.huawei_accounts([huawei.clone(), root()]);
        // A key with no policy at all is that of the account: these have at least one that allows nothing.
        let nothing = |version: &str, action: &str| {
            policy(
                &json!({"Version": version, "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]}),
            )
        };
        let config = config.policy(&user.access_key, nothing("1", "oss:Nothing"));
        let config = config.policy(&huawei.access_key, nothing("1.1", "obs:object:Nothing"));
        self.documents.iter().map(policy).fold(config, |config, policy| {
            let access_key = if policy.is_of_huawei() { &huawei.access_key } else { &user.access_key };
            config.policy(access_key, policy)
        })
    }

    fn places(&self) -> Vec<Place> {
        let mut places = Vec::new();
        for (document, policy) in self.documents.iter().enumerate() {
            for (statement, of) in policy["Statement"].as_array().unwrap().iter().enumerate() {
                let actions = of["Action"].as_array().expect("a list of actions");
                places.extend((0..actions.len()).map(|action| Place { document, statement, action }));
            }
        }
        places
    }

    /// Each action that a twin knows of, and the policies without it.
    pub fn one_less(&self) -> Vec<(String, Self)> {
        let less = self.places().into_iter().map(|Place { document, statement, action }| {
            let mut rights = self.clone();
            let actions =
                rights.documents[document]["Statement"][statement]["Action"].as_array_mut().unwrap();
            let name = actions[action].as_str().unwrap().to_owned();
            let parts = name.split(':').count();
            actions[action] = json!(["nothing"; 3][..parts].join(":"));
            (name, rights)
        });
        // What the platform does with the role, and no service here.
        less.filter(|(name, _)| !name.starts_with("mns:") && !name.starts_with("log:")).collect()
    }
}

/// The key of the Huawei account itself.
pub fn root() -> Account {
    Account::permanent("HWROOT", "TwinFakeSecretOfTheHuaweiRoot")
}

fn policy(document: &Value) -> AccessPolicy {
    AccessPolicy::parse(&document.to_string()).unwrap_or_else(|error| panic!("{error}: {document}"))
}

/// What was refused, as actions.
pub fn refused(cloud: &Cloud) -> Vec<String> {
    let mut actions: Vec<_> = cloud.twin.denied().into_iter().map(|Denied { action, .. }| action).collect();
    actions.sort();
    actions.dedup();
    actions
}
