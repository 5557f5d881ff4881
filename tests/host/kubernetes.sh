#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 120
# The manifest for Kubernetes is YAML, hangs together, is of this version, and asks for no more than
# README.md beside it explains. That it is enough is for vm/kubernetes to show.
set -uo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=tests/lib/tap.sh
. "$top/tests/lib/tap.sh"

/usr/bin/python3 -c 'import yaml' 2>/dev/null || skip_all "there is no python3-yaml; run: packaging/packages test"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
here=$top/packaging/kubernetes
cat >"$work/read.py" <<'END'
import json, sys, yaml

class Strict(yaml.SafeLoader):
    pass

def mapping(loader, node):
    keys = [loader.construct_object(k) for k, _ in node.value]
    if len(set(keys)) != len(keys):
        raise yaml.YAMLError(f"a key twice: {keys}")
    return yaml.SafeLoader.construct_mapping(loader, node, deep=True)

Strict.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, mapping)
with open(sys.argv[2], "w") as out:
    json.dump(list(yaml.load_all(open(sys.argv[1]), Strict)), out)
END
check "it is YAML, without a key twice" /usr/bin/python3 "$work/read.py" "$here/zeroscope.yaml" "$work/all.json"
# of FILTER: of the one object of that kind
of() {
	jq -r --arg kind "$1" ".[] | select(.kind == \$kind) | $2" "$work/all.json"
}
pod=.spec.template.spec
container="$pod.containers[0]"
expect_eq "its objects" "$(jq -r '[.[].kind] | sort | join(" ")' "$work/all.json")" \
	"DaemonSet Namespace NetworkPolicy ServiceAccount"
expect_eq "all of one namespace" \
	"$(jq -r '[.[] | if .kind == "Namespace" then .metadata.name else .metadata.namespace end] | unique | join(" ")' "$work/all.json")" \
	zeroscope
version=$(sed -n 's/^VERSION[[:space:]]*:= //p' "$top/Makefile")
expect_eq "the image is this version" "$(of DaemonSet "$container.image")" "zeroscope:$version"
for selector in "$(of DaemonSet .spec.selector.matchLabels)" "$(of NetworkPolicy .spec.podSelector.matchLabels)"; do
	expect_eq "what selects the pods is their label" "$(jq -cS . <<<"$selector")" \
		"$(of DaemonSet .spec.template.metadata.labels | jq -cS .)"
done
expect_eq "volumes are those that are mounted" "$(of DaemonSet "[$pod.volumes[].name] | sort | join(\" \")")" \
	"$(of DaemonSet "[$container.volumeMounts[].name] | sort | join(\" \")")"
expect_eq "each where the host has it" "$(of DaemonSet "[$pod.volumes[] | .hostPath.path] | sort | join(\" \")")" \
	"$(of DaemonSet "[$container.volumeMounts[].mountPath] | sort | join(\" \")")"
expect_eq "all of them read-only" "$(of DaemonSet "all($container.volumeMounts[]; .readOnly)")" true
security="$container.securityContext"
expect_eq "not privileged" "$(of DaemonSet "$security.privileged")" false
expect_eq "and no way to become so" "$(of DaemonSet "$security.allowPrivilegeEscalation")" false
expect_eq "on a root that is read-only" "$(of DaemonSet "$security.readOnlyRootFilesystem")" true
expect_eq "without the usual capabilities" "$(of DaemonSet "$security.capabilities.drop | join(\" \")")" ALL
for word in $(of DaemonSet "$security.capabilities.add[], $container.volumeMounts[].mountPath"); do
	check "README.md says what $word is for" grep -q "^|.*\`$word\`.*|" "$here/README.md"
done
port=$(sed -n 's/.*SERVE_DEFAULT_PORT[^"]*"\([0-9]*\)".*/\1/p' "$top"/user/*.h)
expect_eq "the port is the usual one" "$(of DaemonSet "$container.ports[0].containerPort")" "$port"
expect_eq "it is the one let in" "$(of NetworkPolicy '.spec.ingress[0].ports[0].port')" "$port"
expect_match "and the one listened on" "$(of DaemonSet "$container.args[]")" "^--web.listen-address=:$port\$"
while IFS= read -r option; do
	check "serve knows $option" grep -q -- "^ *.*$option" <("$top/build/zeroscope" serve --help)
done < <(of DaemonSet "$container.args[] | split(\"=\")[0]")
finished
