//! The chart is installed with two replicas.

use std::time::Instant;

use harness::tell::story::{Failure, Story};

use crate::world::{NAMESPACE, RELEASE, World, until};

/// The chart, and values that this cluster needs.
pub(super) const CHART: [&str; 5] =
    ["charts/connect-user-operator", "--values", "tools/e2e/values.yaml", "--wait", "--timeout=2m"];

pub(super) async fn chart(world: &World, story: &mut Story) -> Result<(), Failure> {
    story.chapter("The chart is installed: two replicas of the image, in a namespace that admits restricted Pods only");
    let since = Instant::now();
    world.kubectl.show_ok(story, &["create", "namespace", NAMESPACE]).await?;
    let restricted = "pod-security.kubernetes.io/enforce=restricted";
    world.kubectl.show_ok(story, &["label", "namespace", NAMESPACE, restricted]).await?;
    let endpoint = format!("aws.endpointUrlConnect={}", world.amazon.url());
    let arguments = [&["install", RELEASE, "-n", NAMESPACE], &CHART[..], &["--set", &endpoint]].concat();
    world.helm.show_ok(story, &arguments).await?;
    let pods = until("two Pods are Ready", 60, async || world.ready_pods(2).await).await?;
    story.fact(&format!("two Pods are Ready: {}", names(&pods)), since);

    let since = Instant::now();
    let leader = until("one of them leads", 40, async || world.leader().await).await?;
    story.fact(&format!("{leader} leads"), since);

    let since = Instant::now();
    let wide = ["get", "pods", "-n", NAMESPACE, "-o"];
    world.kubectl.show_ok(story, &[&wide[..], &["wide"]].concat()).await?;
    world.helm.show_ok(story, &["test", RELEASE, "-n", NAMESPACE]).await?;
    story.fact("`helm test` reads /readyz and /metrics through the Service, by its name", since);
    Ok(())
}

/// Pods and their nodes in a sentence.
pub(super) fn names(pods: &[(String, String)]) -> String {
    pods.iter().map(|(pod, node)| format!("{pod} on {node}")).collect::<Vec<_>>().join(", ")
}
