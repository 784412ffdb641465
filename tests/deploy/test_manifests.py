"""The Kubernetes objects: valid to the letter, and keeping every promise of deploy/README.md."""

import kubernetes_validate
import pytest

SCHEMA = "1.32"
MODALITIES = {"text", "image", "audio", "video", "point-cloud"}
# What the network around a pod, and the ingress before it, stand for.
ALLOWED = {"ONESPACE_ALLOW_PLAINTEXT", "ONESPACE_ALLOW_ANONYMOUS"}
ENCODERS = MODALITIES | {"speech"}
DEPLOYMENTS = {"gateway"} | {f"encoder-{m}" for m in ENCODERS}
VIDEO_DRAIN = 130
DRAIN = 45


def pod(workload: dict) -> dict:
    return workload["spec"]["template"]["spec"]


def labels(workload: dict) -> dict:
    return workload["spec"]["template"]["metadata"]["labels"]


def selected(selector: dict, workloads: dict[str, dict]) -> set[str]:
    """The names of the workloads whose pods a selector means."""

    def means(found: dict) -> bool:
        return all(found.get(k) == v for k, v in selector.get("matchLabels", {}).items()) and all(
            e["operator"] == "In" and found.get(e["key"]) in e["values"] for e in selector.get("matchExpressions", [])
        )

    return {name for name, workload in workloads.items() if means(labels(workload))}


def milli(cpu: str) -> int:
    return int(cpu[:-1]) if cpu.endswith("m") else int(cpu) * 1000


def mebi(memory: str) -> int:
    return int(memory[:-2]) * {"Mi": 1, "Gi": 1024}[memory[-2:]]


# ---------------------------------------------------------------- the letter


def test_every_object_fits_its_schema_strictly(objects):
    for made in objects.all:
        kubernetes_validate.validate(made, SCHEMA, strict=True)


def test_everything_lives_in_one_namespace_that_enforces_the_restricted_profile(objects):
    (namespace,) = objects.of("Namespace").values()
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    for made in objects.all:
        if made["kind"] != "Namespace":
            assert made["metadata"]["namespace"] == namespace["metadata"]["name"], made["metadata"]["name"]


def test_the_services_are_the_gateway_and_one_encoder_a_modality(objects):
    assert set(objects.of("Deployment")) == DEPLOYMENTS
    assert set(objects.of("StatefulSet")) == {"qdrant"}


def test_no_secret_is_shipped(objects):
    assert not objects.of("Secret")
    for workload in objects.workloads().values():
        for container in pod(workload)["containers"]:
            for variable in container.get("env", []):
                if variable["name"].endswith("API_KEY"):
                    assert set(variable) == {"name", "valueFrom"}
                    assert "secretKeyRef" in variable["valueFrom"]


# ---------------------------------------------------------------- pods


def test_no_pod_has_more_rights_than_it_needs(objects):
    for name, workload in objects.workloads().items():
        spec = pod(workload)
        assert spec["automountServiceAccountToken"] is False, name
        assert spec["securityContext"]["runAsNonRoot"] is True, name
        assert spec["securityContext"]["runAsUser"] > 0, name
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert not any(spec.get(key) for key in ("hostNetwork", "hostPID", "hostIPC")), name
        assert not any("hostPath" in volume for volume in spec["volumes"]), name
        for container in spec["containers"]:
            context = container["securityContext"]
            assert context["readOnlyRootFilesystem"] is True, name
            assert context["allowPrivilegeEscalation"] is False, name
            assert context["capabilities"] == {"drop": ["ALL"]}, name


def test_every_container_says_what_it_asks_for_and_what_it_may_have(objects):
    for name, workload in objects.workloads().items():
        for container in pod(workload)["containers"]:
            asks, may = container["resources"]["requests"], container["resources"]["limits"]
            assert milli(asks["cpu"]) <= milli(may["cpu"]), name
            assert mebi(asks["memory"]) <= mebi(may["memory"]), name


def test_every_image_is_pinned(objects):
    for name, workload in objects.workloads().items():
        for container in pod(workload)["containers"]:
            tag = container["image"].rsplit("/", 1)[-1].partition(":")[2]
            assert tag and tag != "latest", f"{name}: {container['image']}"


