{{- define "linkerd.trustDomain" -}}
{{- .Values.identityTrustDomain | default .Values.clusterDomain -}}
{{- end -}}

{{- define "linkerd.native" -}}
{{- if kindIs "invalid" .Values.proxy.nativeSidecar -}}
{{- ternary "" "true" (hasPrefix "stable" .Chart.AppVersion) -}}
{{- else if .Values.proxy.nativeSidecar -}}true{{- end -}}
{{- end -}}

{{- define "linkerd.controllerImage" -}}
{{ .Values.controllerImage }}:{{ .Values.controllerImageVersion | default .Chart.AppVersion }}
{{- end -}}

{{- define "linkerd.proxyImage" -}}
{{ .Values.proxy.image.name }}:{{ .Values.proxy.image.version | default .Chart.AppVersion }}
{{- end -}}

{{- define "linkerd.labels" -}}
app.kubernetes.io/name: {{ .component }}
app.kubernetes.io/part-of: Linkerd
app.kubernetes.io/version: {{ .root.Chart.AppVersion }}
linkerd.io/control-plane-component: {{ .component }}
linkerd.io/control-plane-ns: {{ .root.Release.Namespace }}
{{- end -}}

{{- define "linkerd.standIn" -}}
daybreak.io/stand-in: "true"
{{- end -}}

