use serde_json::{Value, json};
use serde_yaml_ng::Value as Yaml;

const TEMPLATE: &str = include_str!("../../../deploy/lambda/template.yaml");
const BUILD: &str = include_str!("../../../deploy/lambda/build.sh");

/// The template with its short tags written out: `!Ref X` as `{"Ref": "X"}`, `!GetAtt A.B` as `{"Fn::GetAtt": ["A", "B"]}`.
fn template() -> Value {
    plain(serde_yaml_ng::from_str(TEMPLATE).unwrap())
}

fn plain(yaml: Yaml) -> Value {
    match yaml {
        Yaml::Tagged(tagged) => {
            let name = tagged.tag.to_string();
            intrinsic(name.trim_start_matches('!'), &plain(tagged.value))
        }
        Yaml::Sequence(items) => items.into_iter().map(plain).collect(),
        Yaml::Mapping(members) => {
            Value::Object(members.into_iter().map(|(name, value)| (key(&name), plain(value))).collect())
        }
        scalar => serde_json::to_value(scalar).unwrap(),
    }
}

fn key(name: &Yaml) -> String {
    name.as_str().unwrap_or_else(|| panic!("{name:?} is no name")).to_owned()
}

fn intrinsic(name: &str, value: &Value) -> Value {
    match name {
        "Ref" => json!({"Ref": value}),
        "GetAtt" => {
            let (resource, attribute) = value.as_str().unwrap().split_once('.').unwrap();
            json!({"Fn::GetAtt": [resource, attribute]})
        }
        "Sub" | "If" | "Not" | "Equals" => json!({format!("Fn::{name}"): value}),
        other => panic!("the template uses !{other}, which this reader does not know"),
    }
}

fn resource(name: &str) -> Value {
    template()["Resources"][name].take()
}

fn properties(name: &str) -> Value {
    resource(name)["Properties"].take()
}

fn arn(resource: &str) -> Value {
    json!({"Fn::GetAtt": [resource, "Arn"]})
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("{value} is no number"))
}

/// Calls `visit` with every value under `value`.
fn walk<'v>(value: &'v Value, visit: &mut impl FnMut(&'v Value)) {
    visit(value);
    match value {
        Value::Array(items) => items.iter().for_each(|item| walk(item, visit)),
        Value::Object(members) => members.values().for_each(|member| walk(member, visit)),
        _ => {}
    }
}

#[test]
fn what_is_referred_to_is_there() {
    let template = template();
    let known = |name: &str| {
        name.starts_with("AWS::")
            || ["Resources", "Parameters"].iter().any(|section| !template[section][name].is_null())
    };
    let mut references = 0;
    walk(&template, &mut |value| {
        let mut check = |name: &str| {
            references += 1;
            assert!(known(name), "{name} is neither a resource nor a parameter");
        };
        if let Some(name) = value["Ref"].as_str() {
            check(name);
        }
        if let Some(name) = value["Fn::GetAtt"][0].as_str() {
            check(name);
        }
        for inserted in value["Fn::Sub"].as_str().into_iter().flat_map(|text| text.split("${").skip(1)) {
            check(inserted.split('}').next().unwrap());
        }
    });
    assert!(references > 20, "{references}");
    assert_eq!(template["Transform"], "AWS::Serverless-2016-10-31");
}

#[test]
fn only_what_failed_returns_to_the_queue_and_is_set_aside_at_last() {
    let function = properties("Forwarder");
    let source = &function["Events"]["Queue"]["Properties"];
    assert_eq!(function["Events"]["Queue"]["Type"], "SQS");
    assert_eq!(source["Queue"], arn("Events"));
    assert_eq!(source["FunctionResponseTypes"], json!(["ReportBatchItemFailures"]));
    let (batch, window) = (number(&source["BatchSize"]), number(&source["MaximumBatchingWindowInSeconds"]));
    assert!(batch % 10 == 0 && (batch <= 10 || window >= 1), "{source}");
    assert!(number(&source["ScalingConfig"]["MaximumConcurrency"]) >= 2);
    assert!(function["ReservedConcurrentExecutions"].is_null(), "what it turns away counts as a delivery");

    let queue = properties("Events");
    assert!(number(&queue["VisibilityTimeout"]) >= 6 * number(&function["Timeout"]) + window);
    assert_eq!(
        queue["RedrivePolicy"],
        json!({"deadLetterTargetArn": arn("DeadLetters"), "maxReceiveCount": 5})
    );
    let dead = properties("DeadLetters");
    assert!(number(&dead["MessageRetentionPeriod"]) > number(&queue["MessageRetentionPeriod"]));
    assert_eq!(dead["RedriveAllowPolicy"]["redrivePermission"], "byQueue");
    assert!(queue["FifoQueue"].is_null(), "S3 cannot send to one");
    let alarm = properties("GivenUp");
    assert_eq!(alarm["Dimensions"][0]["Value"], json!({"Fn::GetAtt": ["DeadLetters", "QueueName"]}));
}

#[test]
fn the_bucket_of_this_account_may_send_to_the_queue_and_nobody_else() {
    let policy = properties("EventsPolicy");
    assert_eq!(policy["Queues"], json!([{"Ref": "Events"}]));
    let [statement] = policy["PolicyDocument"]["Statement"].as_array().unwrap().as_slice() else { panic!() };
    assert_eq!(statement["Effect"], "Allow");
    assert_eq!(statement["Principal"], json!({"Service": "s3.amazonaws.com"}));
    assert_eq!(statement["Action"], "sqs:SendMessage");
    assert_eq!(statement["Resource"], arn("Events"));
    assert_eq!(
        statement["Condition"],
        json!({
            "ArnEquals": {"aws:SourceArn": {"Fn::Sub": "arn:${AWS::Partition}:s3:::${SourceBucket}"}},
            "StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}},
        })
    );
}

