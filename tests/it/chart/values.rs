//! Values: a mistake is refused before anything is installed, and what is taken reaches the program.

use std::process::Command;

use k8s_openapi::api::apps::v1::Deployment;
use serde_json::{Value, json};

use super::helm::{CHART, of_kind, template};
use crate::support::blessed;

const ARN: &str = "connectInstances.emea.instanceArn=arn:aws:connect:eu-west-1:111122223333:instance/11111111-1111-4111-8111-111111111111";

#[test]
fn mistakes_in_values_are_refused() {
    for (values, said) in [
        (vec!["operator.clusterNam=prod"], "clusterNam"),
        (vec!["operator.tenancy=closed"], "tenancy"),
        (vec!["operator.sweepInterval=5 minutes"], "sweepInterval"),
        (vec!["image.digest=latest"], "digest"),
        (vec!["replicas=2"], "leaderElection.enabled"),
        (vec!["leaderElection.retryPeriod=often"], "retryPeriod"),
        (vec!["extraEnv[0].name=RUST_LOG", "extraEnv[0].value=trace"], "operator.logLevel"),
        (vec!["extraEnv[0].name=A", "extraEnv[1].name=A"], "twice"),
        (vec!["rbac.generatePasswords=true", "rbac.readSecrets=false"], "readSecrets"),
        (vec!["serviceAccount.create=false"], "serviceAccount.name"),
        (vec!["metrics.serviceMonitor.enabled=true", "metrics.service.enabled=false"], "podMonitor"),
        (vec!["podDisruptionBudget.maxUnavailable=0"], "maxUnavailable"),
        (vec!["uninstallGuard.within=soon"], "within"),
        (vec!["serviceAccount.annotation.a=b"], "annotation"),
        (vec!["commonLabels.team=a", "podLabels.team=b"], "podLabels"),
        (vec![r"commonLabels.app\.kubernetes\.io/name=other"], "commonLabels"),
        (vec![r#"json:topologySpreadConstraints=[{"maxSkew":1}]"#], "topologyKey"),
        (vec![ARN, "connectInstances.emea.allowedNamespace={emea}"], "allowedNamespace"),
        (vec![ARN, "connectInstances.emea.assumeRole.roleArnn=x"], "roleArnn"),
        (vec!["connectInstances.emea.allowedNamespaces={emea}"], "instanceArn"),
    ] {
        let error = template(&values).expect_err(&values.join(" "));
        assert!(error.contains(said), "{values:?}: {error}");
    }
}

/// Its container must take the arguments that the chart gives.
#[test]
fn the_program_takes_the_arguments() {
    let documents = template(&[
        "operator.clusterName=prod",
        "operator.watchNamespaces={emea,apac}",
        "operator.rateLimits={CreateUser=4/10,*=2}",
        "json:operator.quotaShare=0.5",
        "json:operator.watchSelector=\"shard in (a, b)\"",
        "operator.readOnly=true",
        "leaderElection.enabled=true",
        "replicas=2",
    ])
    .unwrap();
    let deployment: Deployment = serde_json::from_value(of_kind(&documents, "Deployment")[0].clone()).unwrap();
    let spec = deployment.spec.unwrap();
    assert_eq!((spec.replicas, spec.strategy.unwrap().type_.as_deref()), (Some(2), Some("RollingUpdate")));
    let pod = spec.template.spec.unwrap();
    let arguments = pod.containers[0].args.clone().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_connect-user-operator"))
        .args(&arguments)
        .env("KUBECONFIG", "/nonexistent")
        .env_remove("KUBERNETES_SERVICE_HOST")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    // It comes as far as to look for a cluster.
    assert!(!said.contains("Usage:") && !said.contains("error: "), "{arguments:?}: {said}");
    assert!(said.contains("starting"), "{said}");
}

/// A schema of Kubernetes as one of JSON, which takes no name that is not in it.
fn strict(schema: &Value) -> Value {
    let mut made = serde_json::Map::new();
    let has_members = schema.get("properties").is_some();
    for (key, value) in schema.as_object().unwrap() {
        let value = match key.as_str() {
            "description" | "default" => continue,
            extension if extension.starts_with("x-kubernetes-") => continue,
            "properties" => value.as_object().unwrap().iter().map(|(name, of)| (name.clone(), strict(of))).collect(),
            "items" | "additionalProperties" => strict(value),
            _ => value.clone(),
        };
        made.insert(key.clone(), value);
    }
    if has_members {
        made.insert("additionalProperties".to_owned(), json!(false));
    }
    Value::Object(made)
}

/// A ConnectInstance in the values is checked as far as JSON Schema goes; the API server does the rest.
#[test]
fn the_schema_of_connect_instances_is_that_of_the_definition() {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/crds/contactops.dev.yaml")).unwrap();
    let definitions: Vec<Value> = serde_saphyr::from_multiple(&text).unwrap();
    let instance = definitions.iter().find(|of| of["spec"]["names"]["kind"] == "ConnectInstance").unwrap();
    let spec = &instance["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"];
    let path = format!("{CHART}/values.schema.json");
    let text = std::fs::read_to_string(&path).unwrap();
    let made = json!({ "type": "object", "additionalProperties": strict(spec) });
    let made = serde_json::to_string_pretty(&made).unwrap().replace('\n', "\n    ");
    // Only this member: the others are written by hand.
    let (before, rest) = text.split_once("\n    \"connectInstances\": ").unwrap();
    let (_, after) = rest.split_once("\n    },\n").unwrap();
    blessed(path.as_ref(), &format!("{before}\n    \"connectInstances\": {made},\n{after}"));
}

/// Every value has its place in the schema, and the other way round: no value is without a default to read of.
#[test]
fn values_and_schema_have_the_same_names() {
    fn names(prefix: &str, values: &Value, schema: &Value, wrong: &mut Vec<String>) {
        let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return };
        // What people may add by a name, such as changes of an alert.
        let is_open = values.as_object().is_some_and(serde_json::Map::is_empty);
        for name in properties.keys().filter(|_| !is_open).filter(|name| values.get(name.as_str()).is_none()) {
            wrong.push(format!("{prefix}{name} is in the schema only"));
        }
        for (name, value) in values.as_object().into_iter().flatten() {
            match properties.get(name) {
                Some(schema) => names(&format!("{prefix}{name}."), value, schema, wrong),
                None => wrong.push(format!("{prefix}{name} is in the values only")),
            }
        }
    }
    let read = |name: &str| std::fs::read_to_string(format!("{CHART}/{name}")).unwrap();
    let values: Value = serde_saphyr::from_str(&read("values.yaml")).unwrap();
    let schema: Value = serde_json::from_str(&read("values.schema.json")).unwrap();
    let mut wrong = Vec::new();
    names("", &values, &schema, &mut wrong);
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Whoever installs by the chart reaches every flag by a value of its own.
#[test]
fn every_flag_has_its_value() {
    let help = Command::new(env!("CARGO_BIN_EXE_connect-user-operator")).args(["run", "--help"]).output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let words = help.lines().filter_map(|line| line.split_whitespace().find(|word| word.starts_with("--")));
    let flags: Vec<&str> = words.filter(|word| !["--help", "--version"].contains(word)).collect();
    assert!(flags.len() > 10, "{flags:?}");
    let everything = template(&[&format!("file:{CHART}/ci/everything-values.yaml")]).unwrap();
    let container = &of_kind(&everything, "Deployment")[0]["spec"]["template"]["spec"]["containers"][0];
    let given: Vec<&str> = container["args"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    for flag in flags {
        let is_given = given.iter().any(|argument| argument.split('=').next() == Some(flag));
        assert!(is_given, "{flag} is set by no value: {given:?}");
    }
}
