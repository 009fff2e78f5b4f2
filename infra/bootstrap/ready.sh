# shellcheck shell=bash
# Runs on the control plane at the end: the stack is up when every node is Ready, with flannel and cluster DNS.
# Set: NODE_NAMES (separated by blanks)

ready() {
  step "waiting for every node to be Ready"
  every_node_is_ready || die "$(missing_nodes)" "sudo kubectl --kubeconfig=/etc/kubernetes/admin.conf describe nodes"
  step "waiting for flannel and cluster DNS"
  rolled_out kube-flannel daemonset/kube-flannel-ds
  rolled_out kube-system deployment/coredns
}

cluster() {
  kubectl --kubeconfig=/etc/kubernetes/admin.conf "$@"
}

every_node_is_ready() {
  local name
  local -a nodes=()
  for name in $NODE_NAMES; do nodes+=("node/$name"); done
  wait_until 60 "the nodes to register ($NODE_NAMES)" cluster get "${nodes[@]}"
  cluster wait --for=condition=Ready --timeout=240s "${nodes[@]}"
}

# The kubelet's own words for why a node is not Ready.
missing_nodes() {
  local format='{range .items[*]}{.metadata.name}{" "}{range .status.conditions[?(@.type=="Ready")]}{.status}{" "}{.message}{end}{"\n"}{end}'
  printf 'not every node is Ready after 240 s: '
  cluster get nodes -o "jsonpath=$format" | grep -v '^[^ ]* True ' | paste -sd ';' - || true
}

# rolled_out NAMESPACE WORKLOAD
rolled_out() {
  cluster -n "$1" rollout status "$2" --timeout=180s ||
    die "$2 is not ready after 180 s: $(unready_pods)" "sudo kubectl --kubeconfig=/etc/kubernetes/admin.conf -n $1 describe pods"
}

# Every pod of which a container is not ready, with the word kubectl has for it: what is stuck may only be waiting for another.
unready_pods() {
  cluster get pods -A --no-headers -o wide |
    awk '{ split($3, ready, "/"); if (ready[1] != ready[2]) print $1 "/" $2 " " $4 }' | paste -sd ';' - || true
}
