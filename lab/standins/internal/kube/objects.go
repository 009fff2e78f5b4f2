package kube

import "encoding/json"

// Metadata is what every object has.
type Metadata struct {
	Name            string            `json:"name"`
	Namespace       string            `json:"namespace,omitempty"`
	Labels          map[string]string `json:"labels,omitempty"`
	Annotations     map[string]string `json:"annotations,omitempty"`
	ResourceVersion string            `json:"resourceVersion,omitempty"`
	OwnerReferences []Owner           `json:"ownerReferences,omitempty"`
}

// Owner is an owner reference.
type Owner struct {
	Kind string `json:"kind"`
	Name string `json:"name"`
}

// Pod holds the fields of a pod that the stand-ins read.
type Pod struct {
	Metadata Metadata `json:"metadata"`
	Spec     struct {
		ServiceAccountName string      `json:"serviceAccountName"`
		HostNetwork        bool        `json:"hostNetwork"`
		InitContainers     []Container `json:"initContainers"`
		Containers         []Container `json:"containers"`
	} `json:"spec"`
	Status struct {
		Phase string `json:"phase"`
		PodIP string `json:"podIP"`
	} `json:"status"`
}

// Container holds a container's ports and the probes that the kubelet sends to them.
type Container struct {
	Ports []struct {
		Name          string `json:"name"`
		ContainerPort uint16 `json:"containerPort"`
	} `json:"ports"`
	StartupProbe   *Probe `json:"startupProbe"`
	ReadinessProbe *Probe `json:"readinessProbe"`
	LivenessProbe  *Probe `json:"livenessProbe"`
}

// Probe is one that asks by HTTP; of others nothing is kept.
type Probe struct {
	HTTPGet *struct {
		Path string     `json:"path"`
		Port PortOrName `json:"port"`
	} `json:"httpGet"`
}

// PortOrName is a port's number or, where that is 0, its name.
type PortOrName struct {
	Number uint16
	Name   string
}

// UnmarshalJSON reads either form.
func (p *PortOrName) UnmarshalJSON(text []byte) error {
	if len(text) > 0 && text[0] == '"' {
		return json.Unmarshal(text, &p.Name)
	}
	return json.Unmarshal(text, &p.Number)
}

// Service holds the fields of a service that the stand-ins read.
type Service struct {
	Metadata Metadata `json:"metadata"`
	Spec     struct {
		ClusterIP string        `json:"clusterIP"`
		Ports     []ServicePort `json:"ports"`
	} `json:"spec"`
}

// ServicePort is one port of a service.
type ServicePort struct {
	Name        string `json:"name"`
	Port        uint16 `json:"port"`
	AppProtocol string `json:"appProtocol"`
}

// EndpointSlice holds the addresses behind a service.
type EndpointSlice struct {
	Metadata    Metadata       `json:"metadata"`
	AddressType string         `json:"addressType"`
	Endpoints   []Endpoint     `json:"endpoints"`
	Ports       []EndpointPort `json:"ports"`
}

// Endpoint is one backend.
type Endpoint struct {
	Addresses  []string `json:"addresses"`
	Conditions struct {
		Ready *bool `json:"ready"`
	} `json:"conditions"`
}

// EndpointPort is a port of all endpoints of a slice.
type EndpointPort struct {
	Name *string `json:"name"`
	Port *uint16 `json:"port"`
}

// ConfigMap holds text by key.
type ConfigMap struct {
	Metadata Metadata          `json:"metadata"`
	Data     map[string]string `json:"data"`
}

// NamespaceObject is a namespace.
type NamespaceObject struct {
	Metadata Metadata `json:"metadata"`
}
