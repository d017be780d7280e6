# make tools   builds etcd, kube-apiserver, kubectl, helm and helm3 once per machine; last line: their folder
# make demo    a whole story on this machine in under a minute; KEEP=1 leaves it running
# make test    all tests
# make soak    half an hour with 2,000 objects; SOAK_MINUTES and SOAK_OBJECTS for others
# make bench   what the operator costs, in ten minutes; BENCH=full for everything (docs/performance.md)
# make alerts  the alerts with Prometheus' own promtool, built once per machine
# make image   the operator's image, by docker or buildah (docs/image.md)
# make e2e     the image and the chart on two nodes that this machine plays; root on Linux (docs/image.md)
# make lint    format, clippy, generated files, chart
# make crds    writes crds/ anew
# make chart-scan  the chart by schemas of the oldest and newest Kubernetes and by a policy scanner; three minutes
# make pages   writes docs/kubectl-connect/ anew

CARGO ?= cargo
.PHONY: tools demo test soak bench alerts image e2e lint crds chart-scan pages

tools:
	@tools/build.sh

demo:
	@tools/build.sh >/dev/null
	$(CARGO) build --locked --workspace --bins
	@KEEP=$(KEEP) $(CARGO) run --locked --quiet -p harness --bin demo

test:
	@tools/build.sh >/dev/null
	$(CARGO) test --locked --workspace

soak:
	@tools/build.sh >/dev/null
	$(CARGO) test --locked --test it soak:: -- --ignored --nocapture

bench:
	@tools/build.sh >/dev/null
	BENCH=$(BENCH) $(CARGO) bench --locked --bench bench

alerts:
	@tools/build.sh >/dev/null
	PROMTOOL="$$(tools/optional/promtool.sh)" $(CARGO) test --locked --test it -- observability::

image:
	@tools/image/build.sh

e2e:
	@KEEP=$(KEEP) tools/e2e/run.sh

lint:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings
	@# With the features of the tests, so that what they have built is used: `cargo run` would build all dependencies anew.
	$(CARGO) test --locked --workspace --quiet --test it -- \
	  crd::crds_holds_exactly_what_the_program_prints \
	  chart::its_definitions_are_the_generated_ones_and_stay_when_it_goes
	"$$(tools/build.sh 2>/dev/null | tail -n 1)/helm" lint --strict charts/connect-user-operator

crds:
	$(CARGO) run --locked --quiet -- crd > crds/contactops.dev.yaml
	cp crds/contactops.dev.yaml charts/connect-user-operator/files/crds.yaml

chart-scan:
	@tools/scan/run.sh

pages:
	$(CARGO) run --locked --quiet --bin kubectl-connect -- pages docs/kubectl-connect
