# shellcheck shell=bash
# Makes a machine fit for kubeadm: kernel settings, packages, containerd. Runs on every node; does nothing that is done already.
# Set: KUBERNETES_VERSION PACKAGE_SITE PACKAGE_KEY_FINGERPRINT IMAGE_MIRROR REGISTRIES SANDBOX_IMAGE PREPULL_IMAGES

KEYRING=/etc/apt/keyrings/kubernetes.asc
SOURCE_LIST=/etc/apt/sources.list.d/kubernetes.list
CRI_SOCKET=unix:///run/containerd/containerd.sock

prepare() {
  step "waiting for the first boot to end"
  wait_for_first_boot
  refuse_other_version
  step "setting up the kernel"
  name_itself
  load_modules
  set_kernel_parameters
  if packages_installed; then
    step "using the packages that are there"
  else
    step "installing packages"
    install_packages
  fi
  step "setting up containerd"
  configure_containerd
  configure_kubelet
  pull_images_meanwhile
}

# cloud-init uses apt itself. Its own failures are none of ours as long as it ends.
wait_for_first_boot() {
  command -v cloud-init >/dev/null || return 0
  timeout 300 cloud-init status --wait >/dev/null || [[ $? -ne 124 ]] ||
    die "cloud-init has not ended within 300 s" "cloud-init status --long"
}

refuse_other_version() {
  local running
  [[ -e /etc/kubernetes/kubelet.conf ]] && command -v kubelet >/dev/null || return 0
  running=$(kubelet --version)
  [[ $running == "Kubernetes v$KUBERNETES_VERSION" ]] ||
    die "the node runs $running, the configuration asks for $KUBERNETES_VERSION: a running cluster keeps its version; pulumi destroy and pulumi up make a new one" \
      "kubelet --version"
}

# kubeadm and sudo look the host name up; without this line they wait for the name server.
name_itself() {
  grep -qE "[[:space:]]$NODE_NAME(\$|[[:space:]])" /etc/hosts || printf '127.0.1.1 %s\n' "$NODE_NAME" >>/etc/hosts
}

# A kernel may have a module built in, and then modprobe knows nothing of it: what counts is what the kernel offers.
load_modules() {
  local module
  printf 'overlay\nbr_netfilter\n' >/etc/modules-load.d/daybreak.conf
  for module in overlay br_netfilter; do modprobe "$module" || true; done
  grep -qw overlay /proc/filesystems || die "the kernel has no overlay file system" "modprobe overlay"
  [[ -e /proc/sys/net/bridge/bridge-nf-call-iptables ]] ||
    die "the kernel has no br_netfilter" "modprobe br_netfilter"
}

set_kernel_parameters() {
  local name
  local -a names=(net.ipv4.ip_forward net.bridge.bridge-nf-call-iptables net.bridge.bridge-nf-call-ip6tables)
  printf '%s = 1\n' "${names[@]}" >/etc/sysctl.d/90-daybreak.conf
  sysctl -q -p /etc/sysctl.d/90-daybreak.conf || true
  for name in "${names[@]}"; do
    [[ $(sysctl -n "$name") == 1 ]] || die "cannot set $name to 1" "sysctl -w $name=1"
  done
}

packages_installed() {
  local package
  for package in kubelet kubeadm kubectl; do
    # shellcheck disable=SC2016 # dpkg's own placeholders
    [[ $(dpkg-query -W -f '${db:Status-Abbrev}${Version}' "$package" 2>/dev/null) == ?i*" $KUBERNETES_VERSION-"* ]] || return 1
  done
  command -v containerd >/dev/null && command -v crictl >/dev/null
}

apt_get() {
  DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=l apt-get -q -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 "$@"
}

# The Kubernetes site alone is read in no time and a mirror may hold everything; only what it lacks needs the system's own archives.
install_packages() {
  add_repository
  wait_until 180 "the list of Kubernetes' packages (see $LOG)" apt_get update \
    -o APT::Update::Error-Mode=any -o Dir::Etc::SourceList="$SOURCE_LIST" -o Dir::Etc::SourceParts=/dev/null
  if ! install_pinned; then
    wait_until 180 "apt-get update (see $LOG)" apt_get update
    install_pinned
  fi
  apt-mark hold kubelet kubeadm kubectl
}

install_pinned() {
  apt_get install -y --no-install-recommends --allow-change-held-packages containerd \
    "kubelet=$KUBERNETES_VERSION-*" "kubeadm=$KUBERNETES_VERSION-*" "kubectl=$KUBERNETES_VERSION-*"
}

