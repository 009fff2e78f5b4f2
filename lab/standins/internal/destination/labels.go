package destination

import (
	"strings"

	"daybreak/lab/standins/internal/kube"
	"daybreak/lab/standins/internal/mesh"
)

// podLabels are the metric labels dst_* of a pod, as Linkerd names them.
func podLabels(pod *kube.Pod, service string) map[string]string {
	labels := map[string]string{
		"dst_namespace": pod.Metadata.Namespace, "dst_pod": pod.Metadata.Name, "dst_serviceaccount": pod.Spec.ServiceAccountName,
	}
	if service != "" {
		labels["dst_service"] = service
	}
	if plane := pod.Metadata.Labels[mesh.ControlPlaneLabel]; plane != "" {
		labels["dst_control_plane_ns"] = plane
	}
	hash := pod.Metadata.Labels["pod-template-hash"]
	if hash != "" {
		labels["dst_pod_template_hash"] = hash
	}
	if kind, name := Workload(pod); kind != "" {
		labels["dst_"+kind] = name
	}
	return labels
}

// Workload is the kind (lower case) and name of what made the pod: a ReplicaSet's Deployment, else the owner itself.
func Workload(pod *kube.Pod) (kind, name string) {
	if len(pod.Metadata.OwnerReferences) == 0 {
		return "", ""
	}
	owner := pod.Metadata.OwnerReferences[0]
	if hash := pod.Metadata.Labels["pod-template-hash"]; owner.Kind == "ReplicaSet" && hash != "" {
		if deployment, cut := strings.CutSuffix(owner.Name, "-"+hash); cut {
			return "deployment", deployment
		}
	}
	return strings.ToLower(owner.Kind), owner.Name
}