#[test]
fn a_bucket_that_is_made_here_notifies_the_queue_once_it_may_and_outlives_the_stack() {
    let source = resource("Source");
    assert_eq!((&source["Condition"], &source["DependsOn"]), (&json!("MakesBucket"), &json!("EventsPolicy")));
    assert_eq!(
        (&source["DeletionPolicy"], &source["UpdateReplacePolicy"]),
        (&json!("Retain"), &json!("Retain"))
    );
    let notification = &source["Properties"]["NotificationConfiguration"]["QueueConfigurations"];
    assert_eq!(notification, &json!([{"Event": "s3:ObjectCreated:*", "Queue": arn("Events")}]));
    assert_eq!(template()["Parameters"]["CreateSourceBucket"]["Default"], "false");
}

#[test]
fn the_function_may_take_from_its_queue_and_write_its_log() {
    let role = properties("Role");
    let [trust] = role["AssumeRolePolicyDocument"]["Statement"].as_array().unwrap().as_slice() else {
        panic!()
    };
    assert_eq!(trust["Principal"], json!({"Service": "lambda.amazonaws.com"}));
    assert!(role["ManagedPolicyArns"].is_null());
    let [policy, compare] = role["Policies"].as_array().unwrap().as_slice() else { panic!() };
    let allowed = |policy: &Value| -> Vec<(Value, Value)> {
        let statements = policy["PolicyDocument"]["Statement"].as_array().unwrap().iter();
        statements.map(|statement| (statement["Action"].clone(), statement["Resource"].clone())).collect()
    };
    let queue = json!(["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]);
    let log = json!(["logs:CreateLogStream", "logs:PutLogEvents"]);
    assert_eq!(allowed(policy), [(queue, arn("Events")), (log, arn("Logs"))]);
    // The source is read only where it can be compared.
    let compare = compare["Fn::If"].as_array().unwrap();
    assert_eq!(compare[0], "KnowsDestination");
    assert_eq!(compare[2], json!({"Ref": "AWS::NoValue"}));
    let bucket = "arn:${AWS::Partition}:s3:::${SourceBucket}";
    assert_eq!(
        allowed(&compare[1]),
        [
            (json!("s3:ListBucket"), json!({"Fn::Sub": bucket})),
            (json!("s3:GetObject"), json!({"Fn::Sub": format!("{bucket}/*")})),
        ]
    );
    assert_eq!(properties("Forwarder")["Role"], arn("Role"));
}

#[test]
fn the_function_is_what_build_sh_makes() {
    let function = properties("Forwarder");
    assert_eq!(
        (&function["Runtime"], &function["Handler"]),
        (&json!("provided.al2023"), &json!("bootstrap"))
    );
    assert_eq!(function["CodeUri"], "../../target/lambda/oms-bridge.zip");
    assert!(BUILD.contains("zip=$PWD/target/lambda/oms-bridge.zip") && BUILD.contains("\"$zip\" bootstrap"));
    assert_eq!(function["Architectures"], json!([{"Ref": "Architecture"}]));
    let architecture = &template()["Parameters"]["Architecture"];
    assert_eq!(architecture["AllowedValues"], json!(["arm64", "x86_64"]));
    assert!(BUILD.contains(&format!("${{1:-{}}}", architecture["Default"].as_str().unwrap())), "one default");
}

#[test]
fn schedules_send_again_what_failed_confirm_what_arrived_and_compare_both_sides() {
    let function = properties("Forwarder");
    for (name, rate, action) in [
        ("Replay", "rate(10 minutes)", "replay"),
        ("Confirm", "rate(5 minutes)", "confirm"),
        ("Reconcile", "rate(1 hour)", "reconcile"),
    ] {
        let schedule = &function["Events"][name];
        assert_eq!(schedule["Type"], "Schedule");
        assert_eq!(schedule["Properties"]["Schedule"], rate);
        let input: Value = serde_json::from_str(schedule["Properties"]["Input"].as_str().unwrap()).unwrap();
        assert!(input["triggerName"].is_string());
        let payload: Value = serde_json::from_str(input["payload"].as_str().unwrap()).unwrap();
        assert_eq!(payload, json!({"action": action}));
    }
}

#[test]
fn secrets_come_from_secrets_manager() {
    let function = properties("Forwarder");
    let variables = function["Environment"]["Variables"].as_object().unwrap();
    let mut secrets = 0;
    for (name, value) in variables {
        if ["_AK", "_SK", "_KEY_ID", "SECRET", "TOKEN"].iter().any(|part| name.contains(part)) {
            let reference = format!("{{{{resolve:secretsmanager:${{Secret}}:SecretString:{name}}}}}");
            let reference = json!({"Fn::Sub": reference});
            // What not every secret has is asked for only where a parameter says that it is there.
            let is_optional =
                !["HW_AK", "HW_SK", "OSS_ACCESS_KEY_ID", "OSS_ACCESS_KEY_SECRET"].contains(&&**name);
            let condition = if name.starts_with("DEST_") { "HasDestination" } else { "HasTokens" };
            let wanted = if is_optional { json!({"Fn::If": [condition, reference, ""]}) } else { reference };
            assert_eq!(value, &wanted, "{name}");
            secrets += 1;
        }
    }
    assert_eq!(secrets, 9);
    for key_id in ["LTAI", "AKIA", "ASIA"] {
        assert!(!TEMPLATE.contains(key_id), "an access key id: {key_id}");
    }
}
