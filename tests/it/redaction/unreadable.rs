//! An object that the operator cannot read, because of a definition that lets more in: serde's errors repeat values.

use connect_user_operator::resource::user::ConnectUser;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::Api;
use kube::api::{DynamicObject, PostParams};
use kube::core::ApiResource;
use serde_json::{Value, json};

use super::search::find;
use super::{ALL, DESK, EMAIL, LAST, MOBILE, TRACE, sentinel};
use crate::support::{Cluster, Options, Stage};

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_cannot_be_read_is_not_repeated() {
    let cluster: &'static Cluster = Box::leak(Box::new(Cluster::start("it-redaction").await));
    let definitions: Api<CustomResourceDefinition> = Api::all(cluster.client().await);
    let name = "connectusers.contactops.dev";
    let mut open = serde_json::to_value(definitions.get(name).await.unwrap()).unwrap();
    let spec = open.pointer_mut("/spec/versions/0/schema/openAPIV3Schema/properties/spec").unwrap();
    *spec = json!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true, "properties": { "username": { "type": "string" } } });
    open["metadata"]["managedFields"] = Value::Null;
    let open: CustomResourceDefinition = serde_json::from_value(open).unwrap();
    definitions.replace(name, &PostParams::default(), &open).await.unwrap();

    let stage = Stage::on(cluster, "unreadable", Options { rust_log: TRACE, ..Options::default() }).await;
    let raw: Api<DynamicObject> =
        Api::namespaced_with(stage.client.clone(), &stage.namespace, &ApiResource::erase::<ConnectUser>(&()));
    let ways = [
        ("text", "/identityInfo", json!(LAST)),
        ("list", "/identityInfo/email", json!([EMAIL])),
        ("number", "/identityInfo/mobile", json!(4_915_198_765_432_i64)),
        ("phone", "/phoneConfig/phoneType", json!(DESK)),
        ("channel", "/phoneNumberConfigs", json!([{ "channel": MOBILE, "phoneType": "DESK_PHONE" }])),
        ("tags", "/tags", json!(EMAIL)),
        ("secret", "/passwordSecretRef", json!(super::PASSWORD)),
        ("policy", "/deletionPolicy", json!("Archive")),
    ];
    for (name, field, value) in &ways {
        let mut object = sentinel(name, name);
        let (parent, member) = field.rsplit_once('/').unwrap();
        object["spec"].pointer_mut(parent).unwrap()[member] = value.clone();
        let object: DynamicObject = serde_json::from_value(object).unwrap();
        let made = stage.eventually(|| async { raw.create(&PostParams::default(), &object).await.ok() }).await;
        assert!(made.is_some(), "{name}");
    }
    let mut said = Vec::new();
    for (name, field, _) in &ways {
        let told = || async {
            let status = raw.get(name).await.unwrap().data["status"].clone();
            status.to_string().contains("InvalidSpec").then_some(status)
        };
        let status = stage.eventually(told).await.unwrap_or_else(|| panic!("{name} is not told")).to_string();
        let member = field.split('/').nth(1).unwrap();
        assert!(status.contains(&format!("field spec.{member}")), "the field is named: {status}");
        said.push(status);
    }
    assert!(said.last().unwrap().contains("Archive"), "what is not personal is shown: {said:?}");
    said.push(stage.operator_log());
    said.push(stage.get_from_operator("/metrics").await);
    let said = said.join("\n");
    assert_eq!(find(&said, &ALL), None);
    assert_eq!(find(&said, &["4915198765432"]), None);
    assert!(stage.written().is_empty());
}
