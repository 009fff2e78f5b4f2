# shellcheck shell=bash
# Lets the prepared machine join the cluster as soon as the API server takes it.
# Set: CONTROL_PLANE_ADDRESS TOKEN_ID CA_CERTIFICATE KUBEADM_CONFIG

AUTHORITY=$RUN_DIR/ca.crt
JOIN_FILE=$RUN_DIR/join.yaml
KUBELET_CONFIG=/etc/kubernetes/kubelet.conf
API=https://$CONTROL_PLANE_ADDRESS:6443

worker() {
  write_file 0644 "$AUTHORITY" "$CA_CERTIFICATE"
  step "waiting for the API server"
  wait_for_api_server
  if is_member; then
    step "is a member already"
    systemctl start kubelet
    return
  fi
  step "joining the cluster"
  write_file 0600 "$JOIN_FILE" "$KUBEADM_CONFIG"
  wait_until 150 "kubeadm join to succeed (see $LOG)" join
  rm -f "$JOIN_FILE"
}

# The cluster's information is signed for this token some seconds after the API server answers; kubeadm join alone would notice
# up to five seconds later than this does.
cluster_info_is_signed() {
  curl -sf --cacert "$AUTHORITY" --connect-timeout 2 --max-time 5 \
    "$API/api/v1/namespaces/kube-public/configmaps/cluster-info" | grep -q "\"jws-kubeconfig-$TOKEN_ID\""
}

wait_for_api_server() {
  local deadline=$((SECONDS + 600)) answer
  until cluster_info_is_signed; do
    if ((SECONDS >= deadline)); then
      answer=$(curl -sS --cacert "$AUTHORITY" --max-time 5 "$API/readyz" 2>&1 || true)
      die "waited 600 s for the API server to know the token: $API says: $answer" "curl -k $API/readyz"
    fi
    sleep 0.5
  done
}

# Whether the cluster that answers now knows this node by its own certificate. A control plane that was made again does not.
is_member() {
  local answer
  [[ -e $KUBELET_CONFIG ]] || return 1
  if answer=$(kubectl --kubeconfig="$KUBELET_CONFIG" --request-timeout=10s get node "$NODE_NAME" -o name 2>&1); then return 0; fi
  case $answer in
  *NotFound* | *Unauthorized* | *Forbidden* | *"no such file"*) return 1 ;;
  *) die "cannot tell whether the node is a member: $answer" "sudo kubectl --kubeconfig=$KUBELET_CONFIG get node $NODE_NAME" ;;
  esac
}

join_leftovers() {
  [[ -e $KUBELET_CONFIG || -e /etc/kubernetes/bootstrap-kubelet.conf || -e /etc/kubernetes/pki/ca.crt || -e /var/lib/kubelet/config.yaml ]]
}

# A node that is no member has nothing to lose. Joining is refused for up to a minute where a machine of the same name was lost just now.
join() {
  if join_leftovers; then kubeadm reset -f --cri-socket="$CRI_SOCKET"; fi
  kubeadm join --config="$JOIN_FILE"
}