{{- /* Linkerd's form {cpu: {request, limit}, …} as a container's. */ -}}
{{- define "linkerd.resources" -}}
{{- $all := dict -}}
{{- range $kind := list "cpu" "memory" -}}
{{- $of := index (default dict $) $kind | default dict -}}
{{- range $form, $key := dict "requests" "request" "limits" "limit" -}}
{{- with index $of $key -}}
{{- $_ := set $all $form (merge (dict $kind .) (index $all $form | default dict)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- toYaml $all -}}
{{- end -}}

{{- define "linkerd.restricted" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities:
  drop: [ALL]
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- /* The sidecar. Arguments: root, component ("" for injected pods), native, await. */ -}}
{{- define "linkerd.proxy" -}}
{{- $v := .root.Values -}}
{{- $plane := .root.Release.Namespace -}}
{{- $domain := $v.clusterDomain -}}
{{- $names := printf "%s.serviceaccount.identity.%s.%s" $plane $plane (include "linkerd.trustDomain" .root) -}}
name: linkerd-proxy
image: {{ include "linkerd.proxyImage" .root }}
imagePullPolicy: {{ $v.imagePullPolicy }}
args: [run]
{{- if .native }}
restartPolicy: Always
startupProbe:
  httpGet:
    path: /ready
    port: {{ $v.proxy.ports.admin }}
  {{- toYaml $v.proxy.startupProbe | nindent 2 }}
{{- else if .await }}
lifecycle:
  postStart:
    exec:
      command: [/usr/bin/linkerd-proxy, await, --timeout=2m, --port={{ $v.proxy.ports.admin }}]
{{- end }}
env:
  - name: _pod_ns
    valueFrom: { fieldRef: { fieldPath: metadata.namespace } }
  - name: _pod_name
    valueFrom: { fieldRef: { fieldPath: metadata.name } }
  - name: _pod_sa
    valueFrom: { fieldRef: { fieldPath: spec.serviceAccountName } }
  - name: LINKERD2_PROXY_VERSION
    value: {{ .root.Chart.AppVersion }}
  - name: LINKERD2_PROXY_INBOUND_IPS
    valueFrom: { fieldRef: { fieldPath: status.podIPs } }
  - name: LINKERD2_PROXY_INBOUND_LISTEN_ADDR
    value: 0.0.0.0:{{ $v.proxy.ports.inbound }}
  - name: LINKERD2_PROXY_OUTBOUND_LISTEN_ADDR
    value: 0.0.0.0:{{ $v.proxy.ports.outbound }}
  - name: LINKERD2_PROXY_ADMIN_LISTEN_ADDR
    value: 0.0.0.0:{{ $v.proxy.ports.admin }}
  - name: LINKERD2_PROXY_CONTROL_LISTEN_ADDR
    value: 0.0.0.0:{{ $v.proxy.ports.control }}
  - name: LINKERD2_PROXY_INBOUND_PORTS_DISABLE_PROTOCOL_DETECTION
    value: {{ $v.proxy.opaquePorts | quote }}
  - name: LINKERD2_PROXY_IDENTITY_LOCAL_NAME
    value: $(_pod_sa).$(_pod_ns).serviceaccount.identity.{{ $plane }}.{{ include "linkerd.trustDomain" .root }}
  - name: LINKERD2_PROXY_IDENTITY_TOKEN_FILE
    value: /var/run/secrets/tokens/linkerd-identity-token
  - name: LINKERD2_PROXY_IDENTITY_TRUST_ANCHORS
    value: {{ $v.identityTrustAnchorsPEM | quote }}
  - name: LINKERD2_PROXY_IDENTITY_SVC_ADDR
    value: {{ eq .component "identity" | ternary "localhost.:8080" (printf "linkerd-identity-headless.%s.svc.%s.:8080" $plane $domain) }}
  - name: LINKERD2_PROXY_IDENTITY_SVC_NAME
    value: linkerd-identity.{{ $names }}
  - name: LINKERD2_PROXY_DESTINATION_SVC_ADDR
    value: {{ eq .component "destination" | ternary "localhost.:8086" (printf "linkerd-dst-headless.%s.svc.%s.:8086" $plane $domain) }}
  - name: LINKERD2_PROXY_DESTINATION_SVC_NAME
    value: linkerd-destination.{{ $names }}
  - name: LINKERD2_PROXY_POLICY_SVC_ADDR
    value: {{ eq .component "destination" | ternary "localhost.:8090" (printf "linkerd-policy.%s.svc.%s.:8090" $plane $domain) }}
  - name: LINKERD2_PROXY_POLICY_SVC_NAME
    value: linkerd-destination.{{ $names }}
  - name: LINKERD2_PROXY_POLICY_WORKLOAD
    value: '{"ns":"$(_pod_ns)","pod":"$(_pod_name)"}'
  - name: LINKERD2_PROXY_SHUTDOWN_GRACE_PERIOD
    value: {{ $v.proxy.shutdownGracePeriod }}
  - name: LINKERD2_PROXY_SHUTDOWN_ENDPOINT_ENABLED
    value: {{ $v.proxy.enableShutdownEndpoint | quote }}
  {{- with $v.proxy.tracing }}
  {{- if .enabled }}
  - name: _pod_uid
    valueFrom: { fieldRef: { fieldPath: metadata.uid } }
  - name: LINKERD2_PROXY_TRACE_COLLECTOR_SVC_ADDR
    value: {{ required "proxy.tracing.collector.endpoint is required" .collector.endpoint }}
  - name: LINKERD2_PROXY_TRACE_COLLECTOR_SVC_NAME
    {{- $identity := .collector.meshIdentity }}
    value: {{ required "proxy.tracing.collector.meshIdentity.serviceAccountName is required" $identity.serviceAccountName }}.{{ required "proxy.tracing.collector.meshIdentity.namespace is required" $identity.namespace }}.serviceaccount.identity.{{ $plane }}.{{ include "linkerd.trustDomain" $.root }}
  - name: LINKERD2_PROXY_TRACE_SERVICE_NAME
    value: {{ .traceServiceName }}
  - name: LINKERD2_PROXY_TRACE_EXTRA_ATTRIBUTES
    value: |
      k8s.pod.uid=$(_pod_uid)
      k8s.container.name=linkerd-proxy
  {{- end }}
  {{- end }}
  {{- if .component }}
  - name: LINKERD2_PROXY_CONTROL_PLANE
    value: "true"
  {{- end }}
  {{- if eq .component "identity" }}
  - name: LINKERD2_PROXY_INBOUND_ANONYMOUS_TLS
    value: "true"
  {{- end }}
ports:
  - name: linkerd-proxy
    containerPort: {{ $v.proxy.ports.inbound }}
  - name: linkerd-admin
    containerPort: {{ $v.proxy.ports.admin }}
livenessProbe:
  httpGet:
    path: /live
    port: {{ $v.proxy.ports.admin }}
  initialDelaySeconds: 10
readinessProbe:
  httpGet:
    path: /ready
    port: {{ $v.proxy.ports.admin }}
  periodSeconds: 2
resources:
  {{- include "linkerd.resources" $v.proxy.resources | nindent 2 }}
securityContext:
  {{- include "linkerd.restricted" . | nindent 2 }}
  runAsUser: {{ $v.proxy.uid }}
terminationMessagePolicy: FallbackToLogsOnError
volumeMounts:
  - name: linkerd-identity-token
    mountPath: /var/run/secrets/tokens
    readOnly: true
{{- end -}}

{{- /* Redirects the pod's TCP through the proxy. */ -}}
{{- define "linkerd.init" -}}
{{- $v := .root.Values -}}
name: linkerd-init
image: {{ include "linkerd.proxyImage" .root }}
imagePullPolicy: {{ $v.imagePullPolicy }}
args:
  - init
  - --iptables-mode
  - {{ $v.proxyInit.iptablesMode | default (hasPrefix "stable" .root.Chart.AppVersion | ternary "legacy" "nft") }}
  - --incoming-proxy-port
  - {{ $v.proxy.ports.inbound | quote }}
  - --outgoing-proxy-port
  - {{ $v.proxy.ports.outbound | quote }}
  - --proxy-uid
  - {{ $v.proxy.uid | quote }}
  - --inbound-ports-to-ignore
  - {{ list $v.proxy.ports.control $v.proxy.ports.admin $v.proxyInit.ignoreInboundPorts | join "," | trimSuffix "," | quote }}
  - --outbound-ports-to-ignore
  - {{ not (empty .component) | ternary (printf "%s,%s" $v.proxyInit.kubeAPIServerPorts $v.proxyInit.ignoreOutboundPorts | trimAll ",") $v.proxyInit.ignoreOutboundPorts | quote }}
  - --subnets-to-ignore
  - {{ $v.proxyInit.skipSubnets | quote }}
resources:
  {{- include "linkerd.resources" $v.proxy.resources | nindent 2 }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  runAsNonRoot: false
  runAsUser: 0
  capabilities:
    drop: [ALL]
    add: [NET_ADMIN, NET_RAW]
  seccompProfile:
    type: RuntimeDefault
terminationMessagePolicy: FallbackToLogsOnError
volumeMounts:
  - name: linkerd-proxy-init-xtables-lock
    mountPath: /run
{{- end -}}

{{- define "linkerd.volumes" -}}
- name: linkerd-identity-token
  projected:
    sources:
      - serviceAccountToken:
          path: linkerd-identity-token
          audience: identity.l5d.io
          expirationSeconds: 86400
- name: linkerd-proxy-init-xtables-lock
  emptyDir: {}
{{- end -}}

{{- /* What all pods of the control plane have. Arguments: root, component, name. */ -}}
{{- define "linkerd.podMetadata" -}}
annotations:
  linkerd.io/created-by: {{ printf "lab stand-in, not Linkerd (%s)" .root.Chart.AppVersion }}
  linkerd.io/proxy-version: {{ .root.Chart.AppVersion }}
  linkerd.io/trust-root-sha256: {{ .root.Values.identityTrustAnchorsPEM | sha256sum }}
  {{- with .annotations }}{{ toYaml . | nindent 2 }}{{ end }}
  {{- with .root.Values.podAnnotations }}{{ toYaml . | nindent 2 }}{{ end }}
labels:
  {{- include "linkerd.labels" . | nindent 2 }}
  {{- include "linkerd.standIn" . | nindent 2 }}
  linkerd.io/workload-ns: {{ .root.Release.Namespace }}
  linkerd.io/proxy-deployment: {{ .name }}
  {{- with .root.Values.podLabels }}{{ toYaml . | nindent 2 }}{{ end }}
{{- end -}}

{{- /* Arguments: root, component, name. */ -}}
{{- define "linkerd.placement" -}}
{{- if .root.Values.enablePodAntiAffinity }}
affinity:
  podAntiAffinity:
    requiredDuringSchedulingIgnoredDuringExecution:
      - labelSelector:
          matchLabels:
            linkerd.io/control-plane-component: {{ .component }}
        topologyKey: kubernetes.io/hostname
{{- end }}
{{- with .root.Values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- /* One container of the control plane. Arguments: root, name, args, ports, admin, resources, mounts. */ -}}
{{- define "linkerd.container" -}}
name: {{ .name }}
image: {{ include "linkerd.controllerImage" .root }}
imagePullPolicy: {{ .root.Values.imagePullPolicy }}
args: {{- toYaml .args | nindent 2 }}
ports: {{- toYaml .ports | nindent 2 }}
livenessProbe:
  httpGet: { path: /ping, port: {{ .admin }} }
  initialDelaySeconds: 10
readinessProbe:
  httpGet: { path: /ready, port: {{ .admin }} }
  periodSeconds: 2
  failureThreshold: 7
resources: {{- include "linkerd.resources" .resources | nindent 2 }}
securityContext:
  {{- include "linkerd.restricted" . | nindent 2 }}
  runAsUser: 2103
{{- with .mounts }}
volumeMounts: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- /* A webhook's certificate: the one in the cluster, else a new one for ten years. Arguments: root, name, secret. */ -}}
{{- define "linkerd.webhookCertificate" -}}
{{- $host := printf "%s.%s.svc" .name .root.Release.Namespace -}}
{{- $found := lookup "v1" "Secret" .root.Release.Namespace .secret -}}
{{- if and $found (index $found.data "ca.crt") -}}
{{- dict "ca" (index $found.data "ca.crt") "crt" (index $found.data "tls.crt") "key" (index $found.data "tls.key") | toJson -}}
{{- else -}}
{{- $ca := genCA (printf "%s CA" $host) 3650 -}}
{{- $cert := genSignedCert $host nil (list $host) 3650 $ca -}}
{{- dict "ca" ($ca.Cert | b64enc) "crt" ($cert.Cert | b64enc) "key" ($cert.Key | b64enc) | toJson -}}
{{- end -}}
{{- end -}}

{{- define "linkerd.webhookSecret" -}}
apiVersion: v1
kind: Secret
metadata:
  name: {{ .secret }}
  namespace: {{ .root.Release.Namespace }}
  labels: {{- include "linkerd.labels" . | nindent 4 }}
type: kubernetes.io/tls
data:
  tls.crt: {{ .certificate.crt }}
  tls.key: {{ .certificate.key }}
  ca.crt: {{ .certificate.ca }}
{{- end -}}

{{- define "linkerd.disruptionBudget" -}}
{{- if .root.Values.enablePodDisruptionBudget }}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ .name }}
  namespace: {{ .root.Release.Namespace }}
  labels: {{- include "linkerd.labels" . | nindent 4 }}
spec:
  maxUnavailable: 1
  selector:
    matchLabels:
      linkerd.io/control-plane-component: {{ .component }}
{{- end }}
{{- end -}}

{{- define "linkerd.namespaceSelector" -}}
matchExpressions:
  - { key: config.linkerd.io/admission-webhooks, operator: NotIn, values: [disabled] }
  - { key: kubernetes.io/metadata.name, operator: NotIn, values: [kube-system, cert-manager] }
{{- end -}}