# apt trusts Kubernetes' packages for this one key only; upstream's is known in advance, a mirror has its own.
add_repository() {
  local site="$PACKAGE_SITE/core:/stable:/v${KUBERNETES_VERSION%.*}/deb/" key
  key=$(mktemp)
  curl -fsSL --retry 5 --retry-all-errors --retry-max-time 120 --connect-timeout 10 -o "$key" "${site}Release.key" ||
    die "cannot fetch ${site}Release.key" "curl -v ${site}Release.key"
  if [[ -n $PACKAGE_KEY_FINGERPRINT ]]; then
    gpg --batch --show-keys --with-colons "$key" | grep -q "^fpr:.*:$PACKAGE_KEY_FINGERPRINT:\$" ||
      die "${site}Release.key is not the key $PACKAGE_KEY_FINGERPRINT" "curl ${site}Release.key | gpg --show-keys"
  fi
  install -D -m 0644 "$key" "$KEYRING"
  rm -f "$key"
  write_file 0644 "$SOURCE_LIST" "deb [signed-by=$KEYRING] $site /"
}

configure_containerd() {
  local config=/etc/containerd/config.toml wanted
  wanted=$(containerd_config)
  write_mirrors
  write_file 0644 /etc/crictl.yaml "runtime-endpoint: $CRI_SOCKET"
  if [[ $(cat "$config" 2>/dev/null) != "$wanted" ]]; then
    write_file 0644 "$config" "$wanted"
    systemctl restart containerd
  fi
  systemctl enable --now containerd
  wait_until 60 "containerd to answer" crictl version
}

# Machines whose kernel refuses negative scores even to root must not ask for them, or no pod starts.
oom_scores_are_restricted() {
  ! (echo -998 >/proc/self/oom_score_adj) 2>/dev/null
}

# containerd 2 has other names for the same settings and ignores the old ones in a file of its own version.
containerd_config() {
  local restrict=false
  if oom_scores_are_restricted; then restrict=true; fi
  case $(containerd --version) in
  *" 1."* | *" v1."*) containerd_1_config "$restrict" ;;
  *) containerd_2_config "$restrict" ;;
  esac
}

containerd_1_config() {
  cat <<TOML
version = 2
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "$SANDBOX_IMAGE"
  restrict_oom_score_adj = $1
[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = "/opt/cni/bin"
  conf_dir = "/etc/cni/net.d"
[plugins."io.containerd.grpc.v1.cri".registry]
  config_path = "/etc/containerd/certs.d"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
  SystemdCgroup = true
TOML
}

containerd_2_config() {
  cat <<TOML
version = 3
[plugins."io.containerd.cri.v1.images".pinned_images]
  sandbox = "$SANDBOX_IMAGE"
[plugins."io.containerd.cri.v1.images".registry]
  config_path = "/etc/containerd/certs.d"
[plugins."io.containerd.cri.v1.runtime"]
  restrict_oom_score_adj = $1
[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
  SystemdCgroup = true
TOML
}

# One file per upstream registry; containerd reads them at every pull, so they need no restart.
write_mirrors() {
  local registry server
  for registry in $REGISTRIES; do
    if [[ -z $IMAGE_MIRROR ]]; then
      rm -f "/etc/containerd/certs.d/$registry/hosts.toml"
      continue
    fi
    server=$registry
    if [[ $registry == docker.io ]]; then server="registry-1.docker.io"; fi
    write_file 0644 "/etc/containerd/certs.d/$registry/hosts.toml" "$(mirror_config "$registry" "$server")"
  done
}

mirror_config() {
  cat <<TOML
server = "https://$2"
[host."$IMAGE_MIRROR/v2/$1"]
  capabilities = ["pull", "resolve"]
  override_path = true
TOML
}

# After a reboot the kubelet can start before containerd answers; upstream's 10 s until the next try are too long.
configure_kubelet() {
  local file=/etc/systemd/system/kubelet.service.d/20-daybreak.conf wanted=$'[Service]\nRestartSec=2'
  if [[ $(cat "$file" 2>/dev/null) != "$wanted" ]]; then
    write_file 0644 "$file" "$wanted"
    systemctl daemon-reload
  fi
  systemctl enable kubelet
}

# Whatever is not there in time is pulled by the kubelet; so failures here don't matter.
pull_images_meanwhile() {
  local image
  (for image in $PREPULL_IMAGES; do crictl pull "$image" || true; done) 3>&- 9>&- &
}
