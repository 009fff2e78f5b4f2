# shellcheck shell=bash
# Makes the prepared machine the control plane. The authority, the token and the addresses were known before the machine.
# Set: NODE_ADDRESS PUBLIC_ADDRESS CA_CERTIFICATE CA_KEY ENCRYPTION_CONFIG AUDIT_POLICY KUBEADM_CONFIG FLANNEL_MANIFEST

PKI=/etc/kubernetes/pki
FILES=/etc/kubernetes/daybreak
INITIALIZED=$FILES/initialized
KUBEADM_FILE=$RUN_DIR/kubeadm.yaml
# Seconds; CoreDNS' own default, where kubeadm says 30. Decision 13 has the reason.
DNS_TTL=5

control_plane() {
  write_file 0600 "$KUBEADM_FILE" "$KUBEADM_CONFIG"
  lay_down_authority
  lay_down_files
  if [[ -e $INITIALIZED ]]; then
    step "bringing the control plane up to date"
    update_control_plane
  else
    step "running kubeadm init"
    initialize
    touch "$INITIALIZED"
  fi
  step "shortening the life of DNS answers"
  wait_until 60 "the API server to take CoreDNS' configuration" shorten_dns_answers
  step "applying flannel"
  wait_until 60 "the API server to take flannel's manifest" apply_flannel
  rm -f "$KUBEADM_FILE"
}

cluster() {
  kubectl --kubeconfig=/etc/kubernetes/admin.conf "$@"
}

api_answers() {
  cluster --request-timeout=5s get --raw /readyz
}

# kubeadm keeps an authority that it finds; all that it makes is signed by this one.
lay_down_authority() {
  if [[ -e $INITIALIZED && $(cat "$PKI/ca.crt") != "$CA_CERTIFICATE" ]]; then
    die "the cluster was made with another authority than this stack's; the machine has to be made again" \
      "openssl x509 -noout -subject -dates -in $PKI/ca.crt"
  fi
  write_file 0644 "$PKI/ca.crt" "$CA_CERTIFICATE"
  write_file 0600 "$PKI/ca.key" "$CA_KEY"
}

lay_down_files() {
  write_file 0600 "$FILES/encryption.yaml" "$ENCRYPTION_CONFIG"
  write_file 0644 "$FILES/audit-policy.yaml" "$AUDIT_POLICY"
  install -d -m 0700 /var/log/kubernetes/audit
}

# An init that was cut off is gone through again over what it left. Only one that never had a working API server starts from nothing:
# no worker can have joined it.
initialize() {
  if ! init_leftovers; then
    kubeadm_init
    return
  fi
  step "completing an interrupted kubeadm init"
  if kubeadm_init --ignore-preflight-errors="$(leftover_checks)"; then return; fi
  if api_answers; then die "kubeadm init cannot be completed" "sudo kubectl --kubeconfig=/etc/kubernetes/admin.conf get pods -A"; fi
  step "starting kubeadm init from nothing"
  kubeadm reset -f --cri-socket="$CRI_SOCKET"
  lay_down_authority
  lay_down_files
  kubeadm_init
}

# The token is not printed: this output goes to a log.
kubeadm_init() {
  kubeadm init --config="$KUBEADM_FILE" --skip-token-print "$@"
}

init_leftovers() {
  [[ -e /etc/kubernetes/admin.conf || -e /etc/kubernetes/manifests/kube-apiserver.yaml || -d /var/lib/etcd/member ]]
}

# kubeadm's names for the checks that an unfinished control plane fails.
leftover_checks() {
  local component checks=DirAvailable--var-lib-etcd port
  for component in kube-apiserver kube-controller-manager kube-scheduler etcd; do
    checks+=,FileAvailable--etc-kubernetes-manifests-$component.yaml
  done
  for port in 6443 10250 10257 10259 2379 2380; do checks+=,Port-$port; done
  printf '%s' "$checks"
}

# Every phase leaves alone what is right already. The token is valid for another day, so that a worker added later can join.
update_control_plane() {
  if ! openssl x509 -noout -checkip "$PUBLIC_ADDRESS" -in "$PKI/apiserver.crt" | grep -q 'does match'; then
    rm -f "$PKI/apiserver.crt" "$PKI/apiserver.key"
    kubeadm init phase certs apiserver --config="$KUBEADM_FILE"
  fi
  systemctl start kubelet
  kubeadm init phase control-plane all --config="$KUBEADM_FILE"
  wait_until 180 "the API server to answer" api_answers
  kubeadm init phase upload-config all --config="$KUBEADM_FILE"
  kubeadm init phase bootstrap-token --config="$KUBEADM_FILE"
}

apply_flannel() {
  cluster --request-timeout=20s apply --server-side --force-conflicts -f - <<<"$FLANNEL_MANIFEST"
}

# CoreDNS' pods start later, with flannel, and read it then; ones that run follow within a minute.
shorten_dns_answers() {
  cluster -n kube-system --request-timeout=10s get configmap coredns -o yaml |
    sed "s/^\\( *ttl \\)30\$/\\1$DNS_TTL/" |
    cluster --request-timeout=10s replace -f -
}