def test_only_what_decodes_videos_carries_ffmpeg(objects):
    images = {name: pod(d)["containers"][0]["image"].split(":")[0] for name, d in objects.of("Deployment").items()}
    expected = {f"encoder-{m}": "onespace/encoder" for m in MODALITIES - {"video"}}
    expected |= {"encoder-video": "onespace/encoder-video", "encoder-speech": "onespace/transcriber"}
    assert images == expected | {"gateway": "onespace/gateway"}


def test_replicas_are_spread_over_zones_and_nodes(objects):
    for name, deployment in objects.of("Deployment").items():
        spread = pod(deployment)["topologySpreadConstraints"]
        assert {s["topologyKey"] for s in spread} == {"topology.kubernetes.io/zone", "kubernetes.io/hostname"}
        for constraint in spread:
            assert selected(constraint["labelSelector"], objects.workloads()) == {name}


# ---------------------------------------------------------------- health and drain


@pytest.mark.parametrize("probe", ["startupProbe", "readinessProbe", "livenessProbe"])
def test_every_service_of_ours_is_probed_over_grpc(objects, probe):
    for name, deployment in objects.of("Deployment").items():
        (container,) = pod(deployment)["containers"]
        ports = {p["name"]: p["containerPort"] for p in container["ports"]}
        assert container[probe]["grpc"]["port"] == ports["grpc"], name


def test_startup_may_take_five_minutes_and_a_dead_process_is_noticed_within_thirty_seconds(objects):
    for name, deployment in objects.of("Deployment").items():
        (container,) = pod(deployment)["containers"]
        startup, liveness = container["startupProbe"], container["livenessProbe"]
        assert startup["periodSeconds"] * startup["failureThreshold"] == 300, name
        assert liveness["periodSeconds"] * liveness["failureThreshold"] <= 30, name


def test_liveness_and_readiness_ask_different_questions(objects):
    for name, deployment in objects.of("Deployment").items():
        (container,) = pod(deployment)["containers"]
        asked = {p: container[p]["grpc"].get("service", "") for p in ("readinessProbe", "livenessProbe")}
        assert asked["readinessProbe"] != asked["livenessProbe"], name


