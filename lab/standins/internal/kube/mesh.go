package kube

// HTTPRoute holds the fields of an HTTPRoute, of the Gateway API's group or of Linkerd's own.
type HTTPRoute struct {
	Metadata Metadata `json:"metadata"`
	Spec     struct {
		ParentRefs []Reference     `json:"parentRefs"`
		Rules      []HTTPRouteRule `json:"rules"`
	} `json:"spec"`
}

// Reference names an object; an empty group is the core group, an empty namespace the referrer's own.
type Reference struct {
	Group     string  `json:"group"`
	Kind      string  `json:"kind"`
	Namespace string  `json:"namespace"`
	Name      string  `json:"name"`
	Port      *uint16 `json:"port"`
}

// Is tells whether the reference is to this kind; "core" is another name of the core group.
func (r Reference) Is(group, kind string) bool {
	own := r.Group
	if own == "core" {
		own = ""
	}
	return own == group && r.Kind == kind
}

// In is the referred object's namespace, seen from this one.
func (r Reference) In(namespace string) string {
	if r.Namespace != "" {
		return r.Namespace
	}
	return namespace
}

// HTTPRouteRule is what is done with the requests that match; none of Matches is everything.
type HTTPRouteRule struct {
	Matches     []HTTPMatch      `json:"matches"`
	Filters     []map[string]any `json:"filters"`
	BackendRefs []BackendRef     `json:"backendRefs"`
	Timeouts    struct {
		Request string `json:"request"`
	} `json:"timeouts"`
}

// HTTPMatch is a condition on a request. Of a header, query or method condition only its presence is known.
type HTTPMatch struct {
	Path struct {
		Type  string `json:"type"`
		Value string `json:"value"`
	} `json:"path"`
	Headers     []any  `json:"headers"`
	QueryParams []any  `json:"queryParams"`
	Method      string `json:"method"`
}

// BackendRef is a service that gets a share of the requests; without a weight it is 1.
type BackendRef struct {
	Reference
	Weight *uint32 `json:"weight"`
}

// Server holds the fields of Linkerd's Server: a port of some pods.
type Server struct {
	Metadata Metadata `json:"metadata"`
	Spec     struct {
		PodSelector Selector   `json:"podSelector"`
		Port        PortOrName `json:"port"`
	} `json:"spec"`
}

// Selector selects objects by their labels.
type Selector struct {
	MatchLabels      map[string]string `json:"matchLabels"`
	MatchExpressions []struct {
		Key      string   `json:"key"`
		Operator string   `json:"operator"`
		Values   []string `json:"values"`
	} `json:"matchExpressions"`
}

// AuthorizationPolicy holds the fields of Linkerd's AuthorizationPolicy.
type AuthorizationPolicy struct {
	Metadata Metadata `json:"metadata"`
	Spec     struct {
		TargetRef                  Reference   `json:"targetRef"`
		RequiredAuthenticationRefs []Reference `json:"requiredAuthenticationRefs"`
	} `json:"spec"`
}

// MeshTLSAuthentication holds the identities that are meant, by name or by service account.
type MeshTLSAuthentication struct {
	Metadata Metadata `json:"metadata"`
	Spec     struct {
		Identities   []string    `json:"identities"`
		IdentityRefs []Reference `json:"identityRefs"`
	} `json:"spec"`
}

// NetworkAuthentication holds the networks that are meant.
type NetworkAuthentication struct {
	Metadata Metadata `json:"metadata"`
	Spec     struct {
		Networks []struct {
			CIDR   string   `json:"cidr"`
			Except []string `json:"except"`
		} `json:"networks"`
	} `json:"spec"`
}

// Selects tells whether labels fulfil every condition; an empty selector selects all.
func (s Selector) Selects(labels map[string]string) bool {
	for key, value := range s.MatchLabels {
		if labels[key] != value {
			return false
		}
	}
	for _, condition := range s.MatchExpressions {
		value, has := labels[condition.Key]
		in := false
		for _, candidate := range condition.Values {
			in = in || has && candidate == value
		}
		fulfilled := map[string]bool{"Exists": has, "DoesNotExist": !has, "In": in, "NotIn": !in}[condition.Operator]
		if !fulfilled {
			return false
		}
	}
	return true
}
