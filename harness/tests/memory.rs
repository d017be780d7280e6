//! The API server in memory on its own: watches, their ends, lag, pages and faults. That it answers as the real
//! one does is a differential test beside the operator's, where the definitions are.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::pin::pin;
use std::sync::Arc;

use futures::StreamExt;
use harness::memory::{ApiServer, Fault, Harm};
use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::jiff::Timestamp;
use kube::api::{DeleteParams, ListParams, ObjectMeta, Patch, PatchParams, PostParams, WatchEvent, WatchParams};
use kube::{Api, ResourceExt};
use serde_json::json;

fn server() -> (ApiServer, Api<ConfigMap>) {
    let server = ApiServer::new(&[], Arc::new(Timestamp::now));
    let maps = Api::default_namespaced(server.client("test", None));
    (server, maps)
}

fn map(name: &str) -> ConfigMap {
    ConfigMap { metadata: ObjectMeta { name: Some(name.to_owned()), ..Default::default() }, ..Default::default() }
}

async fn create(maps: &Api<ConfigMap>, name: &str) -> String {
    maps.create(&PostParams::default(), &map(name)).await.unwrap().resource_version().unwrap()
}

async fn fill(maps: &Api<ConfigMap>, name: &str, value: &str) {
    let patch = Patch::Merge(json!({ "data": { "key": value } }));
    maps.patch(name, &PatchParams::default(), &patch).await.unwrap();
}

fn told(event: Option<kube::Result<WatchEvent<ConfigMap>>>) -> String {
    match event {
        Some(Ok(WatchEvent::Added(map))) => format!("added {}", map.name_any()),
        Some(Ok(WatchEvent::Modified(map))) => format!("modified {}", map.name_any()),
        Some(Ok(WatchEvent::Deleted(map))) => format!("deleted {}", map.name_any()),
        Some(Ok(WatchEvent::Bookmark(mark))) => format!("bookmark {}", mark.metadata.resource_version),
        Some(Ok(WatchEvent::Error(status))) => format!("error {}", status.code),
        Some(Err(error)) => format!("failed {error}"),
        None => "end".to_owned(),
    }
}

#[tokio::test(start_paused = true)]
async fn a_watch_tells_what_happens_after_its_version_and_ends_when_asked() {
    let (server, maps) = server();
    create(&maps, "a").await;
    let version = create(&maps, "b").await;
    let mut events = pin!(maps.watch(&WatchParams::default().timeout(60), &version).await.unwrap());
    create(&maps, "c").await;
    fill(&maps, "a", "1").await;
    fill(&maps, "a", "1").await;
    maps.delete("b", &DeleteParams::default()).await.unwrap();
    for expected in ["added c", "modified a", "deleted b"] {
        assert_eq!(told(events.next().await), expected, "a patch that changes nothing is no event");
    }
    assert_eq!(told(events.next().await), "end", "after the time that was asked for");

    let mut events = pin!(maps.watch(&WatchParams::default(), &version).await.unwrap());
    assert_eq!(told(events.next().await), "added c", "from the same version once more");
    server.drop_watches();
    let rest: Vec<String> = events.map(|event| told(Some(event))).collect().await;
    assert_eq!(rest, ["modified a".to_owned(), "deleted b".to_owned(), format!("bookmark {}", server.version())]);
}

#[tokio::test(start_paused = true)]
async fn a_forgotten_version_is_410_for_watches_there_are_and_to_come() {
    let (server, maps) = server();
    let version = create(&maps, "a").await;
    let mut events = pin!(maps.watch(&WatchParams::default(), &version).await.unwrap());
    create(&maps, "b").await;
    assert_eq!(told(events.next().await), "added b");
    server.compact();
    assert_eq!(told(events.next().await), "error 410");
    let refused = maps.watch(&WatchParams::default(), &version).await.err().map(|error| error.to_string());
    let refused = match refused {
        Some(refused) => refused,
        None => told(pin!(maps.watch(&WatchParams::default(), &version).await.unwrap()).next().await),
    };
    assert!(refused.contains("410") || refused.contains("too old"), "{refused}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_lags_shows_the_past_to_watches_and_lists_of_any_version() {
    let (server, maps) = server();
    let version = create(&maps, "a").await;
    let mut events = pin!(maps.watch(&WatchParams::default(), &version).await.unwrap());
    server.hold();
    create(&maps, "b").await;
    assert!(futures::FutureExt::now_or_never(events.next()).is_none());
    let any = ListParams::default().at("0").matching(kube::api::VersionMatch::NotOlderThan);
    assert_eq!(maps.list(&any).await.unwrap().items.len(), 1);
    assert_eq!(maps.list(&ListParams::default()).await.unwrap().items.len(), 2, "a consistent read");
    assert!(maps.get_opt("b").await.unwrap().is_some());
    server.release();
    assert_eq!(told(events.next().await), "added b");
}

#[tokio::test]
async fn lists_come_in_pages() {
    let (_, maps) = server();
    for name in ["a", "b", "c", "d", "e"] {
        create(&maps, name).await;
    }
    let (mut names, mut token) = (Vec::new(), None::<String>);
    loop {
        let page = ListParams { limit: Some(2), continue_token: token, ..ListParams::default() };
        let page = maps.list(&page).await.unwrap();
        assert!(page.items.len() <= 2);
        names.extend(page.items.iter().map(ResourceExt::name_any));
        token = page.metadata.continue_;
        if token.is_none() {
            break;
        }
    }
    assert_eq!(names, ["a", "b", "c", "d", "e"]);
}

#[tokio::test]
async fn faults_strike_as_often_as_they_say_with_effect_or_without() {
    let (server, maps) = server();
    for (harm, has_effect) in
        [(Harm::Refused(500), false), (Harm::Lost, false), (Harm::AnsweredWrongly(500), true), (Harm::AnswerLost, true)]
    {
        let name = format!("{harm:?}").to_lowercase().replace(['(', ')'], "-") + "x";
        server.inject(Fault {
            harm,
            writes: true,
            plural: Some("configmaps".to_owned()),
            spares: None,
            skip: 0,
            times: 1,
        });
        assert!(maps.get_opt(&name).await.unwrap().is_none(), "reads are not struck");
        assert!(maps.create(&PostParams::default(), &map(&name)).await.is_err(), "{harm:?}");
        assert_eq!(maps.get_opt(&name).await.unwrap().is_some(), has_effect, "{harm:?}");
        let again = maps.create(&PostParams::default(), &map(&name)).await;
        assert_eq!(again.is_err(), has_effect, "only once; {harm:?}");
    }
}

#[tokio::test]
async fn what_is_not_supported_is_refused_and_said_so() {
    let (_, maps) = server();
    create(&maps, "a").await;
    let refused = [
        maps.list(&ListParams::default().labels("a=b")).await.err(),
        maps.patch("a", &PatchParams::apply("test").force(), &Patch::Apply(map("a"))).await.err(),
        maps.patch("a", &PatchParams::default(), &Patch::Strategic(json!({}))).await.err(),
    ];
    for error in refused {
        let error = error.unwrap().to_string();
        assert!(error.contains("the api server in memory does not support"), "{error}");
    }
}