def test_a_rollout_takes_nothing_away_and_waits_for_what_is_running(objects):
    for name, deployment in objects.of("Deployment").items():
        assert deployment["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0, name
        (container,) = pod(deployment)["containers"]
        assert container["lifecycle"]["preStop"]["exec"]["command"] == ["sleep", "5"], name
        slow = name in ("encoder-video", "gateway")
        assert pod(deployment)["terminationGracePeriodSeconds"] == (VIDEO_DRAIN if slow else DRAIN), name


# ---------------------------------------------------------------- scaling


def test_each_deployment_has_its_own_autoscaler(objects):
    scaled = {}
    for scaler in objects.of("HorizontalPodAutoscaler").values():
        assert scaler["apiVersion"] == "autoscaling/v2"
        target = scaler["spec"]["scaleTargetRef"]
        assert target["kind"] == "Deployment"
        scaled[target["name"]] = scaler["spec"]
    assert set(scaled) == DEPLOYMENTS
    for name, spec in scaled.items():
        assert 1 <= spec["minReplicas"] < spec["maxReplicas"], name
        assert "replicas" not in objects.of("Deployment")[name]["spec"], f"{name}: the autoscaler's number would be reset"


def test_each_workload_has_its_own_disruption_budget_that_lets_a_node_drain(objects):
    covered = []
    for budget in objects.of("PodDisruptionBudget").values():
        covered += selected(budget["spec"]["selector"], objects.workloads())
        assert budget["spec"]["maxUnavailable"] == 1
    assert sorted(covered) == sorted(objects.workloads())


def test_production_survives_the_loss_of_one_of_anything(production):
    assert all(s["spec"]["minReplicas"] >= 3 for s in production.of("HorizontalPodAutoscaler").values())
    qdrant = production.of("StatefulSet")["qdrant"]
    assert qdrant["spec"]["replicas"] == 3
    environment = {v["name"]: v.get("value") for v in pod(qdrant)["containers"][0]["env"]}
    assert environment["QDRANT__CLUSTER__ENABLED"] == "true"
    assert environment["QDRANT__STORAGE__COLLECTION__REPLICATION_FACTOR"] == "2"
    assert "QDRANT__SERVICE__API_KEY" in environment, "the patch dropped what the base had set"
    (apart,) = pod(qdrant)["affinity"]["podAntiAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    assert selected(apart["labelSelector"], production.workloads()) == {"qdrant"}


def test_a_laptop_holds_the_small_cluster(laptop):
    cpu, memory = 0, 0
    for workload in laptop.workloads().values():
        for container in pod(workload)["containers"]:
            cpu += milli(container["resources"]["requests"]["cpu"])
            memory += mebi(container["resources"]["requests"]["memory"])
    assert cpu <= 500 and memory <= 1024


# ---------------------------------------------------------------- the network


def test_each_service_means_exactly_one_workload_and_a_port_it_has(objects):
    expected = {name: name for name in DEPLOYMENTS} | {"qdrant": "qdrant", "qdrant-nodes": "qdrant"}
    assert set(objects.of("Service")) == set(expected)
    for name, service in objects.of("Service").items():
        assert selected({"matchLabels": service["spec"]["selector"]}, objects.workloads()) == {expected[name]}
        ports = {p["name"] for p in pod(objects.workloads()[expected[name]])["containers"][0]["ports"]}
        assert {p["targetPort"] for p in service["spec"]["ports"]} <= ports


def test_encoders_resolve_to_their_replicas(objects):
    for modality in ENCODERS:
        assert objects.of("Service")[f"encoder-{modality}"]["spec"]["clusterIP"] == "None"


def test_the_gateway_is_told_of_every_encoder_and_of_the_store(objects):
    (container,) = pod(objects.of("Deployment")["gateway"])["containers"]
    environment = {v["name"]: v.get("value") for v in container["env"]}
    towers = dict(pair.split("=", 1) for pair in environment["ONESPACE_ENCODER"].split(","))
    assert towers == {m.replace("-", "_"): f"http://encoder-{m}:50051" for m in MODALITIES}
    assert environment["ONESPACE_TRANSCRIBER"] == "http://encoder-speech:50051"
    assert environment["ONESPACE_QDRANT"] == "http://qdrant:6334"


def test_each_encoder_is_told_its_modality(objects):
    for modality in MODALITIES:
        deployment = objects.of("Deployment")[f"encoder-{modality}"]
        assert labels(deployment)["onespace/modality"] == modality
        variable = next(v for v in pod(deployment)["containers"][0]["env"] if v["name"] == "ONESPACE_MODALITY")
        assert variable["valueFrom"]["fieldRef"]["fieldPath"] == "metadata.labels['onespace/modality']"
    (container,) = pod(objects.of("Deployment")["encoder-speech"])["containers"]
    assert container["args"] == ["transcriber"]
    assert {v["name"] for v in container["env"]} == ALLOWED, "its image says where the transcriber is"


def test_every_server_says_that_the_network_guards_it(objects):
    """Without these words it refuses to listen beyond its own machine in plaintext."""
    for name, deployment in objects.of("Deployment").items():
        environment = {v["name"]: v.get("value") for v in pod(deployment)["containers"][0]["env"]}
        assert {environment.get(name) for name in ALLOWED} == {"true"}, name


def edges(objects) -> set[tuple[str, str, object]]:
    """Who may reach whom on which port, as both ends allow it. `*`: anyone."""
    workloads = objects.workloads()
    leaving, entering = set(), set()
    for policy in objects.of("NetworkPolicy").values():
        here = selected(policy["spec"]["podSelector"], workloads)
        for direction, key in (("egress", "to"), ("ingress", "from")):
            for rule in policy["spec"].get(direction, []):
                there = {"*"} if key not in rule else set()
                for peer in rule.get(key, []):
                    if "namespaceSelector" not in peer:
                        there |= selected(peer["podSelector"], workloads)
                for a in here:
                    for b in there:
                        for port in rule["ports"]:
                            number = number_of(port["port"], workloads[a if direction == "ingress" else b])
                            (leaving if direction == "egress" else entering).add(
                                (a, b, number) if direction == "egress" else (b, a, number)
                            )
    return {edge for edge in entering if edge[0] == "*" or edge in leaving}


def number_of(port: int | str, workload: dict) -> int:
    named = {p["name"]: p["containerPort"] for p in pod(workload)["containers"][0]["ports"]}
    return port if isinstance(port, int) else named[port]


def test_nothing_is_reachable_that_need_not_be(objects):
    deny = objects.of("NetworkPolicy")["deny-all"]["spec"]
    assert deny == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    assert edges(objects) == {
        ("*", "gateway", 50051),
        ("*", "gateway", 8080),
        ("gateway", "qdrant", 6334),
        ("qdrant", "qdrant", 6335),
    } | {("gateway", f"encoder-{m}", 50051) for m in ENCODERS}


def test_an_encoder_reaches_nothing(objects):
    for policy in objects.of("NetworkPolicy").values():
        for name in selected(policy["spec"]["podSelector"], objects.of("Deployment")):
            if name.startswith("encoder-"):
                assert not policy["spec"].get("egress"), policy["metadata"]["name"]


# ---------------------------------------------------------------- without anything in front


def environment(workload: dict) -> dict[str, str | None]:
    return {v["name"]: v.get("value") for v in pod(workload)["containers"][0]["env"]}


def test_secured_is_production_with_tls_and_keys(secured, production):
    for made in secured.all:
        kubernetes_validate.validate(made, SCHEMA, strict=True)
    names = [[(made["kind"], made["metadata"]["name"]) for made in objects.all] for objects in (secured, production)]
    assert names[0] == names[1]
    assert edges(secured) == edges(production)
    for name, deployment in secured.of("Deployment").items():
        found = environment(deployment)
        assert not ALLOWED & set(found), f"{name} listens in plaintext or to anybody"
        assert {"ONESPACE_TLS_CERT", "ONESPACE_TLS_KEY"} <= set(found), name
        assert ("ONESPACE_KEYS" if name == "gateway" else "ONESPACE_TLS_CLIENT_CA") in found, name


def test_secured_gateway_and_encoders_show_each_other_certificates(secured):
    gateway = environment(secured.of("Deployment")["gateway"])
    assert {"ONESPACE_ENCODER_CA", "ONESPACE_ENCODER_CERT", "ONESPACE_ENCODER_KEY"} <= set(gateway)
    towers = dict(pair.split("=", 1) for pair in gateway["ONESPACE_ENCODER"].split(","))
    assert towers == {m.replace("-", "_"): f"https://encoder-{m}:50051" for m in MODALITIES}
    assert gateway["ONESPACE_TRANSCRIBER"] == "https://encoder-speech:50051"
    assert gateway["ONESPACE_QDRANT"] == "http://qdrant:6334", "the patch dropped what the base had set"


def test_secured_files_are_mounted_where_the_variables_say(secured):
    for name, deployment in secured.of("Deployment").items():
        (container,) = pod(deployment)["containers"]
        mounted = {m["mountPath"]: m["name"] for m in container["volumeMounts"]}
        secrets = {v["name"] for v in pod(deployment)["volumes"] if "secret" in v}
        files = [value for value in environment(deployment).values() if value and value.startswith("/secrets/")]
        assert files, name
        for file in files:
            assert mounted[file.rpartition("/")[0]] in secrets, f"{name}: {file}"


def test_secured_probes_speak_tls(secured):
    for name, deployment in secured.of("Deployment").items():
        (container,) = pod(deployment)["containers"]
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            assert "grpc" not in container[probe], f"{name}: Kubernetes' gRPC probes speak no TLS"
            if name == "gateway":
                assert container[probe]["httpGet"]["scheme"] == "HTTPS"
            else:
                assert container[probe]["exec"]["command"][:2] == ["/usr/local/bin/onespace", "health"]
                assert environment(deployment)["ONESPACE_ENDPOINT"] == "https://localhost:50051"
